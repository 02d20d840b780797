// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/s3fd.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <opencv2/imgproc.hpp>

#include "reenact/error.h"
#include "reenact/s3fd_postprocess.h"

namespace reenact {
namespace nn = torch::nn;
namespace {

constexpr int smallest_side = 32;  // what is left of it after five poolings is one cell
constexpr float channel_means[3] = {104, 117, 123};

/// Adds the L2 normalisation over channels, x / (|x| + 1e-10) * weight[c], in the type of the weight.
torch::Tensor normalize(const torch::Tensor& x, const torch::Tensor& weight) {
  const auto length = x.to(torch::kFloat).pow(2).sum(1, /*keepdim=*/true).sqrt() + 1e-10;
  // The length is a float whatever x is, and makes one of all that it is combined with.
  return (x / length * weight.view({1, -1, 1, 1})).to(weight.scalar_type());
}

/// Holds the scale of one normalised feature map under the name the published file gives it.
class ChannelNormImpl : public nn::Module {
 public:
  ChannelNormImpl(int channels, double scale)
      : weight(register_parameter("weight", torch::full({channels}, scale))) {}
  torch::Tensor weight;
};

}  // namespace

S3fdImpl::S3fdImpl(double width) {
  const auto channels = [width](int published) {
    return std::max(4, static_cast<int>(std::lround(published * width)));
  };
  const int per_stage[] = {64, 128, 256, 512, 512};
  const int depth[] = {2, 2, 3, 3, 3};
  int in = 3;
  for (int stage = 0; stage < 5; ++stage) {
    stages_.emplace_back();
    for (int i = 0; i < depth[stage]; ++i) {
      const auto name = "conv" + std::to_string(stage + 1) + "_" + std::to_string(i + 1);
      const int out = channels(per_stage[stage]);
      stages_.back().push_back(convolution(name, in, out));
      in = out;
    }
  }
  extra_ = {convolution("fc6", in, channels(1024), 3, 1, 3),
            convolution("fc7", channels(1024), channels(1024), 1, 1, 0),
            convolution("conv6_1", channels(1024), channels(256), 1, 1, 0),
            convolution("conv6_2", channels(256), channels(512), 3, 2),
            convolution("conv7_1", channels(512), channels(128), 1, 1, 0),
            convolution("conv7_2", channels(128), channels(256), 3, 2)};

  const double initial_scales[] = {10, 8, 5};  // of the S3FD paper, section 3.1
  for (int stage = 2; stage < 5; ++stage) {
    const auto name = "conv" + std::to_string(stage + 1) + "_3_norm";
    auto norm = std::make_shared<ChannelNormImpl>(channels(per_stage[stage]), initial_scales[stage - 2]);
    norm_weights_.push_back(register_module(name, norm)->weight);
  }
  const struct {
    const char* name;
    int published_channels;
  } heads[] = {{"conv3_3_norm", 256}, {"conv4_3_norm", 512}, {"conv5_3_norm", 512},
               {"fc7", 1024},         {"conv6_2", 512},      {"conv7_2", 256}};
  int stride = 4;
  for (const auto& head : heads) {
    const int inputs = channels(head.published_channels);
    const auto prefix = std::string(head.name) + "_mbox_";
    scales_.push_back({stride, convolution(prefix + "conf", inputs, stride == 4 ? 4 : 2),
                       convolution(prefix + "loc", inputs, 4)});
    for (auto* layer : {&scales_.back().scores, &scales_.back().offsets})
      nn::init::xavier_uniform_((*layer)->weight);
    stride *= 2;
  }
}

nn::Conv2d S3fdImpl::convolution(const std::string& name, int in, int out, int kernel, int stride,
                                 int padding) {
  nn::Conv2d layer(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(padding));
  torch::NoGradGuard no_grad;
  nn::init::kaiming_normal_(layer->weight);
  nn::init::zeros_(layer->bias);
  // oneDNN is about 1.6 times faster on narrow layers when channels are innermost.
  layer->weight.set_data(layer->weight.contiguous(torch::MemoryFormat::ChannelsLast));
  return register_module(name, layer);
}

std::vector<S3fdOutput> S3fdImpl::forward(const torch::Tensor& pictures) {
  std::vector<torch::Tensor> maps;
  auto x = pictures.contiguous(torch::MemoryFormat::ChannelsLast);
  for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
    for (auto& layer : stages_[stage]) x = torch::relu(layer->forward(x));
    if (stage >= 2) maps.push_back(normalize(x, norm_weights_[stage - 2]));
    x = torch::max_pool2d(x, 2, 2);
  }
  for (std::size_t i = 0; i < extra_.size(); ++i) {
    x = torch::relu(extra_[i]->forward(x));
    if (i % 2 == 1) maps.push_back(x);  // after fc7, conv6_2 and conv7_2
  }
  std::vector<S3fdOutput> outputs;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    auto scores = scales_[i].scores->forward(maps[i]);
    if (scores.size(1) == 4) {
      const auto background = std::get<0>(scores.narrow(1, 0, 3).max(1, /*keepdim=*/true));
      scores = torch::cat({background, scores.narrow(1, 3, 1)}, 1);
    }
    outputs.push_back({scales_[i].stride, scores, scales_[i].offsets->forward(maps[i])});
  }
  return outputs;
}

torch::Tensor detector_input(const std::vector<cv::Mat>& rgb, const DetectorConfig& config) {
  if (rgb.empty()) throw Error(ErrorCode::invalid, "the detector got no picture");
  const int height = rgb.front().rows, width = rgb.front().cols;
  std::vector<torch::Tensor> pictures;
  for (const auto& picture : rgb) {
    if (picture.type() != CV_8UC3 || picture.rows != height || picture.cols != width || picture.empty())
      throw Error(ErrorCode::invalid, "the detector wants 8-bit pictures of three channels and one size");
    const auto packed = picture.isContinuous() ? picture : picture.clone();
    pictures.push_back(torch::from_blob(packed.data, {height, width, 3}, torch::kUInt8).clone());
  }
  return detector_input(torch::stack(pictures), config);
}

torch::Tensor detector_input(const torch::Tensor& rgb, const DetectorConfig& config) {
  auto input = rgb.to(torch::kFloat);
  if (config.channel_order == "bgr") input = input.flip(3);
  if (config.subtract_mean)
    input = input - torch::tensor(at::ArrayRef<float>(channel_means, 3), input.options());
  const auto height = input.size(1), width = input.size(2);
  input = input.permute({0, 3, 1, 2});
  const auto right = std::max<std::int64_t>(0, smallest_side - width),
             bottom = std::max<std::int64_t>(0, smallest_side - height);
  return right || bottom ? torch::constant_pad_nd(input, {0, right, 0, bottom}) : input;
}

std::vector<FaceBox> detect_faces(S3fd& network, const cv::Mat& rgb, const DetectorConfig& config,
                                  float score_threshold, float iou_threshold) {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> kept;
  std::vector<S3fdScale> scales;
  const auto as_plain_floats = [&kept](const torch::Tensor& map) {
    kept.push_back(map.to(torch::kCPU, torch::kFloat).contiguous());
    return kept.back().data_ptr<float>();
  };
  const auto input = detector_input({rgb}, config).to(network->parameters().front().device());
  for (const auto& output : network->forward(input)) {
    scales.push_back({output.stride, static_cast<int>(output.scores.size(3)),
                      static_cast<int>(output.scores.size(2)), as_plain_floats(output.scores),
                      as_plain_floats(output.offsets)});
  }
  return find_faces(scales, score_threshold, iou_threshold);
}

}  // namespace reenact
