// SPDX-License-Identifier: LGPL-2.1-or-later
// expression_loss() on a head built of a few points in space, seen straight from the front.
#include "training/learning/expression_loss.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <map>

#include "reenact/safetensors.h"
#include "support/shared_data.h"
#include "training/learning/landmark_loss.h"

namespace reenact::training {
namespace {

/// What a head does; lengths in half widths of the face, angles in radians.
struct Expression {
  double mouth = 0.05, mouth_width = 0.8, lids = 0.14, brows = 0.3, gaze_x = 0, gaze_y = 0;
  double turn = 0, nod = 0, tilt = 0, shift = 0;
};

constexpr double half_width = 0.2;  // of the face, as a share of the picture's side
constexpr double face_height = 2.6;

using Point = std::array<double, 3>;  // right, down, towards the viewer

/// The points that tell an expression, by their numbers in mediapipe's mesh; the jaw stays where it is.
std::map<int, Point> head_points(const Expression& e) {
  std::map<int, Point> points = {{10, {0, -1.3, 0.3}},
                                 {152, {0, 1.3, 0.3}},
                                 {234, {-1, 0, -0.4}},
                                 {454, {1, 0, -0.4}},
                                 {1, {0, 0.25, 0.9}},
                                 {168, {0, -0.45, 0.55}},
                                 {0, {0, 0.6, 0.6}},
                                 {17, {0, 0.85 + e.mouth, 0.55}},
                                 {61, {-e.mouth_width / 2, 0.75, 0.4}},
                                 {291, {e.mouth_width / 2, 0.75, 0.4}}};
  const int inner_lips[3][2] = {{82, 87}, {13, 14}, {312, 317}};
  for (int i = 0; i < 3; ++i) {
    const double x = 0.1 * (i - 1);
    points[inner_lips[i][0]] = {x, 0.7, 0.55};
    points[inner_lips[i][1]] = {x, 0.7 + e.mouth, 0.55};
  }
  struct Eye {
    int outer, inner, upper, lower, upper_beside, lower_beside, brow, iris;
    double side;
  };
  for (const Eye& eye :
       {Eye{33, 133, 159, 145, 158, 153, 105, 468, -1}, Eye{263, 362, 386, 374, 385, 380, 334, 473, 1}}) {
    constexpr double level = -0.4, depth = 0.3;
    const auto at = [&](double x, double y) { return Point{eye.side * x, level + y, depth}; };
    points[eye.outer] = at(0.65, 0);
    points[eye.inner] = at(0.25, 0);
    points[eye.upper] = at(0.47, -e.lids / 2);
    points[eye.lower] = at(0.47, e.lids / 2);
    points[eye.upper_beside] = at(0.4, -e.lids / 2);
    points[eye.lower_beside] = at(0.4, e.lids / 2);
    points[eye.brow] = at(0.47, -e.brows);
    const auto middle = at(0.45, 0);
    points[eye.iris] = {middle[0] + e.gaze_x, middle[1] + e.gaze_y, depth};
  }
  return points;
}

/// [1, 478, 2]: turned, nodded, tilted, and drawn a little left of the picture's middle. Other points lie on a circle.
torch::Tensor mesh(const Expression& e = {}) {
  auto landmarks = torch::zeros({1, 478, 2});
  auto values = landmarks.accessor<float, 3>();
  const auto place = [&](int index, const Point& p) {
    const double x = p[0] * std::cos(e.turn) + p[2] * std::sin(e.turn),
                 depth = p[2] * std::cos(e.turn) - p[0] * std::sin(e.turn),
                 y = p[1] * std::cos(e.nod) + depth * std::sin(e.nod);
    values[0][index][0] =
        static_cast<float>(0.45 + e.shift + half_width * (x * std::cos(e.tilt) - y * std::sin(e.tilt)));
    values[0][index][1] =
        static_cast<float>(0.5 + half_width * (x * std::sin(e.tilt) + y * std::cos(e.tilt)));
  };
  for (int i = 0; i < 478; ++i) place(i, {0.5 * std::cos(i), 0.5 * std::sin(i), 0.4});
  for (const auto& [index, point] : head_points(e)) place(index, point);
  return landmarks;
}

double loss(const torch::Tensor& a, const torch::Tensor& b) {
  return expression_loss(a, b, torch::ones({a.size(0)})).item<double>();
}

/// Stretched about a point along an axis that makes this angle with the picture's, and at right angles to it.
torch::Tensor stretched(const torch::Tensor& landmarks, double along, double beside, double angle,
                        const torch::Tensor& about) {
  const float c = static_cast<float>(std::cos(angle)), s = static_cast<float>(std::sin(angle));
  const auto axes = torch::tensor({c, -s, s, c}).view({2, 2});  // columns: along, beside
  const auto factors = torch::tensor({static_cast<float>(along), static_cast<float>(beside)});
  return ((landmarks - about).matmul(axes) * factors).matmul(axes.t()) + about;
}

torch::Tensor middle_of_nose(const torch::Tensor& landmarks) {
  return (landmarks.narrow(1, 1, 1) + landmarks.narrow(1, 168, 1)) / 2;
}

TEST(ExpressionLoss, IsZeroForEqualMeshes) {
  EXPECT_EQ(loss(mesh(), mesh()), 0);
  EXPECT_EQ(loss(mesh({.turn = 0.4, .tilt = 0.3}), mesh({.turn = 0.4, .tilt = 0.3})), 0);
}

TEST(ExpressionLoss, StretchingAFaceAlongItsAxesChangesNothing) {
  for (const Expression& e :
       {Expression{}, Expression{.mouth = 0.4, .lids = 0.02, .gaze_x = 0.1}, Expression{.tilt = 0.4},
        Expression{.mouth = 0.3, .turn = 0.5, .tilt = -0.3}, Expression{.turn = -0.3, .nod = 0.3}}) {
    const auto face = mesh(e);
    const auto eyes = face[0][263] - face[0][33];
    const double angle = std::atan2(eyes[1].item<double>(), eyes[0].item<double>());
    for (const auto& [along, beside] :
         {std::pair{1.2, 1.0}, {1.0, 1.2}, {0.8, 1.0}, {1.0, 0.8}, {0.9, 1.1}}) {
      const auto other = stretched(face, along, beside, angle, middle_of_nose(face));
      EXPECT_LT(loss(face, other), 2e-5) << along << " " << beside;
      EXPECT_GT(landmark_loss(face, other, torch::ones({1})).item<double>(), 0.005)
          << "a loss that sees shape";
    }
  }
}

TEST(ExpressionLoss, StretchingAlongThePicturesAxesCostsLittle) {
  // About the face's middle, which is not quite the nose's, and not quite along a tilted face.
  const double wide_mouth = loss(mesh(), mesh({.mouth = 0.5}));
  for (const double tilt : {0.0, 0.1}) {
    const auto face = mesh({.tilt = tilt});
    const auto middle = (face.narrow(1, 10, 1) + face.narrow(1, 152, 1)) / 2;
    EXPECT_LT(loss(face, stretched(face, 1.15, 1, 0, middle)), 0.1 * wide_mouth);
    EXPECT_LT(loss(face, stretched(face, 1, 1.15, 0, middle)), 0.1 * wide_mouth);
  }
}

TEST(ExpressionLoss, GrowsWithEveryExpression) {
  const std::map<std::string, std::function<Expression(double)>> changes = {
      {"mouth", [](double t) { return Expression{.mouth = 0.05 + 0.5 * t}; }},
      {"mouth width", [](double t) { return Expression{.mouth_width = 0.8 + 0.2 * t}; }},
      {"lids closing", [](double t) { return Expression{.lids = 0.14 * (1 - t)}; }},
      {"brows", [](double t) { return Expression{.brows = 0.3 + 0.2 * t}; }},
      {"turn left", [](double t) { return Expression{.turn = -0.6 * t}; }},
      {"turn right", [](double t) { return Expression{.turn = 0.6 * t}; }},
      {"nod", [](double t) { return Expression{.nod = 0.4 * t}; }},
      {"look up", [](double t) { return Expression{.nod = -0.4 * t}; }},
      {"tilt", [](double t) { return Expression{.tilt = 0.5 * t}; }},
      {"tilt back", [](double t) { return Expression{.tilt = -0.5 * t}; }},
      {"gaze aside", [](double t) { return Expression{.gaze_x = 0.12 * t}; }},
      {"gaze up", [](double t) { return Expression{.gaze_y = -0.06 * t}; }},
      {"place", [](double t) { return Expression{.shift = 0.1 * t}; }}};
  for (const auto& [name, change] : changes) {
    SCOPED_TRACE(name);
    double before = 0;
    for (const double amount : {0.25, 0.5, 0.75, 1.0}) {
      const double now = loss(mesh(change(amount)), mesh());
      EXPECT_GT(now, before + 1e-3) << amount;
      EXPECT_NEAR(now, loss(mesh(), mesh(change(amount))), 1e-6) << "whichever is wanted";
      before = now;
    }
  }
}

TEST(ExpressionLoss, CountsLidsAsTheirShareOfTheFacesHeight) {
  // Two pairs of lids of each of two eyes, weight 12, and brows, weight 4, whose upper lid goes down by half as much;
  // 17 features.
  const double closed = 0.1;
  const double expected = (2 * 2 * 12 * closed + 2 * 4 * closed / 2) / face_height / 17;
  EXPECT_NEAR(loss(mesh({.lids = 0.14 - closed}), mesh()), expected, 1e-5);
}

TEST(ExpressionLoss, SamplesWithoutLandmarksCountAsNothing) {
  const auto open = mesh({.mouth = 0.5});
  const double alone = loss(open, mesh());
  auto predicted = torch::cat({open, open}).requires_grad_();
  const auto both =
      expression_loss(predicted, torch::cat({mesh(), torch::zeros({1, 478, 2})}), torch::tensor({1.f, 0.f}));
  EXPECT_NEAR(both.item<double>(), alone / 2, 1e-6);
  both.backward();
  EXPECT_GT(predicted.grad()[0].abs().max().item<double>(), 0);
  EXPECT_EQ(predicted.grad()[1].abs().max().item<double>(), 0);
}

TEST(ExpressionLoss, AMeshOfAnUntrainedNetworkHasAFiniteGradient) {
  for (const auto& start : {torch::zeros({1, 478, 2}), torch::full({1, 478, 2}, 0.5), 1 - mesh()}) {
    auto predicted = start.clone().requires_grad_();
    const auto value = expression_loss(predicted, mesh(), torch::ones({1}));
    value.backward();
    EXPECT_TRUE(std::isfinite(value.item<double>()));
    EXPECT_TRUE(torch::isfinite(predicted.grad()).all().item<bool>());
    EXPECT_GT(predicted.grad().abs().max().item<double>(), 0);
    EXPECT_LT(predicted.grad().abs().max().item<double>(), 1e3);
  }
}

TEST(ExpressionLoss, StretchingRealFacesCostsFarLessThanTheirNextExpression) {
  REENACT_SHARED_FILE(path, "data/clips/c0000/labels.safetensors");
  const auto values = SafetensorsFile(path).at("landmarks").to_floats();
  auto meshes = torch::tensor(values).view({-1, 478, 2}) / 256;
  meshes = meshes.index({torch::isfinite(meshes).all(2).all(1)});
  ASSERT_GT(meshes.size(0), 20);
  const double between_frames = loss(meshes, meshes.roll(meshes.size(0) / 2, 0));
  const auto about = meshes.mean(1, true);
  EXPECT_LT(loss(meshes, stretched(meshes, 1.15, 1, 0, about)), 0.2 * between_frames);
  EXPECT_LT(loss(meshes, stretched(meshes, 1, 1.15, 0, about)), 0.2 * between_frames);
}

}  // namespace
}  // namespace reenact::training
