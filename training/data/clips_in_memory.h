// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "training/data/head_clip_reader.h"
#include "training/data/head_clip_source.h"

namespace reenact::training {

/// Talking-head clips and portraits, all held in memory at the size of training.
class ClipsInMemory : public HeadClipSource {
 public:
  /// Decodes on all cores; the clips keep the order of the tables. Throws Error (not_found, corrupt) naming the file.
  /// Entries that cannot be decoded are left out and counted.
  ClipsInMemory(const std::filesystem::path& folder, int image_size, const DatasetFilter& filter);

  const std::vector<HeadClip>& clips() const { return clips_; }
  std::size_t frame_count() const;
  int unreadable() const override { return unreadable_; }

  const std::vector<HeadClipEntry>& entries() const override { return entries_; }
  std::shared_ptr<const HeadClip> clip(std::size_t index) override;
  std::vector<std::size_t> available(std::int64_t step) override;

 private:
  std::vector<HeadClip> clips_;
  std::vector<HeadClipEntry> entries_;  // of the same
  int unreadable_ = 0;
};

}  // namespace reenact::training
