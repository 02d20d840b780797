// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/checkpoint_folder.h"

#include <spdlog/spdlog.h>

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "reenact/error.h"

namespace reenact::training {
namespace {

constexpr std::string_view prefix = "checkpoint-", suffix = ".safetensors";

/// The step in a checkpoint's name, or empty for any other file.
std::optional<std::int64_t> step_of(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  if (!name.starts_with(prefix) || !name.ends_with(suffix)) return {};
  const std::string digits = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  if (digits.empty() || digits.size() > 18 || digits.find_first_not_of("0123456789") != std::string::npos)
    return {};
  return std::stoll(digits);
}

std::filesystem::path name_of(std::int64_t step) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%09lld", static_cast<long long>(step));
  return std::string(prefix) + digits + std::string(suffix);
}

}  // namespace

CheckpointFolder::CheckpointFolder(const std::filesystem::path& folder, int keep)
    : folder_(folder), keep_(keep) {
  if (keep < 1)
    throw Error(ErrorCode::invalid,
                "cannot keep " + std::to_string(keep) + " checkpoints, wanted at least 1");
}

std::vector<std::filesystem::path> CheckpointFolder::newest_first() const {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error))
    if (step_of(entry.path())) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end(),
            [](const auto& a, const auto& b) { return *step_of(a) > *step_of(b); });
  return paths;
}

std::optional<std::filesystem::path> CheckpointFolder::latest() const {
  for (const auto& path : newest_first()) {
    try {
      ModelFile file(path, ModelKind::checkpoint);
      return path;
    } catch (const Error& error) {
      spdlog::warn("A checkpoint is passed over: {}", error.what());
    }
  }
  return {};
}

void CheckpointFolder::remove_leftovers() const {
  const std::string own = ".part-" + std::to_string(::getpid()) + "-";
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    const bool temporary =
        name.starts_with(prefix) && name.find(std::string(suffix) + ".part-") != std::string::npos;
    if (temporary && name.find(own) == std::string::npos) std::filesystem::remove(entry.path(), error);
  }
}

void CheckpointFolder::save(const Checkpoint& checkpoint, std::int64_t step, const ModelInfo& info) {
  const auto path = folder_ / name_of(step);
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  try {
    if (error)
      throw Error(ErrorCode::unreadable,
                  "cannot create the folder '" + folder_.string() + "': " + error.message());
    checkpoint.save(path, info);
  } catch (const Error& failure) {
    const auto standing = latest();
    throw Error(failure.code(),
                std::string(failure.what()) + (standing ? "; '" + standing->string() + "' still stands"
                                                        : "; there is no earlier checkpoint"));
  }
  // By age of the step and never the file just written: a run that started anew in an old folder keeps its
  // own.
  int kept = 1;
  for (const auto& old : newest_first())
    if (old != path && ++kept > keep_) std::filesystem::remove(old, error);
  remove_leftovers();
}

}  // namespace reenact::training
