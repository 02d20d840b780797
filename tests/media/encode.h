// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace reenact::test {

/// Whether all of these elements are installed; a test without them skips with a word.
inline bool have_elements(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    GstElementFactory* factory = gst_element_factory_find(name);
    if (!factory) return false;
    gst_object_unref(factory);
  }
  return true;
}

struct TimedFrame {
  cv::Mat rgb;
  std::int64_t timestamp;
};

/// Feeds frames of one size into `pipeline`, a launch line that begins behind the source and ends in a filesink; `caps`
/// are added to those of the frames, e.g. "pixel-aspect-ratio=16/15". False when the pipeline failed.
inline bool encode(const std::vector<TimedFrame>& frames, const std::string& caps,
                   const std::string& pipeline) {
  const cv::Size size = frames.front().rgb.size();
  const std::string line =
      "appsrc name=in format=time caps=\"video/x-raw,format=RGB,width=" + std::to_string(size.width) +
      ",height=" + std::to_string(size.height) + "," + caps + "\" ! " + pipeline;
  GError* problem = nullptr;
  GstElement* bin = gst_parse_launch(line.c_str(), &problem);
  EXPECT_EQ(problem, nullptr) << (problem ? problem->message : "");
  g_clear_error(&problem);
  if (!bin) return false;
  GstElement* source = gst_bin_get_by_name(GST_BIN(bin), "in");
  gst_element_set_state(bin, GST_STATE_PLAYING);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const cv::Mat rgb = frames[i].rgb.clone();
    const auto stride = (static_cast<std::size_t>(rgb.cols) * 3 + 3) / 4 * 4;
    GstBuffer* buffer =
        gst_buffer_new_allocate(nullptr, stride * static_cast<std::size_t>(rgb.rows), nullptr);
    for (int y = 0; y < rgb.rows; ++y)
      gst_buffer_fill(buffer, static_cast<gsize>(y) * stride, rgb.ptr(y), static_cast<gsize>(rgb.cols) * 3);
    GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(frames[i].timestamp);
    GST_BUFFER_DURATION(buffer) = static_cast<GstClockTime>(
        i + 1 < frames.size() ? frames[i + 1].timestamp - frames[i].timestamp : 40'000'000);
    gst_app_src_push_buffer(GST_APP_SRC(source), buffer);
  }
  gst_app_src_end_of_stream(GST_APP_SRC(source));
  GstBus* bus = gst_element_get_bus(bin);
  GstMessage* message = gst_bus_timed_pop_filtered(
      bus, 60 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_EOS));
  const bool done = message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
  if (message) gst_message_unref(message);
  gst_element_set_state(bin, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(source);
  gst_object_unref(bin);
  return done;
}

inline const cv::Vec3b red(220, 30, 30), green(30, 200, 40), blue(30, 40, 210), white(230, 230, 230);

/// Quarters of red, green, blue and white, as read: none of the eight orientations looks like another.
inline cv::Mat quarters(cv::Size size = {64, 48}) {
  cv::Mat rgb(size, CV_8UC3);
  for (int y = 0; y < size.height; ++y)
    for (int x = 0; x < size.width; ++x)
      rgb.at<cv::Vec3b>(y, x) =
          2 * y < size.height ? (2 * x < size.width ? red : green) : (2 * x < size.width ? blue : white);
  return rgb;
}

/// The colors in the middle of the four quarters, as read, as letters "rgbw"; "?" for any other.
inline std::string corners(const cv::Mat& rgb) {
  std::string letters;
  for (const int y : {rgb.rows / 4, rgb.rows * 3 / 4})
    for (const int x : {rgb.cols / 4, rgb.cols * 3 / 4}) {
      char letter = '?';
      for (const auto& [color, name] : {std::pair{red, 'r'}, {green, 'g'}, {blue, 'b'}, {white, 'w'}})
        if (cv::norm(rgb.at<cv::Vec3b>(y, x), color, cv::NORM_INF) < 25) letter = name;
      letters += letter;
    }
  return letters;
}

/// `count` frames of quarters, 40 ms apart; the brightness of the left half's middle row grows with the number.
inline std::vector<TimedFrame> steady_frames(int count, cv::Size size = {64, 48}) {
  std::vector<TimedFrame> frames;
  for (int i = 0; i < count; ++i) frames.push_back({quarters(size), i * std::int64_t{40'000'000}});
  return frames;
}

}  // namespace reenact::test
