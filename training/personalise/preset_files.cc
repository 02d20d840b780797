// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/personalise/preset_files.h"

#include <spdlog/spdlog.h>

#include <filesystem>
#include <optional>
#include <vector>

#include "reenact/error.h"
#include "reenact/pose_track.h"
#include "training/personalise/personal_discriminator.h"

namespace reenact::training {
namespace {

std::optional<std::filesystem::path> file_of_preset(const ModelFile& model, const std::string& what,
                                                    const std::string& preset) {
  const auto name = what + "-" + preset + ".safetensors";
  if (const auto beside = model.path().parent_path() / name; std::filesystem::exists(beside)) return beside;
  try {
    return find_model(name);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    return std::nullopt;
  }
}

torch::Tensor load_poses(const std::filesystem::path& path, const ReenactorConfig& config) {
  const auto track = load_pose_track(path);
  std::vector<torch::Tensor> poses;
  for (const auto& pose : track.poses) {
    if (static_cast<int>(pose.size()) != config.pose_embedding_size)
      throw Error(ErrorCode::wrong_kind, path.string() + " has poses of " + std::to_string(pose.size()) +
                                             " values, but the model's have " +
                                             std::to_string(config.pose_embedding_size));
    poses.push_back(torch::tensor(pose));
  }
  return torch::stack(poses);
}

}  // namespace

std::shared_ptr<const ModelFile> file_with_discriminator(const std::shared_ptr<const ModelFile>& model,
                                                         const ReenactorConfig& config,
                                                         const std::string& asked) {
  if (asked.empty() && holds_discriminator(*model)) return model;
  const auto path =
      asked.empty() ? file_of_preset(*model, "discriminator", config.preset) : find_model(asked);
  if (!path) return model;
  auto file = std::make_shared<const ModelFile>(*path);
  if (!holds_discriminator(*file))
    throw Error(ErrorCode::wrong_kind, file->path().string() + " holds no discriminator");
  return file;
}

torch::Tensor poses_of_others(const ModelFile& model, const ReenactorConfig& config,
                              const std::string& asked) {
  if (!asked.empty()) return load_poses(find_model(asked), config);
  try {
    if (const auto path = file_of_preset(model, "poses", config.preset)) return load_poses(*path, config);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::wrong_kind) throw;  // the model has the preset's name and other sizes
  }
  spdlog::warn("no poses of other people (--poses): nothing keeps expressions that the pictures do not show");
  return {};
}

}  // namespace reenact::training
