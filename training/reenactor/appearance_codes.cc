// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/reenactor/appearance_codes.h"

#include <algorithm>

namespace reenact::training {

torch::Tensor appearance_codes(const torch::Tensor& heads, int size, double deviation) {
  torch::NoGradGuard no_grad;
  auto rows = heads.flatten(1).to(torch::kDouble);
  rows = rows - rows.mean(0, true);
  const auto [u, s, v] = torch::linalg_svd(rows, /*full_matrices=*/false);
  const auto kept = std::min<std::int64_t>(size, s.size(0));
  const auto components = u.narrow(1, 0, kept) * s.narrow(0, 0, kept).sqrt();
  const auto mixed = torch::matmul(components, torch::randn({kept, size}, torch::kDouble));
  return (mixed * (deviation / mixed.std().clamp_min(1e-12))).to(torch::kFloat);
}

}  // namespace reenact::training
