// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/quantise.h"

#include <nlohmann/json.hpp>

#include "reenact/backend.h"
#include "reenact/error.h"
#include "reenact/model_file.h"
#include "reenact/safetensors.h"

namespace reenact {
namespace {

void write(const std::filesystem::path& path, const ModelFile& file,
           const std::map<std::string, std::vector<float>>& ranges, const nlohmann::json& quantisation) {
  std::map<std::string, TensorView> tensors = file.file().tensors();
  for (const auto& [name, values] : ranges) {
    tensors[name] = {
        DataType::f32, {static_cast<std::int64_t>(values.size())}, std::as_bytes(std::span(values))};
  }
  ModelInfo info = file.info();
  auto provenance = nlohmann::json::parse(info.provenance.text());
  provenance["quantisation"] = quantisation;
  info.provenance = provenance;
  // Entries of the metadata that are not ours to know stay.
  Metadata metadata = file.file().metadata();
  for (const auto& [key, value] : to_metadata(info)) metadata[key] = value;
  write_safetensors(path, tensors, metadata);
}

}  // namespace

void write_ranges(const std::filesystem::path& path, const ModelFile& file,
                  const GeneratorCalibration& calibration) {
  write(path, file, calibration.ranges,
        {{"method", "largest values over the pictures drawn"},
         {"pictures", calibration.pictures},
         {"held_out", calibration.held_out},
         {"psnr", calibration.psnr},
         {"worst_psnr", calibration.worst_psnr}});
}

void write_ranges(const std::filesystem::path& path, const ModelFile& file,
                  const DetectorCalibration& calibration) {
  write(path, file, calibration.ranges,
        {{"method", "largest values over the pictures"}, {"pictures", calibration.pictures}});
}

bool can_calibrate_generator(const ModelFile& file) {
  EngineOptions options;
  options.device = "cpu";
  options.precision = Precision::fp32;
  const Backend* backend = cpu_backend();
  return backend &&
         backend->supports(NetworkKind::generator, file, file.info().config.get<ReenactorConfig>(), options);
}

// The networks that calibrate are the cpu backend's (lib/cpu/*_calibration.cc).
#ifndef REENACT_CPU_BACKEND
namespace {
[[noreturn]] void refuse(const ModelFile& file) {
  throw Error(ErrorCode::unsupported, "calibrating '" + file.path().string() +
                                          "' wants the cpu backend, which this build does not have");
}
}  // namespace

GeneratorCalibration calibrate_generator(const std::shared_ptr<const ModelFile>& file,
                                         const std::shared_ptr<const ModelFile>&,
                                         std::span<const std::vector<float>>,
                                         std::span<const std::vector<float>>, int,
                                         std::span<const std::vector<float>>) {
  refuse(*file);
}

DetectorCalibration calibrate_detector(const std::shared_ptr<const ModelFile>& file, std::span<const cv::Mat>,
                                       int) {
  refuse(*file);
}
#endif

}  // namespace reenact
