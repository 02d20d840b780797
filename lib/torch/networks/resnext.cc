// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/resnext.h"

namespace reenact {
namespace nn = torch::nn;
namespace {

constexpr int expansion = 4, groups = 32, group_width = 4;

nn::Conv2d convolution(int in, int out, int kernel, int stride = 1, int group_count = 1) {
  return nn::Conv2d(
      nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).groups(group_count).bias(false));
}

class BottleneckImpl : public nn::Module {
 public:
  BottleneckImpl(int in, int planes, int stride) {
    const int width = planes * group_width * groups / 64, out = planes * expansion;
    conv1_ = register_module("conv1", convolution(in, width, 1));
    bn1_ = register_module("bn1", nn::BatchNorm2d(width));
    conv2_ = register_module("conv2", convolution(width, width, 3, stride, groups));
    bn2_ = register_module("bn2", nn::BatchNorm2d(width));
    conv3_ = register_module("conv3", convolution(width, out, 1));
    bn3_ = register_module("bn3", nn::BatchNorm2d(out));
    if (stride != 1 || in != out)
      downsample_ = register_module("downsample",
                                    nn::Sequential(convolution(in, out, 1, stride), nn::BatchNorm2d(out)));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    auto y = torch::relu(bn1_(conv1_(x)));
    y = torch::relu(bn2_(conv2_(y)));
    y = bn3_(conv3_(y));
    return torch::relu(y + (downsample_.is_empty() ? x : downsample_->forward(x)));
  }

 private:
  nn::Conv2d conv1_ = nullptr, conv2_ = nullptr, conv3_ = nullptr;
  nn::BatchNorm2d bn1_ = nullptr, bn2_ = nullptr, bn3_ = nullptr;
  nn::Sequential downsample_ = nullptr;
};
TORCH_MODULE(Bottleneck);

}  // namespace

nn::Sequential ResNeXt50Impl::make_stage(int& channels, int planes, int blocks, int stride) {
  nn::Sequential stage;
  for (int i = 0; i < blocks; ++i) {
    stage->push_back(Bottleneck(channels, planes, i == 0 ? stride : 1));
    channels = planes * expansion;
  }
  return stage;
}

ResNeXt50Impl::ResNeXt50Impl(int outputs) {
  int channels = 64;
  conv1_ = register_module("conv1", nn::Conv2d(nn::Conv2dOptions(3, 64, 7).stride(2).padding(3).bias(false)));
  bn1_ = register_module("bn1", nn::BatchNorm2d(64));
  layer1_ = register_module("layer1", make_stage(channels, 64, 3, 1));
  layer2_ = register_module("layer2", make_stage(channels, 128, 4, 2));
  layer3_ = register_module("layer3", make_stage(channels, 256, 6, 2));
  layer4_ = register_module("layer4", make_stage(channels, 512, 3, 2));
  fc_ = register_module("fc", nn::Linear(channels, outputs));
  for (auto& module : modules(false))
    if (auto* conv = module->as<nn::Conv2d>())
      nn::init::kaiming_normal_(conv->weight, 0.0, torch::kFanOut, torch::kReLU);
}

torch::Tensor ResNeXt50Impl::forward(const torch::Tensor& rgb) {
  auto x = torch::relu(bn1_(conv1_(rgb)));
  x = torch::max_pool2d(x, 3, 2, 1);
  x = layer4_->forward(layer3_->forward(layer2_->forward(layer1_->forward(x))));
  return fc_(x.mean({2, 3}));
}

}  // namespace reenact
