// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/personalise/personal_discriminator.h"

#include <algorithm>
#include <string>

#include "reenact/safetensors.h"
#include "torch/load_weights.h"
#include "torch/networks/patch_discriminator.h"

namespace reenact::training {
namespace {

std::string prefix_in(const ModelFile& file) {
  return file.info().kind == ModelKind::checkpoint ? "discriminator." : "dis.";
}

/// Reads sizes off the shapes of a file's tensors.
class DiscriminatorSizes {
 public:
  DiscriminatorSizes(const ModelFile& file, const ReenactorConfig& reenactor)
      : file_(file), prefix_(prefix_in(file)) {
    config_.image_size = reenactor.image_size;
    config_.embedding_size = reenactor.identity_embedding_size;
    config_.num_labels = 1;
    config_.embedding_eps = 1e-12;
    config_.patch = has("conv0.weight");
    if (config_.patch)
      read_patch();
    else
      read_projection();
  }
  const DiscriminatorConfig& config() const { return config_; }

 private:
  bool has(const std::string& name) const { return file_.file().contains(prefix_ + name); }
  int outputs_of(const std::string& name) const {
    return static_cast<int>(file_.file().at(prefix_ + name).shape.at(0));
  }
  int inputs_of(const std::string& name) const {
    return static_cast<int>(file_.file().at(prefix_ + name).shape.at(1));
  }
  static std::string block_weight(int block) { return "block" + std::to_string(block) + ".conv1.weight"; }

  void read_patch() {
    config_.num_channels = outputs_of("conv0.weight");
    config_.in_channels = inputs_of("conv0.weight");
    config_.num_blocks = 0;
    while (has("conv" + std::to_string(config_.num_blocks) + ".weight")) ++config_.num_blocks;
  }
  void read_projection() {
    config_.num_channels = config_.max_channels = outputs_of("stem.conv1.weight");
    config_.in_channels = inputs_of("stem.conv1.weight");
    config_.self_attention = has("attention.gamma");
    config_.num_blocks = 1;
    for (int block = 0; has(block_weight(block)); ++block) {
      ++config_.num_blocks;
      // The last block is as wide as the embedding, whatever the cap.
      if (has(block_weight(block + 1)))
        config_.max_channels = std::max(config_.max_channels, outputs_of(block_weight(block)));
    }
  }

  const ModelFile& file_;
  std::string prefix_;
  DiscriminatorConfig config_;
};

}  // namespace

bool holds_discriminator(const ModelFile& file) {
  const auto prefix = prefix_in(file);
  return file.file().contains(prefix + "stem.conv1.weight") || file.file().contains(prefix + "conv0.weight");
}

std::shared_ptr<DiscriminatorNetwork> load_personal_discriminator(const ModelFile& file,
                                                                  const ReenactorConfig& reenactor,
                                                                  const torch::Tensor& embedding) {
  torch::NoGradGuard no_grad;
  const auto config = DiscriminatorSizes(file, reenactor).config();
  auto discriminator = make_discriminator(config);
  // Part by part, since the file's class table may have rows for many people.
  for (auto& child : discriminator->named_children())
    if (child.key() != "embed") load_weights(*child.value(), file, prefix_in(file) + child.key() + ".");
  // Of a matrix with one row the first power iteration already finds both singular vectors.
  if (!config.patch) discriminator->named_parameters()["embed.weight"].copy_(embedding);
  return discriminator;
}

}  // namespace reenact::training
