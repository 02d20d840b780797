// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cmath>

#include "../element_test.h"
#include "stream/face_meta.h"

namespace reenact {

/// Unpacks any frame to CV_16UC4, alpha or padding first, as GStreamer does: 8 bits stand in the upper half.
inline cv::Mat components_of(GstBuffer* buffer, GstCaps* caps) {
  GstVideoInfo info;
  GstVideoFrame frame;
  if (!gst_video_info_from_caps(&info, caps) || !gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ))
    return {};
  const GstVideoFormatInfo* unpacked = gst_video_format_get_info(info.finfo->unpack_format);
  const bool deep = GST_VIDEO_FORMAT_INFO_DEPTH(unpacked, 0) > 8;
  cv::Mat pixels(GST_VIDEO_INFO_HEIGHT(&info), GST_VIDEO_INFO_WIDTH(&info), deep ? CV_16UC4 : CV_8UC4);
  for (int y = 0; y < pixels.rows; ++y)
    info.finfo->unpack_func(info.finfo, GST_VIDEO_PACK_FLAG_NONE, pixels.ptr(y), frame.data,
                            frame.info.stride, 0, y, pixels.cols);
  gst_video_frame_unmap(&frame);
  if (!deep) pixels.convertTo(pixels, CV_16U, 256);
  return pixels;
}

/// A frame of `caps` with these components (CV_16UC4, as components_of() gives them).
inline GstBuffer* frame_of(const cv::Mat& components, GstCaps* caps, int number) {
  GstVideoInfo info;
  GstVideoFrame frame;
  gst_video_info_from_caps(&info, caps);
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  gst_buffer_memset(buffer, 0, 0, GST_VIDEO_INFO_SIZE(&info));
  gst_video_frame_map(&frame, &info, buffer, GST_MAP_WRITE);
  const GstVideoFormatInfo* unpacked = gst_video_format_get_info(info.finfo->unpack_format);
  cv::Mat pixels = components;
  if (GST_VIDEO_FORMAT_INFO_DEPTH(unpacked, 0) == 8) components.convertTo(pixels, CV_8U, 1.0 / 256);
  for (int y = 0; y < pixels.rows; ++y)
    info.finfo->pack_func(info.finfo, GST_VIDEO_PACK_FLAG_NONE, pixels.ptr(y), int(pixels.step), frame.data,
                          frame.info.stride, info.chroma_site, y, pixels.cols);
  gst_video_frame_unmap(&frame);
  GST_BUFFER_PTS(buffer) = frame_duration * GstClockTime(number);
  GST_BUFFER_DURATION(buffer) = frame_duration;
  return buffer;
}

/// reenactcompositor between two harnesses, one for the fill and, where it is asked for, one for the key.
class HeadFramesTest : public ElementTest {
 protected:
  static constexpr int width = 160, height = 120, head_size = 32;
  const cv::Rect face_{60, 40, 30, 30}, crop_{48, 28, 64, 64};

  ~HeadFramesTest() override {
    key_.reset();
    fill_.reset();
  }

  void start(const std::string& properties, const std::string& fill_caps, const std::string& key_caps = "") {
    element_ = make("reenactcompositor", "mask-fade=0 " + properties);
    fill_.reset(gst_harness_new_with_element(element_.get(), "sink", "src"));
    if (!fill_caps.empty()) gst_harness_set_sink_caps_str(fill_.get(), fill_caps.c_str());
    if (!key_caps.empty()) {
      key_.reset(gst_harness_new_with_element(element_.get(), nullptr, "key"));
      gst_harness_set_sink_caps_str(key_.get(), key_caps.c_str());
    }
    gst_harness_set_src_caps_str(fill_.get(), rgba_caps(head_size, head_size).c_str());
  }

  /// A disc with a soft edge.
  static cv::Mat soft_head(const cv::Vec3b& color) {
    cv::Mat rgba(head_size, head_size, CV_8UC4);
    for (int y = 0; y < head_size; ++y) {
      for (int x = 0; x < head_size; ++x) {
        const double distance = std::hypot(x - 15.5, y - 15.5);
        rgba.at<cv::Vec4b>(y, x) = {
            color[0], color[1], color[2],
            cv::saturate_cast<uchar>(255 * std::clamp((14 - distance) / 6, 0.0, 1.0))};
      }
    }
    return rgba;
  }

  /// A head cut from the driver's frame, of whose `caps` it tells. Takes the frame.
  GstBuffer* head(int number, const cv::Mat& rgba, GstBuffer* driver, const std::string& caps_text,
                  guint flags = face_detected) const {
    GstBuffer* buffer = new_frame(rgba, number);
    GstCaps* caps = gst_caps_from_string(caps_text.c_str());
    GstVideoInfo info;
    EXPECT_TRUE(gst_video_info_from_caps(&info, caps)) << caps_text;
    FaceMeta* meta = add_face_meta(buffer, driver, &info);
    meta->frame_caps = caps;
    if (driver) gst_buffer_unref(driver);
    meta->flags = flags;
    meta->box = {float(face_.x), float(face_.y), float(face_.br().x), float(face_.br().y), 0.9f};
    meta->crop = crop_;
    return buffer;
  }
  GstBuffer* head(int number, const cv::Mat& rgba, guint flags = face_detected) const {
    return head(number, rgba, new_frame(scene(width, height, face_), number), rgb_caps(width, height), flags);
  }

  static Owned<GstCaps> caps_of(const Owned<GstHarness>& h) {
    return Owned<GstCaps>(gst_pad_get_current_caps(h->sinkpad));
  }
  static Owned<GstBuffer> pull(const Owned<GstHarness>& h) {
    return Owned<GstBuffer>(gst_harness_pull(h.get()));
  }

  Owned<GstElement> element_;
  Owned<GstHarness> fill_, key_;
};

}  // namespace reenact
