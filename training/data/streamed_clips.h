// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <c10/core/thread_pool.h>

#include <future>
#include <map>
#include <mutex>
#include <unordered_map>

#include "training/data/head_clip_reader.h"
#include "training/data/head_clip_source.h"

namespace reenact::training {

/// How much of a data folder is in memory.
struct StreamOptions {
  std::size_t clips_in_memory = 128;
  std::size_t new_clips_per_step = 1;  ///< so many enter with each step, and the oldest go
  int threads = 2;                     ///< that decode ahead
  std::uint64_t seed = 0;
};

/// A data folder too large for the memory: a window that moves through its clips, which are shuffled anew for
/// each pass. The window of a step follows from the seed alone, so that a resumed run sees the same clips.
/// Still pictures, a frame each, are all held.
class StreamedClips : public HeadClipSource {
 public:
  /// Throws Error (not_found, corrupt) as HeadClipReader does, and when no clip is there.
  StreamedClips(const std::filesystem::path& folder, int image_size, const DatasetFilter& filter,
                const StreamOptions& options);

  const std::vector<HeadClipEntry>& entries() const override { return reader_.entries(); }
  std::shared_ptr<const HeadClip> clip(std::size_t index) override;
  /// Waits for clips that are not decoded yet.
  std::vector<std::size_t> available(std::int64_t step) override;
  int unreadable() const override { return reader_.unreadable(); }

 private:
  using Clip = std::shared_ptr<const HeadClip>;

  /// Index of the clip at a place of the endless sequence of shuffled passes.
  std::size_t index_at(std::uint64_t place);
  void begin_decoding(std::uint64_t place);

  HeadClipReader reader_;
  StreamOptions options_;
  std::vector<std::size_t> moving_;
  std::map<std::size_t, Clip> stills_;
  std::mutex mutex_;
  std::map<std::uint64_t, std::vector<std::size_t>> passes_;   // the shuffled clips of each in use
  std::map<std::uint64_t, std::shared_future<Clip>> decoded_;  // by place
  std::unordered_map<std::size_t, Clip> window_;               // by index
  c10::ThreadPool threads_;                                    // last: ends before what its tasks use
};

}  // namespace reenact::training
