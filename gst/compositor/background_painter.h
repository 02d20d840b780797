// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <opencv2/core.hpp>

#include "compositor/settings.h"
#include "stream/face_meta.h"
#include "stream/video_frame.h"

namespace reenact {

/// Paints what stands behind the head. The driver's frame is looked at for `driver` and `blurred-driver`
/// only.
class BackgroundPainter {
 public:
  /// Reads the picture for `image`, from any thread. Throws Error (not_found, corrupt).
  void load_image(const std::filesystem::path& path);
  void clear_image();
  bool has_image() const;

  /// The video of the background pad from here on.
  void set_pad_format(const GstVideoInfo& info);
  /// The frame to show from here on; null: none, `pad` is then as `color`.
  void set_pad_frame(GstBuffer* frame);

  /// Fills all of `picture`, CV_8UC3 RGB or CV_8UC4 RGBA. `face` may be null. Without the driver's frame,
  /// `driver` and `blurred-driver` are as `color`.
  void paint(const CompositorSettings& settings, const FaceMeta* face, cv::Mat& picture);

  /// Forgets pad and driver (the image stays).
  void reset();

 private:
  void paint_rgb(const CompositorSettings& settings, const FaceMeta* face, cv::Mat& rgb);
  bool paint_driver(const FaceMeta* face, bool blurred, cv::Mat& rgb);

  mutable std::mutex image_mutex_;
  cv::Mat image_;                 // as read, RGB
  cv::Mat pad_picture_;           // as received, RGB
  cv::Mat scaled_, scaled_from_;  // the last still picture and what it was scaled from
  RgbReader pad_reader_, driver_reader_;
  cv::Mat rgb_;
};

}  // namespace reenact
