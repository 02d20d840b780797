// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <opencv2/core.hpp>

#include "compositor/sdr_colors.h"
#include "media/hdr_colors.h"
#include "stream/video_frame.h"

namespace reenact {

/// The pixels of a video format as numbers one can compute with: alpha and three components (Y, U, V or R, G, B, in their
/// own matrix and range) for every pixel, CV_8UC4, or CV_16UC4 for formats of more than 8 bits.
///
/// What is unpacked and packed again is the same to the last bit: no matrix is gone through and back.
class PixelSpace {
 public:
  /// Whether frames of that format can be unpacked and packed.
  static bool takes(GstVideoFormat format);

  /// Throws Error (unsupported) for a format it does not take.
  explicit PixelSpace(const GstVideoInfo& info);

  int type() const { return maximum_ > 255 ? CV_16UC4 : CV_8UC4; }
  const GstVideoInfo& info() const { return info_; }
  /// Whether its colors are not those of sRGB: other primaries, or a transfer of high dynamic range.
  bool has_own_colors() const { return sdr_.change(); }
  /// Whether the numbers of a pixel mean the same in both, light and primaries apart.
  bool same_numbers_as(const PixelSpace& other) const { return type() == other.type() && map_ == other.map_; }

  /// All pixels of a frame of this format.
  void unpack(MappedFrame& frame, cv::Mat& pixels) const;
  /// Writes all pixels of a frame; colors of subsampled formats are means of the pixels they stand for, which `pixels` have
  /// in common afterwards.
  void pack(cv::Mat& pixels, MappedFrame& frame) const;

  /// Pixels of another space, brought to this one by matrix, range and depth; by way of sRGB where one of the two is of a
  /// high dynamic range that the other does not have, or of wider primaries.
  cv::Mat from(const PixelSpace& other, const cv::Mat& pixels) const;
  /// An sRGB picture, CV_8UC3 (opaque) or CV_8UC4 with straight alpha, in this video's colors.
  cv::Mat from_srgb(const cv::Mat& rgb) const;
  /// A picture of CV_8UC1 as luma alone, opaque; for formats that have luma.
  cv::Mat luma(const cv::Mat& gray) const;
  /// One opaque color, 0 to 255 each; black and transparent for alpha 0.
  cv::Scalar color(const cv::Scalar& rgb, double alpha = 1) const;
  /// CV_8UC4 in the order R, G, B, A, in the video's own primaries and transfer.
  cv::Mat to_rgb(const cv::Mat& pixels) const;

  /// Multiplies the components by alpha: towards black.
  void premultiply(cv::Mat& pixels) const;

 private:
  bool same_light_as(const PixelSpace& other) const;

  GstVideoInfo info_;
  double maximum_;   // of alpha and of a full-range component
  cv::Matx34d map_;  // from R, G, B of 0 to 1 to components of 0 to maximum_
  SdrColors sdr_;
  media::HdrColors hdr_;
};

/// Lays `above` (CV_8UC4 alpha first, straight, or CV_16UC4 as `below`) over `below`, both of a space: Porter and Duff's
/// "over" for straight alpha. Where `above` is transparent nothing changes.
void lay_over(const cv::Mat& above, cv::Mat below);

}  // namespace reenact
