// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <optional>
#include <vector>

#include "reenact/engine.h"
#include "reenact/face_tracker.h"

namespace reenact {

/// Finds and follows one face through a video: detects on a reduced copy every so many frames, tracks in
/// between.
class FaceFinder {
 public:
  struct Options {
    int detect_interval = 5;  ///< frames from one detection to the next while a face is followed
    int detect_size = 320;    ///< longer side of the copy that is searched, pixels; 0: the picture itself
    float score_threshold = 0.97f;  ///< below it the shipped detector takes walls for faces
    float iou_threshold = 0.3f;     ///< of the paper
    TrackerOptions tracker;
  };

  explicit FaceFinder(std::unique_ptr<Detector> detector);
  void set_options(const Options& options);
  /// The face in `rgb` (CV_8UC3) at `seconds` of stream time, or nothing.
  std::optional<FaceTracker::State> find(const cv::Mat& rgb, double seconds);
  /// All faces in one picture (CV_8UC3), in its pixels, without regard to those before it. It is searched a
  /// second time without its colours when nothing was found: coloured light hides faces from a detector.
  std::vector<FaceBox> search(const cv::Mat& rgb);
  /// The copy of a picture (CV_8UC3) that is searched: its longer side `detect_size` at most, or as it is for 0, and
  /// padded where that leaves too little for the detector.
  static cv::Mat reduced(const cv::Mat& rgb, int detect_size);
  /// Forgets the face followed (after a flush, a seek or a change of size).
  void reset();
  const Detector& detector() const { return *detector_; }

 private:
  std::vector<FaceBox> detect(const cv::Mat& picture);

  std::unique_ptr<Detector> detector_;
  FaceTracker tracker_;
  Options options_;
  int frames_since_detection_ = 0;
  bool following_ = false;
};

}  // namespace reenact
