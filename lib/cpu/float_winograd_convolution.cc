// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/float_winograd_convolution.h"

#include <algorithm>
#include <utility>

namespace reenact::cpu {
namespace {

constexpr int all_products = 36, upsampled_products = 9;

// Bytes of a group's transformed maps that should stay in a core's second-level cache, and the fewest tiles of a group:
// with fewer, loading the weights takes longer than multiplying.
constexpr std::size_t group_budget = 192 << 10;
constexpr int smallest_group = 24;

int products(bool upsample) {
  return upsample ? upsampled_products : all_products;
}

int tiles_of_a_group(int tiles, int in_channels) {
  const auto fitting = static_cast<int>(group_budget / (sizeof(float) * all_products * in_channels));
  const int groups = std::max(1, tiles / std::max(fitting, smallest_group));
  return (tiles + groups - 1) / groups;
}

int block_of(int out_channels, const FloatWinogradKernels& kernels) {
  return out_channels % kernels.widest_block == 0 ? kernels.widest_block : kernels.widest_block / 2;
}

// Three taps to the factors of six products: the polynomial of the taps at each point, over the product of the point's
// distances to the others.
void evaluate(const float* taps, int tap_stride, float* factors, int factor_stride) {
  const double first = taps[0], middle = taps[tap_stride], last = taps[2 * tap_stride];
  const double points[5] = {0, winograd_near_point, -winograd_near_point, winograd_far_point,
                            -winograd_far_point};
  for (int i = 0; i < 5; ++i) {
    double distances = 1;
    for (int k = 0; k < 5; ++k) distances *= k == i ? 1 : points[i] - points[k];
    factors[i * factor_stride] =
        static_cast<float>((first + points[i] * middle + points[i] * points[i] * last) / distances);
  }
  factors[5 * factor_stride] = static_cast<float>(last);
}

// Three taps to the factors of the outer left, the middle and the outer right product after an upsampling.
void sum_up(const float* taps, int tap_stride, float* factors, int factor_stride) {
  factors[0] = taps[0];
  factors[factor_stride] = taps[0] + taps[tap_stride] + taps[2 * tap_stride];
  factors[2 * factor_stride] = -taps[2 * tap_stride];
}

}  // namespace

bool FloatWinogradConvolution::supports(const Shape& shape, const FloatWinogradKernels& kernels) {
  return shape.in_channels % 16 == 0 && shape.out_channels % (kernels.widest_block / 2) == 0;
}

AlignedBuffer FloatWinogradConvolution::transformed(std::span<const float> weights, int in_channels,
                                                    int out_channels, bool upsample,
                                                    const FloatWinogradKernels& kernels) {
  // In the order in which the kernels take them: (row, column) of three each.
  constexpr int upsampled_order[upsampled_products] = {4, 1, 7, 3, 5, 0, 2, 6, 8};
  const int count = products(upsample), side = upsample ? 3 : 6, block = block_of(out_channels, kernels);
  const auto transform = upsample ? sum_up : evaluate;
  AlignedBuffer result(sizeof(float) * count * in_channels * out_channels);
  for (int o = 0; o < out_channels; ++o) {
    float* packed =
        result.data<float>() + static_cast<std::size_t>(o / block) * count * in_channels * block + o % block;
    for (int c = 0; c < in_channels; ++c) {
      float rows[6 * 3], all[6 * 6];
      for (int x = 0; x < 3; ++x) {
        transform(weights.data() + (static_cast<std::size_t>(o) * in_channels + c) * 9 + x, 3, rows + x, 3);
      }
      for (int y = 0; y < side; ++y) transform(rows + 3 * y, 1, all + side * y, 1);
      for (int p = 0; p < count; ++p) {
        packed[(static_cast<std::size_t>(p) * in_channels + c) * block] =
            all[upsample ? upsampled_order[p] : p];
      }
    }
  }
  return result;
}

FloatWinogradConvolution::FloatWinogradConvolution(const Shape& shape,
                                                   std::shared_ptr<const AlignedBuffer> weights,
                                                   const FloatWinogradKernels& kernels)
    : kernels_(&kernels),
      shape_(shape),
      block_(block_of(shape.out_channels, kernels)),
      group_tiles_(tiles_of_a_group(tile_rows() * tile_columns(), shape.in_channels)),
      weights_(std::move(weights)) {}

FloatWinogradConvolution::FloatWinogradConvolution(const Shape& shape, std::span<const float> weights,
                                                   const FloatWinogradKernels& kernels)
    : FloatWinogradConvolution(shape,
                               std::make_shared<const AlignedBuffer>(transformed(
                                   weights, shape.in_channels, shape.out_channels, shape.upsample, kernels)),
                               kernels) {}

std::size_t FloatWinogradConvolution::sums_bytes() const {
  return sizeof(float) * shape_.rows * shape_.width * shape_.out_channels * (shape_.upsample ? 4 : 1);
}

std::size_t FloatWinogradConvolution::transformed_stride() const {
  // After an upsampling maps of differences have a row and a column more. A cache line more keeps the maps from falling
  // on the same lines of the cache.
  const int pixels = shape_.upsample ? (tile_rows() + 1) * (tile_columns() + 1) : group_tiles_;
  return AlignedBuffer::padded(sizeof(float) * pixels * shape_.in_channels) + AlignedBuffer::alignment;
}

std::size_t FloatWinogradConvolution::transformed_bytes() const {
  return transformed_stride() * (shape_.upsample ? 3 : all_products);
}

std::size_t FloatWinogradConvolution::scratch_bytes() const {
  return transformed_bytes() + (shape_.upsample ? 0 : sizeof(float) * all_products * group_tiles_ * block_);
}

void FloatWinogradConvolution::execute(const float* source, float* sums, std::byte* scratch,
                                       const Epilogue& epilogue) const {
  FloatWinogradRun run;
  run.source = source;
  run.weights = weights_->data<float>();
  run.sums = sums;
  run.transformed = reinterpret_cast<float*>(scratch);
  run.transformed_stride = static_cast<std::ptrdiff_t>(transformed_stride() / sizeof(float));
  run.products = reinterpret_cast<float*>(scratch + transformed_bytes());
  run.group_tiles = group_tiles_;
  run.bias = epilogue.bias;
  run.rectify = epilogue.rectify;
  run.rows = epilogue.rows ? epilogue.rows : shape_.rows;
  run.width = shape_.width;
  run.tile_rows = shape_.upsample ? run.rows : (run.rows + 3) / 4;
  run.tile_columns = tile_columns();
  run.in_channels = shape_.in_channels;
  run.out_channels = shape_.out_channels;
  run.block = block_;
  (shape_.upsample ? kernels_->convolve_upsampled : kernels_->convolve)(run);
}

}  // namespace reenact::cpu
