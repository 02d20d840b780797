// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <optional>
#include <vector>

#include "reenact/engine.h"
#include "reenact/export.h"

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

/// A face that is followed through a video.
struct TrackedFace {
  FaceBox box;        ///< smoothed, pixels of the picture
  unsigned track_id;  ///< from 1; grows by one when another face is followed
  bool detected;      ///< from a detection of this very frame, not carried over
};

class FaceTracker;

/// Finds and follows one face through a video: detects on a reduced copy every so many frames, tracks in
/// between. A face is taken up at a high score and kept at a lower one.
class FaceFinder {
 public:
  struct Options {
    int detect_interval = 5;  ///< frames from one detection to the next while a face is followed
    int detect_size = 320;    ///< longer side of the copy that is searched, pixels; 0: the picture itself
    float score_threshold = 0.97f;  ///< below it the shipped detector takes walls for faces
    float iou_threshold = 0.3f;     ///< of the paper
    /// A detection where the followed face was last counts from this share of `score_threshold` on, so that a face that
    /// turns to the side is not lost; 1: from the whole, as for a new face.
    float keep_share = 0.4f;
    double longest_doubt =
        5;  ///< seconds since the last detection above `score_threshold` for which that holds
    /// Seconds since the last detection for which the face is followed by its look alone; 0: it is lost at once.
    double longest_carry = 2;
    /// Whether the face that is followed is searched on another thread: it goes on being tracked meanwhile, and what was
    /// found is used in the first frame after it is there, moved as the face has moved since. Frames no longer wait for
    /// the detector, but which frame sees a detection depends on its speed. Only with FaceSelect::track; where nobody is
    /// followed, the face is lost, or another one is found in its place, the frame itself is searched and waits.
    bool in_background = false;
    TrackerOptions tracker;
  };

  REENACT_API explicit FaceFinder(std::unique_ptr<Detector> detector);
  REENACT_API ~FaceFinder();
  REENACT_API FaceFinder(FaceFinder&&) noexcept;
  REENACT_API FaceFinder& operator=(FaceFinder&&) noexcept;
  REENACT_API void set_options(const Options& options);
  /// The face in `rgb` (CV_8UC3) at `seconds` of stream time, or nothing.
  REENACT_API std::optional<TrackedFace> find(const cv::Mat& rgb, double seconds);
  /// All faces in one picture (CV_8UC3), in its pixels, without regard to those before it. It is searched a
  /// second time without its colours when nothing was found: coloured light hides faces from a detector.
  REENACT_API std::vector<FaceBox> search(const cv::Mat& rgb);
  /// The copy of a picture (CV_8UC3) that is searched: its longer side `detect_size` at most, or as it is for 0, and
  /// padded where that leaves too little for the detector.
  REENACT_API static cv::Mat reduced(const cv::Mat& rgb, int detect_size);
  /// Longer side in pixels of the largest face that the last detection of find() saw, whoever is followed; 0: none.
  double largest_seen() const { return largest_seen_; }
  /// Forgets the face followed (after a flush, a seek or a change of size).
  REENACT_API void reset();
  const Detector& detector() const { return *detector_; }

 private:
  struct Search;
  struct Background;
  Search prepare(const cv::Mat& rgb, double seconds) const;
  std::optional<FaceBox> expected_at(double seconds) const;
  std::optional<TrackedFace> find_anew(const cv::Mat& rgb, double seconds);
  std::optional<TrackedFace> follow(const cv::Mat& rgb, double seconds);
  std::optional<TrackedFace> follow_in_background(const cv::Mat& rgb, double seconds);
  std::optional<TrackedFace> use_background(const cv::Mat& rgb, double seconds);
  void note_sizes(const std::vector<FaceBox>& faces);
  void note_detection(const TrackedFace& face, bool was_expected, double seconds);

  /// Made when it is first needed; before the detector, so that a move ends the old search before its detector goes.
  std::unique_ptr<Background> background_;
  std::unique_ptr<Detector> detector_;
  std::unique_ptr<FaceTracker> tracker_;
  Options options_;
  int frames_since_detection_ = 0;
  bool following_ = false;
  double largest_seen_ = 0;
  double last_sure_ = 0, last_detected_ = 0;  // seconds of detections above the threshold, and of any
};

}  // namespace reenact
