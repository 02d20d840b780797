// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/iresnet.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "reenact/error.h"

namespace reenact {
namespace nn = torch::nn;
namespace {

nn::Conv2d face_convolution(int in, int out, int kernel, int stride) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

nn::BatchNorm2d face_norm(int channels, double epsilon) {
  return nn::BatchNorm2d(nn::BatchNorm2dOptions(channels).eps(epsilon));
}

/// In whatever type mixed precision has brought `x` to, which the operator alone does not do on CPUs.
torch::Tensor rectified(nn::PReLU& prelu, const torch::Tensor& x) {
  return torch::prelu(x, prelu->weight.to(x.scalar_type()));
}

class FaceBlockImpl : public nn::Module {
 public:
  FaceBlockImpl(int in, int out, int stride, double epsilon) {
    bn1_ = register_module("bn1", face_norm(in, epsilon));
    conv1_ = register_module("conv1", face_convolution(in, out, 3, 1));
    bn2_ = register_module("bn2", face_norm(out, epsilon));
    prelu_ = register_module("prelu", nn::PReLU(nn::PReLUOptions().num_parameters(out)));
    conv2_ = register_module("conv2", face_convolution(out, out, 3, stride));
    bn3_ = register_module("bn3", face_norm(out, epsilon));
    if (stride != 1 || in != out)
      downsample_ = register_module(
          "downsample", nn::Sequential(face_convolution(in, out, 1, stride), face_norm(out, epsilon)));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const auto y = bn3_(conv2_(rectified(prelu_, bn2_(conv1_(bn1_(x))))));
    return y + (downsample_.is_empty() ? x : downsample_->forward(x));
  }

 private:
  nn::BatchNorm2d bn1_ = nullptr, bn2_ = nullptr, bn3_ = nullptr;
  nn::Conv2d conv1_ = nullptr, conv2_ = nullptr;
  nn::PReLU prelu_ = nullptr;
  nn::Sequential downsample_ = nullptr;
};
TORCH_MODULE(FaceBlock);

std::array<int, 4> blocks_of(int depth) {
  if (depth == 100) return {3, 13, 30, 3};
  if (depth == 50) return {3, 4, 14, 3};
  return {2, 2, 2, 2};
}

}  // namespace

IResNetImpl::IResNetImpl(const RecogniserConfig& config, double dropout)
    : config_(config), dropout_(dropout) {
  const auto channels_at = [&](int stage) {
    return std::max(1, static_cast<int>(std::lround((64 << stage) * config.width)));
  };
  const double epsilon = config.norm_epsilon;
  int channels = channels_at(0);
  conv1_ = register_module("conv1", face_convolution(3, channels, 3, 1));
  bn1_ = register_module("bn1", face_norm(channels, epsilon));
  prelu_ = register_module("prelu", nn::PReLU(nn::PReLUOptions().num_parameters(channels)));
  const auto blocks = blocks_of(config.depth);
  for (int stage = 0; stage < 4; ++stage) {
    nn::Sequential layer;
    for (int i = 0; i < blocks[stage]; ++i) {
      layer->push_back(FaceBlock(channels, channels_at(stage), i == 0 ? 2 : 1, epsilon));
      channels = channels_at(stage);
    }
    layers_.push_back(register_module("layer" + std::to_string(stage + 1), layer));
  }
  bn2_ = register_module("bn2", face_norm(channels, epsilon));
  const int side = config.image_size / 16;
  fc_ = register_module("fc", nn::Linear(channels * side * side, config.embedding_size));
  features_ = register_module("features",
                              nn::BatchNorm1d(nn::BatchNorm1dOptions(config.embedding_size).eps(epsilon)));
  features_->weight.set_requires_grad(false);
  for (auto& module : modules(false))
    if (auto* convolution = module->as<nn::Conv2d>())
      nn::init::kaiming_normal_(convolution->weight, 0.0, torch::kFanOut, torch::kReLU);
}

torch::Tensor IResNetImpl::forward(const torch::Tensor& rgb) {
  auto input = rgb * (255 / config_.deviation) - config_.mean / config_.deviation;
  // On CPUs oneDNN 2.6, that of LibTorch 1.13, writes past its gradients of narrow layers with the channels innermost.
  input = input.contiguous(input.is_cuda() ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
  auto x = rectified(prelu_, bn1_(conv1_(input)));
  for (auto& layer : layers_) x = layer->forward(x);
  // The published weights of `fc` count channel, row, column, whatever the memory format.
  x = bn2_(x).contiguous().flatten(1);
  x = fc_(torch::dropout(x, dropout_, is_training()));
  return features_(x.to(features_->weight.scalar_type()));
}

torch::Tensor describe_faces(IResNet& network, const std::vector<cv::Mat>& faces) {
  const int size = network->config().image_size;
  auto bytes = torch::empty({static_cast<std::int64_t>(faces.size()), size, size, 3}, torch::kUInt8);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const auto& face = faces[i];
    if (face.type() != CV_8UC3 || face.cols != size || face.rows != size)
      throw Error(ErrorCode::invalid, "the recogniser wants aligned 8-bit RGB faces of " +
                                          std::to_string(size) + " x " + std::to_string(size) + " pixels");
    face.copyTo(cv::Mat(size, size, CV_8UC3, bytes[static_cast<std::int64_t>(i)].data_ptr()));
  }
  torch::NoGradGuard no_grad;
  const auto device = network->parameters().front().device();
  std::vector<torch::Tensor> vectors;
  constexpr std::int64_t at_once = 64;
  for (std::int64_t first = 0; first < bytes.size(0); first += at_once) {
    const auto part = bytes.slice(0, first, std::min(first + at_once, bytes.size(0)));
    const auto rgb = part.to(device, torch::kFloat).div(255).permute({0, 3, 1, 2});
    vectors.push_back(torch::nn::functional::normalize(network->forward(rgb)).to(torch::kCPU, torch::kFloat));
  }
  return vectors.empty() ? torch::zeros({0, network->config().embedding_size}) : torch::cat(vectors);
}

}  // namespace reenact
