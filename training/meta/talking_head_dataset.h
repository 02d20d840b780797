// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace reenact::training {

/// One picture of a person: an already cropped head with its mask.
struct HeadFrame {
  cv::Mat rgb;                         ///< CV_8UC3, image_size square
  cv::Mat mask;                        ///< CV_8UC1, 255 = person
  std::vector<cv::Point2f> landmarks;  ///< mediapipe face mesh, 0..1 of the side; empty where none was found
};

/// The frames of one clip, or the single frame of a still picture.
struct HeadClip {
  std::string id, person;
  std::vector<HeadFrame> frames;
  bool is_still() const { return frames.size() == 1; }
};

/// Which entries of the tables are taken.
struct DatasetFilter {
  std::string split = "train";  ///< column `split` of clips.tsv; stills belong to "train"
  bool only_shippable = true;   ///< rows whose `ship` is "yes"
  bool stills = true;
  int frame_step = 1;  ///< takes one of so many frames
};

/// Talking-head clips and portraits held in memory at the size of training.
///
/// Reads `clips.tsv` and `clips/<id>/{rgb.mp4,mask.mp4,labels.safetensors}`, and `stills.tsv` with
/// `stills/<id>.{jpg,png}`; docs/training.md describes the layout. Clips cut tighter than the paper's 1.8
/// times the face box (column `crop_scale`) get the rim that the cropper gives such a video.
class TalkingHeadDataset {
 public:
  /// Throws Error (not_found, corrupt) naming the file. Entries that cannot be decoded are left out and
  /// counted.
  TalkingHeadDataset(const std::filesystem::path& folder, int image_size, const DatasetFilter& filter);

  const std::vector<HeadClip>& clips() const { return clips_; }
  std::size_t frame_count() const;
  int unreadable() const { return unreadable_; }

 private:
  void load_clips(const std::filesystem::path& folder, int image_size, const DatasetFilter& filter);
  void load_stills(const std::filesystem::path& folder, int image_size);

  std::vector<HeadClip> clips_;
  int unreadable_ = 0;
};

}  // namespace reenact::training
