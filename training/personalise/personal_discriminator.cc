// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/personalise/personal_discriminator.h"

#include <algorithm>
#include <string>

#include "reenact/safetensors.h"
#include "torch/load_weights.h"

namespace reenact::training {
namespace {

std::string block_weight(int block) {
  return "dis.block" + std::to_string(block) + ".conv1.weight";
}

DiscriminatorConfig config_in(const ModelFile& file, const ReenactorConfig& reenactor) {
  const auto width = [&](const std::string& name) {
    return static_cast<int>(file.file().at(name).shape.at(0));
  };
  DiscriminatorConfig config;
  config.image_size = reenactor.image_size;
  config.embedding_size = reenactor.identity_embedding_size;
  config.num_channels = config.max_channels = width("dis.stem.conv1.weight");
  config.in_channels = static_cast<int>(file.file().at("dis.stem.conv1.weight").shape.at(1));
  config.self_attention = file.file().contains("dis.attention.gamma");
  config.num_blocks = 1;
  for (int block = 0; file.file().contains(block_weight(block)); ++block) {
    ++config.num_blocks;
    // The last block is as wide as the embedding, whatever the cap.
    if (file.file().contains(block_weight(block + 1)))
      config.max_channels = std::max(config.max_channels, width(block_weight(block)));
  }
  config.num_labels = 1;
  config.embedding_eps = 1e-12;
  return config;
}

}  // namespace

bool holds_discriminator(const ModelFile& reenactor) {
  return reenactor.file().contains("dis.stem.conv1.weight");
}

Discriminator load_personal_discriminator(const ModelFile& reenactor, const ReenactorConfig& config,
                                          const torch::Tensor& embedding) {
  torch::NoGradGuard no_grad;
  Discriminator discriminator(config_in(reenactor, config));
  // Part by part, since the file's class table may have rows for many people.
  for (auto& child : discriminator->named_children())
    if (child.key() != "embed") load_weights(*child.value(), reenactor, "dis." + child.key() + ".");
  // Of a matrix with one row the first power iteration already finds both singular vectors.
  discriminator->named_parameters()["embed.weight"].copy_(embedding);
  return discriminator;
}

}  // namespace reenact::training
