// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/backend/execution.h"

#include <ATen/Parallel.h>

#include <opencv2/imgproc.hpp>

#include "reenact/error.h"
#include "torch/device.h"

namespace reenact {

Execution::Execution(const EngineOptions& options)
    : device_(device_from(options.device)), threads_(options.threads) {
  const bool gpu = device_.is_cuda();
  switch (options.precision) {
    case Precision::automatic:
      type_ = gpu ? torch::kHalf : torch::kFloat;
      return;
    case Precision::fp32:
      return;
    case Precision::bf16:
      type_ = torch::kBFloat16;
      break;
    case Precision::fp16:
      type_ = torch::kHalf;
      break;
    case Precision::int8:
      break;
  }
  // LibTorch computes in bf16 on every CPU, on most of them slowly: only for who asks for LibTorch itself.
  const bool bf16_on_cpu = options.precision == Precision::bf16 && options.backend == "torch";
  if ((!gpu && !bf16_on_cpu) || options.precision == Precision::int8)
    throw Error(ErrorCode::unsupported, "the torch backend has no precision " + to_string(options.precision) +
                                            " on " + device_.str());
}

std::string Execution::engine_name() const {
  return std::string("torch ") + (type_ == torch::kHalf       ? "fp16"
                                  : type_ == torch::kBFloat16 ? "bf16"
                                                              : "fp32");
}

void Execution::apply_threads() const {
  if (threads_ > 0 && at::get_num_threads() != threads_) at::set_num_threads(threads_);
}

void Execution::place(torch::nn::Module& module) const {
  module.eval();
  torch::NoGradGuard no_grad;
  for (auto& parameter : module.parameters()) parameter.set_requires_grad(false);
  module.to(device_, type_);
  if (!device_.is_cuda()) return;
  // Tensor cores want the channels innermost.
  for (auto& parameter : module.parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
  }
  // The streams that will use the weights do not wait for the one that has just written them.
  torch::cuda::synchronize(device_.index());
}

torch::Tensor Execution::bytes(const cv::Mat& rgb, int size, cv::Mat& scaled) {
  if (rgb.empty() || rgb.type() != CV_8UC3)
    throw Error(ErrorCode::invalid, "an 8-bit RGB picture was wanted, but an empty or other one was given");
  const bool fits = rgb.rows == size && rgb.cols == size;
  if (!fits) cv::resize(rgb, scaled, {size, size}, 0, 0, rgb.rows > size ? cv::INTER_AREA : cv::INTER_LINEAR);
  const cv::Mat& picture = fits ? rgb : scaled;
  return torch::from_blob(picture.data, {1, size, size, 3},
                          {0, static_cast<std::int64_t>(picture.step[0]), 3, 1}, torch::kUInt8);
}

torch::Tensor Execution::picture(const torch::Tensor& bytes) const {
  return bytes.permute({0, 3, 1, 2})
      .to(type_)
      .div_(255)
      .contiguous(device_.is_cuda() ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous);
}

}  // namespace reenact
