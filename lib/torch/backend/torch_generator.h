// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>

#include "reenact/identity.h"
#include "reenact/model_file.h"
#include "torch/backend/execution.h"
#include "torch/backend/repeated_call.h"
#include "torch/networks/generator.h"

namespace reenact {

/// reenact::Generator on LibTorch; on GPUs with a stream and CUDA graphs of its own.
class TorchGenerator : public Generator {
 public:
  using SharedNetwork = std::shared_ptr<GeneratorNetworkImpl>;
  /// `shared` are the model's own weights; `load_personal` makes those of a personalised identity.
  TorchGenerator(SharedNetwork shared, const ReenactorConfig& config, const Execution& execution,
                 std::function<SharedNetwork(const ModelFile&)> load_personal);

  int image_size() const override { return config_.image_size; }
  int pose_embedding_size() const override { return config_.pose_embedding_size; }
  int identity_embedding_size() const override { return config_.identity_embedding_size; }
  std::string active_device() const override { return execution_.device_name(); }
  std::string active_engine() const override { return execution_.engine_name(); }

 protected:
  void do_set_identity(std::shared_ptr<const Identity> identity) override;
  cv::Mat do_generate(std::span<const float> pose, AlphaMode alpha) override;

 private:
  RepeatedCall drawing(AlphaMode alpha);

  SharedNetwork shared_, active_;
  ReenactorConfig config_;
  Execution execution_;
  std::function<SharedNetwork(const ModelFile&)> load_personal_;
  torch::Tensor identity_;                 // [1, d_i], keeps its place in memory
  RepeatedCall straight_, premultiplied_;  // pose [1, d_p] to bytes [S, S, 4]
};

}  // namespace reenact
