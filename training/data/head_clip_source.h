// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>

#include "training/data/head_clip.h"

namespace reenact::training {

/// Where a sampler takes clips and still pictures from; each has an index from 0. Asking for them may decode
/// them and change what is in memory.
class HeadClipSource {
 public:
  virtual ~HeadClipSource() = default;
  /// What is known of each without decoding it.
  virtual const std::vector<HeadClipEntry>& entries() const = 0;
  /// One of them decoded; null when it cannot be.
  virtual std::shared_ptr<const HeadClip> clip(std::size_t index) = 0;
  /// Indices of those that the batch of `step` is drawn from; all can be decoded.
  virtual std::vector<std::size_t> available(std::int64_t step) = 0;
  /// How often one could not be decoded so far.
  virtual int unreadable() const = 0;
};

}  // namespace reenact::training
