// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/multibox_loss.h"

#include <algorithm>
#include <cstring>

#include "reenact/error.h"

namespace reenact::training {

FlatOutputs flatten_outputs(const std::vector<S3fdOutput>& outputs) {
  std::vector<torch::Tensor> scores, offsets;
  for (const auto& output : outputs) {
    scores.push_back(output.scores.to(torch::kFloat).permute({0, 2, 3, 1}).flatten(1, 2));
    offsets.push_back(output.offsets.to(torch::kFloat).permute({0, 2, 3, 1}).flatten(1, 2));
  }
  return {torch::cat(scores, 1), torch::cat(offsets, 1)};
}

std::vector<MapSize> map_sizes(const std::vector<S3fdOutput>& outputs) {
  std::vector<MapSize> sizes;
  for (const auto& output : outputs) {
    sizes.push_back(
        {output.stride, static_cast<int>(output.scores.size(3)), static_cast<int>(output.scores.size(2))});
  }
  return sizes;
}

MultiboxLoss multibox_loss(const FlatOutputs& outputs, const std::vector<AnchorTargets>& targets,
                           const MultiboxOptions& options) {
  const auto batch = outputs.scores.size(0), anchors = outputs.scores.size(1);
  if (static_cast<std::int64_t>(targets.size()) != batch)
    throw Error(ErrorCode::invalid, "as many targets as pictures are wanted");
  auto labels = torch::empty({batch, anchors}, torch::kInt8);
  auto wanted = torch::empty({batch, anchors, 4});
  for (std::int64_t i = 0; i < batch; ++i) {
    if (static_cast<std::int64_t>(targets[i].labels.size()) != anchors)
      throw Error(ErrorCode::invalid, "as many labels as anchors are wanted");
    std::memcpy(labels[i].data_ptr(), targets[i].labels.data(), anchors);
    std::memcpy(wanted[i].data_ptr(), targets[i].offsets.data(), anchors * 4 * sizeof(float));
  }

  const auto log_probability = torch::log_softmax(outputs.scores.view({-1, 2}), 1);
  labels = labels.view({-1}).to(outputs.scores.device());
  const auto positive = labels.eq(AnchorTargets::face);
  const auto positive_index = positive.nonzero().view({-1});
  const auto negative_index = labels.eq(AnchorTargets::background).nonzero().view({-1});
  const auto positives = positive_index.size(0);

  const auto wished = std::max<std::int64_t>(
      static_cast<std::int64_t>(options.negatives_per_positive * positives), options.least_negatives * batch);
  const auto negatives = std::min<std::int64_t>(wished, negative_index.size(0));
  // The hardest negatives are those least sure that they are background.
  const auto negative_loss = -log_probability.select(1, 0).index_select(0, negative_index);
  const auto hardest = std::get<0>(negative_loss.topk(negatives));

  MultiboxLoss loss;
  loss.positives = positives;
  loss.negatives = negatives;
  // The three terms to one balance positives and negatives the way S3FD does.
  const auto divisor = static_cast<double>(std::max<std::int64_t>(positives, negatives / 3 + 1));
  loss.classification =
      (hardest.sum() - log_probability.select(1, 1).index_select(0, positive_index).sum()) / divisor;
  const auto found = outputs.offsets.view({-1, 4}).index_select(0, positive_index);
  const auto target = wanted.view({-1, 4}).to(found.device()).index_select(0, positive_index);
  loss.localisation = torch::smooth_l1_loss(found, target, torch::Reduction::Sum) /
                      static_cast<double>(std::max<std::int64_t>(positives, 1));
  return loss;
}

}  // namespace reenact::training
