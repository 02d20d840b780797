// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/backend/repeated_call.h"

#include <utility>

#ifdef REENACT_TORCH_CUDA
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace reenact {

#ifdef REENACT_TORCH_CUDA
namespace {

// Ordinary calls before one is recorded: libraries choose their algorithms and workspaces in them.
constexpr int calls_before_recording = 2;

void begin_capture(at::cuda::CUDAGraph& graph) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 1)
  // Other elements go on allocating in their own threads meanwhile.
  graph.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
#else
  graph.capture_begin();
#endif
}

}  // namespace

struct RepeatedCall::Recording {
  explicit Recording(torch::Device device) : stream(c10::cuda::getStreamFromPool(false, device.index())) {}

  c10::cuda::CUDAStream stream;
  torch::Tensor pinned_input, input;
  std::vector<torch::Tensor> outputs, pinned_outputs;
  std::unique_ptr<at::cuda::CUDAGraph> graph;
  int calls = 0;

  void forget() {
    stream.synchronize();
    graph.reset();
    outputs.clear();
    calls = 0;
  }

  void prepare(const torch::Tensor& from, torch::Device device) {
    if (input.defined() && input.sizes() == from.sizes() && input.scalar_type() == from.scalar_type()) return;
    forget();
    pinned_input = torch::empty(from.sizes(), from.options().pinned_memory(true));
    input = torch::empty(from.sizes(), from.options().device(device));
  }

  void record(const Function& function) {
    auto recorded = std::make_unique<at::cuda::CUDAGraph>();
    begin_capture(*recorded);
    try {
      outputs = function(input);
    } catch (...) {
      recorded->capture_end();
      throw;
    }
    recorded->capture_end();
    graph = std::move(recorded);
  }

  const std::vector<torch::Tensor>& run(const Function& function, const torch::Tensor& from,
                                        torch::Device device) {
    const c10::cuda::CUDAStreamGuard guard(stream);
    prepare(from, device);
    pinned_input.copy_(from);
    input.copy_(pinned_input, /*non_blocking=*/true);
    if (calls < calls_before_recording) {
      outputs = function(input);
      ++calls;
    } else {
      if (!graph) record(function);
      graph->replay();
    }
    pinned_outputs.resize(outputs.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!pinned_outputs[i].defined() || pinned_outputs[i].sizes() != outputs[i].sizes() ||
          pinned_outputs[i].scalar_type() != outputs[i].scalar_type()) {
        pinned_outputs[i] = torch::empty(
            outputs[i].sizes(),
            torch::TensorOptions().dtype(outputs[i].scalar_type()).device(torch::kCPU).pinned_memory(true));
      }
      pinned_outputs[i].copy_(outputs[i], /*non_blocking=*/true);
    }
    stream.synchronize();
    return pinned_outputs;
  }
};
#else
struct RepeatedCall::Recording {
  void forget() {}
};
#endif

RepeatedCall::RepeatedCall(torch::Device device, Function function)
    : function_(std::move(function)), device_(device) {
#ifdef REENACT_TORCH_CUDA
  if (device.is_cuda()) recording_ = std::make_unique<Recording>(device);
#endif
}

RepeatedCall::~RepeatedCall() = default;
RepeatedCall::RepeatedCall(RepeatedCall&&) noexcept = default;
RepeatedCall& RepeatedCall::operator=(RepeatedCall&&) noexcept = default;

const std::vector<torch::Tensor>& RepeatedCall::operator()(const torch::Tensor& input) {
#ifdef REENACT_TORCH_CUDA
  if (recording_) return recording_->run(function_, input, device_);
#endif
  outputs_ = function_(input.to(device_));
  for (torch::Tensor& output : outputs_) output = output.to(torch::kCPU).contiguous();
  return outputs_;
}

void RepeatedCall::forget() {
  if (recording_) recording_->forget();
}

}  // namespace reenact
