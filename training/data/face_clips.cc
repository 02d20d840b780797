// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/face_clips.h"

#include "training/data/clips_in_memory.h"

namespace reenact::training {

void read_face_clip_settings(const RunConfig& file, FaceClipSettings& data) {
  file.read("data.folder", data.folder);
  file.read("data.only_shippable", data.only_shippable);
  file.read("data.stills", data.stills);
  file.read("data.frame_step", data.frame_step, 1);
  file.read("data.stored_size", data.stored_size, 32);
  file.read("data.prefetch", data.prefetch);
}

std::vector<HeadClip> clips_to_learn_from(const FaceClipSettings& data) {
  return ClipsInMemory(data.folder, data.stored_size,
                       {"train", data.only_shippable, data.stills, data.frame_step})
      .clips();
}

std::vector<HeadClip> clips_of_strangers(const FaceClipSettings& data, int frame_step) {
  return ClipsInMemory(data.folder, data.stored_size, {"val", false, false, frame_step}).clips();
}

}  // namespace reenact::training
