// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <memory>

#include "training/data/head_clip.h"

namespace reenact::training {

/// Which entries of the tables are taken.
struct DatasetFilter {
  std::string split = "train";  ///< column `split` of clips.tsv; stills belong to "train"
  bool only_shippable = true;   ///< rows whose `ship` is "yes"
  bool stills = true;
  int frame_step = 1;  ///< takes one of so many frames
};

/// Decodes the clips and portraits of a data folder at the size of training.
///
/// Reads `clips.tsv` and `clips/<id>/{rgb.mp4,mask.mp4,labels.safetensors}`, and `stills.tsv` with
/// `stills/<id>.{jpg,png}`; docs/training.md describes the layout. Clips cut tighter than the paper's 1.8
/// times the face box (column `crop_scale`) get the rim that the cropper gives such a video.
class HeadClipReader {
 public:
  /// Reads the tables alone. Throws Error (not_found, corrupt) naming the file.
  HeadClipReader(const std::filesystem::path& folder, int image_size, const DatasetFilter& filter);

  const std::vector<HeadClipEntry>& entries() const { return entries_; }
  /// The clip or still of one entry; null, counted and named in the log, when it cannot be decoded. May be
  /// called from several threads.
  std::shared_ptr<const HeadClip> read(const HeadClipEntry& entry);
  int unreadable() const { return unreadable_; }

 private:
  std::shared_ptr<const HeadClip> read_clip(const HeadClipEntry& entry) const;
  std::shared_ptr<const HeadClip> read_still(const HeadClipEntry& entry) const;

  int image_size_, frame_step_;
  std::vector<HeadClipEntry> entries_;
  std::vector<float> still_landmarks_;
  std::atomic<int> unreadable_ = 0;
};

}  // namespace reenact::training
