// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/unet_segmenter.h"

#include <opencv2/imgproc.hpp>
#include <string>

#include "reenact/error.h"

namespace reenact {
namespace nn = torch::nn;
namespace {

nn::Conv2d convolution(int in, int out) {
  nn::Conv2d layer(nn::Conv2dOptions(in, out, 3).padding(1).bias(false));
  torch::NoGradGuard no_grad;
  nn::init::kaiming_normal_(layer->weight);
  // oneDNN is faster on narrow layers when channels are innermost.
  layer->weight.set_data(layer->weight.contiguous(torch::MemoryFormat::ChannelsLast));
  return layer;
}

}  // namespace

UnetBlockImpl::UnetBlockImpl(int in_channels, int out_channels) {
  conv1_ = register_module("conv1", convolution(in_channels, out_channels));
  norm1_ = register_module("norm1", nn::BatchNorm2d(out_channels));
  conv2_ = register_module("conv2", convolution(out_channels, out_channels));
  norm2_ = register_module("norm2", nn::BatchNorm2d(out_channels));
}

torch::Tensor UnetBlockImpl::forward(const torch::Tensor& x) {
  const auto middle = torch::relu(norm1_->forward(conv1_->forward(x)));
  return torch::relu(norm2_->forward(conv2_->forward(middle)));
}

UnetSegmenterImpl::UnetSegmenterImpl(const SegmenterConfig& config) : config_(config) {
  int channels = config.base_channels;
  down_.push_back(register_module("down0", UnetBlock(3, channels)));
  for (int level = 1; level <= config.levels; ++level) {
    down_.push_back(register_module("down" + std::to_string(level), UnetBlock(channels, 2 * channels)));
    channels *= 2;
  }
  for (int level = config.levels - 1; level >= 0; --level) {
    up_.push_back(
        register_module("up" + std::to_string(level), UnetBlock(channels + channels / 2, channels / 2)));
    channels /= 2;
  }
  out_ = register_module("out", nn::Conv2d(nn::Conv2dOptions(channels, 1, 1)));
}

torch::Tensor UnetSegmenterImpl::forward(const torch::Tensor& rgb) {
  auto x = down_[0]->forward(rgb.contiguous(torch::MemoryFormat::ChannelsLast));
  std::vector<torch::Tensor> skips;
  for (std::size_t level = 1; level < down_.size(); ++level) {
    skips.push_back(x);
    x = down_[level]->forward(torch::max_pool2d(x, 2, 2));
  }
  for (auto& block : up_) {
    const auto& skip = skips.back();
    const auto upsampled =
        torch::upsample_bilinear2d(x, {skip.size(2), skip.size(3)}, /*align_corners=*/false);
    x = block->forward(torch::cat({upsampled.to(skip.scalar_type()), skip}, 1));
    skips.pop_back();
  }
  return out_->forward(x);
}

cv::Mat segment_person(UnetSegmenter& network, const cv::Mat& rgb) {
  if (rgb.type() != CV_8UC3 || rgb.empty())
    throw Error(ErrorCode::invalid, "the segmenter wants an 8-bit picture of three channels");
  torch::NoGradGuard no_grad;
  const int size = network->config().image_size;
  cv::Mat scaled;
  const bool shrink = rgb.cols > size || rgb.rows > size;
  cv::resize(rgb, scaled, {size, size}, 0, 0, shrink ? cv::INTER_AREA : cv::INTER_LINEAR);
  const auto input = torch::from_blob(scaled.data, {1, size, size, 3}, torch::kUInt8)
                         .to(network->parameters().front().device(), torch::kFloat)
                         .div(255)
                         .permute({0, 3, 1, 2});
  const auto probability = torch::sigmoid(network->forward(input).to(torch::kFloat)).mul(255).round();
  const auto bytes = probability.to(torch::kCPU, torch::kUInt8).contiguous();
  cv::Mat mask(size, size, CV_8UC1, bytes.data_ptr());
  cv::Mat result;
  cv::resize(mask, result, rgb.size(), 0, 0, cv::INTER_LINEAR);
  return result.data == mask.data ? result.clone() : result;
}

}  // namespace reenact
