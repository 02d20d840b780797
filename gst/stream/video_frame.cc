// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream/video_frame.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "reenact/error.h"

namespace reenact {

void refuse_interlaced(const GstVideoInfo& info, const char* what) {
  if (!GST_VIDEO_INFO_IS_INTERLACED(&info)) return;
  throw Error(ErrorCode::unsupported,
              std::string(what) + " is " +
                  gst_video_interlace_mode_to_string(GST_VIDEO_INFO_INTERLACE_MODE(&info)) +
                  ", wanted progressive video: put a deinterlace before it");
}

MappedFrame::MappedFrame(const GstVideoInfo& info, GstBuffer* buffer, GstMapFlags flags) {
  if (!gst_video_frame_map(&frame_, &info, buffer, flags)) {
    throw Error(ErrorCode::corrupt,
                "A buffer of " + std::to_string(gst_buffer_get_size(buffer)) + " bytes does not hold the " +
                    std::to_string(GST_VIDEO_INFO_WIDTH(&info)) + "x" +
                    std::to_string(GST_VIDEO_INFO_HEIGHT(&info)) + " " + GST_VIDEO_INFO_NAME(&info) +
                    " frame of " + std::to_string(GST_VIDEO_INFO_SIZE(&info)) +
                    " bytes that its caps promise.");
  }
}

MappedFrame::~MappedFrame() {
  gst_video_frame_unmap(&frame_);
}

cv::Mat MappedFrame::mat(int type) {
  return cv::Mat(GST_VIDEO_FRAME_HEIGHT(&frame_), GST_VIDEO_FRAME_WIDTH(&frame_), type,
                 GST_VIDEO_FRAME_PLANE_DATA(&frame_, 0), GST_VIDEO_FRAME_PLANE_STRIDE(&frame_, 0));
}

namespace {

/// `info` in another format and size; the rest is what the converter refuses to change.
GstVideoInfo converted(const GstVideoInfo& info, GstVideoFormat format, int width, int height) {
  GstVideoInfo result;
  gst_video_info_set_format(&result, format, guint(width), guint(height));
  result.interlace_mode = info.interlace_mode;
  result.fps_n = info.fps_n;
  result.fps_d = info.fps_d;
  return result;
}

/// Lays CV_8UC4 over level_behind_alpha. Colors that alpha is multiplied into already are only added.
void lay_over_black(const cv::Mat& rgba, bool premultiplied, cv::Mat& rgb) {
  for (int y = 0; y < rgba.rows; ++y) {
    const auto* from = rgba.ptr<std::uint8_t>(y);
    auto* to = rgb.ptr<std::uint8_t>(y);
    for (int x = 0; x < rgba.cols; ++x, from += 4, to += 3) {
      const int alpha = from[3], behind = (255 - alpha) * level_behind_alpha,
                weight = premultiplied ? 255 : alpha;
      for (int c = 0; c < 3; ++c)
        to[c] = std::uint8_t(std::min(255, (from[c] * weight + behind + 127) / 255));
    }
  }
}

}  // namespace

void RgbReader::configure(const GstVideoInfo& info, int width, int height) {
  reset();
  in_ = info;
  hdr_ = media::HdrColors(info.colorimetry);
  rgb_ = converted(in_, GST_VIDEO_FORMAT_RGB, width, height);
  rgba_ = converted(in_, GST_VIDEO_FORMAT_RGBA, width, height);
  // The converter would drop alpha on the way to RGB.
  GstVideoInfo& wanted = has_alpha() ? rgba_ : rgb_;
  const bool same = GST_VIDEO_INFO_FORMAT(&in_) == GST_VIDEO_INFO_FORMAT(&wanted) &&
                    GST_VIDEO_INFO_WIDTH(&in_) == width && GST_VIDEO_INFO_HEIGHT(&in_) == height;
  if (!same) {
    converter_.reset(gst_video_converter_new(&in_, &wanted, nullptr));
    if (!converter_) {
      throw Error(ErrorCode::unsupported,
                  std::string("GStreamer cannot convert ") + GST_VIDEO_INFO_NAME(&in_) + " video to RGB.");
    }
  }
  const auto allocate = [](const GstVideoInfo& format) {
    return gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&format), nullptr);
  };
  if (has_alpha() || hdr_.change() || !same) picture_.reset(allocate(rgb_));
  if (has_alpha() && (hdr_.change() || !same)) with_alpha_.reset(allocate(rgba_));
  configured_ = true;
}

void RgbReader::reset() {
  picture_.reset();
  with_alpha_.reset();
  converter_.reset();
  configured_ = false;
}

RgbPicture RgbReader::read(GstBuffer* buffer) {
  auto source = std::make_unique<MappedFrame>(in_, buffer, GST_MAP_READ);
  if (!picture_) return RgbPicture(std::move(source));
  auto picture = std::make_unique<MappedFrame>(rgb_, picture_.get(), GST_MAP_READWRITE);
  // Into a frame of our own, in the range that networks know.
  const auto convert = [&](MappedFrame& target, int type) {
    cv::Mat pixels = target.mat(type);
    if (converter_)
      gst_video_converter_frame(converter_.get(), source->get(), target.get());
    else
      source->mat(type).copyTo(pixels);
    hdr_.apply(pixels);
  };
  if (!has_alpha()) {
    convert(*picture, CV_8UC3);
    return RgbPicture(std::move(picture));
  }
  if (with_alpha_) {
    auto with_alpha = std::make_unique<MappedFrame>(rgba_, with_alpha_.get(), GST_MAP_READWRITE);
    convert(*with_alpha, CV_8UC4);
    source = std::move(with_alpha);
  }
  cv::Mat rgb = picture->mat(CV_8UC3);
  lay_over_black(source->mat(CV_8UC4), GST_VIDEO_INFO_FLAG_IS_SET(&in_, GST_VIDEO_FLAG_PREMULTIPLIED_ALPHA),
                 rgb);
  return RgbPicture(std::move(picture));
}

}  // namespace reenact
