// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/frame_descriptors.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "reenact/error.h"
#include "reenact/model_file.h"
#include "reenact/safetensors.h"

namespace reenact::training {
namespace {

std::vector<std::string> names_in(const SafetensorsFile& file, std::size_t wanted) {
  const auto entry = file.metadata().find("names");
  const auto names =
      nlohmann::json::parse(entry == file.metadata().end() ? "" : entry->second, nullptr, false);
  std::vector<std::string> result;
  if (names.is_array())
    for (const auto& name : names)
      if (name.is_string()) result.push_back(name.get<std::string>());
  if (result.size() != wanted)
    throw Error(ErrorCode::wrong_kind, "'" + file.path().string() + "' has " + std::to_string(result.size()) +
                                           " names, wanted one for each of its " + std::to_string(wanted) +
                                           " vectors");
  return result;
}

}  // namespace

std::string frame_name(const std::string& clip, std::size_t frame) {
  return clip + "/" + std::to_string(frame);
}

const std::vector<float>* FrameDescriptors::find(const std::string& clip, std::size_t frame) const {
  return find(frame_name(clip, frame));
}

const std::vector<float>* FrameDescriptors::find(const std::string& name) const {
  const auto found = vectors_.find(name);
  return found == vectors_.end() ? nullptr : &found->second;
}

std::shared_ptr<const FrameDescriptors> load_frame_descriptors(const std::filesystem::path& path,
                                                               int length) {
  if (path.empty())
    throw Error(ErrorCode::invalid,
                "data.descriptors is missing, wanted the file of the frames' descriptors, since "
                "networks.pose_source is \"vector\"");
  const ModelFile model(path, ModelKind::descriptors);
  const auto& file = model.file();
  const auto& tensor = file.at("vectors");
  const auto width = static_cast<std::size_t>(length);
  if (tensor.shape.size() != 2 || tensor.shape[1] != length)
    throw Error(ErrorCode::wrong_kind, "'" + path.string() + "' has vectors of " +
                                           std::to_string(tensor.shape.size() == 2 ? tensor.shape[1] : 0) +
                                           " numbers, wanted " + std::to_string(length));
  auto values = tensor.to_floats();
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
    throw Error(ErrorCode::wrong_kind,
                "'" + path.string() + "' has a descriptor that is not finite, wanted finite ones");
  if (file.contains("mean") && file.contains("deviation")) {
    const auto mean = file.at("mean").to_floats(), deviation = file.at("deviation").to_floats();
    if (mean.size() != width || deviation.size() != width)
      throw Error(ErrorCode::wrong_kind, "'" + path.string() +
                                             "' has a mean or deviation of another length, wanted " +
                                             std::to_string(length) + " numbers");
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = (values[i] - mean[i % width]) / std::max(deviation[i % width], 1e-6f);
  }
  const auto names = names_in(file, values.size() / width);
  std::map<std::string, std::vector<float>> vectors;
  for (std::size_t i = 0; i < names.size(); ++i)
    vectors[names[i]] = {values.begin() + static_cast<std::ptrdiff_t>(i * width),
                         values.begin() + static_cast<std::ptrdiff_t>((i + 1) * width)};
  return std::make_shared<FrameDescriptors>(std::move(vectors));
}

}  // namespace reenact::training
