// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/detector.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "cpu/kernels/bfloat16.h"
#include "cpu/kernels/elementwise.h"
#include "cpu/kernels/instruction_set.h"
#include "cpu/single_threaded_onednn.h"
#include "cpu/worker_pool.h"
#include "reenact/error.h"

namespace reenact::cpu {
namespace {

constexpr int smallest_side = 32;  // what is left of it after five poolings is one cell
constexpr float channel_means[3] = {104, 117, 123};
constexpr int stage_channels[] = {64, 128, 256, 512, 512};
constexpr int stage_depth[] = {2, 2, 3, 3, 3};

struct Layer {
  const char* name;
  int in, out, kernel, stride, padding;
};
constexpr Layer extra_layers[] = {{"fc6", 512, 1024, 3, 1, 3},     {"fc7", 1024, 1024, 1, 1, 0},
                                  {"conv6_1", 1024, 256, 1, 1, 0}, {"conv6_2", 256, 512, 3, 2, 1},
                                  {"conv7_1", 512, 128, 1, 1, 0},  {"conv7_2", 128, 256, 3, 2, 1}};
struct Head {
  const char* name;
  int in, stride;
};
constexpr Head heads[] = {{"conv3_3_norm", 256, 4}, {"conv4_3_norm", 512, 8}, {"conv5_3_norm", 512, 16},
                          {"fc7", 1024, 32},        {"conv6_2", 512, 64},     {"conv7_2", 256, 128}};

int channels_at(const DetectorConfig& config, int published) {
  return std::max(4, static_cast<int>(std::lround(published * config.width)));
}

std::string stage_layer(int stage, int index) {
  return "conv" + std::to_string(stage + 1) + "_" + std::to_string(index + 1);
}

/// Background classes: the finest scale has three, of which the largest counts.
int score_channels(int stride) {
  return stride == 4 ? 4 : 2;
}

float value_of(float value) {
  return value;
}
float value_of(Bfloat16 value) {
  return to_float(value);
}
float value_of(std::uint8_t value) {
  return value;
}

}  // namespace

std::shared_ptr<const FoldedWeights> Detector::fold(const WeightSource& source,
                                                    const DetectorConfig& config) {
  auto weights = std::make_shared<FoldedWeights>();
  const auto add = [&](const std::string& name, int out, int in, int kernel) {
    weights->add(name, source.floats("s3fd." + name + ".weight", {out, in, kernel, kernel}),
                 source.floats("s3fd." + name + ".bias", {out}));
  };
  int in = 3;
  for (int stage = 0; stage < 5; ++stage) {
    for (int i = 0; i < stage_depth[stage]; ++i) {
      const int out = channels_at(config, stage_channels[stage]);
      add(stage_layer(stage, i), out, in, 3);
      in = out;
    }
  }
  for (const Layer& layer : extra_layers) {
    add(layer.name, channels_at(config, layer.out), channels_at(config, layer.in), layer.kernel);
  }
  for (const Head& head : heads) {
    const std::string name = head.name;
    const int channels = channels_at(config, head.in), scores = score_channels(head.stride);
    std::vector<float> both = source.floats("s3fd." + name + "_mbox_conf.weight", {scores, channels, 3, 3});
    const std::vector<float> offsets =
        source.floats("s3fd." + name + "_mbox_loc.weight", {4, channels, 3, 3});
    both.insert(both.end(), offsets.begin(), offsets.end());
    std::vector<float> bias = source.floats("s3fd." + name + "_mbox_conf.bias", {scores});
    const std::vector<float> offset_bias = source.floats("s3fd." + name + "_mbox_loc.bias", {4});
    bias.insert(bias.end(), offset_bias.begin(), offset_bias.end());
    if (name.ends_with("_norm")) {
      const std::vector<float> gain = source.floats("s3fd." + name + ".weight", {channels});
      for (std::size_t i = 0; i < both.size(); ++i) both[i] *= gain[i / 9 % channels];
    }
    weights->add(name + "_heads", std::move(both), std::move(bias));
  }
  for (const std::string& name : range_names()) {
    if (source.contains(name)) weights->add(name, source.floats(name, {1}), {});
  }
  return weights;
}

std::vector<std::string> Detector::range_names() {
  std::vector<std::string> names;
  for (int stage = 0; stage < 5; ++stage) {
    for (int i = 0; i < stage_depth[stage]; ++i)
      names.push_back("s3fd." + stage_layer(stage, i) + ".output_max");
  }
  for (const Layer& layer : extra_layers) names.push_back(std::string("s3fd.") + layer.name + ".output_max");
  return names;
}

std::string Detector::active_engine() const {
  return engine_name(element_);
}

float Detector::step_after(const std::string& name) const {
  const float largest = weights_->weights("s3fd." + name + ".output_max")[0];
  return largest > 0 ? largest / 255.0f : 1.0f;
}

Detector::Detector(std::shared_ptr<const FoldedWeights> weights, const DetectorConfig& config,
                   Arithmetic element, int threads)
    : weights_(std::move(weights)),
      config_(config),
      element_(element),
      threads_(WorkerPool::shared().reserve(threads)) {}

int Detector::add_map(int height, int width, int channels, int border, Arithmetic element) {
  maps_.emplace_back(height, width, channels, border, element);
  map_steps_.push_back(1.0f);
  return static_cast<int>(maps_.size()) - 1;
}

int Detector::add_convolution(const std::string& name, int in, int channels,
                              BandedConvolution::Options options, Arithmetic out_element) {
  const int height = convolved_size(maps_[in].height(), options.kernel, options.stride, options.padding);
  const int width = convolved_size(maps_[in].width(), options.kernel, options.stride, options.padding);
  const int out = add_map(height, width, channels, 1, out_element);
  if (out_element == Arithmetic::int8) map_steps_[out] = step_after(name);
  options.input_steps = {map_steps_[in]};
  options.output_steps = {map_steps_[out]};
  Step step;
  step.in = in;
  step.out = out;
  step.name = name;
  step.convolution =
      std::make_unique<BandedConvolution>(*weights_, name, maps_[in], maps_[out], options, threads_);
  steps_.push_back(std::move(step));
  return out;
}

void Detector::add_scale(const std::string& name, int in, int stride) {
  const int scores = score_channels(stride);
  const int head = add_convolution(name + "_heads", in, scores + 4, {}, Arithmetic::f32);
  heads_.push_back(head);
  const int height = maps_[head].height(), width = maps_[head].width();
  planes_.emplace_back(static_cast<std::size_t>(height) * width * 6);
  scales_.push_back(
      {stride, width, height, planes_.back().data(), planes_.back().data() + 2 * height * width});
}

void Detector::plan(int height, int width) {
  if (height == height_ && width == width_) return;
  height_ = width_ = 0;
  maps_.clear();
  map_steps_.clear();
  steps_.clear();
  heads_.clear();
  planes_.clear();
  scales_.clear();
  // Steps refer to maps by index, and scales to the planes' own memory, so both may move while they grow.
  BandedConvolution::Options activated;
  activated.activation = ConvolutionEpilogue::Activation::relu;
  // Signed input and few operations: the first stage gains nothing from int8.
  const Arithmetic finer = element_ == Arithmetic::int8 ? Arithmetic::f32 : element_;
  int map = add_map(height, width, 3, 1, finer);
  for (int stage = 0; stage < 5; ++stage) {
    const int channels = channels_at(config_, stage_channels[stage]);
    const Arithmetic element = stage == 0 ? finer : element_;
    for (int i = 0; i < stage_depth[stage]; ++i) {
      map = add_convolution(stage_layer(stage, i), map, channels, activated, element);
    }
    const int stage_height = maps_[map].height(), stage_width = maps_[map].width();
    if (stage >= 2) {
      Step step;
      step.kind = Kind::normalisation;
      step.in = map;
      step.out = add_map(stage_height, stage_width, channels, 1, finer);
      const int normalised = step.out;
      steps_.push_back(std::move(step));
      add_scale(heads[stage - 2].name, normalised, heads[stage - 2].stride);
    }
    Step step;
    step.kind = Kind::pooling;
    step.in = map;
    // fc6 pads by three.
    map = step.out = add_map(stage_height / 2, stage_width / 2, channels, stage == 4 ? 3 : 1, element_);
    if (element_ == Arithmetic::int8) {
      map_steps_[map] = step_after(stage_layer(stage, stage_depth[stage] - 1));
    }
    steps_.push_back(std::move(step));
  }
  for (std::size_t i = 0; i < std::size(extra_layers); ++i) {
    const Layer& layer = extra_layers[i];
    BandedConvolution::Options options = activated;
    options.kernel = layer.kernel;
    options.stride = layer.stride;
    options.padding = layer.padding;
    map = add_convolution(layer.name, map, channels_at(config_, layer.out), options, element_);
    if (i % 2 == 1) add_scale(heads[3 + i / 2].name, map, heads[3 + i / 2].stride);
  }
  height_ = height;
  width_ = width;
}

void Detector::pool(const FeatureMap& in, FeatureMap& out, float out_step) {
  const int channels = in.channels();
  // After ReLU nothing is negative, so bf16 values are ordered as their bits are.
  const auto pool_row = [&]<typename T, typename Store>(int y, T, Store store) {
    const T* upper = reinterpret_cast<const T*>(in.row(2 * y));
    const T* lower = reinterpret_cast<const T*>(in.row(2 * y + 1));
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(channels) * out.width();
    for (std::ptrdiff_t at = 0; at < row; at += channels, upper += 2 * channels, lower += 2 * channels) {
      for (int c = 0; c < channels; ++c) {
        const T a = upper[c] > upper[channels + c] ? upper[c] : upper[channels + c];
        const T b = lower[c] > lower[channels + c] ? lower[c] : lower[channels + c];
        store(y, at + c, a > b ? a : b);
      }
    }
  };
  const auto keep = [&]<typename T>(int y, std::ptrdiff_t at, T value) {
    reinterpret_cast<T*>(out.row(y))[at] = value;
  };
  const float inverse_step = 1.0f / out_step;
  const auto quantise = [&](int y, std::ptrdiff_t at, float value) {
    const float steps = value * inverse_step + 0.5f;
    out.row_as<std::uint8_t>(y)[at] = static_cast<std::uint8_t>(std::min(steps, 255.0f));
  };
  WorkerPool::shared().run(out.height(), threads_, [&](int y, int) {
    if (in.element() == Arithmetic::int8) {
      pool_row(y, std::uint8_t(), keep);
    } else if (out.element() == Arithmetic::int8) {
      pool_row(y, float(), quantise);
    } else if (in.element() == Arithmetic::f32) {
      pool_row(y, float(), keep);
    } else {
      pool_row(y, std::int16_t(), keep);
    }
  });
}

void Detector::normalise(const FeatureMap& in, FeatureMap& out) {
  const int channels = in.channels();
  // The step of int8 maps cancels here, because each pixel's channels are divided by their length.
  const auto normalise_row = [&]<typename From, typename To>(int y, From, To) {
    const From* from = in.row_as<From>(y);
    To* to = out.row_as<To>(y);
    for (int x = 0; x < in.width(); ++x, from += channels, to += channels) {
      float squares = 0;
      for (int c = 0; c < channels; ++c) squares += value_of(from[c]) * value_of(from[c]);
      const float factor = 1.0f / (std::sqrt(squares) + 1e-10f);
      for (int c = 0; c < channels; ++c) {
        const float value = value_of(from[c]) * factor;
        if constexpr (std::is_same_v<To, float>) {
          to[c] = value;
        } else {
          to[c] = to_bfloat16(value);
        }
      }
    }
  };
  WorkerPool::shared().run(in.height(), threads_, [&](int y, int) {
    if (in.element() == Arithmetic::f32) {
      normalise_row(y, float(), float());
    } else if (in.element() == Arithmetic::int8) {
      normalise_row(y, std::uint8_t(), float());
    } else {
      normalise_row(y, Bfloat16(), Bfloat16());
    }
  });
}

const std::vector<S3fdScale>& Detector::run(std::span<const float> input, int height, int width) {
  SingleThreadedOneDnn single_threaded;
  plan(height, width);
  const ElementwiseKernels& kernels = elementwise_kernels(instruction_set());
  const auto& convert = maps_[0].element() == Arithmetic::f32 ? kernels.to_float : kernels.to_bfloat16;
  convert[0](input.data(), maps_[0].row(0), static_cast<std::ptrdiff_t>(input.size()));
  for (Step& step : steps_) {
    switch (step.kind) {
      case Kind::convolution:
        step.convolution->run(maps_[step.in], maps_[step.out]);
        if (observer_ && element_ == Arithmetic::f32) {
          const FeatureMap& map = maps_[step.out];
          const float* values = map.row_as<float>(0);
          const std::ptrdiff_t count =
              static_cast<std::ptrdiff_t>(map.height()) * map.width() * map.channels();
          observer_(step.name, *std::max_element(values, values + count));
        }
        break;
      case Kind::pooling:
        pool(maps_[step.in], maps_[step.out], map_steps_[step.out]);
        break;
      case Kind::normalisation:
        normalise(maps_[step.in], maps_[step.out]);
        break;
    }
  }
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    const FeatureMap& map = maps_[heads_[i]];
    const int cells = map.height() * map.width(), scores = map.channels() - 4;
    const float* values = map.row_as<float>(0);
    float* planes = planes_[i].data();
    for (int cell = 0; cell < cells; ++cell, values += map.channels()) {
      planes[cell] = scores == 4 ? std::max({values[0], values[1], values[2]}) : values[0];
      planes[cells + cell] = values[scores - 1];
      for (int k = 0; k < 4; ++k) planes[(2 + k) * cells + cell] = values[scores + k];
    }
  }
  return scales_;
}

std::vector<FaceBox> Detector::do_detect(const cv::Mat& rgb, float score_threshold, float iou_threshold) {
  const int height = std::max(rgb.rows, smallest_side), width = std::max(rgb.cols, smallest_side);
  input_.assign(static_cast<std::size_t>(height) * width * 3, 0.0f);
  const bool reverse = config_.channel_order == "bgr";
  for (int y = 0; y < rgb.rows; ++y) {
    const std::uint8_t* from = rgb.ptr(y);
    float* to = input_.data() + static_cast<std::size_t>(y) * width * 3;
    for (int x = 0; x < rgb.cols; ++x, from += 3, to += 3) {
      for (int c = 0; c < 3; ++c) {
        to[c] =
            static_cast<float>(from[reverse ? 2 - c : c]) - (config_.subtract_mean ? channel_means[c] : 0.0f);
      }
    }
  }
  return find_faces(run(input_, height, width), score_threshold, iou_threshold);
}

}  // namespace reenact::cpu
