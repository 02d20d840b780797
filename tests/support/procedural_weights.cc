// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/procedural_weights.h"

#include "torch/load_weights.h"

namespace reenact::test {
namespace {

std::uint64_t fnv1a_64(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const unsigned char byte : text) hash = (hash ^ byte) * 0x100000001b3u;
  return hash;
}

std::uint64_t split_mix_64(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

}  // namespace

torch::Tensor procedural_values(const std::string& name, const std::vector<std::int64_t>& shape) {
  auto tensor = torch::empty(shape);
  const std::uint64_t hash = fnv1a_64(name);
  float* values = tensor.data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    const auto bits = split_mix_64(hash + static_cast<std::uint64_t>(i + 1) * 0x9E3779B97F4A7C15u) >> 40;
    values[i] = static_cast<float>(static_cast<std::int64_t>(bits) - (1 << 23)) / static_cast<float>(1 << 23);
  }
  return tensor;
}

torch::Tensor procedural_input(const std::string& name, const std::vector<std::int64_t>& shape, float low,
                               float high) {
  return (procedural_values(name, shape) + 1) * 0.5 * (high - low) + low;
}

torch::Tensor stored_tensor(const SafetensorsFile& file, const std::string& name) {
  return to_torch(file.at(name));
}

void fill_procedurally(torch::nn::Module& module, const SafetensorsFile& file, const std::string& name_prefix,
                       const std::string& stored_prefix,
                       const std::function<std::string(const std::string&)>& key_in_file) {
  torch::NoGradGuard no_grad;
  const auto fill = [&](const std::string& own_key, torch::Tensor target) {
    const auto key = key_in_file ? key_in_file(own_key) : own_key;
    const auto state = stored_prefix + "state." + key;
    if (file.contains(state)) {
      target.copy_(stored_tensor(file, state).view(target.sizes()));
    } else if (key.find("num_batches_tracked") == std::string::npos) {
      const float bound = stored_tensor(file, stored_prefix + "bound." + key).item<float>();
      target.copy_(procedural_values(name_prefix + key, target.sizes().vec()) * bound);
    }
  };
  for (auto& item : module.named_parameters()) fill(item.key(), item.value());
  for (auto& item : module.named_buffers()) fill(item.key(), item.value());
}

}  // namespace reenact::test
