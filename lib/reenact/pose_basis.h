// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>
#include <span>

#include "reenact/export.h"

namespace reenact {

/// An orthonormal basis in which the poses of one reenactor take few numbers that are not small.
///
/// A pose is what the pose encoder's last layer, a matrix, makes of its features, so it lies mostly along the few left
/// singular vectors of that matrix whose singular values are large. They need nothing but the model file, which sender
/// and receiver have both: 99 % of the motion of the shipped model's poses lies along 19 of 256 directions.
class PoseBasis {
 public:
  /// The poses' own coordinates, for senders without a model file.
  REENACT_API static std::shared_ptr<const PoseBasis> plain(int pose_size);

  int pose_size() const { return pose_size_; }
  /// Tells one basis from another; 0 is the plain one.
  std::uint32_t fingerprint() const { return fingerprint_; }
  /// Both spans have pose_size() elements and do not overlap.
  void to_coefficients(std::span<const float> pose, std::span<float> coefficients) const;
  void to_pose(std::span<const float> coefficients, std::span<float> pose) const;

 private:
  friend std::shared_ptr<const PoseBasis> load_pose_basis(const std::filesystem::path& reenactor);
  PoseBasis() = default;

  int pose_size_ = 0;
  std::uint32_t fingerprint_ = 0;
  cv::Mat rows_;  // CV_32F [pose_size, pose_size], a basis vector a row, the strongest first; empty: plain
};

/// The basis of a reenactor's poses. Throws Error: not_found, unreadable or corrupt, wrong_kind for another kind of file
/// and for one without `pose.classifier.1.weight` [d_p, features].
REENACT_API std::shared_ptr<const PoseBasis> load_pose_basis(const std::filesystem::path& reenactor);

}  // namespace reenact
