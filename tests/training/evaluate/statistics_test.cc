// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/errors.h"
#include "training/evaluate/face_measures.h"
#include "training/evaluate/follow_evaluation.h"
#include "training/evaluate/plane_plot.h"
#include "training/learning/expression_loss.h"

namespace reenact::training {
namespace {

TEST(Statistics, BootstrapKeepsAConstantAndWidensWithTheSpread) {
  const auto constant = bootstrap_mean({0.5, 0.5, 0.5});
  EXPECT_DOUBLE_EQ(constant.low, 0.5);
  EXPECT_DOUBLE_EQ(constant.high, 0.5);
  std::vector<double> values;
  for (int i = 0; i < 100; ++i) values.push_back(i % 2);
  const auto coin = bootstrap_mean(values);
  EXPECT_DOUBLE_EQ(coin.mean, 0.5);
  // Of a hundred tosses: 1.96 * 0.5 / 10 to either side.
  EXPECT_NEAR(coin.low, 0.5 - 0.098, 0.015);
  EXPECT_NEAR(coin.high, 0.5 + 0.098, 0.015);
  test::expect_error([] { bootstrap_mean({}); }, ErrorCode::invalid, {"wanted at least one driver"});
}

TEST(Statistics, CorrelationFollowsItsFormula) {
  EXPECT_NEAR(correlation_of({1, 2, 3, 4}, {2, 4, 6, 8}), 1, 1e-12);
  EXPECT_NEAR(correlation_of({1, 2, 3}, {3, 2, 1}), -1, 1e-12);
  EXPECT_NEAR(correlation_of({1, 2, 3, 4}, {1, 3, 2, 4}), 0.8, 1e-12);
  EXPECT_EQ(correlation_of({1, 1, 1}, {1, 2, 3}), 0);
  EXPECT_DOUBLE_EQ(median_of({5, 1, 3}), 3);
  EXPECT_DOUBLE_EQ(median_of({4, 1, 3, 2}), 2.5);
}

TEST(Statistics, SteadyMotionDoesNotTremble) {
  EXPECT_DOUBLE_EQ(tremble_of({0, 1, 2, 3, 4}), 0);
  EXPECT_DOUBLE_EQ(tremble_of({0, 1, 0, 1}), 2);
}

TEST(Following, OfASeriesByItselfScaledAndShifted) {
  const std::size_t groups = expression_groups().size();
  std::vector<std::vector<double>> driver, drawn;
  for (int i = 0; i < 30; ++i) {
    driver.emplace_back(groups, std::sin(0.7 * i));
    drawn.emplace_back(groups, 0.5 * std::sin(0.7 * i) + 3);
    driver.back()[0] = 1;  // somebody who never turns
  }
  const auto following = compare_movements(driver, drawn);
  EXPECT_TRUE(std::isnan(following.correlations[0]));
  for (std::size_t g = 1; g < groups; ++g) EXPECT_NEAR(following.correlations[g], 1, 1e-9);
  EXPECT_NEAR(following.tremble, 0.5, 1e-9);
  const auto same = compare_movements(driver, driver);
  EXPECT_DOUBLE_EQ(same.difference, 0);
  EXPECT_DOUBLE_EQ(same.tremble, 1);
  EXPECT_GT(following.difference, 2);
  EXPECT_LT(following.moved_difference, 0.5);
}

TEST(ExpressionGroups, NameTheFeaturesThatTheirMovementsChange) {
  // An upright face; then each movement alone, and the group that must see it most.
  auto mesh = torch::zeros({1, 478, 2});
  const auto put = [&](torch::Tensor& face, std::int64_t point, double x, double y) {
    face[0][point][0] = x;
    face[0][point][1] = y;
  };
  const auto face = [&] {
    auto points = torch::full({1, 478, 2}, 0.5);
    for (const auto& [point, x, y] : std::initializer_list<std::tuple<int, double, double>>{
             {234, 0.3, 0.5},   {454, 0.7, 0.5},   {10, 0.5, 0.2},    {152, 0.5, 0.8},   {1, 0.5, 0.5},
             {168, 0.5, 0.4},   {33, 0.36, 0.4},   {133, 0.44, 0.4},  {362, 0.56, 0.4},  {263, 0.64, 0.4},
             {468, 0.4, 0.4},   {473, 0.6, 0.4},   {159, 0.4, 0.39},  {145, 0.4, 0.41},  {158, 0.41, 0.39},
             {153, 0.41, 0.41}, {386, 0.6, 0.39},  {374, 0.6, 0.41},  {385, 0.59, 0.39}, {380, 0.59, 0.41},
             {105, 0.4, 0.34},  {334, 0.6, 0.34},  {13, 0.5, 0.65},   {14, 0.5, 0.65},   {82, 0.49, 0.65},
             {87, 0.49, 0.65},  {312, 0.51, 0.65}, {317, 0.51, 0.65}, {0, 0.5, 0.63},    {17, 0.5, 0.67},
             {61, 0.43, 0.65},  {291, 0.57, 0.65}})
      put(points, point, x, y);
    return points;
  };
  const auto most_changed = [&](const torch::Tensor& moved) {
    const auto change = (expression_features(moved) - expression_features(face())).abs()[0];
    std::string name;
    double most = 0;
    for (const auto& group : expression_groups()) {
      double sum = 0;
      for (const auto feature : group.features) sum += change[feature].item<double>();
      sum /= static_cast<double>(group.features.size());
      if (sum > most) {
        most = sum;
        name = group.name;
      }
    }
    return name;
  };
  auto moved = face();
  for (const int point : {14, 87, 317}) put(moved, point, moved[0][point][0].item<double>(), 0.72);
  EXPECT_EQ(most_changed(moved), "mouth");
  moved = face();
  put(moved, 1, 0.58, 0.5);
  EXPECT_EQ(most_changed(moved), "turn");
  moved = face();
  put(moved, 1, 0.5, 0.57);
  EXPECT_EQ(most_changed(moved), "nod");
  moved = face();
  for (const int point : {468, 473}) put(moved, point, moved[0][point][0].item<double>() + 0.02, 0.4);
  EXPECT_EQ(most_changed(moved), "gaze_across");
  moved = face();
  for (const int point : {105, 334}) put(moved, point, moved[0][point][0].item<double>(), 0.3);
  EXPECT_EQ(most_changed(moved), "brows");
}

nlohmann::json line(const std::string& command, const std::string& label, const std::string& field,
                    double mean) {
  return {{"command", command},
          {"label", label},
          {field, {{"mean", mean}, {"low", mean - 0.1}, {"high", mean + 0.1}}}};
}

TEST(PlanePlot, JoinsTheTwoLinesOfALabel) {
  const auto points = plane_points({line("evaluate identity", "a", "distance_to_identity", 0.4),
                                    line("evaluate follow", "b & c", "follow", 0.8),
                                    line("evaluate follow", "a", "follow", 0.9),
                                    line("evaluate identity", "b & c", "distance_to_identity", 0.6),
                                    line("evaluate identity", "alone", "distance_to_identity", 0.5)});
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0].label, "a");
  EXPECT_NEAR(points[0].follow.mean, 0.1, 1e-9);
  EXPECT_NEAR(points[0].follow.high, 0.2, 1e-9);
  EXPECT_NEAR(points[1].identity.low, 0.5, 1e-9);
  const auto svg = plane_plot(points);
  EXPECT_NE(svg.find("b &amp; c"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  test::expect_error([] { plane_points({{{"some", 1}}}); }, ErrorCode::invalid, {"evaluate identity"});
  test::expect_error([] { plane_points({line("evaluate follow", "a", "follow", 0.9)}); }, ErrorCode::invalid,
                     {"both"});
}

TEST(PlanePlot, PutsNoLabelOnAnother) {
  std::vector<nlohmann::json> lines;
  for (const char* label : {"first", "second", "third"}) {
    lines.push_back(line("evaluate identity", label, "distance_to_identity", 0.4));
    lines.push_back(line("evaluate follow", label, "follow", 0.9));
  }
  const auto svg = plane_plot(plane_points(lines));
  std::vector<double> heights;
  for (const char* label : {">first<", ">second<", ">third<"}) {
    const auto start = svg.rfind(" y=\"", svg.find(label));
    ASSERT_NE(start, std::string::npos);
    heights.push_back(std::stod(svg.substr(start + 4)));
  }
  for (std::size_t i = 0; i < heights.size(); ++i)
    for (std::size_t k = 0; k < i; ++k) EXPECT_GE(std::abs(heights[i] - heights[k]), 13) << i << k;
}

TEST(SpreadIndices, AreEvenAndAscending) {
  EXPECT_EQ(spread_indices(10, 2), (std::vector<std::size_t>{2, 7}));
  EXPECT_EQ(spread_indices(3, 0), (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(spread_indices(2, 9), (std::vector<std::size_t>{0, 1}));
}

}  // namespace
}  // namespace reenact::training
