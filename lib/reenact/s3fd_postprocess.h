// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>
#include <vector>

#include "reenact/crop.h"

namespace reenact {

/// One scale of S3FD's output, logits in NCHW order with N = 1.
struct S3fdScale {
  int stride;            ///< 4, 8, 16, 32, 64, 128 pixels
  int width, height;     ///< cells
  const float* scores;   ///< [2, height, width]: background, face (after max-out on the first scale)
  const float* offsets;  ///< [4, height, width]: centre x, centre y, log width, log height
};

/// Boxes with P(face) > candidate_threshold, scale-major, row, column; anchors of side 4*stride, variances 0.1 and 0.2.
std::vector<FaceBox> decode_s3fd(std::span<const S3fdScale> scales, float candidate_threshold = 0.05f);

/// Greedy non-maximum suppression by descending score with the "+1 pixel" overlap of the authors' dependency; keeps a box
/// when its overlap with every box kept so far is at most `iou_threshold`.
std::vector<FaceBox> suppress_non_maxima(std::vector<FaceBox> boxes, float iou_threshold = 0.3f);

/// Faces with P(face) > `score_threshold` after non-maximum suppression, best first. Boxes below the threshold could only
/// have suppressed others below it, so they are left out at once.
std::vector<FaceBox> find_faces(std::span<const S3fdScale> scales, float score_threshold,
                                float iou_threshold);

/// Plain intersection over union.
float intersection_over_union(const FaceBox& a, const FaceBox& b);

}  // namespace reenact
