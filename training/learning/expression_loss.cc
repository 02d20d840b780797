// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/expression_loss.h"

#include <initializer_list>
#include <vector>

namespace reenact::training {
namespace {

/// Points of mediapipe's face mesh. Left and right are those of the picture.
namespace mesh {

enum Point : std::int64_t {
  nose_tip = 1,
  nose_bridge = 168,
  forehead = 10,
  chin = 152,
  left_cheek = 234,
  right_cheek = 454,
  left_brow = 105,
  right_brow = 334,
  mouth_left = 61,
  mouth_right = 291,
  upper_lip_edge = 0,
  lower_lip_edge = 17,
  left_iris = 468,
  right_iris = 473,
  left_eye_outer = 33,
  left_eye_inner = 133,
  right_eye_inner = 362,
  right_eye_outer = 263,
  left_upper_lid = 159,
  right_upper_lid = 386,
};

struct Pair {
  std::int64_t upper, lower;
};

constexpr std::initializer_list<Pair> left_lids = {{159, 145}, {158, 153}};
constexpr std::initializer_list<Pair> right_lids = {{386, 374}, {385, 380}};
constexpr std::initializer_list<Pair> inner_lips = {{13, 14}, {82, 87}, {312, 317}};

}  // namespace mesh

// They bring the features to like sizes: while somebody talks, place and brows vary by 0.06 then, gaze, nod and tilt by
// about 0.1, turn by 0.2, lids and mouth by 0.3 (standard deviations within the training clips).
namespace weight {

constexpr double lids = 12, mouth = 4, brow = 4, turn = 1, nod = 2, tilt = 2, place = 4;
constexpr double gaze_across = 10, gaze_down = 14;

}  // namespace weight

/// A face mesh [B, 478, 2] measured in its own axes.
class FaceMeasure {
 public:
  explicit FaceMeasure(const torch::Tensor& mesh) : mesh_(mesh) {
    constexpr double least_eye_distance = 1e-3, least_extent = 0.05;
    const auto eyes = at(mesh::right_eye_outer) - at(mesh::left_eye_outer);
    across_ = eyes / (eyes.pow(2).sum(1, true) + least_eye_distance * least_eye_distance).sqrt();
    down_ = torch::stack({-across_.select(1, 1), across_.select(1, 0)}, 1);
    width_ = along(across_, mesh::left_cheek, mesh::right_cheek).clamp_min(least_extent);
    height_ = along(down_, mesh::forehead, mesh::chin).clamp_min(least_extent);
  }

  torch::Tensor at(std::int64_t point) const { return mesh_.select(1, point); }               ///< [B, 2]
  torch::Tensor middle(std::int64_t a, std::int64_t b) const { return (at(a) + at(b)) / 2; }  ///< [B, 2]
  /// From one point to another as a share of the face's width, [B].
  torch::Tensor across(std::int64_t from, std::int64_t to) const { return across(at(to) - at(from)); }
  torch::Tensor across(const torch::Tensor& vector) const { return (vector * across_).sum(1) / width_; }
  /// The same as a share of its height.
  torch::Tensor down(std::int64_t from, std::int64_t to) const { return down(at(to) - at(from)); }
  torch::Tensor down(const torch::Tensor& vector) const { return (vector * down_).sum(1) / height_; }
  /// Sum over pairs of points above each other.
  torch::Tensor opening(std::initializer_list<mesh::Pair> pairs) const {
    torch::Tensor sum;
    for (const auto& pair : pairs) {
      const auto distance = down(pair.upper, pair.lower);
      sum = sum.defined() ? sum + distance : distance;
    }
    return sum;
  }
  const torch::Tensor& direction() const { return across_; }  ///< unit vector [B, 2]

 private:
  torch::Tensor along(const torch::Tensor& axis, std::int64_t from, std::int64_t to) const {
    return ((at(to) - at(from)) * axis).sum(1);
  }

  torch::Tensor mesh_, across_, down_, width_, height_;
};

}  // namespace

torch::Tensor expression_features(const torch::Tensor& landmarks) {
  using namespace mesh;
  const FaceMeasure face(landmarks);
  std::vector<torch::Tensor> features = {
      weight::lids * face.opening(left_lids),
      weight::lids * face.opening(right_lids),
      weight::mouth * face.opening(inner_lips),
      weight::mouth * face.down(upper_lip_edge, lower_lip_edge),
      weight::mouth * face.across(mouth_left, mouth_right),
      weight::brow * face.down(left_brow, left_upper_lid),
      weight::brow * face.down(right_brow, right_upper_lid),
      weight::turn * (face.across(left_cheek, nose_tip) - face.across(nose_tip, right_cheek)),
      weight::nod * (face.down(forehead, nose_tip) - face.down(nose_tip, chin)),
  };
  const auto add_vector = [&features](double factor, const torch::Tensor& vector) {
    features.push_back(factor * vector.select(1, 0));
    features.push_back(factor * vector.select(1, 1));
  };
  add_vector(weight::tilt, face.direction());
  add_vector(weight::place, face.middle(nose_bridge, nose_tip));
  const auto add_gaze = [&](Point iris, Point outer, Point inner) {
    const auto gaze = face.at(iris) - face.middle(outer, inner);
    features.push_back(weight::gaze_across * face.across(gaze));
    features.push_back(weight::gaze_down * face.down(gaze));
  };
  add_gaze(left_iris, left_eye_outer, left_eye_inner);
  add_gaze(right_iris, right_eye_outer, right_eye_inner);
  return torch::stack(features, 1);
}

torch::Tensor expression_loss(const torch::Tensor& predicted, const torch::Tensor& wanted,
                              const torch::Tensor& known) {
  const auto difference = (expression_features(predicted) - expression_features(wanted)).abs().mean(1);
  return (difference * known).mean();
}

}  // namespace reenact::training
