// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/s3fd_postprocess.h"

#include <algorithm>
#include <cmath>

namespace reenact {

std::vector<FaceBox> decode_s3fd(std::span<const S3fdScale> scales, float candidate_threshold) {
  std::vector<FaceBox> boxes;
  for (const S3fdScale& scale : scales) {
    const std::size_t cells = static_cast<std::size_t>(scale.width) * scale.height;
    const float* background = scale.scores;
    const float* face = scale.scores + cells;
    const float side = 4.0f * static_cast<float>(scale.stride);
    for (int row = 0; row < scale.height; ++row) {
      for (int column = 0; column < scale.width; ++column) {
        const std::size_t cell = static_cast<std::size_t>(row) * scale.width + column;
        const float largest = std::max(background[cell], face[cell]);
        const float face_exp = std::exp(face[cell] - largest);
        const float score = face_exp / (std::exp(background[cell] - largest) + face_exp);
        if (!(score > candidate_threshold)) continue;
        const float center_x = static_cast<float>(scale.stride) * (0.5f + static_cast<float>(column));
        const float center_y = static_cast<float>(scale.stride) * (0.5f + static_cast<float>(row));
        const float* offset = scale.offsets + cell;
        const float width = side * std::exp(offset[2 * cells] * 0.2f);
        const float height = side * std::exp(offset[3 * cells] * 0.2f);
        FaceBox box;
        box.left = center_x + offset[0] * 0.1f * side - width / 2;
        box.top = center_y + offset[cells] * 0.1f * side - height / 2;
        box.right = box.left + width;
        box.bottom = box.top + height;
        box.score = score;
        // Weights gone wrong can give boxes without end, which no later step could use.
        if (std::isfinite(box.left) && std::isfinite(box.top) && std::isfinite(box.right) &&
            std::isfinite(box.bottom)) {
          boxes.push_back(box);
        }
      }
    }
  }
  return boxes;
}

std::vector<FaceBox> suppress_non_maxima(std::vector<FaceBox> boxes, float iou_threshold) {
  // Equal scores keep the order of the candidates; the authors' dependency leaves it open.
  std::stable_sort(boxes.begin(), boxes.end(),
                   [](const FaceBox& a, const FaceBox& b) { return a.score > b.score; });
  const auto area = [](const FaceBox& box) {
    return (static_cast<double>(box.right) - box.left + 1) * (static_cast<double>(box.bottom) - box.top + 1);
  };
  std::vector<FaceBox> kept;
  for (const FaceBox& box : boxes) {
    const bool suppressed = std::any_of(kept.begin(), kept.end(), [&](const FaceBox& other) {
      const double width =
          static_cast<double>(std::min(box.right, other.right)) - std::max(box.left, other.left) + 1;
      const double height =
          static_cast<double>(std::min(box.bottom, other.bottom)) - std::max(box.top, other.top) + 1;
      const double overlap = std::max(width, 0.0) * std::max(height, 0.0);
      return overlap > static_cast<double>(iou_threshold) * (area(box) + area(other) - overlap);
    });
    if (!suppressed) kept.push_back(box);
  }
  return kept;
}

std::vector<FaceBox> find_faces(std::span<const S3fdScale> scales, float score_threshold,
                                float iou_threshold) {
  return suppress_non_maxima(decode_s3fd(scales, score_threshold), iou_threshold);
}

float intersection_over_union(const FaceBox& a, const FaceBox& b) {
  const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  if (!(width > 0) || !(height > 0)) return 0;
  const float overlap = width * height;
  return overlap / (a.width() * a.height() + b.width() * b.height() - overlap);
}

}  // namespace reenact
