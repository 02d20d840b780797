// SPDX-License-Identifier: LGPL-2.1-or-later
#include "parity_model.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>

#include "cpu/prepared_generator.h"
#include "reenact/safetensors.h"
#include "training/import/authors_names.h"

namespace reenact::test {
namespace {

namespace fs = std::filesystem;

struct TemporaryFolder {
  TemporaryFolder() : path(fs::temp_directory_path() / ("reenact-cpu-tests-" + std::to_string(::getpid()))) {
    fs::create_directories(path);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

std::int64_t count(const std::vector<std::int64_t>& shape) {
  std::int64_t result = 1;
  for (std::int64_t size : shape) result *= size;
  return result;
}

std::vector<float> procedural(const std::string& name, std::size_t count) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (unsigned char c : name) hash = (hash ^ c) * 0x100000001b3u;
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t z = hash + (i + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    values[i] =
        static_cast<float>(static_cast<std::int64_t>(z >> 40) - (1 << 23)) / static_cast<float>(1 << 23);
  }
  return values;
}

}  // namespace

FloatTensors state_of_network(const SafetensorsFile& file, const std::string& network) {
  FloatTensors result;
  for (const auto& [name, view] : file.tensors()) {
    if (!name.starts_with("state.")) continue;
    const auto ours = training::name_from_authors(network + name.substr(5));
    EXPECT_TRUE(ours) << name;
    if (ours) result[*ours] = {view.shape, view.to_floats()};
  }
  return result;
}

FloatTensors procedural_state(const SafetensorsFile& file, const std::string& network,
                              const std::map<std::string, std::vector<std::int64_t>>& shapes) {
  FloatTensors result = state_of_network(file, network);
  for (const auto& [name, view] : file.tensors()) {
    if (!name.starts_with("bound.")) continue;
    const std::string key = network + name.substr(5);
    const auto ours = training::name_from_authors(key);
    EXPECT_TRUE(ours) << name;
    if (!ours) continue;
    const auto shape = shapes.find(*ours);
    EXPECT_NE(shape, shapes.end()) << *ours;
    if (shape == shapes.end()) continue;
    const float bound = view.to_floats()[0];
    std::vector<float> values = procedural(key, count(shape->second));
    for (float& value : values) value *= bound;
    result[*ours] = {shape->second, std::move(values)};
  }
  return result;
}

std::vector<float> procedural_input(const std::string& name, std::size_t count, float low, float high) {
  std::vector<float> values = procedural(name, count);
  for (float& value : values) value = (value + 1.0f) * 0.5f * (high - low) + low;
  return values;
}

std::map<std::string, std::vector<std::int64_t>> generator_shapes(const ReenactorConfig& config) {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  std::int64_t channels = cpu::generator_channels(config, 0), coefficients = 0;
  shapes["gen.const"] = {1, channels, config.constant_size, config.constant_size};
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape, bool bias) {
    shapes[name + ".weight"] = shape;
    shapes[name + ".sn_u"] = {shape[0]};
    shapes[name + ".sn_v"] = {count(shape) / shape[0]};
    if (bias) shapes[name + ".bias"] = {shape[0]};
  };
  for (int i = 0; i < config.residual_blocks; ++i) {
    const std::string name = "gen.res" + std::to_string(i);
    add(name + ".conv1", {channels, channels, 3, 3}, false);
    add(name + ".conv2", {channels, channels, 3, 3}, false);
    coefficients += 4 * channels;
  }
  for (int i = 0; i < config.upsampling_blocks(); ++i) {
    const std::string name = "gen.up" + std::to_string(i);
    const std::int64_t out = cpu::generator_channels(config, i + 1);
    add(name + ".conv1", {out, channels, 3, 3}, false);
    add(name + ".conv2", {out, out, 3, 3}, false);
    add(name + ".skip", {out, channels, 1, 1}, true);
    coefficients += 2 * (channels + out);
    channels = out;
  }
  add("gen.out", {4, channels, 3, 3}, true);
  coefficients += 2 * channels;
  const std::int64_t inputs = config.identity_embedding_size + config.pose_embedding_size;
  add("gen.proj.fc1", {config.hidden_size(), inputs}, true);
  add("gen.proj.fc2", {coefficients, config.hidden_size()}, true);
  return shapes;
}

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

FloatTensors random_generator(const ReenactorConfig& config, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  FloatTensors result;
  const auto shapes = generator_shapes(config);
  for (const auto& [name, shape] : shapes) {
    FloatTensor tensor{shape, std::vector<float>(count(shape))};
    // Without sn_u a weight is used as it is: scale by the number of inputs.
    if (name.ends_with(".sn_u") || name.ends_with(".sn_v")) continue;
    const float deviation =
        shape.size() > 1 && name != "gen.const" ? 1.4f / std::sqrt(float(count(shape) / shape[0])) : 0.3f;
    for (float& value : tensor.values) value = deviation * normal(random);
    result[name] = std::move(tensor);
  }
  return result;
}

std::shared_ptr<const ModelFile> write_model(const std::string& name, ModelKind kind,
                                             const JsonObject& config, const FloatTensors& tensors) {
  static const TemporaryFolder folder;
  const fs::path path = folder.path / (name + ".safetensors");
  std::map<std::string, TensorView> views;
  for (const auto& [tensor_name, tensor] : tensors) {
    views[tensor_name] = {DataType::f32, tensor.shape, std::as_bytes(std::span(tensor.values))};
  }
  ModelInfo info;
  info.kind = kind;
  info.config = config;
  write_safetensors(path, views, to_metadata(info));
  return std::make_shared<const ModelFile>(path, kind);
}

ReenactorConfig small_config() {
  ReenactorConfig config;
  config.image_size = 64;
  config.num_channels = 8;
  config.max_channels = 64;
  config.identity_embedding_size = 32;
  config.pose_embedding_size = 16;
  config.projector_hidden = 512;
  return config;
}

}  // namespace reenact::test
