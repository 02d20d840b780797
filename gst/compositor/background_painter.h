// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <opencv2/core.hpp>

#include "compositor/pixel_space.h"
#include "compositor/settings.h"
#include "stream/face_meta.h"
#include "stream/video_frame.h"

namespace reenact {

/// Paints what stands behind the head. The driver's frame is looked at for `driver` and `blurred-driver`
/// only.
class BackgroundPainter {
 public:
  /// Reads the picture for `image`, from any thread; none for an empty path. Throws Error (not_found, corrupt), and keeps the
  /// picture it has.
  void set_image(const std::filesystem::path& path);
  bool has_image() const;

  /// What pictures are painted in from here on; null: RGB of 8 bits.
  void set_space(const std::shared_ptr<const PixelSpace>& space);

  /// The frame of the background pad, of format `info`, to show from here on; null: none, `pad` is then as `color`.
  void set_pad_frame(GstBuffer* frame, const GstVideoInfo& info);

  /// Fills all of `picture`: pixels of the space that was set; without one CV_8UC3 RGB or CV_8UC4 RGBA. `face` may be
  /// null. Without the driver's frame, `driver` and `blurred-driver` are as `color`.
  void paint(const CompositorSettings& settings, const FaceMeta* face, cv::Mat& picture);

  /// Forgets pad and driver (the image stays).
  void reset();

 private:
  /// Where frames are read from.
  struct Source {
    RgbReader rgb;
    std::shared_ptr<const PixelSpace> space;
    cv::Mat pixels;  // of the last frame, kept so that frames allocate nothing
  };

  /// `use` gets the frame's picture in the space that was set; valid while it runs.
  template <typename Use>
  void read(Source& source, GstBuffer* frame, const GstVideoInfo& info, const Use& use);
  void paint_opaque(const CompositorSettings& settings, const FaceMeta* face, cv::Mat& picture);
  bool paint_driver(const FaceMeta* face, bool blurred, cv::Mat& picture);

  mutable std::mutex image_mutex_;
  cv::Mat image_;  // as read, RGB
  std::shared_ptr<const PixelSpace> space_;
  Owned<GstBuffer> pad_frame_;  // as received
  GstVideoInfo pad_info_{};
  cv::Mat pad_picture_;           // the same, read; empty until it is wanted
  cv::Mat scaled_, scaled_from_;  // the last still picture and what it was scaled from
  Source pad_source_, driver_source_;
  cv::Mat rgb_;
};

}  // namespace reenact
