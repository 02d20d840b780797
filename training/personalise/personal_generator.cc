// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/personalise/personal_generator.h"

namespace reenact::training {

PersonalGeneratorImpl::PersonalGeneratorImpl(const ReenactorConfig& config) {
  gen = register_module("gen", make_head_generator(config));
  identity_embedding =
      register_parameter("identity_embedding", torch::zeros({1, config.identity_embedding_size}));
}

}  // namespace reenact::training
