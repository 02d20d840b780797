// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/face_finder.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "reenact/face_tracker.h"

namespace reenact {
namespace {

// The detector halves its input six times; narrower pictures are padded.
constexpr int smallest_side = 64;

cv::Size searched_size(cv::Size size, int detect_size) {
  const int longer = std::max(size.width, size.height);
  if (detect_size <= 0 || detect_size >= longer) return size;
  const double scale = double(detect_size) / longer;
  return {std::max(1, int(std::lround(size.width * scale))),
          std::max(1, int(std::lround(size.height * scale)))};
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
  const cv::Size size = searched_size(rgb.size(), options_.detect_size);
  const double scale_x = double(size.width) / rgb.cols, scale_y = double(size.height) / rgb.rows;
  const cv::Mat picture = reduced(rgb, options_.detect_size);

  auto faces = detect(picture);
  if (faces.empty()) {
    cv::Mat grey;
    cv::cvtColor(picture, grey, cv::COLOR_RGB2GRAY);
    cv::cvtColor(grey, grey, cv::COLOR_GRAY2RGB);
    faces = detect(grey);
  }
  for (FaceBox& face : faces) {
    face.left = float(face.left / scale_x);
    face.right = float(face.right / scale_x);
    face.top = float(face.top / scale_y);
    face.bottom = float(face.bottom / scale_y);
  }
  std::erase_if(faces, [](const FaceBox& face) { return face.width() < 1 || face.height() < 1; });
  return faces;
}

std::vector<FaceBox> FaceFinder::detect(const cv::Mat& picture) {
  auto faces = detector_->detect(picture, options_.score_threshold, options_.iou_threshold);
  std::erase_if(faces, [](const FaceBox& face) {
    return !std::isfinite(face.left + face.top + face.right + face.bottom);
  });
  return faces;
}

std::optional<TrackedFace> FaceFinder::find(const cv::Mat& rgb, double seconds) {
  std::optional<TrackedFace> state;
  if (following_ && ++frames_since_detection_ < options_.detect_interval)
    state = tracker_->predict(rgb, seconds);
  if (!state) {
    frames_since_detection_ = 0;
    state = tracker_->update(rgb, search(rgb), seconds);
  }
  following_ = state.has_value();
  return state;
}

}  // namespace reenact
