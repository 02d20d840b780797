// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>
#include <optional>

#include "reenact/crop.h"

namespace reenact {

/// How a face looked on a small grey picture, to find it again in the next frames by normalised correlation.
class FacePattern {
 public:
  /// Takes the look from a picture (CV_8UC3) in which the face is known. Forgets it when too little of the
  /// box is visible or there is nothing to see in it.
  void learn(const cv::Mat& rgb, const FaceBox& box);
  /// Where the face is now, searched around `last` with the scale changing by a few per cent; empty when it
  /// is not found.
  std::optional<FaceBox> find(const cv::Mat& rgb, const FaceBox& last);
  void forget() { pattern_.release(); }

 private:
  cv::Mat reduced(const cv::Mat& rgb, const cv::Rect& area);

  cv::Mat pattern_;      // CV_8UC1
  int reduction_ = 1;    // pixels of the picture in one of the pattern, along each side
  cv::Size2f box_size_;  // of the face when learnt
  cv::Point2f offset_;   // centre of the pattern from the centre of the box
  double scale_ = 1;     // of the face now, against when it was learnt
  cv::Mat grey_, small_, scaled_pattern_, response_;
};

}  // namespace reenact
