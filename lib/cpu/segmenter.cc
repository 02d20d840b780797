// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/segmenter.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <string>

#include "cpu/picture_input.h"
#include "cpu/single_threaded_onednn.h"
#include "cpu/worker_pool.h"
#include "reenact/error.h"

namespace reenact::cpu {

std::shared_ptr<const FoldedWeights> Segmenter::fold(const WeightSource& source,
                                                     const SegmenterConfig& config) {
  auto weights = std::make_shared<FoldedWeights>();
  const auto add_block = [&](const std::string& name, int in, int out) {
    const std::string from = "unet." + name;
    weights->add_with_batch_norm(name + ".conv1", source, from + ".conv1", from + ".norm1", {out, in, 3, 3});
    weights->add_with_batch_norm(name + ".conv2", source, from + ".conv2", from + ".norm2", {out, out, 3, 3});
  };
  int channels = config.base_channels;
  add_block("down0", 3, channels);
  for (int level = 1; level <= config.levels; ++level, channels *= 2) {
    add_block("down" + std::to_string(level), channels, 2 * channels);
  }
  for (int level = config.levels - 1; level >= 0; --level, channels /= 2) {
    add_block("up" + std::to_string(level), channels + channels / 2, channels / 2);
  }
  weights->add("out", source.floats("unet.out.weight", {1, channels, 1, 1}),
               source.floats("unet.out.bias", {1}));
  return weights;
}

Segmenter::Segmenter(std::shared_ptr<const FoldedWeights> weights, const SegmenterConfig& config, int threads)
    : weights_(std::move(weights)), config_(config), threads_(WorkerPool::shared().reserve(threads)) {
  SingleThreadedOneDnn single_threaded;
  int size = config.image_size, channels = config.base_channels;
  down_.push_back(make_block("down0", size, 3, channels));
  for (int level = 1; level <= config.levels; ++level, channels *= 2) {
    size /= 2;
    down_.push_back(make_block("down" + std::to_string(level), size, channels, 2 * channels));
  }
  for (int level = config.levels - 1; level >= 0; --level, channels /= 2) {
    size *= 2;
    up_.push_back(make_block("up" + std::to_string(level), size, channels + channels / 2, channels / 2));
  }
  const std::size_t area = static_cast<std::size_t>(config.image_size) * config.image_size;
  input_.resize(area * 3);
  logits_.resize(area);
  mask_.create(config.image_size, config.image_size, CV_8UC1);
}

Segmenter::Block Segmenter::make_block(const std::string& name, int size, int in_channels, int out_channels) {
  Block block;
  block.in = FeatureMap(size, size, in_channels, 1, Arithmetic::f32);
  block.middle = FeatureMap(size, size, out_channels, 1, Arithmetic::f32);
  block.out = FeatureMap(size, size, out_channels, 0, Arithmetic::f32);
  BandedConvolution::Options options;
  options.activation = ConvolutionEpilogue::Activation::relu;
  block.first = std::make_unique<BandedConvolution>(*weights_, name + ".conv1", block.in, block.middle,
                                                    options, threads_);
  block.second = std::make_unique<BandedConvolution>(*weights_, name + ".conv2", block.middle, block.out,
                                                     options, threads_);
  return block;
}

void Segmenter::run_block(Block& block) {
  block.first->run(block.in, block.middle);
  block.second->run(block.middle, block.out);
}

void Segmenter::pool(const FeatureMap& in, FeatureMap& out) {
  const int channels = in.channels();
  WorkerPool::shared().run(out.height(), threads_, [&](int y, int) {
    const float* upper = in.row_as<float>(2 * y);
    const float* lower = in.row_as<float>(2 * y + 1);
    float* to = out.row_as<float>(y);
    for (int x = 0; x < out.width(); ++x, upper += 2 * channels, lower += 2 * channels, to += channels) {
      for (int c = 0; c < channels; ++c) {
        to[c] = std::max(std::max(upper[c], upper[channels + c]), std::max(lower[c], lower[channels + c]));
      }
    }
  });
}

void Segmenter::upsample_and_join(const FeatureMap& small, const FeatureMap& skip, FeatureMap& out) {
  const int channels = small.channels(), skip_channels = skip.channels();
  // Bilinear by two with pixel centres aligned: a quarter from the farther neighbour, clamped at the rim.
  const auto neighbours = [](int i, int size) {
    const int near = i / 2, far = std::clamp(i % 2 ? near + 1 : near - 1, 0, size - 1);
    return std::pair(near, far);
  };
  WorkerPool::shared().run(out.height(), threads_, [&](int y, int) {
    const auto [near_y, far_y] = neighbours(y, small.height());
    const float* near_row = small.row_as<float>(near_y);
    const float* far_row = small.row_as<float>(far_y);
    const float* from_skip = skip.row_as<float>(y);
    float* to = out.row_as<float>(y);
    for (int x = 0; x < out.width(); ++x) {
      const auto [near_x, far_x] = neighbours(x, small.width());
      const float* a = near_row + near_x * channels;
      const float* b = near_row + far_x * channels;
      const float* c = far_row + near_x * channels;
      const float* d = far_row + far_x * channels;
      for (int k = 0; k < channels; ++k) {
        to[k] = 0.75f * (0.75f * a[k] + 0.25f * b[k]) + 0.25f * (0.75f * c[k] + 0.25f * d[k]);
      }
      std::copy_n(from_skip, skip_channels, to + channels);
      from_skip += skip_channels;
      to += channels + skip_channels;
    }
  });
}

void Segmenter::segment_floats(std::span<const float> input, std::span<float> logits) {
  SingleThreadedOneDnn single_threaded;
  std::copy(input.begin(), input.end(), down_[0].in.row_as<float>(0));
  run_block(down_[0]);
  for (std::size_t level = 1; level < down_.size(); ++level) {
    pool(down_[level - 1].out, down_[level].in);
    run_block(down_[level]);
  }
  const FeatureMap* last = &down_.back().out;
  for (std::size_t i = 0; i < up_.size(); ++i) {
    upsample_and_join(*last, down_[down_.size() - 2 - i].out, up_[i].in);
    run_block(up_[i]);
    last = &up_[i].out;
  }
  const int channels = last->channels();
  const float* weights = weights_->weights("out").data();
  const float* values = last->row_as<float>(0);
  for (std::size_t i = 0; i < logits.size(); ++i, values += channels) {
    float sum = weights_->bias("out")[0];
    for (int c = 0; c < channels; ++c) sum += values[c] * weights[c];
    logits[i] = sum;
  }
}

cv::Mat Segmenter::do_segment(const cv::Mat& rgb) {
  picture_to_floats(rgb, config_.image_size, scaled_, input_);
  segment_floats(input_, logits_);
  for (std::size_t i = 0; i < logits_.size(); ++i) {
    mask_.data[i] = static_cast<std::uint8_t>(std::nearbyint(255.0f / (1.0f + std::exp(-logits_[i]))));
  }
  cv::Mat result;
  cv::resize(mask_, result, rgb.size(), 0, 0, cv::INTER_LINEAR);
  return result.data == mask_.data ? result.clone() : result;
}

}  // namespace reenact::cpu
