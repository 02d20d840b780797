// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "reenact/identity.h"
#include "reenact/model_file.h"

namespace reenact::cpu {

/// What int8 needs to know of a generator, and what it costs.
struct GeneratorCalibration {
  /// Tensors to add to the file: for each convolution `<layer>.input_max` [in], the largest value that each
  /// of its input channels took after AdaIN and ReLU; for 1x1 skips, which see signed values,
  /// `<layer>.input_min` [in] as well.
  std::map<std::string, std::vector<float>> ranges;
  double psnr =
      0;  ///< of int8 against fp32 over the pictures compared (colour times mask, bytes), dB; 0 if unmeasured
  double worst_psnr = 0;  ///< of the worst picture, dB
  int pictures = 0;       ///< compared
  bool held_out = false;  ///< whether they were other pictures than those that gave the ranges
};

/// Draws every pose for every identity in fp32 and notes what each convolution sees; then, on a CPU with int8
/// arithmetic, draws `check_poses`, or the same poses when there are none, in both and compares. `personal`
/// holds a person's own weights, or is null. Throws Error (invalid) without poses or identities.
GeneratorCalibration calibrate_generator(const std::shared_ptr<const ModelFile>& file,
                                         const std::shared_ptr<const ModelFile>& personal,
                                         std::span<const std::vector<float>> identity_embeddings,
                                         std::span<const std::vector<float>> poses, int threads,
                                         std::span<const std::vector<float>> check_poses = {});

/// Writes `file` with the ranges to `path` (which may be the file itself), everything else as it was; the
/// PSNR goes to `quantisation` in its provenance.
void write_calibrated(const std::filesystem::path& path, const ModelFile& file,
                      const GeneratorCalibration& calibration);

/// Writes any model file with ranges for int8 to `path`, and what `quantisation` says to its provenance.
void write_ranges(const std::filesystem::path& path, const ModelFile& file,
                  const std::map<std::string, std::vector<float>>& ranges,
                  const nlohmann::json& quantisation);

}  // namespace reenact::cpu
