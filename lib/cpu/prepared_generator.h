// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cpu/aligned_buffer.h"
#include "cpu/generator_layer.h"
#include "cpu/kernels/elementwise.h"
#include "cpu/weight_source.h"
#include "reenact/config.h"

namespace reenact::cpu {

/// The generator's weights made ready for one arithmetic: spectral norms folded, upsampling convolutions
/// split into phases, numbers quantised and reordered. Immutable; shared by all streams that draw with the
/// same weights.
struct PreparedGenerator {
  /// Coefficients of AdaIN in the released code's order: for each layer all biases, then all weights.
  struct Affine {
    int offset = 0;
    int channels = 0;
  };
  /// AdaIN and ReLU, a convolution, and what is added to its result.
  struct Stage {
    std::string name;  ///< of the convolution, e.g. "gen.up0.conv1"
    Affine affine;
    GeneratorLayer layer;
    std::vector<float> inverse_steps;       ///< [in] for int8, else empty
    bool adds_block_input = false;          ///< second stage of a block without upsampling
    std::optional<GeneratorLayer> skip;     ///< second stage of a block with upsampling: its 1x1 convolution
    std::vector<float> skip_inverse_steps;  ///< [in] for int8
    std::vector<float> skip_offset;         ///< [in] for int8: the quantised zero
    std::vector<float> skip_bias;           ///< [out]
  };

  /// int8 wants the ranges that calibration writes (`<layer>.input_max`, for skips also `.input_min`); throws
  /// Error (unsupported) without them, and wrong_kind when tensors do not fit the configuration.
  /// With int8, stages named in `finer` run in bf16, or fp32 where the CPU lacks bf16.
  PreparedGenerator(const ReenactorConfig& config, const WeightSource& source, Arithmetic arithmetic,
                    const std::set<std::string>& finer = {});

  /// Whether a file has the ranges that int8 needs.
  static bool is_calibrated(const ReenactorConfig& config, const WeightSource& source);
  /// Names of the layers that have a range: all convolutions and skips.
  static std::vector<std::string> layer_names(const ReenactorConfig& config);

  int image_size() const { return config.image_size; }
  std::size_t weight_bytes() const;

  ReenactorConfig config;
  Arithmetic arithmetic;
  Storage storage;

  // The MLP; the first layer is split by input, because the identity's share is constant.
  AlignedBuffer hidden_identity;  ///< [hidden, d_i] float
  AlignedBuffer hidden_pose;      ///< [hidden, d_p] float
  std::vector<float> hidden_bias;
  AlignedBuffer affine_weights;  ///< [coefficients, hidden] in `storage`
  std::vector<float> affine_bias;
  int hidden = 0;
  int coefficients = 0;

  AlignedBuffer constant;  ///< [size, size, channels] in `storage`
  std::vector<double> constant_mean, constant_variance;
  std::vector<Stage> stages;    ///< the last one is the convolution to colours and mask
  std::vector<float> out_bias;  ///< [4]
};

/// Channels of the map after `block` upsamplings.
int generator_channels(const ReenactorConfig& config, int block);

}  // namespace reenact::cpu
