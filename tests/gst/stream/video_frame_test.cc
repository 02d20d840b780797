// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream/video_frame.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/glib.h"

namespace reenact {
namespace {

GstVideoInfo info_of(GstVideoFormat format, cv::Size size) {
  GstVideoInfo info;
  gst_video_info_set_format(&info, format, guint(size.width), guint(size.height));
  return info;
}

/// Alpha grows to the right through all its levels; the colors differ from row to row.
cv::Mat see_through_picture() {
  cv::Mat rgba(4, 256, CV_8UC4);
  for (int y = 0; y < rgba.rows; ++y)
    for (int x = 0; x < rgba.cols; ++x)
      rgba.at<cv::Vec4b>(y, x) = cv::Vec4b(uchar(250 - 60 * y), uchar(40 * y), 128, uchar(x));
  return rgba;
}

Owned<GstBuffer> buffer_of(const cv::Mat& rgba, GstVideoFormat format) {
  GstVideoInfo info = info_of(format, rgba.size()), stored = info_of(GST_VIDEO_FORMAT_RGBA, rgba.size());
  Owned<GstBuffer> source(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&stored), nullptr)),
      result(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr));
  MappedFrame from(stored, source.get(), GST_MAP_READWRITE), to(info, result.get(), GST_MAP_WRITE);
  rgba.copyTo(from.mat(CV_8UC4));
  GstVideoConverter* converter = gst_video_converter_new(&stored, &info, nullptr);
  gst_video_converter_frame(converter, from.get(), to.get());
  gst_video_converter_free(converter);
  return result;
}

/// The furthest that a channel of `rgb` is from `rgba` laid over black, both in numbers without rounding.
double distance_from_laid_over_black(const cv::Mat& rgb, const cv::Mat& rgba, bool premultiplied = false) {
  double furthest = 0;
  for (int y = 0; y < rgba.rows; ++y) {
    for (int x = 0; x < rgba.cols; ++x) {
      const auto color = rgba.at<cv::Vec4b>(y, x);
      const double alpha = color[3] / 255.0;
      for (int c = 0; c < 3; ++c) {
        const double own = premultiplied ? color[c] : alpha * color[c];
        const double wanted = std::min(255.0, own + (1 - alpha) * level_behind_alpha);
        furthest = std::max(furthest, std::abs(rgb.at<cv::Vec3b>(y, x)[c] - wanted));
      }
    }
  }
  return furthest;
}

TEST(RgbReader, LaysWhatIsSeeThroughOverBlack) {
  const cv::Mat rgba = see_through_picture();
  for (const GstVideoFormat format :
       {GST_VIDEO_FORMAT_RGBA, GST_VIDEO_FORMAT_BGRA, GST_VIDEO_FORMAT_ARGB, GST_VIDEO_FORMAT_ABGR}) {
    RgbReader reader;
    reader.configure(info_of(format, rgba.size()), rgba.cols, rgba.rows);
    const RgbPicture picture = reader.read(buffer_of(rgba, format).get());
    EXPECT_LE(distance_from_laid_over_black(picture.mat(), rgba), 0.5) << gst_video_format_to_string(format);
  }
}

TEST(RgbReader, LaysVideoWithAnAlphaPlaneOverBlack) {
  // Luma and chroma of 8 bits there and back move a color by up to five levels; gray behind would be 128 off.
  const cv::Mat rgba = see_through_picture();
  for (const GstVideoFormat format :
       {GST_VIDEO_FORMAT_AYUV, GST_VIDEO_FORMAT_GBRA, GST_VIDEO_FORMAT_ARGB64}) {
    RgbReader reader;
    reader.configure(info_of(format, rgba.size()), rgba.cols, rgba.rows);
    const RgbPicture picture = reader.read(buffer_of(rgba, format).get());
    EXPECT_LE(distance_from_laid_over_black(picture.mat(), rgba), 5) << gst_video_format_to_string(format);
  }
}

TEST(RgbReader, AddsNothingToColorsThatAlphaIsMultipliedInto) {
  const cv::Mat rgba = see_through_picture();
  GstVideoInfo info = info_of(GST_VIDEO_FORMAT_RGBA, rgba.size());
  info.flags = GstVideoFlags(info.flags | GST_VIDEO_FLAG_PREMULTIPLIED_ALPHA);
  RgbReader reader;
  reader.configure(info, rgba.cols, rgba.rows);
  const RgbPicture picture = reader.read(buffer_of(rgba, GST_VIDEO_FORMAT_RGBA).get());
  EXPECT_LE(distance_from_laid_over_black(picture.mat(), rgba, true), 0.5);
}

TEST(RgbReader, LeavesOpaquePicturesAsTheyAre) {
  cv::Mat rgba = see_through_picture();
  for (int y = 0; y < rgba.rows; ++y)
    for (int x = 0; x < rgba.cols; ++x) rgba.at<cv::Vec4b>(y, x)[3] = 255;
  for (const GstVideoFormat format : {GST_VIDEO_FORMAT_RGBA, GST_VIDEO_FORMAT_RGBx, GST_VIDEO_FORMAT_BGR}) {
    RgbReader reader;
    reader.configure(info_of(format, rgba.size()), rgba.cols, rgba.rows);
    const RgbPicture picture = reader.read(buffer_of(rgba, format).get());
    EXPECT_EQ(distance_from_laid_over_black(picture.mat(), rgba), 0) << gst_video_format_to_string(format);
  }
}

TEST(RgbReader, BringsHdrToTheRangeThatNetworksKnow) {
  // BT.2408: diffuse white of 203 cd/m2 has the signal .58 in PQ and .75 in HLG, a grey card of 26 cd/m2 .38 in both,
  // which is 12.8 % of white and sRGB's level 100.
  struct Level {
    GstVideoTransferFunction transfer;
    double signal;
    int wanted, tolerance;
  };
  for (const auto& [transfer, signal, wanted, tolerance] :
       {Level{GST_VIDEO_TRANSFER_SMPTE2084, 0.38, 100, 4},
        Level{GST_VIDEO_TRANSFER_ARIB_STD_B67, 0.38, 100, 4},
        Level{GST_VIDEO_TRANSFER_SMPTE2084, 0.58, 247, 6},
        Level{GST_VIDEO_TRANSFER_ARIB_STD_B67, 0.75, 247, 6}, Level{GST_VIDEO_TRANSFER_SMPTE2084, 0, 0, 0},
        Level{GST_VIDEO_TRANSFER_ARIB_STD_B67, 1, 255, 2}})
    for (const GstVideoFormat format : {GST_VIDEO_FORMAT_RGB, GST_VIDEO_FORMAT_BGR, GST_VIDEO_FORMAT_RGBA}) {
      GstVideoInfo info = info_of(format, {64, 4});
      info.colorimetry.transfer = transfer;
      info.colorimetry.primaries = GST_VIDEO_COLOR_PRIMARIES_BT2020;
      const cv::Mat rgba(4, 64, CV_8UC4, cv::Scalar(255 * signal, 255 * signal, 255 * signal, 255));
      const Owned<GstBuffer> buffer = buffer_of(rgba, format);
      RgbReader reader;
      reader.configure(info, 64, 4);
      const RgbPicture picture = reader.read(buffer.get());
      for (int c = 0; c < 3; ++c)
        EXPECT_NEAR(picture.mat().at<cv::Vec3b>(1, 1)[c], wanted, tolerance)
            << int(transfer) << " " << signal;
    }
}

}  // namespace
}  // namespace reenact
