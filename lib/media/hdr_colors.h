// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <opencv2/core.hpp>
#include <vector>

namespace reenact::media {

/// Brings the colors of BT.2100 video (PQ, HLG) to sRGB: diffuse white of 203 cd/m2, as BT.2408 has it, becomes white, its
/// primaries those of BT.709. What is darker than nine tenths of white keeps its level; brighter light up to the display's
/// peak is pressed into the rest, with its hue kept.
class HdrColors {
 public:
  /// Of no video: changes nothing.
  HdrColors() = default;
  explicit HdrColors(const GstVideoColorimetry& colorimetry);
  /// Whether colors change at all: video of standard dynamic range does not.
  bool change() const { return !linear_.empty(); }
  /// `picture`: CV_8UC3 or CV_8UC4 in the order R, G, B, changed in its place; a fourth channel stays.
  void apply(cv::Mat& picture) const;

 private:
  bool hlg_ = false;
  std::vector<float> linear_;   // of each level, shares of diffuse white (PQ) or of the scene's peak (HLG)
  std::vector<float> display_;  // what HLG's scene light is multiplied by, by the root of its luminance
  std::vector<float>
      mapped_;  // what light is multiplied by so that its brightest channel fits, by the root of that one
  std::vector<unsigned char> encoded_;  // sRGB's level by the root of the linear value
};

}  // namespace reenact::media
