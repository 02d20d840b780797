// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "training/run/checkpoint.h"

namespace reenact::training {

/// The checkpoints of one run: files "checkpoint-<step>.safetensors", of which the newest `keep` stay.
class CheckpointFolder {
 public:
  /// Creates the folder when the first checkpoint is saved. `keep` is at least 1.
  CheckpointFolder(const std::filesystem::path& folder, int keep);

  /// The newest checkpoint that opens; damaged ones are named in the log and passed over. Empty when there is
  /// none.
  std::optional<std::filesystem::path> latest() const;
  /// Writes the checkpoint, then deletes what exceeds `keep`. When the write fails (full disk), throws Error
  /// (unreadable) with one sentence that names the checkpoint that still stands; nothing has been deleted
  /// then and the training loop may report it and go on.
  void save(const Checkpoint& checkpoint, std::int64_t step, const ModelInfo& info);

 private:
  std::vector<std::filesystem::path> newest_first() const;
  /// Deletes what a killed process left half-written.
  void remove_leftovers() const;

  std::filesystem::path folder_;
  int keep_;
};

}  // namespace reenact::training
