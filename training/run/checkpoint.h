// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "reenact/model_file.h"

namespace reenact::training {

/// An optimiser of our own that tells its state as tensors with names of its choice. set_state_tensors() gets
/// exactly the tensors that state_tensors() gave and throws Error when they do not fit.
template <typename Optimizer>
concept HasStateTensors = requires(Optimizer& optimizer, const std::map<std::string, torch::Tensor>& state) {
  { optimizer.state_tensors() } -> std::convertible_to<std::map<std::string, torch::Tensor>>;
  optimizer.set_state_tensors(state);
};

/// Everything a training run resumes from, bit by bit: tensors and texts by name, in a file of kind
/// `checkpoint`.
///
/// put*() keep references: values are read when save() writes them. get*() throw Error (wrong_kind) with one
/// sentence that names file and tensor when something is missing or of another shape or type.
class Checkpoint {
 public:
  Checkpoint() = default;
  /// Reads a file. Throws Error as ModelFile does.
  static Checkpoint load(const std::filesystem::path& path);
  /// Writes atomically (see write_safetensors); the kind of `info` is set to checkpoint.
  void save(const std::filesystem::path& path, const ModelInfo& info) const;

  void put(const std::string& name, const torch::Tensor& tensor);
  void put_text(const std::string& key, const std::string& value);
  /// Parameters and buffers as "prefix.<name>".
  void put_module(const std::string& prefix, const torch::nn::Module& module);
  /// State of torch::optim::Adam, AdamW or SGD as "prefix.<position of the parameter>.<field>". Learning
  /// rates are not stored: they follow from the configuration and the step.
  void put_optimizer(const std::string& prefix, torch::optim::Optimizer& optimizer);
  template <HasStateTensors Optimizer>
  void put_optimizer(const std::string& prefix, Optimizer& optimizer) {
    for (const auto& [name, tensor] : std::map<std::string, torch::Tensor>(optimizer.state_tensors()))
      put(prefix + "." + name, tensor);
  }

  bool contains(const std::string& name) const { return tensors_.count(name) > 0; }
  bool contains_text(const std::string& key) const { return texts_.count(key) > 0; }
  /// On the CPU.
  torch::Tensor get(const std::string& name) const;
  std::string text(const std::string& key) const;
  /// Copies into the module's parameters and buffers, on whatever device they are; strict in both directions.
  void get_module(const std::string& prefix, torch::nn::Module& module) const;
  void get_optimizer(const std::string& prefix, torch::optim::Optimizer& optimizer) const;
  template <HasStateTensors Optimizer>
  void get_optimizer(const std::string& prefix, Optimizer& optimizer) const {
    optimizer.set_state_tensors(with_prefix(prefix));
  }

  /// All tensors whose name starts with "prefix.", under the rest of their name.
  std::map<std::string, torch::Tensor> with_prefix(const std::string& prefix) const;
  const std::map<std::string, torch::Tensor>& tensors() const { return tensors_; }
  /// What the file says about itself; of a loaded checkpoint only.
  const ModelInfo& info() const { return info_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  void check_count(const std::string& prefix, std::size_t wanted, const char* what) const;

  std::map<std::string, torch::Tensor> tensors_;
  std::map<std::string, std::string> texts_;
  ModelInfo info_;
  std::filesystem::path path_;
};

}  // namespace reenact::training
