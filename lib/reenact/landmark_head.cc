// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/landmark_head.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <string>

#include "reenact/config.h"
#include "reenact/error.h"
#include "reenact/model_file.h"
#include "reenact/safetensors.h"

namespace reenact {
namespace {

constexpr double input_scale = 0.1;  // of the embeddings that the trainer gives its landmark head
constexpr double least_extent = 0.05;

/// The points that are kept, by their places in the list below.
enum Point : int {
  nose_tip,
  forehead,
  chin,
  left_cheek,
  right_cheek,
  left_eye_outer,
  right_eye_outer,
  left_upper_lid,
  left_lower_lid,
  left_upper_lid_inner,
  left_lower_lid_inner,
  right_upper_lid,
  right_lower_lid,
  right_upper_lid_inner,
  right_lower_lid_inner,
  upper_lip,
  lower_lip,
  upper_lip_left,
  lower_lip_left,
  upper_lip_right,
  lower_lip_right,
  left_brow_middle,
  right_brow_middle,
  mouth_left,
  mouth_right,
  kept
};

/// Their numbers in mediapipe's face mesh.
constexpr int mesh_points[kept] = {1,   10,  152, 234, 454, 33, 263, 159, 145, 158, 153, 386, 374,
                                   385, 380, 13,  14,  82,  87, 312, 317, 105, 334, 61,  291};

struct Vector {
  double x, y;
};

Vector operator-(Vector a, Vector b) {
  return {a.x - b.x, a.y - b.y};
}

double dot(Vector a, Vector b) {
  return a.x * b.x + a.y * b.y;
}

/// In several sums, which a compiler keeps in one register.
double dot(const float* a, const float* b, int count) {
  constexpr int lanes = 8;
  std::array<float, lanes> sums{};
  int i = 0;
  for (; i + lanes <= count; i += lanes)
    for (int lane = 0; lane < lanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  double sum = 0;
  for (const float part : sums) sum += part;
  for (; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

/// Gives both sides' lids and brows their mean.
template <typename Value, typename Mean>
void merge_sides(std::array<Value, FaceMeasures::count>& v, const Mean& mean) {
  v[0] = v[1] = mean(v[0], v[1]);
  v[6] = v[7] = mean(v[6], v[7]);
}

FaceMeasures to_measures(const std::array<double, FaceMeasures::count>& v) {
  return {v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]};
}

}  // namespace

FaceMeasures interpolated(const FaceMeasures& from, const FaceMeasures& to, double share) {
  const auto between = [share](double a, double b) { return a + share * (b - a); };
  return {between(from.left_lids, to.left_lids),
          between(from.right_lids, to.right_lids),
          between(from.mouth, to.mouth),
          between(from.turn, to.turn),
          between(from.nod, to.nod),
          between(from.tilt, to.tilt),
          between(from.left_brow, to.left_brow),
          between(from.right_brow, to.right_brow),
          between(from.mouth_width, to.mouth_width)};
}

LandmarkHead::LandmarkHead(std::span<const float> weight, std::span<const float> bias)
    : pose_size_(static_cast<int>(weight.size() / (2 * point_count))) {
  static_assert(kept == kept_points);
  if (weight.empty() || weight.size() % (2 * point_count) != 0 || bias.size() != 2 * point_count) {
    throw Error(ErrorCode::invalid, "a landmark head has " + std::to_string(weight.size()) + " weights and " +
                                        std::to_string(bias.size()) + " biases, wanted 956 rows and 956");
  }
  for (const auto values : {weight, bias}) {
    if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
      throw Error(ErrorCode::invalid, "a landmark head has values that are not finite, wanted finite ones");
  }
  rows_.reserve(static_cast<std::size_t>(2 * kept * pose_size_));
  for (int point = 0; point < kept; ++point) {
    for (int axis = 0; axis < 2; ++axis) {
      const int row = 2 * mesh_points[point] + axis;
      bias_[2 * point + axis] = bias[row];
      for (const float value : weight.subspan(static_cast<std::size_t>(row) * pose_size_, pose_size_))
        rows_.push_back(static_cast<float>(input_scale) * value);
    }
  }

  for (int i = 0; i < 2 * kept; ++i)
    for (int j = 0; j < 2 * kept; ++j)
      moved_.push_back(dot(&rows_[static_cast<std::size_t>(i) * pose_size_],
                           &rows_[static_cast<std::size_t>(j) * pose_size_], pose_size_));
}

void LandmarkHead::check(std::span<const float> pose) const {
  if (pose.size() == static_cast<std::size_t>(pose_size_)) return;
  throw Error(ErrorCode::invalid, "the pose to be measured has " + std::to_string(pose.size()) +
                                      " values, wanted the landmark head's " + std::to_string(pose_size_));
}

LandmarkHead::Points LandmarkHead::points_at(std::span<const float> pose) const {
  Points points = bias_;
  for (int i = 0; i < 2 * kept; ++i)
    points[i] += dot(&rows_[static_cast<std::size_t>(i) * pose_size_], pose.data(), pose_size_);
  return points;
}

LandmarkHead::Values LandmarkHead::measure_points(const Points& points) {
  const auto at = [&](Point point) { return Vector{points[2 * point], points[2 * point + 1]}; };
  const Vector eyes = at(right_eye_outer) - at(left_eye_outer);
  const double distance = std::max(std::hypot(eyes.x, eyes.y), 1e-6);
  const Vector across{eyes.x / distance, eyes.y / distance}, down{-across.y, across.x};
  const auto along = [&](Vector axis, Point from, Point to) { return dot(at(to) - at(from), axis); };
  const double width = std::max(along(across, left_cheek, right_cheek), least_extent);
  const double height = std::max(along(down, forehead, chin), least_extent);
  return {(along(down, left_upper_lid, left_lower_lid) +
           along(down, left_upper_lid_inner, left_lower_lid_inner)) /
              2 / height,
          (along(down, right_upper_lid, right_lower_lid) +
           along(down, right_upper_lid_inner, right_lower_lid_inner)) /
              2 / height,
          (along(down, upper_lip, lower_lip) + along(down, upper_lip_left, lower_lip_left) +
           along(down, upper_lip_right, lower_lip_right)) /
              3 / height,
          (along(across, left_cheek, nose_tip) - along(across, nose_tip, right_cheek)) / width,
          (along(down, forehead, nose_tip) - along(down, nose_tip, chin)) / height,
          std::atan2(across.y, across.x),
          along(down, left_brow_middle, left_upper_lid) / height,
          along(down, right_brow_middle, right_upper_lid) / height,
          along(across, mouth_left, mouth_right) / width};
}

FaceMeasures LandmarkHead::measure(std::span<const float> pose) const {
  check(pose);
  return to_measures(measure_points(points_at(pose)));
}

/// How each measure changes with each coordinate, by central differences.
std::array<LandmarkHead::Points, FaceMeasures::count> LandmarkHead::slopes_at(const Points& points) {
  constexpr double step = 1e-4;
  std::array<Points, FaceMeasures::count> slopes;
  for (std::size_t i = 0; i < points.size(); ++i) {
    Points moved = points;
    moved[i] += step;
    const Values after = measure_points(moved);
    moved[i] -= 2 * step;
    const Values before = measure_points(moved);
    for (std::size_t k = 0; k < slopes.size(); ++k) slopes[k][i] = (after[k] - before[k]) / (2 * step);
  }
  return slopes;
}

std::vector<float> LandmarkHead::with_measures(std::span<const float> pose, const FaceMeasures& wanted,
                                               FaceSides sides) const {
  check(pose);
  constexpr int count = FaceMeasures::count, coordinates = 2 * kept, iterations = 4;
  Values target = {wanted.left_lids, wanted.right_lids, wanted.mouth,      wanted.turn,       wanted.nod,
                   wanted.tilt,      wanted.left_brow,  wanted.right_brow, wanted.mouth_width};
  const Points start = points_at(pose);
  auto slopes = slopes_at(start);
  const auto mean_value = [](double a, double b) { return (a + b) / 2; };
  if (sides == FaceSides::together) {
    merge_sides(target, mean_value);
    merge_sides(slopes, [](const Points& a, const Points& b) {
      Points mean;
      for (std::size_t i = 0; i < mean.size(); ++i) mean[i] = (a[i] + b[i]) / 2;
      return mean;
    });
  }
  std::array<Points, count> moved;  // the points, by a step that raises one measure the fastest
  cv::Matx<double, count, count> products;
  for (int l = 0; l < count; ++l) {
    for (int i = 0; i < coordinates; ++i) {
      moved[l][i] = 0;
      for (int j = 0; j < coordinates; ++j) moved[l][i] += moved_[coordinates * i + j] * slopes[l][j];
    }
    for (int k = 0; k < count; ++k) {
      products(k, l) = 0;
      for (int i = 0; i < coordinates; ++i) products(k, l) += slopes[k][i] * moved[l][i];
    }
  }

  // Newton's method with the slopes of the start; a head that does not see a measure leaves it as it is, and sides that
  // go together halve the step between them.
  cv::Vec<double, count> shares = cv::Vec<double, count>::all(0);
  for (int iteration = 0; iteration < iterations; ++iteration) {
    Points points = start;
    for (int l = 0; l < count; ++l)
      for (int i = 0; i < coordinates; ++i) points[i] += shares[l] * moved[l][i];
    Values now = measure_points(points);
    if (sides == FaceSides::together) merge_sides(now, mean_value);
    cv::Vec<double, count> missing;
    for (int k = 0; k < count; ++k) missing[k] = target[k] - now[k];
    shares += cv::Vec<double, count>(products.solve(missing, cv::DECOMP_SVD));
  }

  std::vector<float> result(pose.begin(), pose.end());
  for (int j = 0; j < coordinates; ++j) {
    double share = 0;
    for (int l = 0; l < count; ++l) share += shares[l] * slopes[l][j];
    const float* step = &rows_[static_cast<std::size_t>(j) * pose_size_];
    for (int i = 0; i < pose_size_; ++i) result[i] += static_cast<float>(share) * step[i];
  }
  return result;
}

std::shared_ptr<const LandmarkHead> load_landmark_head(const std::filesystem::path& reenactor) {
  const ModelFile model(reenactor, ModelKind::reenactor);
  constexpr auto weight_name = "landmark_head.weight", bias_name = "landmark_head.bias";
  if (!model.file().contains(weight_name) && !model.file().contains(bias_name)) return nullptr;
  const int pose_size = model.info().config.get<ReenactorConfig>().pose_embedding_size;
  const TensorView &weight = model.file().at(weight_name), &bias = model.file().at(bias_name);
  constexpr std::int64_t rows = 2 * LandmarkHead::point_count;
  if (weight.shape != std::vector<std::int64_t>{rows, pose_size} ||
      bias.shape != std::vector<std::int64_t>{rows}) {
    throw Error(ErrorCode::wrong_kind, "'" + reenactor.string() +
                                           "' has a landmark head of another shape, wanted weights [956, " +
                                           std::to_string(pose_size) + "] and biases [956]");
  }
  try {
    return std::make_shared<const LandmarkHead>(weight.to_floats(), bias.to_floats());
  } catch (const Error& error) {
    throw Error(ErrorCode::corrupt, "'" + reenactor.string() + "': " + error.what());
  }
}

}  // namespace reenact
