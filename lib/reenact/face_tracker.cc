// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/face_tracker.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "reenact/error.h"
#include "reenact/face_pattern.h"
#include "reenact/s3fd_postprocess.h"

namespace reenact {
namespace {

constexpr float least_overlap = 0.2f;      // with the last box, to be taken for the same face
constexpr double longest_absence = 1;      // seconds without the face after which a new one counts as another
constexpr double derivative_cutoff = 1.0;  // Hz, the filter's authors' advice

/// Cutoff at rest: 10 Hz (hardly any smoothing) down to 0.1 Hz.
double min_cutoff(double smoothing) {
  return 10.0 * std::pow(0.01, smoothing);
}
/// Hz more for each face side a second: at 30 frames a second and a smoothing of one half, a head that moves
/// half a side a second lags by 2 % of its side.
double beta(double smoothing) {
  return 5.0 - 4.0 * smoothing;
}

bool usable(const FaceBox& box) {
  constexpr float farthest = 1 << 20;
  for (const float edge : {box.left, box.top, box.right, box.bottom}) {
    if (!(std::abs(edge) <= farthest)) return false;
  }
  return box.width() >= 1 && box.height() >= 1;
}

float area(const FaceBox& box) {
  return box.width() * box.height();
}

}  // namespace

struct FaceTracker::Private {
  TrackerOptions options;
  FacePattern pattern;
  bool following = false;  // the face was seen in the frame before
  bool known = false;      // `box` says where a face was last
  FaceBox box;             // as detected or found, not smoothed
  unsigned track_id = 0;
  double seconds = 0, last_seen = 0;
  double unit = 1;  // side of the face when its track began: the filters work in shares of it
  std::array<OneEuroFilter, 4> filters;

  void tune() {
    for (OneEuroFilter& filter : filters)
      filter.tune(min_cutoff(options.smoothing), beta(options.smoothing), derivative_cutoff);
  }

  bool recent(double now) const { return known && std::abs(now - last_seen) <= longest_absence; }

  const FaceBox* choose(const cv::Mat& rgb, const std::vector<FaceBox>& faces, double now) const;
  TrackedFace follow(const FaceBox& found, bool detected, double now);
};

const FaceBox* FaceTracker::Private::choose(const cv::Mat& rgb, const std::vector<FaceBox>& faces,
                                            double now) const {
  if (faces.empty()) return nullptr;
  const auto best = [&](auto&& value) {
    return &*std::max_element(faces.begin(), faces.end(),
                              [&](const FaceBox& a, const FaceBox& b) { return value(a) < value(b); });
  };
  // A large box that the detector doubts must not win over a sure face: it would be followed from then on.
  const auto largest_sure = [&] {
    constexpr float least_share = 0.95f;
    const float least = least_share * best([](const FaceBox& face) { return face.score; })->score;
    return best([&](const FaceBox& face) { return face.score >= least ? area(face) : -1.f; });
  };
  switch (options.select) {
    case FaceSelect::center:
      return best([&](const FaceBox& face) {
        return -std::hypot(face.left + face.right - static_cast<float>(rgb.cols),
                           face.top + face.bottom - static_cast<float>(rgb.rows));
      });
    case FaceSelect::index: {
      if (options.index < 0 || static_cast<std::size_t>(options.index) >= faces.size()) return nullptr;
      std::vector<const FaceBox*> order;
      for (const FaceBox& face : faces) order.push_back(&face);
      std::stable_sort(order.begin(), order.end(), [](const FaceBox* a, const FaceBox* b) {
        return a->left + a->right < b->left + b->right;
      });
      return order[static_cast<std::size_t>(options.index)];
    }
    case FaceSelect::track:
      if (recent(now)) {
        const FaceBox* nearest =
            best([&](const FaceBox& face) { return intersection_over_union(face, box); });
        if (intersection_over_union(*nearest, box) > 0) return nearest;
      }
      return largest_sure();
    case FaceSelect::largest:
      break;
  }
  return best(area);
}

TrackedFace FaceTracker::Private::follow(const FaceBox& found, bool detected, double now) {
  const bool same = !detected || (recent(now) && intersection_over_union(found, box) >= least_overlap);
  if (!same) {
    ++track_id;
    for (OneEuroFilter& filter : filters) filter.reset();
    unit = std::max(found.width(), found.height());
  }
  const double interval = now - seconds;
  box = found;
  known = following = true;
  seconds = last_seen = now;

  TrackedFace state{found, track_id, detected};
  const double values[] = {(found.left + found.right) / 2 / unit, (found.top + found.bottom) / 2 / unit,
                           found.width() / unit, found.height() / unit};
  std::array<double, 4> smooth{};
  for (std::size_t i = 0; i < filters.size(); ++i) smooth[i] = filters[i].filter(values[i], interval) * unit;
  if (options.smoothing > 0) {
    state.box.left = static_cast<float>(smooth[0] - smooth[2] / 2);
    state.box.top = static_cast<float>(smooth[1] - smooth[3] / 2);
    state.box.right = static_cast<float>(smooth[0] + smooth[2] / 2);
    state.box.bottom = static_cast<float>(smooth[1] + smooth[3] / 2);
  }
  return state;
}

FaceTracker::FaceTracker(TrackerOptions options) : p_(std::make_unique<Private>()) {
  set_options(options);
}
FaceTracker::~FaceTracker() = default;

void FaceTracker::set_options(const TrackerOptions& options) {
  p_->options = options;
  p_->options.smoothing = options.smoothing > 0 ? std::min(options.smoothing, 1.0) : 0.0;
  p_->tune();
}

std::optional<TrackedFace> FaceTracker::update(const cv::Mat& rgb, std::span<const FaceBox> detections,
                                               double seconds) {
  if (rgb.type() != CV_8UC3)
    throw Error(ErrorCode::invalid, "a face was to be followed in a picture that is not 8-bit RGB");
  std::vector<FaceBox> faces;
  std::copy_if(detections.begin(), detections.end(), std::back_inserter(faces), usable);
  const FaceBox* chosen = p_->choose(rgb, faces, seconds);
  if (!chosen) {
    p_->following = false;
    p_->pattern.forget();
    return std::nullopt;
  }
  const TrackedFace state = p_->follow(*chosen, true, seconds);
  p_->pattern.learn(rgb, *chosen);
  return state;
}

std::optional<TrackedFace> FaceTracker::update_later(const cv::Mat& rgb, std::span<const FaceBox> detections,
                                                     const FaceBox& box_then, double seconds) {
  if (!p_->following) return std::nullopt;
  const std::optional<FaceBox> found = p_->pattern.find(rgb, p_->box);
  const FaceBox* nearest = nullptr;
  for (const FaceBox& face : detections) {
    if (usable(face) && intersection_over_union(face, box_then) >= least_overlap &&
        (!nearest || intersection_over_union(face, box_then) > intersection_over_union(*nearest, box_then)))
      nearest = &face;
  }
  if (!found || !usable(*found) || !nearest) return std::nullopt;
  const float right = (found->left + found->right - box_then.left - box_then.right) / 2,
              down = (found->top + found->bottom - box_then.top - box_then.bottom) / 2;
  FaceBox moved = *nearest;
  moved.left += right;
  moved.right += right;
  moved.top += down;
  moved.bottom += down;
  if (!usable(moved)) return std::nullopt;
  p_->pattern.learn(rgb, moved);
  return p_->follow(moved, true, seconds);
}

std::optional<TrackedFace> FaceTracker::predict(const cv::Mat& rgb, double seconds) {
  if (rgb.type() != CV_8UC3)
    throw Error(ErrorCode::invalid, "a face was to be followed in a picture that is not 8-bit RGB");
  if (!p_->following) return std::nullopt;
  const std::optional<FaceBox> found = p_->pattern.find(rgb, p_->box);
  if (!found || !usable(*found)) {
    p_->following = false;
    return std::nullopt;
  }
  return p_->follow(*found, false, seconds);
}

std::optional<TrackedFace> FaceTracker::carry(const cv::Mat& rgb, double seconds) {
  const auto state = predict(rgb, seconds);
  if (state) p_->pattern.learn(rgb, p_->box);
  return state;
}

std::optional<FaceBox> FaceTracker::last_box(double seconds) const {
  return p_->recent(seconds) ? std::optional(p_->box) : std::nullopt;
}

void FaceTracker::reset() {
  p_->pattern.forget();
  p_->following = p_->known = false;
  for (OneEuroFilter& filter : p_->filters) filter.reset();
}

}  // namespace reenact
