// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <opencv2/core.hpp>
#include <span>
#include <string>
#include <vector>

#include "reenact/export.h"

// Model files for int8 on CPUs: run a network in fp32, note which values it sees, and write these ranges into its file.
namespace reenact {

class ModelFile;

/// What int8 needs to know of a generator, and what it costs.
struct GeneratorCalibration {
  /// Tensors to add to the file: for each convolution `<layer>.input_max` [in], the largest value that each
  /// of its input channels took after AdaIN and ReLU; for 1x1 skips, which see signed values,
  /// `<layer>.input_min` [in] as well.
  std::map<std::string, std::vector<float>> ranges;
  /// Of int8 against fp32 over the pictures compared (color times mask, bytes), dB; 0 if unmeasured.
  double psnr = 0;
  double worst_psnr = 0;  ///< of the worst picture, dB
  int pictures = 0;       ///< compared
  bool held_out = false;  ///< whether they were other pictures than those that gave the ranges
};

/// What int8 needs to know of a detector.
struct DetectorCalibration {
  /// Tensors to add to the file: `s3fd.<layer>.output_max` [1], the largest value that each convolution of the trunk
  /// gave out.
  std::map<std::string, std::vector<float>> ranges;
  int pictures = 0;  ///< that gave them
};

/// Whether calibrate_generator() takes that reenactor: in a build with the cpu backend, those that it draws.
REENACT_API bool can_calibrate_generator(const ModelFile& file);

/// Draws every pose for every identity in fp32 and notes what each convolution sees; then, on a CPU with int8
/// arithmetic, draws `check_poses`, or the same poses when there are none, in both and compares. `personal`
/// holds a person's own weights, or is null. `threads` as in EngineOptions. Throws Error: invalid without poses or
/// identities, unsupported in a build without the cpu backend.
REENACT_API GeneratorCalibration calibrate_generator(const std::shared_ptr<const ModelFile>& file,
                                                     const std::shared_ptr<const ModelFile>& personal,
                                                     std::span<const std::vector<float>> identity_embeddings,
                                                     std::span<const std::vector<float>> poses, int threads,
                                                     std::span<const std::vector<float>> check_poses = {});

/// Searches `pictures` (RGB CV_8UC3, as large as they are to be searched) in fp32. Throws Error: invalid without
/// pictures, unsupported in a build without the cpu backend.
REENACT_API DetectorCalibration calibrate_detector(const std::shared_ptr<const ModelFile>& file,
                                                   std::span<const cv::Mat> pictures, int threads);

/// Writes `file` with the ranges to `path` (which may be the file itself), everything else as it was; how they came about
/// goes to `quantisation` in its provenance. Throws Error as write_safetensors() does.
REENACT_API void write_ranges(const std::filesystem::path& path, const ModelFile& file,
                              const GeneratorCalibration& calibration);
REENACT_API void write_ranges(const std::filesystem::path& path, const ModelFile& file,
                              const DetectorCalibration& calibration);

}  // namespace reenact
