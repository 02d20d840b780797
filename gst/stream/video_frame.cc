// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream/video_frame.h"

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

void RgbReader::configure(const GstVideoInfo& info, int width, int height) {
  reset();
  in_ = info;
  gst_video_info_set_format(&out_, GST_VIDEO_FORMAT_RGB, width, height);
  // The converter refuses to change these.
  out_.interlace_mode = in_.interlace_mode;
  out_.fps_n = in_.fps_n;
  out_.fps_d = in_.fps_d;
  const bool same = GST_VIDEO_INFO_FORMAT(&in_) == GST_VIDEO_FORMAT_RGB &&
                    GST_VIDEO_INFO_WIDTH(&in_) == width && GST_VIDEO_INFO_HEIGHT(&in_) == height;
  if (!same) {
    converter_.reset(gst_video_converter_new(&in_, &out_, nullptr));
    if (!converter_) {
      throw Error(ErrorCode::unsupported,
                  std::string("GStreamer cannot convert ") + GST_VIDEO_INFO_NAME(&in_) + " video to RGB.");
    }
    picture_.reset(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&out_), nullptr));
  }
  configured_ = true;
}

void RgbReader::reset() {
  picture_.reset();
  converter_.reset();
  configured_ = false;
}

RgbPicture RgbReader::read(GstBuffer* buffer) {
  auto source = std::make_unique<MappedFrame>(in_, buffer, GST_MAP_READ);
  if (!converter_) return RgbPicture(std::move(source));
  auto picture = std::make_unique<MappedFrame>(out_, picture_.get(), GST_MAP_WRITE);
  gst_video_converter_frame(converter_.get(), source->get(), picture->get());
  return RgbPicture(std::move(picture));
}

}  // namespace reenact
