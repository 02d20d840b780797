// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/face_finder.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "reenact/face_tracker.h"
#include "reenact/helper_thread.h"
#include "reenact/s3fd_postprocess.h"

namespace reenact {
namespace {

// The detector halves its input six times; narrower pictures are padded.
constexpr int smallest_side = 64;
constexpr float least_overlap = 0.3f;  // of a doubtful detection with the place where the face was last

cv::Size searched_size(cv::Size size, int detect_size) {
  const int longer = std::max(size.width, size.height);
  if (detect_size <= 0 || detect_size >= longer) return size;
  const double scale = double(detect_size) / longer;
  return {std::max(1, int(std::lround(size.width * scale))),
          std::max(1, int(std::lround(size.height * scale)))};
}

cv::Mat without_colours(const cv::Mat& rgb) {
  cv::Mat grey;
  cv::cvtColor(rgb, grey, cv::COLOR_RGB2GRAY);
  cv::cvtColor(grey, grey, cv::COLOR_GRAY2RGB);
  return grey;
}

}  // namespace

// What a search needs to know, so that another thread can do it.
struct FaceFinder::Search {
  cv::Mat picture;          // the copy that is searched
  double scale_x, scale_y;  // from pixels of the whole picture
  std::optional<FaceBox> expected;
  double seconds;
  bool just_turned;  // the face was seen for sure a short while ago
  float score_threshold, iou_threshold, keep_share;
  FaceSelect select;

  std::vector<FaceBox> run(Detector& detector) const;
};

struct FaceFinder::Background {
  bool searching = false;  // something was begun and not used yet
  Search search;
  FaceBox box;  // where the face was in the frame that is searched
  std::vector<FaceBox> faces;
  HelperThread thread;  // the last member: it waits for its work before the others go

  /// Waits for what is under way, and forgets what it found.
  void abandon() {
    if (!searching) return;
    searching = false;
    try {
      thread.wait();
    } catch (...) {
      // Where the detector fails for good, the next search says so.
    }
  }
};

FaceFinder::FaceFinder(std::unique_ptr<Detector> detector)
    : detector_(std::move(detector)), tracker_(std::make_unique<FaceTracker>()) {}
FaceFinder::~FaceFinder() {
  background_.reset();  // it may be using the detector
}
FaceFinder::FaceFinder(FaceFinder&&) noexcept = default;
FaceFinder& FaceFinder::operator=(FaceFinder&&) noexcept = default;

void FaceFinder::set_options(const Options& options) {
  options_ = options;
  tracker_->set_options(options.tracker);
}

void FaceFinder::reset() {
  if (background_) background_->abandon();
  tracker_->reset();
  following_ = false;
  largest_seen_ = 0;
  frames_since_detection_ = 0;
}

cv::Mat FaceFinder::reduced(const cv::Mat& rgb, int detect_size) {
  const cv::Size size = searched_size(rgb.size(), detect_size);
  cv::Mat picture = rgb;
  if (size != rgb.size()) cv::resize(rgb, picture, size, 0, 0, cv::INTER_AREA);
  if (size.width < smallest_side || size.height < smallest_side) {
    cv::Mat padded;
    cv::copyMakeBorder(picture, padded, 0, std::max(0, smallest_side - size.height), 0,
                       std::max(0, smallest_side - size.width), cv::BORDER_CONSTANT);
    picture = padded;
  }
  return picture;
}

FaceFinder::Search FaceFinder::prepare(const cv::Mat& rgb, double seconds) const {
  const cv::Size size = searched_size(rgb.size(), options_.detect_size);
  return {reduced(rgb, options_.detect_size),
          double(size.width) / rgb.cols,
          double(size.height) / rgb.rows,
          std::nullopt,
          seconds,
          std::abs(seconds - last_sure_) <= options_.longest_carry,
          options_.score_threshold,
          options_.iou_threshold,
          options_.keep_share,
          options_.tracker.select};
}

std::vector<FaceBox> FaceFinder::search(const cv::Mat& rgb) {
  if (background_) background_->abandon();
  return prepare(rgb, 0).run(*detector_);
}

std::vector<FaceBox> FaceFinder::Search::run(Detector& detector) const {
  const float lowest = score_threshold * (expected ? keep_share : 1.f);
  std::optional<FaceBox> kept;  // the surest of the doubtful detections where the face is expected
  for (const bool in_colours : {true, false}) {
    auto faces = detector.detect(in_colours ? picture : without_colours(picture), lowest, iou_threshold);
    std::erase_if(faces, [](const FaceBox& face) {
      return !std::isfinite(face.left + face.top + face.right + face.bottom);
    });
    for (FaceBox& face : faces) {
      face.left = float(face.left / scale_x);
      face.right = float(face.right / scale_x);
      face.top = float(face.top / scale_y);
      face.bottom = float(face.bottom / scale_y);
    }
    std::erase_if(faces, [](const FaceBox& face) { return face.width() < 1 || face.height() < 1; });
    if (expected) {
      const auto doubtful = [&](const FaceBox& face) { return !(face.score > score_threshold); };
      for (const FaceBox& face : faces) {
        const bool there = intersection_over_union(face, *expected) >= least_overlap;
        if (doubtful(face) && there && (!kept || face.score > kept->score)) kept = face;
      }
      std::erase_if(faces, doubtful);
    }
    if (faces.empty()) continue;
    // A sure face elsewhere is not taken for the one that has just turned away.
    const bool is_there = expected && std::any_of(faces.begin(), faces.end(), [&](const FaceBox& face) {
                            return intersection_over_union(face, *expected) >= least_overlap;
                          });
    if (kept && !is_there && just_turned && select == FaceSelect::track) faces.push_back(*kept);
    return faces;
  }
  if (kept) return {*kept};
  return {};
}

void FaceFinder::note_sizes(const std::vector<FaceBox>& faces) {
  largest_seen_ = 0;
  for (const FaceBox& face : faces)
    largest_seen_ = std::max<double>(largest_seen_, std::max(face.width(), face.height()));
}

void FaceFinder::note_detection(const TrackedFace& face, bool was_expected, double seconds) {
  last_detected_ = seconds;
  if (!was_expected || face.box.score > options_.score_threshold) last_sure_ = seconds;
}

std::optional<FaceBox> FaceFinder::expected_at(double seconds) const {
  const bool in_doubt = options_.keep_share < 1 && std::abs(seconds - last_sure_) <= options_.longest_doubt;
  return in_doubt ? tracker_->last_box(seconds) : std::nullopt;
}

std::optional<TrackedFace> FaceFinder::find_anew(const cv::Mat& rgb, double seconds) {
  if (background_) background_->abandon();
  frames_since_detection_ = 0;
  Search search = prepare(rgb, seconds);
  search.expected = expected_at(seconds);
  const auto faces = search.run(*detector_);
  note_sizes(faces);
  if (faces.empty() && following_ && std::abs(seconds - last_detected_) < options_.longest_carry) {
    if (const auto carried = tracker_->carry(rgb, seconds)) return carried;
  }
  const auto state = tracker_->update(rgb, faces, seconds);
  if (state) note_detection(*state, search.expected.has_value(), seconds);
  return state;
}

std::optional<TrackedFace> FaceFinder::follow(const cv::Mat& rgb, double seconds) {
  if (options_.in_background && options_.tracker.select == FaceSelect::track)
    return follow_in_background(rgb, seconds);
  if (background_) background_->abandon();
  if (++frames_since_detection_ >= options_.detect_interval) return std::nullopt;
  return tracker_->predict(rgb, seconds);
}

std::optional<TrackedFace> FaceFinder::follow_in_background(const cv::Mat& rgb, double seconds) {
  if (!background_) background_ = std::make_unique<Background>();
  Background& background = *background_;
  ++frames_since_detection_;
  if (background.searching && background.thread.done()) return use_background(rgb, seconds);
  const auto state = tracker_->predict(rgb, seconds);
  if (state && !background.searching && frames_since_detection_ >= options_.detect_interval) {
    frames_since_detection_ = 0;
    background.search = prepare(rgb, seconds);
    background.search.expected = expected_at(seconds);
    // The caller may reuse the picture's memory.
    if (background.search.picture.data == rgb.data) background.search.picture = rgb.clone();
    background.box = *tracker_->last_box(seconds);
    background.searching = true;
    background.thread.start(
        [&background, detector = detector_.get()] { background.faces = background.search.run(*detector); });
  }
  return state;
}

std::optional<TrackedFace> FaceFinder::use_background(const cv::Mat& rgb, double seconds) {
  Background& background = *background_;
  background.searching = false;
  background.thread.wait();  // for what it threw
  const std::vector<FaceBox>& faces = background.faces;
  if (faces.empty()) {
    note_sizes(faces);
    if (std::abs(seconds - last_detected_) < options_.longest_carry) return tracker_->carry(rgb, seconds);
    return std::nullopt;
  }
  const auto state = tracker_->update_later(rgb, faces, background.box, seconds);
  if (!state) return state;
  note_sizes(faces);
  note_detection(*state, background.search.expected.has_value(), background.search.seconds);
  return state;
}

std::optional<TrackedFace> FaceFinder::find(const cv::Mat& rgb, double seconds) {
  std::optional<TrackedFace> state;
  if (following_) state = follow(rgb, seconds);
  if (!state) state = find_anew(rgb, seconds);
  following_ = state.has_value();
  return state;
}

}  // namespace reenact
