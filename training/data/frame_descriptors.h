// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace reenact::training {

/// Pose descriptors of a data folder's frames, made beforehand, for models whose pose_source is "vector". Each number is
/// brought to mean 0 and deviation 1 over the file where it holds `mean` and `deviation`.
class FrameDescriptors {
 public:
  explicit FrameDescriptors(std::map<std::string, std::vector<float>> vectors)
      : vectors_(std::move(vectors)) {}
  /// Of a clip's frame, counted from 0 at the clip's own rate; of a still frame 0. Null where the file has none.
  const std::vector<float>* find(const std::string& clip, std::size_t frame) const;
  /// Of any picture, by its name in the file.
  const std::vector<float>* find(const std::string& name) const;
  std::size_t size() const { return vectors_.size(); }

 private:
  std::map<std::string, std::vector<float>> vectors_;
};

/// Name of a clip's frame in such a file, "<clip>/<frame>".
std::string frame_name(const std::string& clip, std::size_t frame);

/// Reads a file of kind `descriptors`. Throws Error: as ModelFile does, invalid for an empty path, wrong_kind for vectors of
/// another length than `length`, names that are missing or do not fit, and values that are not finite.
std::shared_ptr<const FrameDescriptors> load_frame_descriptors(const std::filesystem::path& path, int length);

}  // namespace reenact::training
