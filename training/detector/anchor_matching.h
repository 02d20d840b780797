// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "reenact/crop.h"

namespace reenact::training {

/// A square in which S3FD looks for one face.
struct Anchor {
  float center_x, center_y, side;
  FaceBox box() const {
    return {center_x - side / 2, center_y - side / 2, center_x + side / 2, center_y + side / 2, 0};
  }
};

/// Size of one map of scores.
struct MapSize {
  int stride, width, height;
};

/// Anchors of all scales, scale-major, row, column, in pixels of the network's input.
std::vector<Anchor> make_anchors(std::span<const MapSize> maps);

/// Thresholds of S3FD's scale compensation (section 3.2 of the S3FD paper).
struct MatchOptions {
  float overlap = 0.35f;              ///< first stage: IoU from which an anchor is positive
  float compensation_overlap = 0.1f;  ///< second stage: IoU from which an anchor may help a neglected face
  float ignore_cover = 0.5f;          ///< an anchor is ignored when an ignored box covers this share of it
  float ignore_overlap = 0.3f;        ///< or when its IoU with the ignored box reaches this
};

/// What every anchor shall say.
struct AnchorTargets {
  static constexpr std::int8_t ignored = -1, background = 0, face = 1;
  std::vector<std::int8_t> labels;            ///< one an anchor
  std::vector<std::array<float, 4>> offsets;  ///< of positive anchors, else zero; see encode_box
};

/// Offsets that decode to `box`: ((c - c_anchor) / side / 0.1, log(size / side) / 0.2) for x and y.
std::array<float, 4> encode_box(const FaceBox& box, const Anchor& anchor);

/// Matches faces with anchors: IoU above `overlap`, the best anchor of every face in any case; then faces
/// that got fewer anchors than the average face take their best ones above `compensation_overlap` until they
/// have as many. Anchors over `ignore` boxes that are not positive count neither way.
AnchorTargets match_anchors(std::span<const Anchor> anchors, std::span<const FaceBox> faces,
                            std::span<const FaceBox> ignore, const MatchOptions& options = {});

}  // namespace reenact::training
