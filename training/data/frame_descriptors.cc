// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/frame_descriptors.h"

#include "reenact/error.h"
#include "training/data/descriptor_file.h"

namespace reenact::training {

std::string frame_name(const std::string& clip, std::size_t frame) {
  return clip + "/" + std::to_string(frame);
}

const std::vector<float>* FrameDescriptors::find(const std::string& clip, std::size_t frame) const {
  const auto found = vectors_.find(frame_name(clip, frame));
  return found == vectors_.end() ? nullptr : &found->second;
}

std::shared_ptr<const FrameDescriptors> load_frame_descriptors(const std::filesystem::path& path,
                                                               int length) {
  if (path.empty())
    throw Error(ErrorCode::invalid,
                "data.descriptors is missing, wanted the file of the frames' descriptors, since "
                "networks.pose_source is \"vector\"");
  auto file = read_descriptor_file(path);
  for (auto& [name, numbers] : file.vectors) {
    if (numbers.size() != static_cast<std::size_t>(length))
      throw Error(ErrorCode::wrong_kind, "'" + path.string() + "' has vectors of " +
                                             std::to_string(numbers.size()) + " numbers, wanted " +
                                             std::to_string(length));
    numbers = file.scale.normalized(std::move(numbers));
  }
  return std::make_shared<FrameDescriptors>(std::move(file.vectors));
}

}  // namespace reenact::training
