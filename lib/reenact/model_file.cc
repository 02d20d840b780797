// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/model_file.h"

#include <cstdlib>
#include <optional>
#include <sstream>
#include <vector>

#include "reenact/enum_names.h"
#include "reenact/error.h"
#include "reenact/installed_folders.h"
#include "reenact/safetensors.h"

namespace reenact {
namespace {

namespace fs = std::filesystem;

constexpr std::pair<const char*, ModelKind> kind_names[] = {
    {"detector", ModelKind::detector},     {"segmenter", ModelKind::segmenter},
    {"reenactor", ModelKind::reenactor},   {"identity", ModelKind::identity},
    {"perceptual", ModelKind::perceptual}, {"recogniser", ModelKind::recogniser},
    {"landmarks", ModelKind::landmarks},   {"warper", ModelKind::warper},
    {"expression", ModelKind::expression}, {"descriptors", ModelKind::descriptors},
    {"pose_track", ModelKind::pose_track}, {"discriminator", ModelKind::discriminator},
    {"checkpoint", ModelKind::checkpoint}};

std::string with_article(const std::string& noun) {
  return (noun.find_first_of("aeiou") == 0 ? "an " : "a ") + noun;
}

std::string wanted_kind(std::optional<ModelKind> wanted) {
  return "wanted " + (wanted ? with_article(to_string(*wanted)) : std::string("a model file"));
}

JsonObject read_object(const SafetensorsFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) return {};
  try {
    return JsonObject(found->second);
  } catch (const Error&) {
    throw Error(ErrorCode::corrupt, "'" + file.path().string() + "' has the metadata entry '" + key +
                                        "', which is not a JSON object as wanted");
  }
}

ModelInfo read_info(const SafetensorsFile& file, std::optional<ModelKind> wanted) {
  const std::string name = "'" + file.path().string() + "'";
  const Metadata& metadata = file.metadata();
  const auto entry = [&](const std::string& key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
  };

  const std::string kind = entry("kind");
  if (kind.empty()) {
    throw Error(
        ErrorCode::wrong_kind,
        name + " is a safetensors file without the kind of a model in its metadata, " + wanted_kind(wanted));
  }
  std::optional<ModelKind> found;
  for (const auto& [text, candidate] : kind_names) {
    if (text == kind) found = candidate;
  }
  if (!found) {
    throw Error(ErrorCode::wrong_kind,
                name + " is of the unknown kind '" + kind.substr(0, 80) + "', " + wanted_kind(wanted));
  }
  if (wanted && *found != *wanted) {
    throw Error(ErrorCode::wrong_kind, name + " is " + with_article(kind) + ", " + wanted_kind(wanted));
  }
  const std::string version = entry("format_version");
  if (version != std::to_string(model_format_version)) {
    throw Error(ErrorCode::wrong_kind, name + " is " + with_article(kind) + " of format version '" +
                                           version.substr(0, 80) + "', wanted version " +
                                           std::to_string(model_format_version));
  }

  ModelInfo info;
  info.kind = *found;
  info.config = read_object(file, "config");
  info.licence = entry("licence");
  info.provenance = read_object(file, "provenance");
  return info;
}

}  // namespace

std::string to_string(ModelKind kind) {
  return name_of(kind_names, kind, "model kind", "ModelKind");
}

ModelFile::ModelFile(const fs::path& path, ModelKind wanted)
    : file_(std::make_shared<SafetensorsFile>(path)), info_(read_info(*file_, wanted)) {}

ModelFile::ModelFile(const fs::path& path)
    : file_(std::make_shared<SafetensorsFile>(path)), info_(read_info(*file_, std::nullopt)) {}

const fs::path& ModelFile::path() const {
  return file_->path();
}

Metadata to_metadata(const ModelInfo& info) {
  return {{"kind", to_string(info.kind)},
          {"format_version", std::to_string(model_format_version)},
          {"config", info.config.text()},
          {"licence", info.licence},
          {"provenance", info.provenance.text()}};
}

fs::path find_model(const std::string& name) {
  if (name.empty())
    throw Error(ErrorCode::not_found, "the name of a model file is empty, wanted a name or a path");
  std::vector<fs::path> folders = {""};
  if (fs::path(name).is_relative()) {
    if (const char* list = std::getenv("REENACT_MODEL_PATH")) {
      std::istringstream stream(list);
      for (std::string folder; std::getline(stream, folder, ':');) {
        if (!folder.empty()) folders.emplace_back(folder);
      }
    }
    for (const fs::path& folder : installed_folders(REENACT_MODELS_BELOW_PREFIX, REENACT_MODELS_DIR))
      folders.push_back(folder);
  }
  std::vector<std::string> endings = {""};
  if (fs::path(name).extension() != ".safetensors") endings.push_back(".safetensors");

  std::string looked;
  for (const fs::path& folder : folders) {
    for (const std::string& ending : endings) {
      const fs::path candidate = folder / (name + ending);
      std::error_code ignored;
      if (fs::exists(candidate, ignored) && !fs::is_directory(candidate, ignored)) return candidate;
    }
    looked += (looked.empty() ? "" : ", ") + ("'" + (folder / name).string() + "'");
  }
  throw Error(ErrorCode::not_found,
              "found no model file '" + name + "', looked (also with .safetensors added) for " + looked);
}

}  // namespace reenact
