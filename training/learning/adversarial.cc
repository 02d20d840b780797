// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/adversarial.h"

#include "reenact/error.h"

namespace reenact::training {

torch::Tensor hinge_generator_loss(const torch::Tensor& score) {
  return -score.mean();
}

torch::Tensor hinge_discriminator_loss(const torch::Tensor& real, const torch::Tensor& fake) {
  return torch::relu(1.0 - real).mean() + torch::relu(1.0 + fake).mean();
}

torch::Tensor feature_matching_loss(const std::vector<torch::Tensor>& fake_features,
                                    const std::vector<torch::Tensor>& real_features) {
  if (fake_features.empty() || fake_features.size() != real_features.size())
    throw Error(ErrorCode::invalid, "feature matching got " + std::to_string(fake_features.size()) +
                                        " generated and " + std::to_string(real_features.size()) +
                                        " real feature maps, but needs the same number of both, at least 1");
  torch::Tensor sum;
  for (std::size_t i = 0; i < fake_features.size(); ++i) {
    const auto term = torch::l1_loss(fake_features[i], real_features[i].detach());
    sum = sum.defined() ? sum + term : term;
  }
  return sum / static_cast<double>(fake_features.size());
}

torch::Tensor embedding_match_loss(const torch::Tensor& elementwise_embeddings, const torch::Tensor& rows) {
  return torch::l1_loss(elementwise_embeddings.select(1, 0), rows.detach());
}

}  // namespace reenact::training
