// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/pose_basis.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "reenact/error.h"
#include "reenact/model_file.h"
#include "reenact/safetensors.h"

namespace reenact {
namespace {

constexpr int largest_pose_size = 4096;

/// FNV-1a over the values, never 0.
std::uint32_t fingerprint_of(std::span<const float> values) {
  std::uint32_t hash = 2166136261u;
  for (const float value : values) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) hash = (hash ^ (bits >> shift & 0xff)) * 16777619u;
  }
  return hash == 0 ? 1 : hash;
}

}  // namespace

std::shared_ptr<const PoseBasis> PoseBasis::plain(int pose_size) {
  if (pose_size < 1 || pose_size > largest_pose_size)
    throw Error(ErrorCode::invalid, "no poses of " + std::to_string(pose_size) + " numbers, wanted 1 to " +
                                        std::to_string(largest_pose_size));
  std::shared_ptr<PoseBasis> basis(new PoseBasis);
  basis->pose_size_ = pose_size;
  return basis;
}

void PoseBasis::to_coefficients(std::span<const float> pose, std::span<float> coefficients) const {
  if (rows_.empty()) {
    std::copy(pose.begin(), pose.end(), coefficients.begin());
    return;
  }
  for (int row = 0; row < pose_size_; ++row) {
    const float* vector = rows_.ptr<float>(row);
    double sum = 0;
    for (int i = 0; i < pose_size_; ++i) sum += double(vector[i]) * pose[std::size_t(i)];
    coefficients[std::size_t(row)] = static_cast<float>(sum);
  }
}

void PoseBasis::to_pose(std::span<const float> coefficients, std::span<float> pose) const {
  if (rows_.empty()) {
    std::copy(coefficients.begin(), coefficients.end(), pose.begin());
    return;
  }
  std::fill(pose.begin(), pose.end(), 0.0f);
  for (int row = 0; row < pose_size_; ++row) {
    const float coefficient = coefficients[std::size_t(row)];
    if (coefficient == 0) continue;  // most of them are
    const float* vector = rows_.ptr<float>(row);
    for (int i = 0; i < pose_size_; ++i) pose[std::size_t(i)] += coefficient * vector[i];
  }
}

std::shared_ptr<const PoseBasis> load_pose_basis(const std::filesystem::path& reenactor) {
  const ModelFile model(reenactor, ModelKind::reenactor);
  const TensorView& tensor = model.file().at("pose.classifier.1.weight");
  if (tensor.shape.size() != 2 || tensor.shape[0] < 1 || tensor.shape[0] > largest_pose_size ||
      tensor.shape[1] < 1)
    throw Error(ErrorCode::wrong_kind, "'" + reenactor.string() +
                                           "' has a pose.classifier.1.weight of another shape, wanted [d_p, "
                                           "features] with d_p up to " +
                                           std::to_string(largest_pose_size));
  std::vector<float> values = tensor.to_floats();
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
    throw Error(ErrorCode::wrong_kind,
                "'" + reenactor.string() + "' has a pose encoder that is not finite, wanted finite numbers");

  std::shared_ptr<PoseBasis> basis(new PoseBasis);
  basis->pose_size_ = int(tensor.shape[0]);
  basis->fingerprint_ = fingerprint_of(values);
  const cv::Mat weight(basis->pose_size_, int(tensor.shape[1]), CV_32F, values.data());
  cv::Mat weight64, gram, eigenvalues, eigenvectors;
  weight.convertTo(weight64, CV_64F);
  cv::mulTransposed(weight64, gram, /*aTa=*/false);
  cv::eigen(gram, eigenvalues, eigenvectors);
  for (int row = 0; row < basis->pose_size_; ++row) {
    // An eigenvector is one up to its sign, which sender and receiver have to agree on.
    cv::Mat vector = eigenvectors.row(row);
    cv::Point largest;
    cv::minMaxLoc(cv::abs(vector), nullptr, nullptr, nullptr, &largest);
    if (vector.at<double>(largest) < 0) vector *= -1;
  }
  eigenvectors.convertTo(basis->rows_, CV_32F);
  return basis;
}

}  // namespace reenact
