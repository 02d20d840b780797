// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>
#include <optional>

#include "media/gstreamer.h"
#include "media/hdr_colors.h"

namespace reenact::media {

/// Turns decoded frames into RGB or grey with square pixels, by the conversion that videoconvert does; HDR becomes sRGB.
class FrameConverter {
 public:
  explicit FrameConverter(bool grey) : grey_(grey) {}
  /// Of the frames to come; costs nothing when they are those set before. Throws Error (unreadable) naming `path` for caps
  /// that are no video.
  void set_caps(GstCaps* caps, const std::filesystem::path& path);
  /// CV_8UC3 or, when grey, CV_8UC1; transparency over black.
  cv::Mat picture_of(GstBuffer* frame);
  /// Frames a second as the caps tell.
  std::optional<double> frame_rate() const;

 private:
  struct Free {
    void operator()(GstVideoConverter* converter) const { gst_video_converter_free(converter); }
  };
  bool grey_;
  Owned<GstCaps> caps_;
  GstVideoInfo input_ = {};
  cv::Size size_;
  bool limited_range_ = false;  // of grey taken from YUV as it is
  HdrColors hdr_;
  std::unique_ptr<GstVideoConverter, Free> converter_;
};

}  // namespace reenact::media
