// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/streamed_clips.h"

#include <algorithm>
#include <random>

#include "reenact/error.h"

namespace reenact::training {

StreamedClips::StreamedClips(const std::filesystem::path& folder, int image_size, const DatasetFilter& filter,
                             const StreamOptions& options)
    : reader_(folder, image_size, filter), options_(options), threads_(options.threads) {
  for (std::size_t i = 0; i < entries().size(); ++i)
    if (!entries()[i].still)
      moving_.push_back(i);
    else if (auto still = reader_.read(entries()[i]))
      stills_[i] = std::move(still);
  if (moving_.empty())
    throw Error(ErrorCode::not_found, folder.string() + " holds no clip of split " + filter.split);
  options_.clips_in_memory = std::clamp<std::size_t>(options.clips_in_memory, 1, moving_.size());
}

std::size_t StreamedClips::index_at(std::uint64_t place) {
  const auto pass = place / moving_.size();
  auto& order = passes_[pass];
  if (order.empty()) {
    order = moving_;
    std::seed_seq seed{options_.seed, options_.seed >> 32, pass, pass >> 32};
    std::mt19937_64 random(seed);
    // Not std::shuffle, whose order differs between libraries.
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  }
  return order[place % moving_.size()];
}

void StreamedClips::begin_decoding(std::uint64_t place) {
  if (decoded_.contains(place)) return;
  const auto task = std::make_shared<std::packaged_task<Clip()>>(
      [this, &entry = entries()[index_at(place)]] { return reader_.read(entry); });
  decoded_[place] = task->get_future().share();
  threads_.run([task] { (*task)(); });
}

std::vector<std::size_t> StreamedClips::available(std::int64_t step) {
  const std::lock_guard guard(mutex_);
  const auto begin = static_cast<std::uint64_t>(step) * options_.new_clips_per_step;
  const auto end = begin + options_.clips_in_memory;
  const auto ahead = std::max<std::uint64_t>(2 * options_.new_clips_per_step, 2 * options_.threads);
  std::erase_if(decoded_, [&](const auto& item) { return item.first < begin || item.first >= end + ahead; });
  std::erase_if(passes_, [&](const auto& item) { return item.first < begin / moving_.size(); });
  for (auto place = begin; place < end + ahead; ++place) begin_decoding(place);

  std::vector<std::size_t> indices;
  window_.clear();
  for (auto place = begin; place < end; ++place) {
    const auto index = index_at(place);
    if (window_.contains(index)) continue;  // at the border of two passes
    if (auto clip = decoded_.at(place).get()) {
      window_[index] = std::move(clip);
      indices.push_back(index);
    }
  }
  for (const auto& [index, still] : stills_) indices.push_back(index);
  if (indices.empty()) throw Error(ErrorCode::unreadable, "none of the clips in memory could be decoded");
  return indices;
}

std::shared_ptr<const HeadClip> StreamedClips::clip(std::size_t index) {
  if (const auto still = stills_.find(index); still != stills_.end()) return still->second;
  {
    const std::lock_guard guard(mutex_);
    if (const auto held = window_.find(index); held != window_.end()) return held->second;
  }
  return reader_.read(entries().at(index));
}

}  // namespace reenact::training
