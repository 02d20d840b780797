// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <memory>
#include <opencv2/core.hpp>
#include <utility>

#include "base/glib.h"
#include "media/hdr_colors.h"

namespace reenact {

/// Throws Error (unsupported) where frames of `info` hold two fields: a face moves between them, and what is laid over both
/// is in neither. `what` says which video it is.
void refuse_interlaced(const GstVideoInfo& info, const char* what);

/// A mapped video frame that unmaps itself.
class MappedFrame {
 public:
  /// Throws Error (corrupt) when the buffer does not hold what the caps promise.
  MappedFrame(const GstVideoInfo& info, GstBuffer* buffer, GstMapFlags flags);
  ~MappedFrame();
  MappedFrame(const MappedFrame&) = delete;
  MappedFrame& operator=(const MappedFrame&) = delete;

  GstVideoFrame* get() { return &frame_; }
  /// The first plane as a picture of `type`, e.g. CV_8UC3 for RGB.
  cv::Mat mat(int type);

 private:
  GstVideoFrame frame_;
};

/// An RGB picture and the mapping that keeps it readable.
class RgbPicture {
 public:
  explicit RgbPicture(std::unique_ptr<MappedFrame> frame)
      : frame_(std::move(frame)), mat_(frame_->mat(CV_8UC3)) {}
  /// CV_8UC3, not to be written to.
  const cv::Mat& mat() const { return mat_; }

 private:
  std::unique_ptr<MappedFrame> frame_;
  cv::Mat mat_;
};

/// The level (of 255) in red, green and blue over which pictures with alpha are laid before a network sees
/// them.
inline constexpr int level_behind_alpha = 0;

/// Reads video frames of any format as RGB pictures; HDR (PQ, HLG) becomes sRGB, which networks know, and what is
/// see-through shows level_behind_alpha.
class RgbReader {
 public:
  /// Frames of `info` become RGB of `width` x `height`. Throws Error (unsupported) for a format nobody can
  /// convert.
  void configure(const GstVideoInfo& info, int width, int height);
  /// Frees the converter and its picture.
  void reset();
  bool configured() const { return configured_; }
  /// Whether it was configured for frames of `info`.
  bool reads(const GstVideoInfo& info) const { return configured_ && gst_video_info_is_equal(&in_, &info); }
  /// The picture of `buffer`, to be dropped before the next read(): RGB of the same size is not copied.
  RgbPicture read(GstBuffer* buffer);

 private:
  struct FreeConverter {
    void operator()(GstVideoConverter* converter) const { gst_video_converter_free(converter); }
  };

  bool has_alpha() const { return GST_VIDEO_INFO_HAS_ALPHA(&in_); }

  bool configured_ = false;
  GstVideoInfo in_{}, rgb_{}, rgba_{};
  media::HdrColors hdr_;
  std::unique_ptr<GstVideoConverter, FreeConverter> converter_;  // null: frames are RGB (or RGBA) already
  Owned<GstBuffer> picture_;     // RGB, where frames are not, or not of its range
  Owned<GstBuffer> with_alpha_;  // RGBA, where frames have alpha otherwise
};

}  // namespace reenact
