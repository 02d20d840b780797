// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <vector>

#include "training/data/head_clip_source.h"
#include "training/run/run_config.h"

namespace reenact::training {

/// [data] of the networks that learn from the faces of clips and stills.
struct FaceClipSettings {
  std::filesystem::path folder;
  bool only_shippable = true;
  bool stills = true;
  int frame_step = 2;     ///< of the clips
  int stored_size = 256;  ///< side at which crops are kept in memory
  bool prefetch = true;   ///< draw the next batch in a second thread
};
/// Throws Error (invalid).
void read_face_clip_settings(const RunConfig& file, FaceClipSettings& data);

/// The clips and stills to learn from: split train. Throws as ClipsInMemory does.
std::vector<HeadClip> clips_to_learn_from(const FaceClipSettings& data);
/// The clips of strangers to validate with: split val, every `frame_step`-th frame, no stills.
std::vector<HeadClip> clips_of_strangers(const FaceClipSettings& data, int frame_step);

}  // namespace reenact::training
