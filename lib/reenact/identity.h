// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "reenact/export.h"
#include "reenact/json_object.h"

namespace reenact {

class ModelFile;
struct TensorView;

/// Whose head is drawn: immutable once made, shared between elements and pipelines.
struct Identity {
  std::string name;
  std::vector<float> embedding;  ///< [d_i]
  std::vector<float>
      neutral_pose;     ///< [d_p] of the person's own resting face, or empty; reference of relative pose
  cv::Mat thumbnail;    ///< RGB CV_8UC3, or empty
  std::string consent;  ///< who agreed to what, in the words of the file's maker; empty if unstated
  std::string licence;
  std::shared_ptr<const ModelFile>
      personal_weights;  ///< the file itself when it holds the person's own `gen.*`
};

/// Throws Error as ModelFile does, and wrong_kind when the embedding is missing or not finite.
REENACT_API std::shared_ptr<const Identity> load_identity(const std::filesystem::path& path);
/// Writes the identity without personal weights. Throws Error: invalid for an empty embedding or another thumbnail,
/// unreadable when the file cannot be written.
REENACT_API void save_identity(const std::filesystem::path& path, const Identity& identity,
                               const JsonObject& provenance);
/// The same with the personal weights given here, `gen.*` by name.
REENACT_API void save_identity(const std::filesystem::path& path, const Identity& identity,
                               const JsonObject& provenance,
                               const std::map<std::string, TensorView>& personal_weights);

}  // namespace reenact
