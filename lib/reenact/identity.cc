// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/identity.h"

#include <algorithm>
#include <cmath>

#include "reenact/error.h"
#include "reenact/model_file.h"
#include "reenact/safetensors.h"

namespace reenact {
namespace {

/// A vector of finite numbers out of the file.
std::vector<float> read_vector(const SafetensorsFile& file, const std::string& name) {
  const TensorView& tensor = file.at(name);
  const std::string tensor_name = "'" + file.path().string() + "' has a tensor '" + name + "' ";
  if (tensor.shape.size() != 1 || tensor.shape[0] == 0) {
    throw Error(ErrorCode::wrong_kind, tensor_name + "of " + std::to_string(tensor.shape.size()) +
                                           " dimensions and " + std::to_string(tensor.element_count()) +
                                           " elements, wanted one vector");
  }
  std::vector<float> values = tensor.to_floats();
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) {
    throw Error(ErrorCode::wrong_kind, tensor_name + "with values that are not finite, wanted finite ones");
  }
  return values;
}

TensorView view_of(const std::vector<float>& values) {
  return {DataType::f32, {static_cast<std::int64_t>(values.size())}, std::as_bytes(std::span(values))};
}

}  // namespace

std::shared_ptr<const Identity> load_identity(const std::filesystem::path& path) {
  auto model = std::make_shared<const ModelFile>(path, ModelKind::identity);
  const SafetensorsFile& file = model->file();
  const auto entry = [&](const std::string& key) {
    const auto found = file.metadata().find(key);
    return found == file.metadata().end() ? std::string() : found->second;
  };

  auto identity = std::make_shared<Identity>();
  identity->name = entry("name");
  if (identity->name.empty()) identity->name = path.stem().string();
  identity->consent = entry("consent");
  identity->licence = model->info().licence;
  identity->embedding = read_vector(file, "embedding");
  if (file.contains("neutral_pose")) identity->neutral_pose = read_vector(file, "neutral_pose");
  if (file.contains("thumbnail")) {
    const TensorView& thumbnail = file.at("thumbnail");
    const auto& shape = thumbnail.shape;
    constexpr std::int64_t longest_side = 4096;
    if (thumbnail.type != DataType::u8 || shape.size() != 3 || shape[2] != 3 || shape[0] < 1 ||
        shape[1] < 1 || shape[0] > longest_side || shape[1] > longest_side) {
      throw Error(ErrorCode::wrong_kind,
                  "'" + path.string() + "' has a thumbnail that is not U8 [height, width, 3] as wanted");
    }
    const cv::Mat mapped(static_cast<int>(shape[0]), static_cast<int>(shape[1]), CV_8UC3,
                         const_cast<std::byte*>(thumbnail.bytes.data()));
    identity->thumbnail = mapped.clone();
  }
  const auto& tensors = file.tensors();
  const auto personal = tensors.lower_bound("gen.");
  if (personal != tensors.end() && personal->first.starts_with("gen.")) identity->personal_weights = model;
  return identity;
}

void save_identity(const std::filesystem::path& path, const Identity& identity,
                   const JsonObject& provenance) {
  save_identity(path, identity, provenance, {});
}

void save_identity(const std::filesystem::path& path, const Identity& identity, const JsonObject& provenance,
                   const std::map<std::string, TensorView>& personal_weights) {
  std::map<std::string, TensorView> tensors = personal_weights;
  if (identity.embedding.empty()) {
    throw Error(ErrorCode::invalid,
                "cannot write '" + path.string() + "': the identity's embedding is empty");
  }
  tensors["embedding"] = view_of(identity.embedding);
  if (!identity.neutral_pose.empty()) tensors["neutral_pose"] = view_of(identity.neutral_pose);
  cv::Mat thumbnail = identity.thumbnail;
  if (!thumbnail.empty()) {
    if (thumbnail.type() != CV_8UC3) {
      throw Error(ErrorCode::invalid, "cannot write '" + path.string() + "': the thumbnail is not 8-bit RGB");
    }
    if (!thumbnail.isContinuous()) thumbnail = thumbnail.clone();
    tensors["thumbnail"] = {DataType::u8,
                            {thumbnail.rows, thumbnail.cols, 3},
                            std::as_bytes(std::span(thumbnail.data, thumbnail.total() * 3))};
  }
  ModelInfo info;
  info.kind = ModelKind::identity;
  info.licence = identity.licence;
  info.provenance = provenance;
  Metadata metadata = to_metadata(info);
  metadata["name"] = identity.name;
  metadata["consent"] = identity.consent;
  write_safetensors(path, tensors, metadata);
}

}  // namespace reenact
