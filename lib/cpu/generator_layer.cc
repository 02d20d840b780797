// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/generator_layer.h"

#include <algorithm>

#include "cpu/kernels/instruction_set.h"
#include "cpu/kernels/winograd.h"
#include "cpu/quantised_weights.h"
#include "reenact/safetensors.h"

namespace reenact::cpu {
namespace {

// Bytes of a task's weights and of its sums that should stay in a core's second-level cache.
constexpr std::size_t weight_budget = 384 << 10;
constexpr std::size_t sum_budget = 256 << 10;
// Enough tasks that threads finish at about the same time.
constexpr int wanted_tasks = 8;

// In smaller maps loading the weights takes longer than multiplying, and without upsampling a
// WinogradConvolution has more weights than oneDNN's convolution: 16 for each nine.
constexpr int smallest_winograd_map = 16 * 16;
// Bytes of a WinogradConvolution's maps and sums that should stay in the cache, and the fewest tiles (after an
// upsampling: pixels) in a task: with fewer, loading the weights takes longer than multiplying.
constexpr std::size_t winograd_budget = 128 << 10;
constexpr int smallest_winograd_tiles = 32, smallest_winograd_pixels = 64;

// The fewest pixels in a task of a FloatWinogradConvolution, and the fewest output channels: each chunk of them transforms
// the map again.
constexpr int smallest_float_winograd_pixels = 512, smallest_float_winograd_chunk = 64;

WinogradConvolution::Shape winograd_shape(const GeneratorLayer::Geometry& geometry) {
  return {geometry.height, geometry.width, geometry.in_channels, geometry.out_channels, geometry.upsample};
}

int half_if_even(int value) {
  return value % 2 == 0 ? value / 2 : value;
}

GeneratorLayer::Cut winograd_cut(const GeneratorLayer::Geometry& geometry) {
  GeneratorLayer::Cut cut{geometry.height, geometry.out_channels};
  const int pixels_a_tile = geometry.upsample ? 1 : 4;
  const auto tiles = [&] { return cut.band_rows * geometry.width / pixels_a_tile; };
  const auto bytes = [&] {
    const std::size_t maps = geometry.upsample ? 3 : 16;
    return tiles() * std::max(maps * geometry.in_channels, std::size_t{16} * cut.chunk_channels);
  };
  const auto tasks = [&] {
    return geometry.height / cut.band_rows * (geometry.out_channels / cut.chunk_channels);
  };
  const int smallest = geometry.upsample ? smallest_winograd_pixels : smallest_winograd_tiles;
  // Without upsampling a tile has two rows, so a band must keep an even number of them.
  const auto divides = [&] { return cut.band_rows % (geometry.upsample ? 2 : 4) == 0 && tiles() > smallest; };
  while (divides() && bytes() > winograd_budget) cut.band_rows /= 2;
  while (tasks() < wanted_tasks && divides()) cut.band_rows /= 2;
  // Each chunk transforms the map again, which costs little beside the products of 64 channels.
  while (tasks() < wanted_tasks && cut.chunk_channels % 64 == 0) cut.chunk_channels /= 2;
  return cut;
}

GeneratorLayer::Cut float_winograd_cut(const GeneratorLayer::Geometry& geometry) {
  GeneratorLayer::Cut cut{geometry.height, geometry.out_channels};
  const int outputs = geometry.upsample ? 4 : 1;
  const auto sums = [&] {
    return std::size_t{4} * cut.band_rows * geometry.width * outputs * cut.chunk_channels;
  };
  const auto tasks = [&] {
    return geometry.height / cut.band_rows * (geometry.out_channels / cut.chunk_channels);
  };
  // Without upsampling a tile has four rows.
  const auto divides = [&] {
    return cut.band_rows % (geometry.upsample ? 2 : 8) == 0 &&
           cut.band_rows * geometry.width * outputs > smallest_float_winograd_pixels;
  };
  while (divides() && (sums() > sum_budget || tasks() < wanted_tasks)) cut.band_rows /= 2;
  while (tasks() < wanted_tasks && cut.chunk_channels % (2 * smallest_float_winograd_chunk) == 0)
    cut.chunk_channels /= 2;
  return cut;
}

}  // namespace

std::vector<float> phase_weights(std::span<const float> weights, int out_channels, int in_channels,
                                 int phase) {
  // Which of two small rows (columns) a tap of the 3x3 kernel falls on: 0, 1, 1 for even outputs, 0, 0, 1 for
  // odd ones.
  const auto small = [](int tap, int parity) { return (tap + 1 - parity) / 2; };
  std::vector<float> result(static_cast<std::size_t>(out_channels) * in_channels * 4);
  for (std::size_t pair = 0; pair < static_cast<std::size_t>(out_channels) * in_channels; ++pair) {
    for (int ky = 0; ky < 3; ++ky) {
      for (int kx = 0; kx < 3; ++kx) {
        result[pair * 4 + small(ky, phase / 2) * 2 + small(kx, phase % 2)] += weights[pair * 9 + ky * 3 + kx];
      }
    }
  }
  return result;
}

bool GeneratorLayer::uses_winograd(const Geometry& geometry, Arithmetic arithmetic) {
  if (geometry.kernel != 3 || arithmetic == Arithmetic::bf16) return false;
  if (!geometry.upsample && geometry.height * geometry.width < smallest_winograd_map) return false;
  if (arithmetic == Arithmetic::int8) {
    return WinogradConvolution::is_available() && WinogradConvolution::supports(winograd_shape(geometry));
  }
  if (!geometry.upsample && (geometry.height % 4 || geometry.width % 4)) return false;
  const FloatWinogradKernels* kernels = float_winograd_kernels(instruction_set());
  return kernels && FloatWinogradConvolution::supports(winograd_shape(geometry), *kernels);
}

double GeneratorLayer::products_a_pixel(const Geometry& geometry, Arithmetic arithmetic) {
  if (uses_winograd(geometry, arithmetic)) {
    return geometry.upsample || arithmetic == Arithmetic::f32 ? 9 / 4.0 : 16 / 4.0;
  }
  return geometry.upsample ? 4 : geometry.kernel * geometry.kernel;
}

GeneratorLayer::Cut GeneratorLayer::cut(const Geometry& geometry, Arithmetic arithmetic) {
  if (uses_winograd(geometry, arithmetic)) {
    return arithmetic == Arithmetic::f32 ? float_winograd_cut(geometry) : winograd_cut(geometry);
  }
  Cut cut{geometry.height, geometry.out_channels};
  const int taps = geometry.upsample ? 4 : geometry.kernel * geometry.kernel;
  const int phases = geometry.upsample ? 4 : 1;
  const auto chunk_weights = [&] {
    return size_of(arithmetic) * taps * geometry.in_channels * cut.chunk_channels;
  };
  const auto sums = [&] { return std::size_t{4} * cut.band_rows * geometry.width * cut.chunk_channels; };
  const auto tasks = [&] {
    return geometry.height / cut.band_rows * phases * (geometry.out_channels / cut.chunk_channels);
  };
  while (cut.chunk_channels % 128 == 0 && chunk_weights() > weight_budget) cut.chunk_channels /= 2;
  while (cut.band_rows > 2 && cut.band_rows % 4 == 0 && sums() > sum_budget) cut.band_rows /= 2;
  while (tasks() < wanted_tasks) {
    const Cut before = cut;
    // With bands of fewer than 64 pixels or chunks of fewer than 32 channels, oneDNN is slower a pixel.
    if (cut.band_rows % 4 == 0 && cut.band_rows * geometry.width > 64) {
      cut.band_rows = half_if_even(cut.band_rows);
    } else if (cut.chunk_channels % 64 == 0) {
      cut.chunk_channels = half_if_even(cut.chunk_channels);
    }
    if (before.band_rows == cut.band_rows && before.chunk_channels == cut.chunk_channels) break;
  }
  return cut;
}

GeneratorLayer::GeneratorLayer(const Geometry& geometry, const Cut& cut, Arithmetic arithmetic,
                               std::span<const float> weights, std::span<const float> input_steps)
    : geometry_(geometry), cut_(cut), arithmetic_(arithmetic) {
  if (uses_winograd(geometry, arithmetic)) {
    const std::size_t chunk = weights.size() / geometry.out_channels * cut.chunk_channels;
    const WinogradConvolution::Shape shape{cut.band_rows, geometry.width, geometry.in_channels,
                                           cut.chunk_channels, geometry.upsample};
    for (std::size_t at = 0; at < weights.size(); at += chunk) {
      if (arithmetic == Arithmetic::f32) {
        float_winograd_.emplace_back(shape, weights.subspan(at, chunk),
                                     *float_winograd_kernels(instruction_set()));
      } else {
        const WinogradConvolution& added =
            winograd_.emplace_back(shape, weights.subspan(at, chunk), input_steps);
        scales_.insert(scales_.end(), added.scales().begin(), added.scales().end());
      }
    }
    scales_.resize(geometry.out_channels, 1.0f);
    return;
  }

  ConvolutionShape shape;
  shape.in_width = geometry.width;
  shape.in_channels = geometry.in_channels;
  shape.out_channels = cut.chunk_channels;
  if (geometry.upsample) {
    shape.in_height = cut.band_rows + 1;
    shape.kernel_height = shape.kernel_width = 2;
    shape.pad_left = 1;
    convolutions_.emplace_back(shape, arithmetic);
    shape.pad_left = 0;
    shape.pad_right = 1;
    convolutions_.emplace_back(shape, arithmetic);
  } else {
    shape.in_height = cut.band_rows + geometry.kernel - 1;
    shape.kernel_height = shape.kernel_width = geometry.kernel;
    shape.pad_left = shape.pad_right = geometry.kernel / 2;
    convolutions_.emplace_back(shape, arithmetic);
  }

  for (int phase = 0; phase < phases(); ++phase) {
    const std::vector<float> floats =
        geometry.upsample ? phase_weights(weights, geometry.out_channels, geometry.in_channels, phase)
                          : std::vector<float>(weights.begin(), weights.end());
    const Convolution& convolution = convolutions_[convolution_index({0, phase, 0, 0})];
    const std::size_t chunk = floats.size() / geometry.out_channels * cut.chunk_channels;
    if (arithmetic == Arithmetic::int8) {
      const QuantisedWeights quantised =
          quantised_weights(floats, geometry.out_channels, input_steps, winograd_kernels().largest_weight);
      scales_.insert(scales_.end(), quantised.scales.begin(), quantised.scales.end());
      for (std::size_t at = 0; at < floats.size(); at += chunk) {
        weights_.push_back(
            convolution.pack(std::span<const std::int8_t>(quantised.values).subspan(at, chunk)));
      }
    } else {
      scales_.insert(scales_.end(), geometry.out_channels, 1.0f);
      for (std::size_t at = 0; at < floats.size(); at += chunk) {
        weights_.push_back(convolution.pack(std::span<const float>(floats).subspan(at, chunk)));
      }
    }
  }
}

GeneratorLayer::Task GeneratorLayer::task(int index) const {
  Task task;
  task.partial = index % parts();
  task.chunk = index / parts();  // neighbours in time share weights
  task.phase = task.partial / (geometry_.height / cut_.band_rows);
  task.band = task.partial % (geometry_.height / cut_.band_rows);
  return task;
}

std::size_t GeneratorLayer::sums_bytes() const {
  if (!winograd_.empty()) return winograd_[0].sums_bytes();
  return float_winograd_.empty() ? convolutions_[0].destination_bytes() : float_winograd_[0].sums_bytes();
}

std::size_t GeneratorLayer::scratch_bytes() const {
  if (!winograd_.empty()) return winograd_[0].scratch_bytes();
  if (!float_winograd_.empty()) return float_winograd_[0].scratch_bytes();
  std::size_t bytes = 0;
  for (const Convolution& convolution : convolutions_) bytes = std::max(bytes, convolution.scratch_bytes());
  return bytes;
}

GeneratorLayer::Workspace GeneratorLayer::workspace(std::byte* scratch) const {
  Workspace workspace{{}, scratch};
  for (const Convolution& convolution : convolutions_) {
    workspace.handles.push_back(convolution.handles(scratch));
  }
  return workspace;
}

void GeneratorLayer::execute(const Task& task, Workspace& workspace, const std::byte* map,
                             std::byte* sums) const {
  const std::size_t row_bytes = size_of(arithmetic_) * geometry_.in_channels * geometry_.width;
  // A task begins with the row above its band. Odd rows of an upsampled output do not need that row and begin
  // with the band's first one.
  const int first_row = task.band * cut_.band_rows + (geometry_.upsample ? task.phase / 2 : 0);
  const std::byte* source = map + first_row * row_bytes;
  if (!winograd_.empty()) {
    winograd_[task.chunk].execute(reinterpret_cast<const std::uint8_t*>(source),
                                  reinterpret_cast<std::int32_t*>(sums), workspace.scratch);
    return;
  }
  if (!float_winograd_.empty()) {
    float_winograd_[task.chunk].execute(reinterpret_cast<const float*>(source),
                                        reinterpret_cast<float*>(sums), workspace.scratch);
    return;
  }
  const int index = convolution_index(task);
  const int chunks = geometry_.out_channels / cut_.chunk_channels;
  convolutions_[index].execute(workspace.handles[index], source, weights_[task.phase * chunks + task.chunk],
                               sums);
}

const float* GeneratorLayer::scale(const Task& task) const {
  return scales_.data() + task.phase * geometry_.out_channels + task.chunk * cut_.chunk_channels;
}

std::size_t GeneratorLayer::weight_bytes() const {
  std::size_t bytes = 0;
  for (const PackedWeights& packed : weights_) bytes += packed.weights.get_desc().get_size();
  for (const WinogradConvolution& convolution : winograd_) bytes += convolution.weight_bytes();
  for (const FloatWinogradConvolution& convolution : float_winograd_) bytes += convolution.weight_bytes();
  return bytes;
}

}  // namespace reenact::cpu
