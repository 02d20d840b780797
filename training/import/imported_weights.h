// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "reenact/model_file.h"
#include "training/import/torch_archive.h"

namespace reenact::training {

using TensorShapes = std::map<std::string, std::vector<std::int64_t>>;

/// "64x3x4x4".
std::string shape_in_words(const std::vector<std::int64_t>& shape);

/// Those whose names start with `prefix`.
PickledTensors with_prefix(const PickledTensors& tensors, const std::string& prefix);

/// The tensors whose names `rename` gives a new name; it returns an empty one for those to leave out.
PickledTensors renamed(const PickledTensors& tensors,
                       const std::function<std::string(const std::string&)>& rename);

/// Shapes of a network's parameters and floating-point buffers under `<prefix><name>`: what a file of ours
/// holds.
TensorShapes shapes_of(const torch::nn::Module& network, const std::string& prefix);

/// In words, the first tensor that `wanted` has and `found` has not, or of another shape or no floating-point
/// type, or that nobody wants; empty when they agree. Names in `found` that end in num_batches_tracked do not
/// count. `missing` gets the name of one that `found` has not.
std::string first_difference(const PickledTensors& found, const TensorShapes& wanted,
                             std::string* missing = nullptr);

/// Weights on their way from PyTorch files into one of ours.
class ImportedWeights {
 public:
  /// Reads from `archive` the tensors of `tensors` that `wanted` has, in the type in which they are stored.
  /// Throws Error: wrong_kind naming `network`, the first difference and, for a name that is missing, what the
  /// file has that looks most like it, of `tensors` and of `held`, all that was read of the file; corrupt for
  /// NaN and infinity.
  void add(const TorchArchive& archive, const PickledTensors& tensors, const TensorShapes& wanted,
           const std::string& network, const PickledTensors& held = {});
  /// A single tensor under a name of its own, with another shape of as many elements.
  void add(const TorchArchive& archive, const std::string& name, const PickledTensor& tensor,
           std::vector<std::int64_t> shape);

  /// Numbers that are in no file as they are.
  void add(const std::string& name, const std::vector<float>& numbers, std::vector<std::int64_t> shape);

  std::size_t size() const { return values_.size(); }
  /// Writes a model file; `additional` goes into its metadata.
  void write(const std::filesystem::path& path, const ModelInfo& info, const Metadata& additional = {}) const;

 private:
  struct Values {
    DataType type;
    std::vector<std::int64_t> shape;
    std::vector<std::byte> bytes;
    TensorView view() const { return {type, shape, bytes}; }
  };
  std::map<std::string, Values> values_;
};

/// "wrote FILE: KIND, N tensors".
std::string written(const std::filesystem::path& path, const std::string& kind,
                    const ImportedWeights& weights);

/// What provenance says about a file that was imported: its name, container and SHA-256.
nlohmann::json provenance_of(const TorchArchive& archive);

}  // namespace reenact::training
