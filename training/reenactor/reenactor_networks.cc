// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/reenactor/reenactor_networks.h"

namespace reenact::training {
namespace {

/// Brings embeddings of any length to about the unit size at which the landmark head starts.
constexpr double landmark_input_scale = 0.1;

/// Changes the module's last linear layer so that outputs x [B, N] become (x - from) * gain + to.
void rescale_last_layer(torch::nn::Module& module, const torch::Tensor& from, const torch::Tensor& gain,
                        const torch::Tensor& to) {
  torch::nn::LinearImpl* last = nullptr;
  for (auto& child : module.modules(/*include_self=*/false))
    if (auto* linear = child->as<torch::nn::Linear>()) last = linear;
  if (!last) return;
  last->weight.mul_(gain.unsqueeze(1));
  last->bias.sub_(from).mul_(gain).add_(to);
}

}  // namespace

torch::nn::Linear make_landmark_head(const ReenactorConfig& config) {
  torch::nn::Linear head(config.pose_embedding_size, 2 * landmark_count);
  torch::nn::init::constant_(head->bias, 0.5);
  return head;
}

torch::Tensor read_landmarks(torch::nn::Linear& head, const torch::Tensor& pose) {
  return head(landmark_input_scale * pose).to(torch::kFloat).view({-1, landmark_count, 2});
}

ReenactorNetworksImpl::ReenactorNetworksImpl(const ReenactorConfig& config, int table_rows,
                                             double table_deviation, double dropout, bool landmarks) {
  pose = register_module("pose", PoseEncoderNetwork(config, dropout));
  idt = register_module("idt", IdentityEncoderNetwork(config));
  gen = register_module("gen", make_head_generator(config));
  if (table_rows > 0) {
    table = register_module("table", torch::nn::Embedding(table_rows, config.identity_embedding_size));
    torch::nn::init::normal_(table->weight, 0.0, table_deviation);
  }
  if (landmarks) landmark_head = register_module("landmark_head", make_landmark_head(config));
}

void ReenactorNetworksImpl::standardize_pose(const torch::Tensor& pictures, double deviation) {
  torch::NoGradGuard no_grad;
  const auto sample = pose(pictures).to(torch::kFloat);
  const auto mean = sample.mean(0), gain = deviation / sample.std(0).clamp_min(1e-6);
  rescale_last_layer(*pose, mean, gain, torch::zeros_like(mean));
  if (landmark_head.is_empty()) return;
  landmark_head->bias.add_(torch::mv(landmark_head->weight, landmark_input_scale * mean));
  landmark_head->weight.div_(gain.unsqueeze(0));
}

void ReenactorNetworksImpl::scale_foreign_pose(const torch::Tensor& pictures, double deviation) {
  torch::NoGradGuard no_grad;
  const auto factor = deviation / pose(pictures).to(torch::kFloat).std(0).mean().clamp_min(1e-6);
  const auto last = pose->modules(/*include_self=*/false).back();
  for (auto& parameter : last->parameters()) parameter.mul_(factor);
}

void ReenactorNetworksImpl::match_identity_to_table(const torch::Tensor& frames) {
  torch::NoGradGuard no_grad;
  const auto sample = idt(frames).mean(1);
  const auto rows = table->weight;
  rescale_last_layer(*idt, sample.mean(0), rows.std(0) / sample.std(0).clamp_min(1e-6), rows.mean(0));
}

void ReenactorNetworksImpl::standardize_identity(const torch::Tensor& frames, double deviation) {
  torch::NoGradGuard no_grad;
  const auto sample = idt(frames).mean(1);
  const auto mean = sample.mean(0);
  rescale_last_layer(*idt, mean, deviation / sample.std(0).clamp_min(1e-6), torch::zeros_like(mean));
}

}  // namespace reenact::training
