// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/face_finder.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "reenact/face_tracker.h"
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

FaceFinder::FaceFinder(std::unique_ptr<Detector> detector)
    : detector_(std::move(detector)), tracker_(std::make_unique<FaceTracker>()) {}
FaceFinder::~FaceFinder() = default;
FaceFinder::FaceFinder(FaceFinder&&) noexcept = default;
FaceFinder& FaceFinder::operator=(FaceFinder&&) noexcept = default;

void FaceFinder::set_options(const Options& options) {
  options_ = options;
  tracker_->set_options(options.tracker);
}

void FaceFinder::reset() {
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

std::vector<FaceBox> FaceFinder::search(const cv::Mat& rgb) {
  return search(rgb, nullptr, 0);
}

std::vector<FaceBox> FaceFinder::search(const cv::Mat& rgb, const FaceBox* expected, double seconds) {
  const cv::Size size = searched_size(rgb.size(), options_.detect_size);
  const double scale_x = double(size.width) / rgb.cols, scale_y = double(size.height) / rgb.rows;
  const cv::Mat picture = reduced(rgb, options_.detect_size);
  const float lowest = options_.score_threshold * (expected ? options_.keep_share : 1.f);

  std::optional<FaceBox> kept;  // the surest of the doubtful detections where the face is expected
  for (const bool in_colours : {true, false}) {
    auto faces = detect(in_colours ? picture : without_colours(picture), lowest);
    for (FaceBox& face : faces) {
      face.left = float(face.left / scale_x);
      face.right = float(face.right / scale_x);
      face.top = float(face.top / scale_y);
      face.bottom = float(face.bottom / scale_y);
    }
    std::erase_if(faces, [](const FaceBox& face) { return face.width() < 1 || face.height() < 1; });
    if (expected) {
      const auto doubtful = [&](const FaceBox& face) { return !(face.score > options_.score_threshold); };
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
    const bool just_turned = std::abs(seconds - last_sure_) <= options_.longest_carry;
    if (kept && !is_there && just_turned && options_.tracker.select == FaceSelect::track)
      faces.push_back(*kept);
    return faces;
  }
  if (kept) return {*kept};
  return {};
}

std::vector<FaceBox> FaceFinder::detect(const cv::Mat& picture, float score_threshold) {
  auto faces = detector_->detect(picture, score_threshold, options_.iou_threshold);
  std::erase_if(faces, [](const FaceBox& face) {
    return !std::isfinite(face.left + face.top + face.right + face.bottom);
  });
  return faces;
}

std::optional<TrackedFace> FaceFinder::find_anew(const cv::Mat& rgb, double seconds) {
  const bool in_doubt = options_.keep_share < 1 && std::abs(seconds - last_sure_) <= options_.longest_doubt;
  const auto expected = in_doubt ? tracker_->last_box(seconds) : std::nullopt;
  const auto faces = search(rgb, expected ? &*expected : nullptr, seconds);
  largest_seen_ = 0;
  for (const FaceBox& face : faces)
    largest_seen_ = std::max<double>(largest_seen_, std::max(face.width(), face.height()));
  if (faces.empty() && following_ && std::abs(seconds - last_detected_) < options_.longest_carry) {
    if (const auto carried = tracker_->carry(rgb, seconds)) return carried;
  }
  const auto state = tracker_->update(rgb, faces, seconds);
  if (!state) return state;
  last_detected_ = seconds;
  if (!expected || state->box.score > options_.score_threshold) last_sure_ = seconds;
  return state;
}

std::optional<TrackedFace> FaceFinder::find(const cv::Mat& rgb, double seconds) {
  std::optional<TrackedFace> state;
  if (following_ && ++frames_since_detection_ < options_.detect_interval)
    state = tracker_->predict(rgb, seconds);
  if (!state) {
    frames_since_detection_ = 0;
    state = find_anew(rgb, seconds);
  }
  following_ = state.has_value();
  return state;
}

}  // namespace reenact
