// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <future>
#include <utility>

namespace reenact::training {

/// Composes the batch of a coming step in a second thread while the present one is trained on.
template <typename Batch>
class Prefetcher {
 public:
  /// The batch begun for `step`, or else `compose()` here and now; throws what composing throws.
  template <typename Compose>
  Batch take(std::int64_t step, const Compose& compose) {
    if (!begun_.valid()) return compose();
    auto batch = begun_.get();
    return begun_step_ == step ? std::move(batch) : compose();
  }
  /// Begins the batch of `step`. `compose` is copied; what it refers to must outlive this object.
  template <typename Compose>
  void begin(std::int64_t step, Compose compose) {
    begun_step_ = step;
    begun_ = std::async(std::launch::async, std::move(compose));
  }

 private:
  std::int64_t begun_step_ = -1;
  std::future<Batch> begun_;  // waits for its thread when destroyed
};

}  // namespace reenact::training
