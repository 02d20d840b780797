// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/backend/torch_generator.h"
#include "reenact/model_file.h"

#include "reenact/identity.h"

namespace reenact {

TorchGenerator::TorchGenerator(SharedNetwork shared, const ReenactorConfig& config,
                               const Execution& execution,
                               std::function<SharedNetwork(const ModelFile&)> load_personal)
    : shared_(std::move(shared)),
      active_(shared_),
      config_(config),
      execution_(execution),
      load_personal_(std::move(load_personal)),
      straight_(drawing(AlphaMode::straight)),
      premultiplied_(drawing(AlphaMode::premultiplied)) {}

RepeatedCall TorchGenerator::drawing(AlphaMode alpha) {
  return RepeatedCall(execution_.device(), [this, alpha](const torch::Tensor& pose) {
    const auto head = active_->forward(identity_, pose.to(execution_.type()));
    const auto color = alpha == AlphaMode::premultiplied ? head.rgb : head.color;
    const auto rgba = torch::cat({color, head.mask}, 1).clamp(0, 1).mul(255);
    // The authors truncate their pictures; straight colours, which have no such reference, are rounded.
    const auto values = alpha == AlphaMode::premultiplied ? rgba : rgba.round();
    return std::vector<torch::Tensor>{values[0].permute({1, 2, 0}).to(torch::kUInt8).contiguous()};
  });
}

void TorchGenerator::do_set_identity(std::shared_ptr<const Identity> identity) {
  auto network = identity->personal_weights ? load_personal_(*identity->personal_weights) : shared_;
  torch::InferenceMode inference;
  const auto embedding =
      torch::tensor(at::ArrayRef<float>(identity->embedding.data(), identity->embedding.size())).unsqueeze(0);
  if (!identity_.defined())
    identity_ = torch::empty(embedding.sizes(),
                             torch::TensorOptions().device(execution_.device()).dtype(execution_.type()));
  identity_.copy_(embedding);
  if (execution_.device().is_cuda()) torch::cuda::synchronize(execution_.device().index());
  if (network == active_) return;
  active_ = std::move(network);
  straight_.forget();
  premultiplied_.forget();
}

cv::Mat TorchGenerator::do_generate(std::span<const float> pose, AlphaMode alpha) {
  torch::InferenceMode inference;
  execution_.apply_threads();
  const auto pose_tensor =
      torch::from_blob(const_cast<float*>(pose.data()), {1, static_cast<std::int64_t>(pose.size())});
  const auto& bytes = (alpha == AlphaMode::premultiplied ? premultiplied_ : straight_)(pose_tensor)[0];
  return cv::Mat(config_.image_size, config_.image_size, CV_8UC4, bytes.data_ptr());
}

}  // namespace reenact
