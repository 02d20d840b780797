// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/backend.h"

#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "cpu/arithmetic_speed.h"
#include "cpu/detector.h"
#include "cpu/generator.h"
#include "cpu/kernels/instruction_set.h"
#include "cpu/pose_encoder.h"
#include "cpu/segmenter.h"
#include "reenact/error.h"
#include "reenact/identity.h"
#include "reenact/safetensors.h"

namespace reenact {
namespace cpu {
namespace {

bool cpu_has(Precision precision) {
  switch (precision) {
    case Precision::automatic:
    case Precision::fp32:
      return true;
    case Precision::bf16:
      return has_arithmetic(Arithmetic::bf16);
    case Precision::int8:
      return has_arithmetic(Arithmetic::int8);
    case Precision::fp16:
      return false;
  }
  return false;
}

/// A person's own weights need ranges of their own: those of the model were measured with other weights.
bool is_calibrated(const ReenactorConfig& config, const std::shared_ptr<const ModelFile>& file,
                   const std::shared_ptr<const ModelFile>& personal) {
  return PreparedGenerator::is_calibrated(config, WeightSource(personal ? personal : file));
}

Arithmetic arithmetic_for(Precision precision, bool calibrated) {
  switch (precision) {
    case Precision::int8:
      return Arithmetic::int8;
    case Precision::bf16:
      return Arithmetic::bf16;
    case Precision::automatic: {
      std::vector<Arithmetic> candidates;
      if (calibrated && has_arithmetic(Arithmetic::int8)) candidates.push_back(Arithmetic::int8);
      if (has_arithmetic(Arithmetic::bf16)) candidates.push_back(Arithmetic::bf16);
      candidates.push_back(Arithmetic::f32);
      return fastest_arithmetic(candidates);
    }
    default:
      return Arithmetic::f32;
  }
}

/// fp32 or bf16, for networks or files without int8.
Arithmetic element_for(const EngineOptions& options) {
  const Precision precision = options.precision == Precision::automatic ? Precision::bf16 : options.precision;
  return precision == Precision::bf16 && has_arithmetic(Arithmetic::bf16) ? Arithmetic::bf16
                                                                          : Arithmetic::f32;
}

bool is_calibrated_detector(const ModelFile& file) {
  const std::vector<std::string> names = Detector::range_names();
  return std::all_of(names.begin(), names.end(),
                     [&](const std::string& name) { return file.file().contains(name); });
}

/// Whether oneDNN scales sums of int8, which version 2 alone does as detectors and pose encoders want it.
bool scales_int8_sums() {
  return has_arithmetic(Arithmetic::int8) && DNNL_VERSION_MAJOR < 3;
}

/// Elsewhere oneDNN's int8 convolutions are not known to be faster.
bool has_int8_pose_encoder() {
#if defined(__x86_64__)
  return scales_int8_sums();
#else
  return false;
#endif
}

[[noreturn]] void refuse(const char* network) {
  throw Error(ErrorCode::unsupported,
              std::string("the cpu backend has no ") + network + "; the torch backend has");
}

}  // namespace

bool Backend::supports(NetworkKind network, const ModelFile& file, const NetworkConfig& config,
                       const EngineOptions& options) const {
  if (options.device.starts_with("cuda") || !cpu_has(options.precision)) return false;
  switch (network) {
    case NetworkKind::generator: {
      // Reflected padding of the convolutions and the MLP without spectral norm are left to the reference
      // backend. A file without ranges for int8 may still meet an identity with its own, so that is decided
      // when the weights are loaded.
      const auto& reenactor = std::get<ReenactorConfig>(config);
      return !reenactor.reflection_padding && reenactor.projector == "spectral" &&
             reenactor.identity_blocks == 0;
    }
    case NetworkKind::pose_encoder:
      return (options.precision != Precision::int8 || has_int8_pose_encoder()) &&
             std::get<ReenactorConfig>(config).pose_encoder == "mobilenet_v2";
    case NetworkKind::detector:
      return options.precision != Precision::int8 || (scales_int8_sums() && is_calibrated_detector(file));
    case NetworkKind::segmenter:
      return options.precision == Precision::automatic || options.precision == Precision::fp32;
    case NetworkKind::identity_encoder:
      return false;  // runs once for a person, not for each frame
  }
  return false;
}

std::unique_ptr<reenact::Generator> Backend::generator(std::shared_ptr<const ModelFile> file,
                                                       const ReenactorConfig& config,
                                                       const EngineOptions& options) {
  if (!cpu_has(options.precision)) {
    throw Error(ErrorCode::unsupported, "this CPU has no instructions for " + to_string(options.precision));
  }
  const auto source = [this, file = std::move(file), config,
                       precision = options.precision](const Identity* identity) {
    const auto personal = identity ? identity->personal_weights : nullptr;
    const Arithmetic arithmetic = arithmetic_for(precision, is_calibrated(config, file, personal));
    const std::string key = weight_key(*file, personal ? weight_key(*personal, "") : "") + '\n' +
                            std::to_string(static_cast<int>(arithmetic));
    return prepared_generators_.get(key, [&] {
      return std::make_shared<const PreparedGenerator>(config, WeightSource(file, personal), arithmetic);
    });
  };
  return std::make_unique<Generator>(source, options.threads);
}

std::unique_ptr<reenact::PoseEncoder> Backend::pose_encoder(std::shared_ptr<const ModelFile> file,
                                                            const ReenactorConfig& config,
                                                            const EngineOptions& options) {
  auto weights = folded_weights_.get(weight_key(*file, "pose"),
                                     [&] { return PoseEncoder::fold(WeightSource(file), config); });
  // int8 and bf16 change the pictures drawn from an embedding less than int8 in the generator does (docs/performance.md).
  const bool may_be_int8 = options.precision == Precision::automatic || options.precision == Precision::int8;
  const Arithmetic element = may_be_int8 && has_int8_pose_encoder() ? Arithmetic::int8 : element_for(options);
  return std::make_unique<PoseEncoder>(std::move(weights), config, element, options.threads);
}
std::unique_ptr<reenact::IdentityEncoder> Backend::identity_encoder(std::shared_ptr<const ModelFile>,
                                                                    const ReenactorConfig&,
                                                                    const EngineOptions&) {
  refuse("identity encoder");
}
std::unique_ptr<reenact::Detector> Backend::detector(std::shared_ptr<const ModelFile> file,
                                                     const DetectorConfig& config,
                                                     const EngineOptions& options) {
  auto weights = folded_weights_.get(weight_key(*file, "s3fd"),
                                     [&] { return Detector::fold(WeightSource(file), config); });
  Arithmetic element = element_for(options);
  const bool int8_asked = options.precision == Precision::int8;
  if (int8_asked || options.precision == Precision::automatic) {
    if (scales_int8_sums() && is_calibrated_detector(*file)) {
      element = Arithmetic::int8;
    } else if (int8_asked) {
      throw Error(ErrorCode::unsupported,
                  "'" + file->path().string() + "' cannot run in int8: " +
                      (scales_int8_sums() ? "it has no ranges, which `reenact-train quantise` makes"
                                          : "this CPU or this oneDNN has no int8 for detectors"));
    }
  }
  return std::make_unique<Detector>(std::move(weights), config, element, options.threads);
}

std::unique_ptr<reenact::Segmenter> Backend::segmenter(std::shared_ptr<const ModelFile> file,
                                                       const SegmenterConfig& config,
                                                       const EngineOptions& options) {
  auto weights = folded_weights_.get(weight_key(*file, "unet"),
                                     [&] { return Segmenter::fold(WeightSource(file), config); });
  return std::make_unique<Segmenter>(std::move(weights), config, options.threads);
}

}  // namespace cpu

Backend* cpu_backend() {
  static cpu::Backend backend;
  return &backend;
}

}  // namespace reenact
