// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/s3fd_postprocess.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "support/shared_data.h"
#include "support/tensors.h"

namespace reenact {
namespace {

constexpr char parity_name[] = "parity/s3fd_postprocess.safetensors";

/// Exact in number and order; only boxes of one and the same score, whose order the authors' dependency
/// leaves to an unstable sort, are put in the order of their left edges on both sides first.
void expect_boxes(std::vector<FaceBox> ours, const TensorView& authors) {
  const std::vector<double> values = test::to_doubles(authors);
  std::vector<std::array<double, 5>> expected(values.size() / 5);
  for (std::size_t i = 0; i < values.size(); ++i) expected[i / 5][i % 5] = values[i];
  ASSERT_EQ(ours.size(), expected.size());
  for (std::size_t begin = 0, end = 0; begin < expected.size(); begin = end) {
    while (end < expected.size() && expected[end][4] == expected[begin][4]) ++end;
    std::sort(expected.begin() + begin, expected.begin() + end);
    std::sort(ours.begin() + begin, ours.begin() + end,
              [](const FaceBox& a, const FaceBox& b) { return a.left < b.left; });
  }
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_NEAR(ours[i].left, expected[i][0], 1e-3) << "box " << i;
    EXPECT_NEAR(ours[i].top, expected[i][1], 1e-3) << "box " << i;
    EXPECT_NEAR(ours[i].right, expected[i][2], 1e-3) << "box " << i;
    EXPECT_NEAR(ours[i].bottom, expected[i][3], 1e-3) << "box " << i;
    EXPECT_NEAR(ours[i].score, expected[i][4], 1e-6) << "box " << i;
  }
}

std::vector<FaceBox> above(const std::vector<FaceBox>& boxes, float threshold) {
  std::vector<FaceBox> kept;
  for (const FaceBox& box : boxes) {
    if (box.score > threshold) kept.push_back(box);
  }
  return kept;
}

/// Score and offset maps `prefix`0, 1, 2, ...; scale number i has stride 4 * 2^i as in the authors'
/// dependency.
class Maps {
 public:
  Maps(const SafetensorsFile& file, const std::string& prefix) {
    int stride = 4;
    for (int i = 0; file.contains(prefix + std::to_string(i)); i += 2, stride *= 2) {
      const TensorView& scores = file.at(prefix + std::to_string(i));
      values_.push_back(scores.to_floats());
      values_.push_back(file.at(prefix + std::to_string(i + 1)).to_floats());
      scales_.push_back(
          {stride, static_cast<int>(scores.shape[3]), static_cast<int>(scores.shape[2]), nullptr, nullptr});
    }
    for (std::size_t i = 0; i < scales_.size(); ++i) {
      scales_[i].scores = values_[2 * i].data();
      scales_[i].offsets = values_[2 * i + 1].data();
    }
  }
  std::span<const S3fdScale> scales() const { return scales_; }

 private:
  std::vector<std::vector<float>> values_;
  std::vector<S3fdScale> scales_;
};

TEST(S3fdPostprocess, SparseMapsAsTheAuthors) {
  REENACT_SHARED_FILE(path, parity_name);
  const SafetensorsFile file(path);
  const Maps maps(file, "sparse.in.");
  ASSERT_EQ(maps.scales().size(), 12u);
  const std::vector<FaceBox> candidates = decode_s3fd(maps.scales());
  expect_boxes(candidates, file.at("sparse.candidates"));
  const std::vector<FaceBox> after_nms = suppress_non_maxima(candidates);
  expect_boxes(after_nms, file.at("sparse.after_nms"));
  expect_boxes(above(after_nms, 0.5f), file.at("sparse.final"));
}

TEST(S3fdPostprocess, MapsOfTheNetworkAsTheAuthors) {
  REENACT_SHARED_FILE(path, parity_name);
  REENACT_SHARED_FILE(network_path, "parity/proc_s3fd_full.safetensors");
  const SafetensorsFile file(path), network(network_path);
  const Maps maps(network, "out.");
  ASSERT_EQ(maps.scales().size(), 6u);
  const std::vector<FaceBox> candidates = decode_s3fd(maps.scales());
  EXPECT_EQ(candidates.size(), test::to_doubles(file.at("procnet.num_candidates")).at(0));
  const std::vector<FaceBox> after_nms = suppress_non_maxima(candidates);
  expect_boxes(after_nms, file.at("procnet.after_nms"));
  expect_boxes(above(after_nms, 0.5f), file.at("procnet.final"));
}

TEST(S3fdPostprocess, OneCellDecodesByTheFormula) {
  // Cell (row 1, column 2) of a 3x2 map at stride 8: anchor centre (20, 12), side 32.
  std::vector<float> scores(12, 0.0f), offsets(24, 0.0f);
  for (int i = 0; i < 6; ++i) scores[i] = 20;  // background everywhere
  scores[5] = 0;
  scores[6 + 5] = 2;
  offsets[0 * 6 + 5] = 1.5f;
  offsets[1 * 6 + 5] = -0.5f;
  offsets[2 * 6 + 5] = 1.0f;
  offsets[3 * 6 + 5] = -2.0f;
  const S3fdScale scale{8, 3, 2, scores.data(), offsets.data()};
  const std::vector<FaceBox> boxes = decode_s3fd({&scale, 1});
  ASSERT_EQ(boxes.size(), 1u);
  const double width = 32 * std::exp(0.2), height = 32 * std::exp(-0.4);
  EXPECT_NEAR((boxes[0].left + boxes[0].right) / 2, 20 + 1.5 * 0.1 * 32, 1e-4);
  EXPECT_NEAR((boxes[0].top + boxes[0].bottom) / 2, 12 - 0.5 * 0.1 * 32, 1e-4);
  EXPECT_NEAR(boxes[0].width(), width, 1e-4);
  EXPECT_NEAR(boxes[0].height(), height, 1e-4);
  EXPECT_NEAR(boxes[0].score, 1 / (1 + std::exp(-2.0)), 1e-6);
}

TEST(S3fdPostprocess, BoxesWithoutEndAndNotANumberAreLeftOut) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> scores = {0, 0, 0, 9, nan, 9};
  std::vector<float> offsets(12, 0.0f);
  offsets[2 * 3 + 0] = 1e6f;  // exp() overflows
  const S3fdScale scale{4, 3, 1, scores.data(), offsets.data()};
  const std::vector<FaceBox> boxes = decode_s3fd({&scale, 1});
  ASSERT_EQ(boxes.size(), 1u);  // the third cell alone
  EXPECT_NEAR(boxes[0].left, 2, 1e-5);
}

TEST(SuppressNonMaxima, OverlapCountsOnePixelMore) {
  // 10x10 boxes shifted by 4: with "+1" 7*11 / (2*121 - 77) = 0.4667, without it 6*10 / (200 - 60) = 0.4286.
  const FaceBox first{0, 0, 10, 10, 0.9f}, second{4, 0, 14, 10, 0.8f};
  EXPECT_EQ(suppress_non_maxima({first, second}, 0.46f).size(), 1u);
  EXPECT_EQ(suppress_non_maxima({first, second}, 0.47f).size(), 2u);
  EXPECT_NEAR(intersection_over_union(first, second), 60.0 / 140.0, 1e-6);
}

TEST(SuppressNonMaxima, ASuppressedBoxSuppressesNothing) {
  // A chain: the second overlaps both others, the first and third do not meet.
  const std::vector<FaceBox> chain = {{0, 0, 10, 10, 0.7f}, {5, 0, 15, 10, 0.8f}, {10, 0, 20, 10, 0.9f}};
  const std::vector<FaceBox> kept = suppress_non_maxima(chain, 0.2f);
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].left, 10);
  EXPECT_EQ(kept[1].left, 0);
}

TEST(SuppressNonMaxima, EqualScoresKeepTheirOrder) {
  const std::vector<FaceBox> kept =
      suppress_non_maxima({{0, 0, 5, 5, 0.5f}, {50, 0, 55, 5, 0.5f}, {90, 0, 95, 5, 0.6f}});
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept[0].left, 90);
  EXPECT_EQ(kept[1].left, 0);
  EXPECT_EQ(kept[2].left, 50);
  EXPECT_TRUE(suppress_non_maxima({}).empty());
}

TEST(IntersectionOverUnion, DisjointAndEqual) {
  const FaceBox box{1, 2, 5, 9, 1};
  EXPECT_FLOAT_EQ(intersection_over_union(box, box), 1);
  EXPECT_EQ(intersection_over_union(box, {5, 2, 9, 9, 1}), 0);
  EXPECT_EQ(intersection_over_union({}, {}), 0);
}

}  // namespace
}  // namespace reenact
