// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/pose_encoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <opencv2/imgproc.hpp>
#include <string>

#include "cpu/byte_range.h"
#include "cpu/kernels/bfloat16.h"
#include "cpu/kernels/instruction_set.h"
#include "cpu/picture_input.h"
#include "cpu/single_threaded_onednn.h"
#include "cpu/worker_pool.h"

namespace reenact::cpu {
namespace {

/// One convolution of the network, in order.
struct Layer {
  std::string convolution, norm;
  int in, out, kernel, stride;
  bool depthwise;
  bool activated;  // by ReLU6
  bool residual;   // adds the block's input
  bool block_start;
};

/// Nearest multiple of 8, at least 8 and no more than 10 % below `channels`; torchvision's rule.
int round_channels(double channels) {
  const int rounded = std::max(8, static_cast<int>(channels + 4) / 8 * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

std::vector<Layer> layers_of(double width) {
  const struct {
    int expansion, channels, blocks, stride;
  } groups[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  int channels = round_channels(32 * width);
  std::vector<Layer> layers = {{"features.0.0", "features.0.1", 3, channels, 3, 2, false, true, false, true}};
  int index = 1;
  for (const auto& group : groups) {
    const int out = round_channels(group.channels * width);
    for (int i = 0; i < group.blocks; ++i, ++index) {
      const std::string block = "features." + std::to_string(index) + ".conv.";
      const int stride = i == 0 ? group.stride : 1, hidden = channels * group.expansion;
      const bool expands = group.expansion != 1;
      if (expands)
        layers.push_back({block + "0.0", block + "0.1", channels, hidden, 1, 1, false, true, false, true});
      const std::string place = expands ? "1" : "0";
      layers.push_back({block + place + ".0", block + place + ".1", hidden, hidden, 3, stride, true, true,
                        false, !expands});
      layers.push_back({block + (expands ? "2" : "1"), block + (expands ? "3" : "2"), hidden, out, 1, 1,
                        false, false, stride == 1 && channels == out, false});
      channels = out;
    }
  }
  const int last = round_channels(1280 * std::max(1.0, width));
  const std::string name = "features." + std::to_string(index) + ".";
  layers.push_back({name + "0", name + "1", channels, last, 1, 1, false, true, false, true});
  return layers;
}

constexpr float relu6_limit = 6, largest_byte = 255;

/// How a map is counted in bytes, itself or its copy.
struct MapBytes {
  ByteRange range;
  NormalisedOutput values;
  int copy = -1;  // map
};

/// The sum of two outputs that know nothing of each other.
void add_independent(NormalisedOutput& output, const NormalisedOutput& other) {
  for (std::size_t c = 0; c < output.mean.size(); ++c) {
    output.mean[c] += other.mean[c];
    output.deviation[c] = std::hypot(output.deviation[c], other.deviation[c]);
  }
}

BandedConvolution::ByteCopy byte_copy(FeatureMap& map, const ByteRange& range) {
  BandedConvolution::ByteCopy copy{&map, {}, range.zeros};
  for (const float step : range.steps) copy.scale.push_back(1 / step);
  return copy;
}

}  // namespace

std::shared_ptr<const FoldedWeights> PoseEncoder::fold(const WeightSource& source,
                                                       const ReenactorConfig& config) {
  auto weights = std::make_shared<FoldedWeights>();
  const std::vector<Layer> layers = layers_of(config.pose_encoder_width);
  for (const Layer& layer : layers) {
    weights->add_with_batch_norm(layer.convolution, source, "pose." + layer.convolution, "pose." + layer.norm,
                                 {layer.out, layer.depthwise ? 1 : layer.in, layer.kernel, layer.kernel});
  }
  weights->add("classifier",
               source.floats("pose.classifier.1.weight", {config.pose_embedding_size, layers.back().out}),
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
  std::vector<MapBytes> bytes;  // of each map
  const auto add_map = [&](int map_size, int channels, Arithmetic map_element) {
    maps_.emplace_back(map_size, map_size, channels, 1, map_element);
    bytes.emplace_back();
    return static_cast<int>(maps_.size()) - 1;
  };
  int size = config.pose_image_size();
  int block_input = 0, current = add_map(size, 3, element);  // maps
  bytes[current].range.steps = {1 / largest_byte};
  FeatureMap depthwise_out;  // what a depthwise convolution's output would be, for its measures alone
  ByteRange depthwise_range;
  const std::vector<Layer> layers = layers_of(config.pose_encoder_width);
  for (const Layer& layer : layers) {
    const int in = current, padding = layer.kernel / 2;
    if (layer.block_start) block_input = in;
    size = convolved_size(size, layer.kernel, layer.stride, padding);
    // In int8 what has no ReLU is kept as floats, since blocks add to it, and copied to bytes; the mean of the last map is
    // taken of floats too.
    const bool is_last = &layer == &layers.back();
    const Arithmetic out_element =
        element == Arithmetic::int8 && (!layer.activated || is_last) ? Arithmetic::f32 : element;
    BandedConvolution::Options options;
    options.kernel = layer.kernel;
    options.stride = layer.stride;
    options.padding = padding;
    options.depthwise = layer.depthwise;
    options.accumulate = layer.residual;
    // Bytes end where ReLU6 does.
    if (layer.activated && out_element != Arithmetic::int8)
      options.activation = ConvolutionEpilogue::Activation::relu6;
    MapBytes out_bytes;
    if (element == Arithmetic::int8) {
      const ByteRange& range = in < 0 ? depthwise_range : bytes[in].range;
      options.input_steps = range.steps;
      options.input_zeros = range.zeros;
      out_bytes.values = weights_->normalised_output(layer.convolution);
      if (layer.residual) add_independent(out_bytes.values, bytes[block_input].values);
      out_bytes.range =
          layer.activated ? rectified_range(out_bytes.values, relu6_limit) : signed_range(out_bytes.values);
      if (out_element == Arithmetic::int8) options.output_steps = out_bytes.range.steps;
    }
    if (layer.residual) {
      current = block_input;  // the sum goes where the block's input was
      out_bytes.copy = bytes[current].copy;
    } else if (layer.depthwise) {
      current = -1;  // kept in bands until the next convolution
      depthwise_out = FeatureMap(size, size, layer.out, 0, element);
    } else {
      current = add_map(size, layer.out, out_element);
      if (out_element != element && !is_last) out_bytes.copy = add_map(size, layer.out, element);
    }
    const int read = in >= 0 && bytes[in].copy >= 0 ? bytes[in].copy : in;
    if (layer.depthwise) {
      steps_.push_back(
          {BandedConvolution(*weights_, layer.convolution, maps_[read], depthwise_out, options, threads_),
           read,
           current,
           nullptr,
           {}});
      steps_.back().convolution.keep_bands(depthwise_out);
      depthwise_range = out_bytes.range;
    } else if (in < 0) {
      Step& depthwise = steps_.back();
      options.band_rows = depthwise.convolution.band_rows();
      depthwise.out = current;
      depthwise.next = std::make_unique<BandedConvolution>(*weights_, layer.convolution, depthwise_out,
                                                           maps_[current], options, threads_);
      if (out_bytes.copy >= 0) depthwise.copy = byte_copy(maps_[out_bytes.copy], out_bytes.range);
    } else {
      steps_.push_back(
          {BandedConvolution(*weights_, layer.convolution, maps_[read], maps_[current], options, threads_),
           read,
           current,
           nullptr,
           {}});
    }
    if (current >= 0) bytes[current] = out_bytes;
  }
  mean_.resize(maps_.back().channels());
  row_.resize(maps_.back().channels());
  input_.resize(static_cast<std::size_t>(config.pose_image_size()) * config.pose_image_size() * 3);
}

void PoseEncoder::do_encode(const cv::Mat& rgb, std::span<float> pose) {
  const int size = config_.pose_image_size(), row = 3 * size;
  const cv::Mat& picture = picture_of_size(rgb, size, scaled_);
  constexpr int rows_a_task = 16;
  WorkerPool::shared().run((size + rows_a_task - 1) / rows_a_task, threads_, [&](int task, int) {
    for (int y = task * rows_a_task; y < std::min(size, (task + 1) * rows_a_task); ++y) {
      if (element_ == Arithmetic::int8) {
        std::memcpy(maps_.front().row(y), picture.ptr(y), row);
        continue;
      }
      float* floats = element_ == Arithmetic::f32 ? maps_.front().row_as<float>(y) : input_.data() + y * row;
      bytes_to_floats(picture.ptr(y), floats, row);
      if (element_ == Arithmetic::bf16) kernels_->to_bfloat16[0](floats, maps_.front().row(y), row);
    }
  });
  encode_map(pose);
}

void PoseEncoder::encode_floats(std::span<const float> input, std::span<float> pose) {
  const auto count = static_cast<std::ptrdiff_t>(input.size());
  if (element_ == Arithmetic::int8) {
    constexpr float scale[3] = {largest_byte, largest_byte, largest_byte}, shift[3] = {};
    kernels_->normalise[0][2](input.data(), maps_.front().row(0), scale, shift, static_cast<int>(count / 3),
                              3);
  } else {
    const auto& convert_in = element_ == Arithmetic::f32 ? kernels_->to_float : kernels_->to_bfloat16;
    convert_in[0](input.data(), maps_.front().row(0), count);
  }
  encode_map(pose);
}

void PoseEncoder::encode_map(std::span<float> pose) {
  SingleThreadedOneDnn single_threaded;
  for (Step& step : steps_) {
    if (step.next) {
      BandedConvolution::run_both(step.convolution, *step.next, maps_[step.in], maps_[step.out],
                                  step.copy.map ? &step.copy : nullptr);
    } else {
      step.convolution.run(maps_[step.in], maps_[step.out]);
    }
  }

  const FeatureMap& last = maps_[steps_.back().out];
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
