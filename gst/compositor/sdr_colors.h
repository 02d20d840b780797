// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <array>
#include <opencv2/core.hpp>
#include <vector>

namespace reenact {

/// Brings the colors of heads and still pictures, sRGB of 8 bits, to the primaries and the transfer function of a video. In
/// BT.2100 (PQ, HLG) white is diffuse white of 203 cd/m2, as BT.2408 has it; the systems for standard dynamic range share
/// one curve for this purpose, so that there only primaries change anything.
class SdrColors {
 public:
  explicit SdrColors(const GstVideoColorimetry& colorimetry);
  /// Whether colors change at all.
  bool change() const { return change_; }
  /// `rgb`: CV_8UC3 or CV_8UC4 in the order R, G, B; returns CV_32FC3 or CV_32FC4 of 0 to 255, alpha as it was.
  cv::Mat apply(const cv::Mat& rgb) const;

 private:
  float encoded(float linear) const;

  bool change_ = false, wide_ = false;
  std::array<float, 256> linear_{};
  std::vector<float> encoded_;  // by the root of the linear value
};

}  // namespace reenact
