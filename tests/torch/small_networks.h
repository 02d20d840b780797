// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "reenact/config.h"
#include "torch/networks/discriminator.h"

namespace reenact::test {

/// The configuration of the small networks in the parity files.
inline ReenactorConfig small_generator_config() {
  ReenactorConfig config;
  config.preset = "small";
  config.image_size = 64;
  config.num_channels = 8;
  config.max_channels = 64;
  config.identity_embedding_size = 32;
  config.pose_embedding_size = 16;
  config.projector_hidden = 512;
  return config;
}

inline DiscriminatorConfig small_discriminator_config() {
  DiscriminatorConfig config;
  config.image_size = 64;
  config.num_channels = 8;
  config.max_channels = 64;
  config.embedding_size = 32;
  config.num_labels = 5;
  return config;
}

}  // namespace reenact::test
