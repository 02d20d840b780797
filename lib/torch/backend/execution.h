// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <opencv2/core.hpp>
#include <string>

#include "reenact/engine.h"

namespace reenact {

/// Where and how one object of the LibTorch backend computes.
class Execution {
 public:
  /// Throws Error (unsupported) when this LibTorch or machine lacks the device, or the precision there.
  explicit Execution(const EngineOptions& options);

  torch::Device device() const { return device_; }
  /// float32 on CPUs, or bfloat16 where precision bf16 and backend torch were asked for; float16 on GPUs unless
  /// fp32 or bf16 was asked for.
  torch::ScalarType type() const { return type_; }
  /// "cpu" or "cuda:N".
  std::string device_name() const { return device_.str(); }
  /// "torch fp32" and the like.
  std::string engine_name() const;
  /// Bounds the threads of the calling thread's next operations.
  void apply_threads() const;
  /// Moves a loaded module there, converted; on GPUs convolutions get their weights channels last.
  void place(torch::nn::Module& module) const;

  /// CV_8UC3 to bytes [1, size, size, 3] on the CPU, scaled by area when it is larger; may be the memory of
  /// `rgb` or of `scaled`.
  static torch::Tensor bytes(const cv::Mat& rgb, int size, cv::Mat& scaled);
  /// Such bytes, on the device, to [1, 3, size, size] in 0..1.
  torch::Tensor picture(const torch::Tensor& bytes) const;

 private:
  torch::Device device_;
  torch::ScalarType type_ = torch::kFloat;
  int threads_;
};

}  // namespace reenact
