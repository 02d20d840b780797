// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/frame_converter.h"

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "media/picture_file.h"
#include "media/picture_limits.h"
#include "reenact/error.h"

namespace reenact::media {
namespace {

/// Width at square pixels, the height is kept.
int square_width(const GstVideoInfo& info) {
  constexpr double least = 0.1, most = 10;  // beyond that it is a mistake
  const double ratio = static_cast<double>(info.par_n) / info.par_d;
  return ratio >= least && ratio <= most ? std::max(1, static_cast<int>(std::lround(info.width * ratio)))
                                         : info.width;
}

}  // namespace

void FrameConverter::set_caps(GstCaps* caps, const std::filesystem::path& path) {
  if (caps && caps_ && gst_caps_is_equal(caps, caps_.get())) return;
  GstVideoInfo input;
  if (!caps || !gst_video_info_from_caps(&input, caps) ||
      !picture_fits_memory(static_cast<std::uint64_t>(input.width), static_cast<std::uint64_t>(input.height)))
    throw Error(ErrorCode::unreadable,
                "cannot read '" + path.string() + "': its frames have no usable format");
  hdr_ = HdrColors(input.colorimetry);
  // The luma of HDR is not that of its picture.
  const bool luma = grey_ && !hdr_.change();
  size_ = {square_width(input), input.height};
  GstVideoInfo output;
  const bool alpha = GST_VIDEO_INFO_HAS_ALPHA(&input);
  // The converter has no fast way to RGB, but one to four bytes a pixel.
  gst_video_info_set_format(&output,
                            alpha  ? GST_VIDEO_FORMAT_RGBA
                            : luma ? GST_VIDEO_FORMAT_GRAY8
                                   : GST_VIDEO_FORMAT_RGBx,
                            static_cast<guint>(size_.width), static_cast<guint>(size_.height));
  limited_range_ = false;
  if (!alpha && luma) {
    output.stride[0] = size_.width;
    // The luma as it is: whether the converter widens the range depends on the way it takes.
    if (!GST_VIDEO_INFO_IS_RGB(&input)) {
      output.colorimetry = input.colorimetry;
      limited_range_ = input.colorimetry.range == GST_VIDEO_COLOR_RANGE_16_235;
    }
  }
  output.size = static_cast<gsize>(output.stride[0]) * static_cast<gsize>(size_.height);
  // One field after the other would otherwise be converted by itself.
  output.interlace_mode = input.interlace_mode;
  output.fps_n = input.fps_n;
  output.fps_d = input.fps_d;
  converter_.reset(gst_video_converter_new(&input, &output, nullptr));
  if (!converter_)
    throw Error(ErrorCode::unreadable,
                "cannot read '" + path.string() + "': GStreamer does not convert its frames to RGB");
  input_ = input;
  caps_.reset(gst_caps_ref(caps));
}

cv::Mat FrameConverter::picture_of(GstBuffer* frame) {
  GstVideoInfo info = *gst_video_converter_get_out_info(converter_.get());
  cv::Mat converted(size_, GST_VIDEO_INFO_FORMAT(&info) == GST_VIDEO_FORMAT_GRAY8 ? CV_8UC1 : CV_8UC4), rgb;
  const Owned<GstBuffer> target(gst_buffer_new_wrapped_full(static_cast<GstMemoryFlags>(0), converted.data,
                                                            info.size, 0, info.size, nullptr, nullptr));
  GstVideoFrame from, to;
  if (!gst_video_frame_map(&from, &input_, frame, GST_MAP_READ))
    throw Error(ErrorCode::unreadable, "GStreamer cannot map a decoded frame");
  if (!gst_video_frame_map(&to, &info, target.get(), GST_MAP_WRITE)) {
    gst_video_frame_unmap(&from);
    throw Error(ErrorCode::unreadable, "GStreamer cannot map a frame to convert to");
  }
  gst_video_converter_frame(converter_.get(), &from, &to);
  gst_video_frame_unmap(&to);
  gst_video_frame_unmap(&from);
  if (limited_range_) converted.convertTo(converted, -1, 255.0 / 219, -16 * 255.0 / 219);
  if (converted.channels() == 1) return converted;
  hdr_.apply(converted);
  if (GST_VIDEO_INFO_HAS_ALPHA(&input_))
    rgb = over_black(converted);
  else
    cv::cvtColor(converted, rgb, cv::COLOR_RGBA2RGB);
  if (grey_) cv::cvtColor(rgb, rgb, cv::COLOR_RGB2GRAY);
  return rgb;
}

std::optional<double> FrameConverter::frame_rate() const {
  constexpr double highest = 10000;
  if (input_.fps_n <= 0 || input_.fps_d <= 0) return {};
  const double rate = static_cast<double>(input_.fps_n) / input_.fps_d;
  return rate <= highest ? std::optional(rate) : std::nullopt;
}

}  // namespace reenact::media
