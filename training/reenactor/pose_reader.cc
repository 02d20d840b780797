// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/reenactor/pose_reader.h"

#include "reenact/error.h"
#include "training/learning/expression_loss.h"
#include "training/reenactor/person_offsets.h"
#include "training/reenactor/reenactor_networks.h"

namespace reenact::training {

PoseReaderImpl::PoseReaderImpl(const ReenactorConfig& config, std::int64_t people) {
  pose_ = register_module("pose", PoseEncoderNetwork(config, /*dropout=*/0));
  landmark_head_ = register_module("landmark_head", make_landmark_head(config));
  offsets_ = register_buffer("offsets", torch::zeros({people, config.pose_embedding_size}));
  deviation_ = register_buffer("deviation", torch::zeros({}));
  eval();
  for (auto& parameter : parameters()) parameter.set_requires_grad(false);
}

void PoseReaderImpl::start_from(const std::map<std::string, torch::Tensor>& weights) {
  torch::NoGradGuard no_grad;
  const auto take = [&](const std::string& name, torch::Tensor own) {
    const auto found = weights.find(name);
    if (found == weights.end() || found->second.sizes() != own.sizes())
      throw Error(ErrorCode::wrong_kind, "disentangle.reader: " + name +
                                             (found == weights.end() ? " is missing" : " has another shape"));
    own.copy_(found->second);
  };
  for (const auto& child : named_children()) {
    const auto& name = child.key();
    const auto& module = child.value();
    for (auto& item : module->named_parameters()) take(name + "." + item.key(), item.value());
    for (auto& item : module->named_buffers())
      if (item.value().is_floating_point()) take(name + "." + item.key(), item.value());
  }
}

torch::Tensor PoseReaderImpl::pose(const torch::Tensor& pictures) {
  return pose_(pictures).to(torch::kFloat);
}

torch::Tensor PoseReaderImpl::landmarks(const torch::Tensor& pose) {
  return read_landmarks(landmark_head_, pose);
}

void PoseReaderImpl::learn_offsets(const torch::Tensor& embeddings, const torch::Tensor& people) {
  torch::NoGradGuard no_grad;
  const auto features = expression_features(landmarks(embeddings));
  // A turn to either side narrows the face; its sign tells nothing of that.
  const auto turn = features.narrow(1, turn_feature, 1);
  offsets_.copy_(
      person_offsets(embeddings, torch::cat({features, turn.pow(2)}, 1), people, offsets_.size(0)));
  deviation_.fill_((embeddings - offsets(people)).std(0).mean());
}

}  // namespace reenact::training
