// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <optional>
#include <span>

#include "reenact/crop.h"
#include "reenact/one_euro_filter.h"

namespace reenact {

/// Which of several faces is followed.
enum class FaceSelect {
  largest,  ///< the authors' choice
  center,   ///< nearest to the middle of the picture
  track,  ///< overlapping most with the face followed so far, else the largest of those nearly as sure as the surest
  index  ///< the n-th from the left
};

struct TrackerOptions {
  FaceSelect select = FaceSelect::track;
  int index = 0;
  double smoothing = 0.5;  ///< 0: boxes as detected (the authors' way) .. 1: steadiest
};

/// Follows one face through a clip: chooses among detections, carries the box between them by template
/// matching on a reduced grey picture, and smooths it with One-Euro filters.
class FaceTracker {
 public:
  struct State {
    FaceBox box;        ///< smoothed, pixels of the picture
    unsigned track_id;  ///< from 1; grows by one when another face is followed
    bool detected;      ///< from a detection of this very frame, not carried over
  };

  explicit FaceTracker(TrackerOptions options = {});
  ~FaceTracker();
  void set_options(const TrackerOptions& options);
  /// A frame (CV_8UC3) on which the detector ran; `seconds` is its time, from any origin; a time that does
  /// not grow is read as 1/30 s later. Empty when it found nothing that suits.
  std::optional<State> update(const cv::Mat& rgb, std::span<const FaceBox> detections, double seconds);
  /// A frame on which it did not run. Empty when no face is followed or it was lost.
  std::optional<State> predict(const cv::Mat& rgb, double seconds);
  void reset();

 private:
  struct Private;
  std::unique_ptr<Private> p_;
};

}  // namespace reenact
