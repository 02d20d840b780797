// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/anchor_matching.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "reenact/s3fd_postprocess.h"

namespace reenact::training {
namespace {

/// Anchors of a 128 x 64 picture on three scales, as the network's maps would give them.
std::vector<Anchor> anchors() {
  const MapSize maps[] = {{4, 32, 16}, {8, 16, 8}, {16, 8, 4}};
  return make_anchors(maps);
}

int positives(const AnchorTargets& targets) {
  return static_cast<int>(std::count(targets.labels.begin(), targets.labels.end(), AnchorTargets::face));
}

TEST(Anchors, LieAtTheCentresOfTheirCellsScaleMajorRowByRow) {
  const auto all = anchors();
  ASSERT_EQ(all.size(), 32u * 16 + 16 * 8 + 8 * 4);
  EXPECT_EQ(all[0].center_x, 2);
  EXPECT_EQ(all[0].side, 16);
  EXPECT_EQ(all[33].center_x, 6);
  EXPECT_EQ(all[33].center_y, 6);
  EXPECT_EQ(all[512 + 16].center_x, 4);
  EXPECT_EQ(all[512 + 16].center_y, 12);
  EXPECT_EQ(all[512 + 16].side, 32);
}

TEST(Anchors, EncodedBoxesAreWhatTheDecoderTurnsBack) {
  // The decoder of the library is compared with the authors' tensors elsewhere; here it is the independent
  // half.
  const FaceBox face{20, 11, 61, 58, 1};
  const MapSize map{16, 8, 4};
  const auto all = make_anchors({&map, 1});
  std::vector<float> scores(2 * 32, 0), offsets(4 * 32, 0);
  const int cell = 1 * 8 + 2;
  scores[cell] = -9;
  scores[32 + cell] = 9;
  const auto encoded = encode_box(face, all[cell]);
  for (int k = 0; k < 4; ++k) offsets[k * 32 + cell] = encoded[k];
  for (int i = 0; i < 32; ++i)
    if (i != cell) scores[i] = 20;
  const S3fdScale scale{16, 8, 4, scores.data(), offsets.data()};
  const auto boxes = decode_s3fd({&scale, 1});
  ASSERT_EQ(boxes.size(), 1u);
  EXPECT_NEAR(boxes[0].left, face.left, 1e-3);
  EXPECT_NEAR(boxes[0].top, face.top, 1e-3);
  EXPECT_NEAR(boxes[0].right, face.right, 1e-3);
  EXPECT_NEAR(boxes[0].bottom, face.bottom, 1e-3);
}

TEST(MatchAnchors, PositiveAboveTheOverlapAndNowhereElse) {
  const auto all = anchors();
  const FaceBox face{40, 8, 72, 40, 1};
  MatchOptions options;
  options.compensation_overlap = 0.99f;  // no second stage
  const auto targets = match_anchors(all, {&face, 1}, {}, options);
  ASSERT_EQ(targets.labels.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(targets.labels[i] == AnchorTargets::face,
              intersection_over_union(all[i].box(), face) > options.overlap)
        << i;
  EXPECT_GT(positives(targets), 1);
}

TEST(MatchAnchors, EveryFaceGetsItsBestAnchorHoweverBad) {
  const auto all = anchors();
  // Sides between the scales and off the grid, so that no anchor reaches the overlap.
  const FaceBox flat{10, 10, 60, 18, 1};
  MatchOptions options;
  options.overlap = 0.9f;
  const auto targets = match_anchors(all, {&flat, 1}, {}, options);
  EXPECT_GE(positives(targets), 1);
  float best = 0;
  for (const auto& anchor : all) best = std::max(best, intersection_over_union(anchor.box(), flat));
  bool best_is_positive = false;
  for (std::size_t i = 0; i < all.size(); ++i)
    best_is_positive |=
        targets.labels[i] == AnchorTargets::face && intersection_over_union(all[i].box(), flat) == best;
  EXPECT_TRUE(best_is_positive);
}

TEST(MatchAnchors, ScaleCompensationHelpsTheNeglectedFace) {
  const auto all = anchors();
  const FaceBox faces[] = {{40, 8, 72, 40, 1},
                           {100, 20, 123, 43, 1}};  // sides 32, on the grid, and 23, between scales
  MatchOptions without;
  without.compensation_overlap = 0.34999f;
  const auto count = [&](const AnchorTargets& targets, std::size_t face) {
    int owned = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (targets.labels[i] != AnchorTargets::face) continue;
      const auto wanted = encode_box(faces[face], all[i]);
      owned += targets.offsets[i] == wanted;
    }
    return owned;
  };
  const auto plain = match_anchors(all, faces, {}, without);
  const auto helped = match_anchors(all, faces, {}, {});
  const int average = static_cast<int>(std::lround(positives(plain) / 2.0));
  const std::size_t neglected = count(plain, 0) < count(plain, 1) ? 0 : 1;
  ASSERT_LT(count(plain, neglected), average) << "the faces no longer differ; choose others";
  EXPECT_EQ(count(helped, neglected), average);
  EXPECT_EQ(count(helped, 1 - neglected), count(plain, 1 - neglected));
}

TEST(MatchAnchors, IgnoredBoxesAreNeitherFaceNorBackground) {
  const auto all = anchors();
  const FaceBox face{8, 8, 40, 40, 1}, unsure{80, 8, 112, 40, 1};
  const auto targets = match_anchors(all, {&face, 1}, {&unsure, 1}, {});
  int ignored = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& anchor = all[i];
    const bool inside = anchor.box().left >= unsure.left && anchor.box().right <= unsure.right &&
                        anchor.box().top >= unsure.top && anchor.box().bottom <= unsure.bottom;
    if (inside) {
      EXPECT_EQ(targets.labels[i], AnchorTargets::ignored);
    }
    if (anchor.box().right < unsure.left) {
      EXPECT_NE(targets.labels[i], AnchorTargets::ignored);
    }
    ignored += targets.labels[i] == AnchorTargets::ignored;
  }
  EXPECT_GT(ignored, 4);
}

TEST(MatchAnchors, NoFaceMeansBackgroundEverywhere) {
  const auto targets = match_anchors(anchors(), {}, {}, {});
  EXPECT_EQ(std::count(targets.labels.begin(), targets.labels.end(), AnchorTargets::background),
            static_cast<std::ptrdiff_t>(targets.labels.size()));
}

}  // namespace
}  // namespace reenact::training
