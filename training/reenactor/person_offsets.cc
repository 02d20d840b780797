// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/reenactor/person_offsets.h"

namespace reenact::training {
namespace {

/// Neighbouring frames look alike: so many count as one that was drawn independently.
constexpr double frames_per_independent_one = 4;

/// Mean rows of each person, [count, columns]; 0 without frames.
torch::Tensor means_of_people(const torch::Tensor& rows, const torch::Tensor& people,
                              const torch::Tensor& frames) {
  return torch::zeros({frames.size(0), rows.size(1)}, rows.options()).index_add_(0, people, rows) /
         frames.clamp_min(1).unsqueeze(1);
}

}  // namespace

torch::Tensor without_person_means(const torch::Tensor& given, const torch::Tensor& people,
                                   std::int64_t count) {
  const auto rows = given.to(torch::kCPU, torch::kDouble);
  const auto person = people.to(torch::kCPU);
  const auto frames = torch::bincount(person, {}, count).to(torch::kDouble);
  return rows - means_of_people(rows, person, frames).index_select(0, person);
}

torch::Tensor person_offsets(const torch::Tensor& embeddings, const torch::Tensor& features,
                             const torch::Tensor& people, std::int64_t count) {
  torch::NoGradGuard no_grad;
  const auto y = embeddings.to(torch::kCPU, torch::kDouble), f = features.to(torch::kCPU, torch::kDouble);
  const auto person = people.to(torch::kCPU);
  const auto frames = torch::bincount(person, {}, count).to(torch::kDouble);  // [count]
  const auto has_frames = (frames > 0).to(torch::kDouble).unsqueeze(1);

  const auto own = [&](const torch::Tensor& rows) { return without_person_means(rows, person, count); };
  const auto df = own(f);
  const auto covariance = torch::matmul(df.t(), df);
  const auto ridge = 1e-6 * covariance.diagonal().mean().clamp_min(1e-12);
  const auto slope = torch::linalg_solve(covariance + ridge * torch::eye(f.size(1), torch::kDouble),
                                         torch::matmul(df.t(), own(y)));

  const auto rest = y - torch::matmul(f, slope);
  auto means = means_of_people(rest, person, frames);
  means = (means - means.sum(0, true) / has_frames.sum()) * has_frames;

  // Principal axes of the differences between people; along each, variance within and between them.
  const auto [variances, axes] = torch::linalg_eigh(torch::matmul(means.t(), means), "L");
  const auto within_people = torch::matmul(own(rest), axes);
  const auto degrees_of_freedom = (frames - 1).clamp_min(0).sum().clamp_min(1);
  const auto within = within_people.pow(2).sum(0) / degrees_of_freedom;                      // [D]
  const auto independent = (frames / frames_per_independent_one).clamp_min(1).unsqueeze(1);  // [count, 1]
  const auto noise = within.unsqueeze(0) / independent;                                      // [count, D]
  const auto along = torch::matmul(means, axes);                                             // [count, D]
  const auto between =
      (((along.pow(2) - noise) * has_frames).sum(0) / has_frames.sum()).clamp_min(0).unsqueeze(0);
  const auto kept = between / (between + noise).clamp_min(1e-300);
  return torch::matmul(along * kept, axes.t()).to(torch::kFloat);
}

}  // namespace reenact::training
