// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <string>

#include "reenact/safetensors.h"

namespace reenact::test {

/// Tensors that the authors' code computed, by the authors' names.
class ParityFile {
 public:
  explicit ParityFile(const std::filesystem::path& path) : file_(path) {}

  bool contains(const std::string& name) const { return file_.contains(name); }
  /// A copy.
  torch::Tensor at(const std::string& name) const;
  const Metadata& metadata() const { return file_.metadata(); }
  /// All tensors whose name starts with `prefix`, under the rest of their name.
  std::map<std::string, torch::Tensor> with_prefix(const std::string& prefix) const;

 private:
  SafetensorsFile file_;
};

/// Tensors of one network of the authors ("generator", "discriminator", "embedder") under the names of our
/// module: "decoder_blocks.2.block.4.weight_orig" -> "up0.conv1.weight". A name without a counterpart fails
/// the test.
std::map<std::string, torch::Tensor> as_our_names(const std::string& network,
                                                  const std::map<std::string, torch::Tensor>& tensors);

/// Copies into the module's parameters and buffers. Unless `partial`, each of them must be given; a tensor
/// without a place in the module always fails the test.
void load_state(torch::nn::Module& module, const std::map<std::string, torch::Tensor>& state,
                bool partial = false);

/// Parameters and buffers by name.
std::map<std::string, torch::Tensor> state_of(const torch::nn::Module& module);

/// |actual - expected| <= absolute + relative * max|expected|, shapes equal, nothing NaN.
testing::AssertionResult is_close(const torch::Tensor& actual, const torch::Tensor& expected, double absolute,
                                  double relative);

}  // namespace reenact::test
