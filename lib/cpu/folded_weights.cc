// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/folded_weights.h"

#include <cmath>
#include <utility>

namespace reenact::cpu {

void FoldedWeights::add(const std::string& name, std::vector<float> weights, std::vector<float> bias) {
  Layer& layer = layers_[name];
  layer.weights = std::move(weights);
  layer.bias = std::move(bias);
}

void FoldedWeights::add_with_batch_norm(const std::string& name, const WeightSource& source,
                                        const std::string& convolution, const std::string& norm,
                                        std::initializer_list<std::int64_t> shape) {
  constexpr double epsilon = 1e-5;
  const std::int64_t out = *shape.begin();
  std::vector<float> weights = source.floats(convolution + ".weight", shape);
  std::vector<float> bias = source.floats(norm + ".bias", {out});
  const std::vector<float> gain = source.floats(norm + ".weight", {out});
  const std::vector<float> mean = source.floats(norm + ".running_mean", {out});
  const std::vector<float> variance = source.floats(norm + ".running_var", {out});
  NormalisedOutput output{bias, gain};
  for (float& deviation : output.deviation) deviation = std::abs(deviation);
  const std::size_t row = weights.size() / out;
  for (std::int64_t o = 0; o < out; ++o) {
    const double factor = gain[o] / std::sqrt(variance[o] + epsilon);
    for (std::size_t i = 0; i < row; ++i)
      weights[o * row + i] = static_cast<float>(weights[o * row + i] * factor);
    bias[o] = static_cast<float>(bias[o] - mean[o] * factor);
  }
  add(name, std::move(weights), std::move(bias));
  layers_[name].output = std::move(output);
}

const PackedWeights& FoldedWeights::packed(const std::string& name, const Convolution& convolution) const {
  const Layer& layer = layers_.at(name);
  const dnnl::memory::desc order = convolution.weights_order();
  std::lock_guard lock(mutex_);
  for (const Packing& packing : layer.packings) {
    if (packing.order == order) return packing.weights;
  }
  layer.packings.push_back({order, convolution.pack(std::span<const float>(layer.weights), layer.bias)});
  return layer.packings.back().weights;
}

std::shared_ptr<const AlignedBuffer> FoldedWeights::arranged(
    const std::string& name, const void* kernels,
    const std::function<AlignedBuffer(std::span<const float>)>& arrange) const {
  const Layer& layer = layers_.at(name);
  std::lock_guard lock(mutex_);
  std::shared_ptr<const AlignedBuffer>& kept = layer.arranged[kernels];
  if (!kept) kept = std::make_shared<const AlignedBuffer>(arrange(layer.weights));
  return kept;
}

}  // namespace reenact::cpu
