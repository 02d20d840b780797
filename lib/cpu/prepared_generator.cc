// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/prepared_generator.h"

#include <algorithm>
#include <cmath>

#include "cpu/kernels/instruction_set.h"
#include "reenact/error.h"

namespace reenact::cpu {
namespace {

// A channel that was zero during calibration may have values later: its range is at least this share of the
// layer's largest one.
constexpr float smallest_range_share = 1e-3f;

struct InputSteps {
  std::vector<float> steps;   // value of one step
  std::vector<float> offset;  // steps that stand for zero
  std::vector<float> inverse() const {
    std::vector<float> result;
    for (float step : steps) result.push_back(1.0f / step);
    return result;
  }
};

// Steps from each channel's own range round the activations least; equal steps for all channels round the
// weights least, into which the steps are folded. The geometric mean of the two gives the best pictures.
InputSteps input_steps(const WeightSource& source, const std::string& layer, int channels, bool is_signed) {
  if (!source.contains(layer + ".input_max")) {
    throw Error(ErrorCode::unsupported, source.path() + ": no calibration for int8 (tensor " + layer +
                                            ".input_max is missing); `reenact-train quantise` makes it");
  }
  const std::vector<float> high = source.floats(layer + ".input_max", {channels});
  const std::vector<float> low =
      is_signed ? source.floats(layer + ".input_min", {channels}) : std::vector<float>(channels, 0.0f);
  float largest = 0;
  for (int c = 0; c < channels; ++c) largest = std::max(largest, high[c] - low[c]);
  if (!(largest > 0) || !std::isfinite(largest)) largest = 1;
  InputSteps result{std::vector<float>(channels), std::vector<float>(channels)};
  for (int c = 0; c < channels; ++c) {
    const float range = std::max(high[c] - low[c], largest * smallest_range_share);
    result.steps[c] = std::sqrt(range * largest) / 255.0f;
    result.offset[c] = -low[c] / result.steps[c];
  }
  return result;
}

AlignedBuffer copy_of(const std::vector<float>& values) {
  AlignedBuffer buffer(values.size() * sizeof(float));
  std::copy(values.begin(), values.end(), buffer.data<float>());
  return buffer;
}

AlignedBuffer stored(const std::vector<float>& values, Storage storage) {
  if (storage == Storage::f32) return copy_of(values);
  AlignedBuffer buffer(values.size() * sizeof(Half));
  elementwise_kernels(instruction_set()).float_to_half(values.data(), buffer.data<Half>(), values.size());
  return buffer;
}

}  // namespace

int generator_channels(const ReenactorConfig& config, int block) {
  return std::min(config.num_channels << (config.upsampling_blocks() - block), config.max_channels);
}

std::vector<std::string> PreparedGenerator::layer_names(const ReenactorConfig& config) {
  std::vector<std::string> names;
  for (int i = 0; i < config.residual_blocks; ++i) {
    for (const char* part : {".conv1", ".conv2"}) names.push_back("gen.res" + std::to_string(i) + part);
  }
  for (int i = 0; i < config.upsampling_blocks(); ++i) {
    for (const char* part : {".conv1", ".conv2", ".skip"})
      names.push_back("gen.up" + std::to_string(i) + part);
  }
  names.push_back("gen.out");
  return names;
}

bool PreparedGenerator::is_calibrated(const ReenactorConfig& config, const WeightSource& source) {
  const std::vector<std::string> names = layer_names(config);
  return std::all_of(names.begin(), names.end(),
                     [&](const std::string& name) { return source.contains(name + ".input_max"); });
}

PreparedGenerator::PreparedGenerator(const ReenactorConfig& config, const WeightSource& source,
                                     Arithmetic arithmetic, const std::set<std::string>& finer)
    : config(config),
      arithmetic(arithmetic),
      storage(arithmetic == Arithmetic::f32 ? Storage::f32 : Storage::f16) {
  int channels = generator_channels(config, 0), size = config.constant_size;

  // Channels last, as all maps here.
  const std::vector<float> planes = source.floats("gen.const", {1, channels, size, size});
  std::vector<float> interleaved(planes.size());
  constant_mean.resize(channels);
  constant_variance.resize(channels);
  const int area = size * size;
  for (int c = 0; c < channels; ++c) {
    double sum = 0, squares = 0;
    for (int i = 0; i < area; ++i) {
      const float value = planes[c * area + i];
      interleaved[i * channels + c] = value;
      sum += value;
    }
    constant_mean[c] = sum / area;
    for (int i = 0; i < area; ++i) squares += std::pow(planes[c * area + i] - constant_mean[c], 2);
    constant_variance[c] = squares / area;
  }
  constant = stored(interleaved, storage);

  const auto arithmetic_of = [&](const std::string& layer) {
    if (arithmetic != Arithmetic::int8 || !finer.contains(layer)) return arithmetic;
    return has_arithmetic(Arithmetic::bf16) ? Arithmetic::bf16 : Arithmetic::f32;
  };
  int offset = 0;
  const auto add_stage = [&](const std::string& name, int out, int kernel, bool upsample) -> Stage& {
    const GeneratorLayer::Geometry geometry{size, size, channels, out, kernel, upsample};
    const Affine affine{offset, channels};
    offset += 2 * channels;
    InputSteps steps;
    const Arithmetic arithmetic = arithmetic_of(name);
    if (arithmetic == Arithmetic::int8) steps = input_steps(source, name, channels, false);
    const std::vector<float> weights = source.folded_weight(name, {out, channels, kernel, kernel});
    stages.push_back({name,
                      affine,
                      GeneratorLayer(geometry, GeneratorLayer::cut(geometry, arithmetic), arithmetic, weights,
                                     steps.steps),
                      steps.inverse(),
                      false,
                      std::nullopt,
                      {},
                      {},
                      {}});
    return stages.back();
  };
  for (int i = 0; i < config.residual_blocks; ++i) {
    const std::string name = "gen.res" + std::to_string(i);
    add_stage(name + ".conv1", channels, 3, false);
    add_stage(name + ".conv2", channels, 3, false).adds_block_input = true;
  }
  for (int i = 0; i < config.upsampling_blocks(); ++i) {
    const std::string name = "gen.up" + std::to_string(i);
    const int in = channels, out = generator_channels(config, i + 1), in_size = size;
    add_stage(name + ".conv1", out, 3, true);
    channels = out;
    size *= 2;
    Stage& second = add_stage(name + ".conv2", out, 3, false);
    InputSteps steps;
    // The results of the skip and of conv2 are added, so both use the same arithmetic.
    const Arithmetic arithmetic = second.layer.arithmetic();
    if (arithmetic == Arithmetic::int8) steps = input_steps(source, name + ".skip", in, true);
    const GeneratorLayer::Cut cut = second.layer.cut();
    const std::vector<float> weights = source.folded_weight(name + ".skip", {out, in, 1, 1});
    second.skip.emplace(GeneratorLayer::Geometry{in_size, in_size, in, out, 1, false},
                        GeneratorLayer::Cut{cut.band_rows / 2, cut.chunk_channels}, arithmetic, weights,
                        steps.steps);
    second.skip_inverse_steps = steps.inverse();
    second.skip_offset = steps.offset;
    second.skip_bias = source.floats(name + ".skip.bias", {out});
    for (int o = 0; o < out && arithmetic == Arithmetic::int8; ++o) {
      // The quantised input is counted from its smallest value; the bias takes away what that adds.
      double added = 0;
      for (int c = 0; c < in; ++c)
        added += static_cast<double>(weights[o * in + c]) * steps.offset[c] * steps.steps[c];
      second.skip_bias[o] -= static_cast<float>(added);
    }
  }
  add_stage("gen.out", 4, 3, false);
  out_bias = source.floats("gen.out.bias", {4});

  coefficients = offset;
  hidden = config.hidden_size();
  const int identity = config.identity_embedding_size, pose = config.pose_embedding_size;
  const std::vector<float> first = source.folded_weight("gen.proj.fc1", {hidden, identity + pose});
  std::vector<float> identity_part, pose_part;
  for (int row = 0; row < hidden; ++row) {
    const auto begin = first.begin() + static_cast<std::ptrdiff_t>(row) * (identity + pose);
    identity_part.insert(identity_part.end(), begin, begin + identity);
    pose_part.insert(pose_part.end(), begin + identity, begin + identity + pose);
  }
  hidden_identity = copy_of(identity_part);
  hidden_pose = copy_of(pose_part);
  hidden_bias = source.floats("gen.proj.fc1.bias", {hidden});
  affine_weights = stored(source.folded_weight("gen.proj.fc2", {coefficients, hidden}), storage);
  affine_bias = source.floats("gen.proj.fc2.bias", {coefficients});
}

std::size_t PreparedGenerator::weight_bytes() const {
  std::size_t bytes = hidden_identity.size() + hidden_pose.size() + affine_weights.size() + constant.size();
  for (const Stage& stage : stages) {
    bytes += stage.layer.weight_bytes() + (stage.skip ? stage.skip->weight_bytes() : 0);
  }
  return bytes;
}

}  // namespace reenact::cpu
