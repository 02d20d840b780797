// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/pose_interpolation.h"

#include <algorithm>
#include <cmath>

namespace reenact {

void interpolate_poses(std::span<const float> from, std::span<const float> to, double share,
                       std::span<float> out) {
  if (share <= 0 || share >= 1) {
    const std::span<const float> given = share <= 0 ? from : to;
    if (given.data() != out.data()) std::copy(given.begin(), given.end(), out.begin());
    return;
  }
  double from_square = 0, to_square = 0, product = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    from_square += double(from[i]) * from[i];
    to_square += double(to[i]) * to[i];
    product += double(from[i]) * to[i];
  }
  const double from_length = std::sqrt(from_square), to_length = std::sqrt(to_square);
  double from_weight = 1 - share, to_weight = share;
  if (from_length > 0 && to_length > 0) {
    const double cosine = std::clamp(product / (from_length * to_length), -1.0, 1.0);
    const double angle = std::acos(cosine), sine = std::sin(angle);
    // Nearly parallel poses have no circle between them, and opposite ones too many.
    if (sine > 1e-6) {
      const double length = (1 - share) * from_length + share * to_length;
      from_weight = length / from_length * std::sin((1 - share) * angle) / sine;
      to_weight = length / to_length * std::sin(share * angle) / sine;
    }
  }
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>(from_weight * from[i] + to_weight * to[i]);
}

}  // namespace reenact
