// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "cpu/aligned_buffer.h"
#include "cpu/convolution.h"
#include "cpu/weight_source.h"

namespace reenact::cpu {

/// What a batch normalisation makes of each channel, where its running statistics hold.
struct NormalisedOutput {
  std::vector<float> mean, deviation;  ///< [out]
};

/// Convolutions of a network with their normalisation folded in, and what they look like packed. Shared by
/// all streams that use the same file; packing happens once for each order that oneDNN asks for.
class FoldedWeights {
 public:
  /// A convolution `name` with bias; `weights` as Convolution::pack() wants them.
  void add(const std::string& name, std::vector<float> weights, std::vector<float> bias);
  /// A convolution without bias followed by the batch normalisation `norm` (eps 1e-5) with its running
  /// statistics.
  void add_with_batch_norm(const std::string& name, const WeightSource& source,
                           const std::string& convolution, const std::string& norm,
                           std::initializer_list<std::int64_t> shape);

  /// Thread-safe; the reference stays valid as long as this object.
  const PackedWeights& packed(const std::string& name, const Convolution& convolution) const;
  /// What `arrange` makes of the layer's weights, once for each of `kernels`.
  std::shared_ptr<const AlignedBuffer> arranged(
      const std::string& name, const void* kernels,
      const std::function<AlignedBuffer(std::span<const float>)>& arrange) const;
  const std::vector<float>& weights(const std::string& name) const { return layers_.at(name).weights; }
  const std::vector<float>& bias(const std::string& name) const { return layers_.at(name).bias; }
  /// Of a convolution that was added with its batch normalisation.
  const NormalisedOutput& normalised_output(const std::string& name) const { return layers_.at(name).output; }

 private:
  struct Packing {
    dnnl::memory::desc order;
    PackedWeights weights;
  };
  struct Layer {
    std::vector<float> weights, bias;
    NormalisedOutput output;
    mutable std::list<Packing> packings;
    mutable std::map<const void*, std::shared_ptr<const AlignedBuffer>> arranged;  // by kernels
  };
  mutable std::mutex mutex_;
  std::map<std::string, Layer> layers_;
};

}  // namespace reenact::cpu
