// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/import/imported_weights.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <span>

#include "reenact/error.h"
#include "training/import/byte_reader.h"
#include "training/import/state_dict.h"

namespace reenact::training {
namespace {

bool is_float(DataType type) {
  return type == DataType::f16 || type == DataType::bf16 || type == DataType::f32 || type == DataType::f64;
}

/// BatchNorm's counter, which matters only where its momentum is none.
bool is_counter(const std::string& name) {
  return name.ends_with("num_batches_tracked");
}

/// What to add to the complaint that `missing` is: the name in the file that looks most like it.
std::string likeness(const std::string& missing, const PickledTensors& tensors, const TensorShapes& wanted,
                     const PickledTensors& held) {
  std::set<std::string> taken;
  for (const auto& [name, tensor] : tensors)
    if (wanted.count(name)) taken.insert(tensor.name);
  const std::string like = most_like(missing, held.empty() ? tensors : held, taken);
  return like.empty() ? "" : "; what it has that looks most like it is " + printable(like);
}

}  // namespace

std::string shape_in_words(const std::vector<std::int64_t>& shape) {
  std::string words;
  for (const auto size : shape) words += (words.empty() ? "" : "x") + std::to_string(size);
  return words.empty() ? "a scalar" : words;
}

PickledTensors with_prefix(const PickledTensors& tensors, const std::string& prefix) {
  PickledTensors chosen;
  for (auto it = tensors.lower_bound(prefix); it != tensors.end() && it->first.starts_with(prefix); ++it)
    chosen.insert(*it);
  return chosen;
}

PickledTensors renamed(const PickledTensors& tensors,
                       const std::function<std::string(const std::string&)>& rename) {
  PickledTensors result;
  for (const auto& [name, tensor] : tensors)
    if (auto ours = rename(name); !ours.empty()) result.insert_or_assign(std::move(ours), tensor);
  return result;
}

TensorShapes shapes_of(const torch::nn::Module& network, const std::string& prefix) {
  TensorShapes shapes;
  for (const auto& item : network.named_parameters())
    shapes[prefix + item.key()] = item.value().sizes().vec();
  for (const auto& item : network.named_buffers())
    if (item.value().is_floating_point()) shapes[prefix + item.key()] = item.value().sizes().vec();
  return shapes;
}

std::string first_difference(const PickledTensors& found, const TensorShapes& wanted, std::string* missing) {
  for (const auto& [name, shape] : wanted) {
    const auto tensor = found.find(name);
    if (tensor == found.end()) {
      if (missing) *missing = name;
      return "lacks " + name;
    }
    if (tensor->second.shape != shape)
      return "has " + name + " of " + shape_in_words(tensor->second.shape) + ", wanted " +
             shape_in_words(shape);
    if (!is_float(tensor->second.storage.type))
      return "has " + name + " of type " + to_string(tensor->second.storage.type) + ", wanted floating point";
  }
  for (const auto& [name, tensor] : found)
    if (!wanted.count(name) && !is_counter(name)) return "has " + printable(name) + ", which is not ours";
  return "";
}

void ImportedWeights::add(const TorchArchive& archive, const PickledTensors& tensors,
                          const TensorShapes& wanted, const std::string& network,
                          const PickledTensors& held) {
  std::string missing, difference = first_difference(tensors, wanted, &missing);
  if (!difference.empty()) {
    if (!missing.empty()) difference += likeness(missing, tensors, wanted, held);
    throw Error(ErrorCode::wrong_kind,
                quoted(archive.path()) + " does not fit " + network + ": it " + difference);
  }
  for (const auto& [name, shape] : wanted) add(archive, name, tensors.at(name), shape);
}

void ImportedWeights::add(const TorchArchive& archive, const std::string& name, const PickledTensor& tensor,
                          std::vector<std::int64_t> shape) {
  Values values{tensor.storage.type, std::move(shape), archive.read(tensor)};
  const auto numbers = values.view().to_floats();
  if (!std::all_of(numbers.begin(), numbers.end(), [](float number) { return std::isfinite(number); }))
    throw Error(ErrorCode::corrupt,
                quoted(archive.path()) + " has values in " + name + " that are not finite");
  values_.insert_or_assign(name, std::move(values));
}

void ImportedWeights::add(const std::string& name, const std::vector<float>& numbers,
                          std::vector<std::int64_t> shape) {
  const auto bytes = std::as_bytes(std::span(numbers));
  values_.insert_or_assign(name, Values{DataType::f32, std::move(shape), {bytes.begin(), bytes.end()}});
}

void ImportedWeights::write(const std::filesystem::path& path, const ModelInfo& info,
                            const Metadata& additional) const {
  std::map<std::string, TensorView> views;
  for (const auto& [name, values] : values_) views[name] = values.view();
  auto metadata = to_metadata(info);
  metadata.insert(additional.begin(), additional.end());
  write_safetensors(path, views, metadata);
}

std::string written(const std::filesystem::path& path, const std::string& kind,
                    const ImportedWeights& weights) {
  return "wrote " + quoted(path) + ": " + kind + ", " + std::to_string(weights.size()) + " tensors";
}

nlohmann::json provenance_of(const TorchArchive& archive) {
  return {{"imported_from", archive.path().filename().string()},
          {"sha256", archive.sha256()},
          {"container", archive.container()}};
}

}  // namespace reenact::training
