// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include "reenact/config.h"
#include "reenact/model_file.h"
#include "torch/networks/discriminator.h"

namespace reenact::training {

/// Whether a reenactor file holds the discriminator it was trained with.
bool holds_discriminator(const ModelFile& reenactor);

/// The discriminator of a reenactor file (`dis.*`, sizes told from the shapes) with a single class: its row
/// is the person's embedding [1, d_i], normalised with the epsilon that the authors use there. Throws Error
/// as load_weights() does.
Discriminator load_personal_discriminator(const ModelFile& reenactor, const ReenactorConfig& config,
                                          const torch::Tensor& embedding);

}  // namespace reenact::training
