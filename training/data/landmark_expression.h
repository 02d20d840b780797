// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>
#include <vector>

#include "reenact/model_file.h"
#include "training/data/descriptor_file.h"

namespace reenact::training {

/// Describes a face by 33 numbers made of its landmarks alone: the head's rotation as a quaternion (4) and the strongest ways in
/// which faces of one person move once rotation, size and place are taken away (29). It stands where the paper's 3DMM+ has
/// a morphable model's pose and expression, and is none: nothing tells a person's shape from their expression but that
/// the 29 are ways in which single people move.
///
/// The head's shape is found from the landmarks of many frames, as rigid structure from motion (Tomasi and Kanade, IJCV 1992)
/// of the points that expressions hardly move: nose, corners of the eyes and the upper jaw.
class LandmarkExpression {
 public:
  static constexpr int rotation_length = 4, expression_length = 29;
  static constexpr int length = rotation_length + expression_length;
  /// 478 points of a face mesh or 68, in any unit.
  using Face = std::vector<cv::Point2f>;

  /// Of faces that have landmarks, and the number of the person whom each shows. Frames where nothing turns give a flat head.
  /// Throws Error (invalid) for no faces and for other numbers of points.
  static LandmarkExpression fit(const std::vector<Face>& faces, const std::vector<std::int64_t>& people);

  /// A file of kind `expression`. Throws Error as ModelFile does, and wrong_kind for one of other networks.
  explicit LandmarkExpression(const std::filesystem::path& path);
  /// Throws Error as write_safetensors() does. `info` tells licence and provenance.
  void write(const std::filesystem::path& path, ModelInfo info) const;

  /// The 33 numbers of each face as measured. Throws Error (invalid) for other numbers of points.
  std::vector<std::vector<float>> describe(const std::vector<Face>& faces) const;
  /// The same brought to mean 0 and deviation 1 over the faces that it was made of, as a model's poses are.
  std::vector<float> pose(const Face& face) const;
  const DescriptorScale& scale() const { return scale_; }
  /// [68, 3]: to the right of the picture, down and away from the viewer; the turn of the average frame is none.
  const torch::Tensor& head() const { return head_; }

 private:
  LandmarkExpression() = default;

  torch::Tensor head_;   // [68, 3]
  torch::Tensor mean_;   // [136], displacement of the average face from the head, in its axes
  torch::Tensor basis_;  // [29, 136]
  DescriptorScale scale_;
};

}  // namespace reenact::training
