// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "reenact/export.h"
#include "reenact/json_object.h"

namespace reenact {

class SafetensorsFile;

/// What a model file is for; stored in its metadata as `kind` by the name in quotes.
enum class ModelKind {
  detector,   ///< "detector": S3FD, tensors `s3fd.*`
  segmenter,  ///< "segmenter": U-Net, tensors `unet.*`
  reenactor,  ///< "reenactor": pose encoder `pose.*`, identity encoder `idt.*`, generator and AdaIN MLP `gen.*`, and
              ///< where it was trained with landmarks `landmark_head.*`
  identity,  ///< "identity": `embedding` [d_i], optional personal `gen.*`, `thumbnail`, `neutral_pose` [d_p]
  perceptual,  ///< "perceptual": VGG networks of the content losses, `vgg19.*`, `vggface.*`
  recogniser,  ///< "recogniser": tells people by their faces, tensors `arc.*`
  landmarks,   ///< "landmarks": face mesh of a head crop, tensors `lmk.*`, or 68 points, tensors `fan.*`
  warper,      ///< "warper": X2Face, tensors `x2drive.*`, `x2embed.*`; for comparison, elements refuse it
  expression,  ///< "expression": what makes descriptors of expression and bearing, of ExpNet or of face meshes
  descriptors,    ///< "descriptors": `vectors` [N, d] of pictures, named by the metadata entry `names`
  pose_track,     ///< "pose_track": `poses` [N, d_p], `timestamps` [N] nanoseconds
  discriminator,  ///< "discriminator": what `personalise` tunes a reenactor against, tensors `dis.*`
  checkpoint      ///< "checkpoint": everything a training run resumes from
};

REENACT_API std::string to_string(ModelKind kind);

/// The metadata every file of ours carries.
struct ModelInfo {
  ModelKind kind = ModelKind::reenactor;
  JsonObject config;      ///< configuration of the networks inside, one of config.h
  std::string licence;    ///< SPDX expression or a sentence
  JsonObject provenance;  ///< data, command, steps, metrics
};

/// The version written, and the only one read.
inline constexpr int model_format_version = 1;

/// An opened model file whose kind and format version are known to be right.
class ModelFile {
 public:
  /// Throws Error: not_found, unreadable, corrupt, or wrong_kind with a sentence that names both kinds.
  REENACT_API ModelFile(const std::filesystem::path& path, ModelKind wanted);
  /// Opens whatever kind it is.
  REENACT_API explicit ModelFile(const std::filesystem::path& path);

  const ModelInfo& info() const { return info_; }
  const SafetensorsFile& file() const { return *file_; }
  REENACT_API const std::filesystem::path& path() const;

 private:
  std::shared_ptr<SafetensorsFile> file_;
  ModelInfo info_;
};

/// Metadata entries of a file to be written.
REENACT_API std::map<std::string, std::string> to_metadata(const ModelInfo& info);

/// Finds a model by name: `name` itself if it exists, then each folder of REENACT_MODEL_PATH (colon-separated), then the
/// installed models folder. Throws Error (not_found) that lists every place looked at.
REENACT_API std::filesystem::path find_model(const std::string& name);

}  // namespace reenact
