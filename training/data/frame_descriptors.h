// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace reenact::training {

/// Pose descriptors of frames and pictures, made beforehand, for models whose pose_source is "vector". Each number is
/// brought to mean 0 and deviation 1 by what the file says of them.
class FrameDescriptors {
 public:
  explicit FrameDescriptors(std::map<std::string, std::vector<float>> vectors)
      : vectors_(std::move(vectors)) {}
  /// Of a clip's frame, counted from 0 at the clip's own rate; of a still frame 0. Null where the file has none.
  const std::vector<float>* find(const std::string& clip, std::size_t frame) const;
  std::size_t size() const { return vectors_.size(); }

 private:
  std::map<std::string, std::vector<float>> vectors_;
};

/// Name of a clip's frame in such a file, "<clip>/<frame>".
std::string frame_name(const std::string& clip, std::size_t frame);

/// Reads a file of kind `descriptors`. Throws Error: as read_descriptor_file() does, invalid for an empty path, wrong_kind for
/// vectors of another length than `length`.
std::shared_ptr<const FrameDescriptors> load_frame_descriptors(const std::filesystem::path& path, int length);

}  // namespace reenact::training
