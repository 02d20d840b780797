// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <optional>
#include <span>

#include "reenact/face_finder.h"
#include "reenact/one_euro_filter.h"

namespace reenact {

/// Follows one face through a clip: chooses among detections, carries the box between them by template
/// matching on a reduced grey picture, and smooths it with One-Euro filters.
class FaceTracker {
 public:
  explicit FaceTracker(TrackerOptions options = {});
  ~FaceTracker();
  void set_options(const TrackerOptions& options);
  /// A frame (CV_8UC3) on which the detector ran; `seconds` is its time, from any origin; a time that does
  /// not grow is read as 1/30 s later. Empty when it found nothing that suits.
  std::optional<TrackedFace> update(const cv::Mat& rgb, std::span<const FaceBox> detections, double seconds);
  /// A frame after one on which it ran, when the followed face was at `box_then` (last_box()): the detection of that face
  /// is moved as the face has moved since. Empty when it is not among them, or is lost.
  std::optional<TrackedFace> update_later(const cv::Mat& rgb, std::span<const FaceBox> detections,
                                          const FaceBox& box_then, double seconds);
  /// A frame on which it did not run. Empty when no face is followed or it was lost.
  std::optional<TrackedFace> predict(const cv::Mat& rgb, double seconds);
  /// As predict(), on a frame on which the detector ran and missed the face: its look is learnt anew where it was found,
  /// since it is changing. Each call may add an error of a pixel or two.
  std::optional<TrackedFace> carry(const cv::Mat& rgb, double seconds);
  /// Where the face was seen last, not smoothed; empty when that is longer ago than a second.
  std::optional<FaceBox> last_box(double seconds) const;
  void reset();

 private:
  struct Private;
  std::unique_ptr<Private> p_;
};

}  // namespace reenact
