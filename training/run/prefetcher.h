// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <future>
#include <utility>

namespace reenact::training {

/// Draws the batch of the coming step in a second thread while the present one is trained on.
template <typename Batch>
class Prefetcher {
 public:
  /// The batch begun before, or else `draw()` here and now; throws what drawing throws.
  template <typename Draw>
  Batch take(const Draw& draw) {
    return begun_.valid() ? begun_.get() : draw();
  }
  /// Begins the batch that the next take() returns. `draw` is copied; what it refers to must outlive this
  /// object.
  template <typename Draw>
  void begin(Draw draw) {
    begun_ = std::async(std::launch::async, std::move(draw));
  }

 private:
  std::future<Batch> begun_;  // waits for its thread when destroyed
};

}  // namespace reenact::training
