// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <memory>

#include "reenact/config.h"
#include "reenact/model_file.h"
#include "torch/networks/discriminator.h"

namespace reenact::training {

/// Whether a file holds a discriminator: `dis.*` of a reenactor, `discriminator.*` of a checkpoint.
bool holds_discriminator(const ModelFile& file);

/// The discriminator of a file that holds one, its kind and sizes told from names and shapes. The projection
/// discriminator gets a single class: its row is the person's embedding [1, d_i], normalised with the epsilon
/// that the authors use there. `reenactor` is the model that is tuned. Throws Error as load_weights() does.
std::shared_ptr<DiscriminatorNetwork> load_personal_discriminator(const ModelFile& file,
                                                                  const ReenactorConfig& reenactor,
                                                                  const torch::Tensor& embedding);

}  // namespace reenact::training
