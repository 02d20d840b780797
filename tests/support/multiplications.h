// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>

namespace reenact::test {

/// Multiplications of convolutions and matrix products, as LibTorch itself calls them.
struct Multiplications {
  std::int64_t of_points = 0;  ///< convolutions 1x1
  std::int64_t others = 0;     ///< larger convolutions, linear layers, products of matrices
  std::int64_t all() const { return of_points + others; }
  /// As the authors' code counts: ours convolves 1x1 on the side of a pooling or an upsampling that has a quarter of the
  /// pixels, which gives the same.
  std::int64_t as_published() const { return 4 * of_points + others; }
};

/// Counts those of `work`, which runs in this thread.
Multiplications count_multiplications(const std::function<void()>& work);

}  // namespace reenact::test
