// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/pose_encoder.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <string>

#include "cpu/kernels/bfloat16.h"
#include "cpu/kernels/instruction_set.h"
#include "cpu/picture_input.h"
#include "cpu/single_threaded_onednn.h"
#include "cpu/worker_pool.h"

namespace reenact::cpu {
namespace {

/// Nearest multiple of 8, at least 8 and no more than 10 % below `channels`; torchvision's rule.
int round_channels(double channels) {
  const int rounded = std::max(8, static_cast<int>(channels + 4) / 8 * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

/// A convolution and its batch normalization, by their names in a model file.
struct Layer {
  std::string convolution, norm;
};

struct Block {
  std::optional<Layer> expand;
  Layer depthwise, project;
  int in, hidden, out, stride;
};

/// The layers of the network, in order.
struct Layout {
  Layer first{"features.0.0", "features.0.1"};
  int first_channels;
  std::vector<Block> blocks;
  Layer last;
  int last_channels;
};

Layout layout_of(double width) {
  const struct {
    int expansion, channels, blocks, stride;
  } groups[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  Layout layout;
  int channels = layout.first_channels = round_channels(32 * width);
  int index = 1;
  for (const auto& group : groups) {
    const int out = round_channels(group.channels * width);
    for (int i = 0; i < group.blocks; ++i, ++index) {
      const std::string name = "features." + std::to_string(index) + ".conv.";
      Block block;
      const bool expands = group.expansion != 1;
      if (expands) block.expand = Layer{name + "0.0", name + "0.1"};
      const std::string depthwise = name + (expands ? "1" : "0");
      block.depthwise = {depthwise + ".0", depthwise + ".1"};
      block.project = {name + (expands ? "2" : "1"), name + (expands ? "3" : "2")};
      block.in = channels;
      block.hidden = channels * group.expansion;
      block.out = channels = out;
      block.stride = i == 0 ? group.stride : 1;
      layout.blocks.push_back(std::move(block));
    }
  }
  const std::string name = "features." + std::to_string(index) + ".";
  layout.last = {name + "0", name + "1"};
  layout.last_channels = round_channels(1280 * std::max(1.0, width));
  return layout;
}

constexpr auto relu6 = ConvolutionEpilogue::Activation::relu6;

}  // namespace

std::shared_ptr<const FoldedWeights> PoseEncoder::fold(const WeightSource& source,
                                                       const ReenactorConfig& config) {
  auto weights = std::make_shared<FoldedWeights>();
  const auto add = [&](const Layer& layer, int out, int in, int kernel) {
    weights->add_with_batch_norm(layer.convolution, source, "pose." + layer.convolution, "pose." + layer.norm,
                                 {out, in, kernel, kernel});
  };
  const Layout layout = layout_of(config.pose_encoder_width);
  add(layout.first, layout.first_channels, 3, 3);
  for (const Block& block : layout.blocks) {
    if (block.expand) add(*block.expand, block.hidden, block.in, 1);
    add(block.depthwise, block.hidden, 1, 3);
    add(block.project, block.out, block.hidden, 1);
  }
  add(layout.last, layout.last_channels, layout.blocks.back().out, 1);
  weights->add("classifier",
               source.floats("pose.classifier.1.weight", {config.pose_embedding_size, layout.last_channels}),
               source.floats("pose.classifier.1.bias", {config.pose_embedding_size}));
  return weights;
}

PoseEncoder::PoseEncoder(std::shared_ptr<const FoldedWeights> weights, const ReenactorConfig& config,
                         Arithmetic element, int threads)
    : weights_(std::move(weights)),
      config_(config),
      element_(element),
      threads_(WorkerPool::shared().reserve(threads)),
      kernels_(&elementwise_kernels(instruction_set())) {
  SingleThreadedOneDnn single_threaded;
  const Layout layout = layout_of(config.pose_encoder_width);
  int size = config.pose_image_size();
  maps_.emplace_back(size, size, 3, 1, element);
  const auto add_map = [&](int channels, int stride) {
    size = convolved_size(size, 3, stride, 1);
    maps_.emplace_back(size, size, channels, 1, element);
  };
  const auto convolution = [&](const Layer& layer, const BandedConvolution::Options& options) {
    return BandedConvolution(*weights_, layer.convolution, maps_[maps_.size() - 2], maps_.back(), options,
                             threads_);
  };
  add_map(layout.first_channels, 2);
  first_.emplace(convolution(layout.first, {.stride = 2, .activation = relu6}));
  for (const Block& block : layout.blocks) {
    add_map(block.out, block.stride);
    const InvertedResidual::Layers layers{block.expand ? block.expand->convolution : "",
                                          block.depthwise.convolution,
                                          block.project.convolution,
                                          block.hidden,
                                          block.stride,
                                          block.stride == 1 && block.in == block.out};
    blocks_.emplace_back(*weights_, layers, maps_[maps_.size() - 2], maps_.back(), threads_);
  }
  add_map(layout.last_channels, 1);
  last_.emplace(convolution(layout.last, {.kernel = 1, .padding = 0, .activation = relu6}));
  mean_.resize(layout.last_channels);
  row_.resize(layout.last_channels);
  input_.resize(static_cast<std::size_t>(config.pose_image_size()) * config.pose_image_size() * 3);
}

void PoseEncoder::do_encode(const cv::Mat& rgb, std::span<float> pose) {
  const int size = config_.pose_image_size(), row = 3 * size;
  const cv::Mat& picture = picture_of_size(rgb, size, scaled_);
  const auto& convert_in = element_ == Arithmetic::f32 ? kernels_->to_float : kernels_->to_bfloat16;
  constexpr int rows_a_task = 16;
  WorkerPool::shared().run((size + rows_a_task - 1) / rows_a_task, threads_, [&](int task, int) {
    for (int y = task * rows_a_task; y < std::min(size, (task + 1) * rows_a_task); ++y) {
      float* floats = element_ == Arithmetic::f32 ? maps_.front().row_as<float>(y) : input_.data() + y * row;
      bytes_to_floats(picture.ptr(y), floats, row);
      if (element_ != Arithmetic::f32) convert_in[0](floats, maps_.front().row(y), row);
    }
  });
  encode_map(pose);
}

void PoseEncoder::encode_floats(std::span<const float> input, std::span<float> pose) {
  const auto& convert_in = element_ == Arithmetic::f32 ? kernels_->to_float : kernels_->to_bfloat16;
  convert_in[0](input.data(), maps_.front().row(0), static_cast<std::ptrdiff_t>(input.size()));
  encode_map(pose);
}

void PoseEncoder::encode_map(std::span<float> pose) {
  SingleThreadedOneDnn single_threaded;
  first_->run(maps_[0], maps_[1]);
  for (std::size_t i = 0; i < blocks_.size(); ++i) blocks_[i].run(maps_[i + 1], maps_[i + 2]);
  last_->run(maps_[maps_.size() - 2], maps_.back());

  const FeatureMap& last = maps_.back();
  const int channels = last.channels();
  std::fill(mean_.begin(), mean_.end(), 0.0f);
  for (int y = 0; y < last.height(); ++y) {
    for (int x = 0; x < last.width(); ++x) {
      const float* values = last.row_as<float>(y) + static_cast<std::size_t>(x) * channels;
      if (element_ == Arithmetic::bf16) {
        const Bfloat16* narrow = last.row_as<Bfloat16>(y) + static_cast<std::size_t>(x) * channels;
        for (int c = 0; c < channels; ++c) row_[c] = to_float(narrow[c]);
        values = row_.data();
      }
      for (int c = 0; c < channels; ++c) mean_[c] += values[c];
    }
  }
  for (float& value : mean_) value /= static_cast<float>(last.height() * last.width());
  const float* weights = weights_->weights("classifier").data();
  const float* bias = weights_->bias("classifier").data();
  const int rows = embedding_size();
  constexpr int rows_a_task = 64;
  WorkerPool::shared().run((rows + rows_a_task - 1) / rows_a_task, threads_, [&](int task, int) {
    const int first = task * rows_a_task;
    kernels_->multiply_f32(weights + static_cast<std::size_t>(first) * channels, mean_.data(), bias + first,
                           pose.data() + first, std::min(rows_a_task, rows - first), channels);
  });
}

}  // namespace reenact::cpu
