// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/clips_in_memory.h"

#include <numeric>

#include "reenact/error.h"
#include "training/data/parallel.h"

namespace reenact::training {

ClipsInMemory::ClipsInMemory(const std::filesystem::path& folder, int image_size,
                             const DatasetFilter& filter) {
  HeadClipReader reader(folder, image_size, filter);
  const auto& all = reader.entries();
  std::vector<std::shared_ptr<const HeadClip>> decoded(all.size());
  for_each_in_parallel(all.size(), [&](std::size_t i) { decoded[i] = reader.read(all[i]); });
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!decoded[i]) continue;
    clips_.push_back(*decoded[i]);
    entries_.push_back(all[i]);
    entries_.back().still = decoded[i]->is_still();
  }
  unreadable_ = reader.unreadable();
  if (clips_.empty())
    throw Error(ErrorCode::not_found,
                folder.string() + ": no clip of split " + filter.split + " could be read");
}

std::size_t ClipsInMemory::frame_count() const {
  return std::accumulate(clips_.begin(), clips_.end(), std::size_t{0},
                         [](std::size_t count, const HeadClip& clip) { return count + clip.frames.size(); });
}

std::shared_ptr<const HeadClip> ClipsInMemory::clip(std::size_t index) {
  return {std::shared_ptr<void>(), &clips_.at(index)};  // this object owns it
}

std::vector<std::size_t> ClipsInMemory::available(std::int64_t) {
  std::vector<std::size_t> all(clips_.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

}  // namespace reenact::training
