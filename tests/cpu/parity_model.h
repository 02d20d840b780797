// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "reenact/config.h"
#include "reenact/model_file.h"
#include "reenact/safetensors.h"

namespace reenact::test {

/// A float tensor of a test.
struct FloatTensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};
using FloatTensors = std::map<std::string, FloatTensor>;

/// Tensors `state.*` of a parity file under our names, e.g. "gen.up0.conv1.weight".
FloatTensors state_of_network(const SafetensorsFile& file, const std::string& network);

/// The same for a file with procedural weights, which stores only the bound of each (see the parity data's
/// README): SplitMix64 from the FNV-1a hash of the tensor's name. `shapes` by our names.
FloatTensors procedural_state(const SafetensorsFile& file, const std::string& network,
                              const std::map<std::string, std::vector<std::int64_t>>& shapes);
std::vector<float> procedural_input(const std::string& name, std::size_t count, float low, float high);

/// Shapes of all tensors of a generator, by our names.
std::map<std::string, std::vector<std::int64_t>> generator_shapes(const ReenactorConfig& config);
/// Random weights whose convolutions keep the size of their input, with spectral norms of one.
FloatTensors random_generator(const ReenactorConfig& config, unsigned seed);

/// Of a normal distribution: poses and embeddings.
std::vector<float> random_values(std::size_t count, unsigned seed);

/// Writes a model file into a temporary folder, removed when the test program ends, and opens it.
std::shared_ptr<const ModelFile> write_model(const std::string& name, ModelKind kind,
                                             const JsonObject& config, const FloatTensors& tensors);

/// The configuration of the small parity networks.
ReenactorConfig small_config();

}  // namespace reenact::test
