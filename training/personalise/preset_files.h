// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <memory>
#include <string>

#include "reenact/config.h"
#include "reenact/model_file.h"

namespace reenact::training {

/// What a reenactor is tuned against and does not hold itself. Files of its preset, "discriminator-PRESET" and "poses-PRESET",
/// are looked for beside the model, then where models are installed.

/// The file whose discriminator is tuned along: the one that `asked` names for find_model(), else the model if it has one, else
/// that of its preset, else the model, which has none. Throws Error: as ModelFile does; wrong_kind for one that was named or
/// found and holds none.
std::shared_ptr<const ModelFile> file_with_discriminator(const std::shared_ptr<const ModelFile>& model,
                                                         const ReenactorConfig& config,
                                                         const std::string& asked);

/// Poses [N, d_p] of other people, whose motion a tuned head must go on to follow: of the track that `asked` names, else of the
/// preset's if its poses are as long as the model's, else undefined, with a warning in the log. Throws Error: as
/// load_pose_track() does; wrong_kind for poses of another length that were asked for.
torch::Tensor poses_of_others(const ModelFile& model, const ReenactorConfig& config,
                              const std::string& asked);

}  // namespace reenact::training
