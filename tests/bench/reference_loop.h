// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <map>
#include <memory>
#include <string>

#include "bench/reference_networks.h"
#include "torch/networks/encoders.h"
#include "training/reenactor/reenactor_batch.h"
#include "training/reenactor/reenactor_config.h"

namespace reenact::bench {

/// The authors' meta-learning iteration (`runners/holycow.py`), line by line in LibTorch: what ReenactorTrainer is
/// measured against, in numbers and in speed. Everything stays as the Python code has it: memory format,
/// order of operations, gradients that are computed and thrown away.
class ReferenceLoop {
 public:
  /// `config` with identity embeddings from the encoder and the losses of the released code; others are
  /// ignored.
  ReferenceLoop(const training::ReenactorTrainingConfig& config, int label_count);
  /// Forward passes, losses, both backward passes and updates, and the running average. Returns the losses.
  std::map<std::string, double> step(const training::ReenactorBatch& batch);
  /// All parameters and buffers under ReenactorTrainer's names: "networks.", "average.", "discriminator.".
  std::map<std::string, torch::Tensor> state() const;

 private:
  struct Networks : torch::nn::Module {
    explicit Networks(const training::ReenactorTrainingConfig& config);
    PoseEncoderNetwork pose = nullptr;
    IdentityEncoderNetwork idt = nullptr;
    ReferenceGenerator gen = nullptr;
  };
  torch::Tensor perceptual(VggFeatures& network, const torch::Tensor& fake, const torch::Tensor& real) const;
  void update_average();

  training::ReenactorTrainingConfig config_;
  training::PerceptualNetworks perceptual_;
  std::shared_ptr<Networks> networks_, average_;
  ReferenceDiscriminator discriminator_;
  std::unique_ptr<torch::optim::Adam> generator_optimizer_, discriminator_optimizer_;
};

}  // namespace reenact::bench
