// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <vector>

namespace reenact {

/// Runs one function of tensors over and over, on inputs of one size, as fast as its device allows. On CPUs
/// it calls the function. On GPUs each object has a CUDA stream of its own and page-locked memory for what
/// goes in and out; after two ordinary calls the function is recorded as a CUDA graph, and replayed from then
/// on. Used from one thread at a time.
class RepeatedCall {
 public:
  /// From the input on the device to outputs there. Does the same operations every time and reads nothing
  /// back; what it uses besides the input stays where it is in memory.
  using Function = std::function<std::vector<torch::Tensor>(const torch::Tensor&)>;

  RepeatedCall(torch::Device device, Function function);
  ~RepeatedCall();
  RepeatedCall(RepeatedCall&&) noexcept;
  RepeatedCall& operator=(RepeatedCall&&) noexcept;

  /// `input` on the CPU; the outputs on the CPU, contiguous, valid until the next call. Another size or type
  /// of input than before starts anew.
  const std::vector<torch::Tensor>& operator()(const torch::Tensor& input);
  /// Drops the recorded graph: the function uses other tensors from now on.
  void forget();

 private:
  struct Recording;
  Function function_;
  torch::Device device_;
  std::vector<torch::Tensor> outputs_;
  std::unique_ptr<Recording> recording_;  // null on CPUs
};

}  // namespace reenact
