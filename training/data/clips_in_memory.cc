// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/clips_in_memory.h"

#include <numeric>

#include "reenact/error.h"

namespace reenact::training {

ClipsInMemory::ClipsInMemory(const std::filesystem::path& folder, int image_size,
                             const DatasetFilter& filter) {
  HeadClipReader reader(folder, image_size, filter);
  for (const auto& entry : reader.entries())
    if (const auto clip = reader.read(entry)) {
      clips_.push_back(*clip);
      entries_.push_back(entry);
      entries_.back().still = clip->is_still();
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
