// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/winograd_convolution.h"

#include <algorithm>
#include <cmath>

#include "cpu/kernels/instruction_set.h"

namespace reenact::cpu {
namespace {

// One of the products: which transformed row and column of the tile it takes.
struct Product {
  int row;
  int column;
};

// In the order in which the kernels (winograd_kernels.h) take them.
constexpr Product all_products[] = {{1, 0}, {2, 0}, {0, 0}, {3, 0}, {1, 1}, {2, 1}, {0, 1}, {3, 1},
                                    {1, 2}, {2, 2}, {0, 2}, {3, 2}, {1, 3}, {2, 3}, {0, 3}, {3, 3}};
constexpr Product upsampled_products[] = {{1, 1}, {0, 1}, {3, 1}, {1, 0}, {1, 3},
                                          {0, 0}, {0, 3}, {3, 0}, {3, 3}};

std::span<const Product> products(bool upsample) {
  return upsample ? std::span<const Product>(upsampled_products) : std::span<const Product>(all_products);
}

// Steps of the input map in one step of a transformed map. (An upsampled d1 + d2 is twice the small map's
// value, which stays undivided.)
int divisor(const Product& product) {
  return product.row == 1 || product.column == 1 ? 4 : 2;
}

bool is_unsigned(const Product& product) {
  return product.row == 1 && product.column == 1;
}

// Factor of m[index] in output 0 or 1 of a dimension; the sign of m3 is in the weights.
int share(int output, int index) {
  constexpr int shares[2][4] = {{1, 1, 1, 0}, {0, 1, -1, 1}};
  return shares[output][index];
}

// Taps to factors of the four products in one dimension, the minus of m3 included.
void transform(const float* taps, int tap_stride, float* factors, int factor_stride) {
  const float first = taps[0], middle = taps[tap_stride], last = taps[2 * tap_stride];
  factors[0] = first;
  factors[factor_stride] = 0.5f * (first + last + middle);
  factors[2 * factor_stride] = 0.5f * (first + last - middle);
  factors[3 * factor_stride] = -last;
}

}  // namespace

bool WinogradConvolution::is_available() {
  // Where oneDNN multiplies with AMX, its convolutions are faster.
  return byte_instructions() != ByteInstructions::none && !has_amx();
}

bool WinogradConvolution::supports(const Shape& shape) {
  return shape.in_channels % 4 == 0 && shape.out_channels % 16 == 0 &&
         (shape.upsample || (shape.rows % 2 == 0 && shape.width % 2 == 0));
}

WinogradConvolution::WinogradConvolution(const Shape& shape, std::span<const float> weights,
                                         std::span<const float> input_steps, const WinogradKernels& kernels)
    : kernels_(&kernels),
      shape_(shape),
      // After an upsampling four sums for each value of a block stay in registers.
      block_(!shape.upsample && shape.out_channels % 32 == 0 ? kernels.widest_block : 16),
      scales_(shape.out_channels),
      weights_(products(shape.upsample).size() * shape.in_channels * shape.out_channels),
      offsets_(sizeof(std::int32_t) * 4 * shape.out_channels) {
  transform_weights(weights, input_steps);
}

void WinogradConvolution::transform_weights(std::span<const float> weights,
                                            std::span<const float> input_steps) {
  const std::span<const Product> order = products(shape_.upsample);
  const int in = shape_.in_channels;
  std::vector<float> factors(order.size() * in);
  for (int o = 0; o < shape_.out_channels; ++o) {
    float largest = 0;
    for (int c = 0; c < in; ++c) {
      float rows[4 * 3], all[4 * 4];
      for (int x = 0; x < 3; ++x) {
        transform(weights.data() + (static_cast<std::size_t>(o) * in + c) * 9 + x, 3, rows + x, 3);
      }
      for (int y = 0; y < 4; ++y) transform(rows + 3 * y, 1, all + 4 * y, 1);
      for (std::size_t p = 0; p < order.size(); ++p) {
        const float factor =
            all[4 * order[p].row + order[p].column] * static_cast<float>(divisor(order[p])) * input_steps[c];
        factors[p * in + c] = factor;
        largest = std::max(largest, std::abs(factor));
      }
    }
    const auto limit = static_cast<float>(kernels_->largest_weight);
    const float scale = largest > 0 ? largest / limit : 1.0f;
    scales_[o] = scale;

    std::int8_t* packed = weights_.data<std::int8_t>() + o / block_ * order.size() * in * block_;
    std::int32_t* offsets = offsets_.data<std::int32_t>() + o / block_ * 4 * block_ + o % block_;
    for (std::size_t p = 0; p < order.size(); ++p) {
      std::int32_t sum = 0;
      for (int c = 0; c < in; ++c) {
        const float steps = std::clamp(std::nearbyint(factors[p * in + c] / scale), -limit, limit);
        const auto value = static_cast<std::int8_t>(steps);
        packed[((p * (in / 4) + c / 4) * block_ + o % block_) * 4 + c % 4] = value;
        sum += value;
      }
      // Differences are offset by 128, and kernels may take bytes for less than they are.
      const int missing = kernels_->input_offset - (is_unsigned(order[p]) ? 0 : 128);
      for (int output = 0; output < 4; ++output) {
        offsets[output * block_] +=
            missing * sum * share(output / 2, order[p].row) * share(output % 2, order[p].column);
      }
    }
  }
}

std::size_t WinogradConvolution::sums_bytes() const {
  return sizeof(std::int32_t) * 4 * tile_rows() * tile_columns() * shape_.out_channels;
}

std::size_t WinogradConvolution::transformed_stride() const {
  // After an upsampling maps of differences have a row and a column more. A cache line more keeps the maps
  // from falling on the same lines of the cache.
  const int more = shape_.upsample ? 1 : 0;
  return AlignedBuffer::padded(static_cast<std::size_t>(tile_rows() + more) * (tile_columns() + more) *
                               shape_.in_channels) +
         AlignedBuffer::alignment;
}

std::size_t WinogradConvolution::transformed_bytes() const {
  return transformed_stride() * (shape_.upsample ? 3 : 16);
}

std::size_t WinogradConvolution::scratch_bytes() const {
  const std::size_t partial =
      shape_.upsample ? 0 : sizeof(std::int32_t) * 8 * tile_rows() * tile_columns() * block_;
  return transformed_bytes() + partial;
}

void WinogradConvolution::execute(const std::uint8_t* source, std::int32_t* sums, std::byte* scratch) const {
  WinogradRun run;
  run.source = source;
  run.weights = weights_.data<std::int8_t>();
  run.offsets = offsets_.data<std::int32_t>();
  run.sums = sums;
  run.transformed = reinterpret_cast<std::uint8_t*>(scratch);
  run.transformed_stride = static_cast<std::ptrdiff_t>(transformed_stride());
  run.partial = reinterpret_cast<std::int32_t*>(scratch + transformed_bytes());
  run.tile_rows = tile_rows();
  run.tile_columns = tile_columns();
  run.in_channels = shape_.in_channels;
  run.out_channels = shape_.out_channels;
  run.block = block_;
  (shape_.upsample ? kernels_->convolve_upsampled : kernels_->convolve)(run);
}

}  // namespace reenact::cpu
