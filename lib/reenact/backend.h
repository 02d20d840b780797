// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "reenact/config.h"
#include "reenact/engine.h"
#include "reenact/export.h"
#include "reenact/model_file.h"

namespace reenact {

/// The networks that a backend may run.
enum class NetworkKind { pose_encoder, identity_encoder, generator, detector, segmenter };
/// In words, e.g. "pose encoder".
std::string to_string(NetworkKind network);

/// The configuration of a model file with networks, already read and found right.
using NetworkConfig = std::variant<ReenactorConfig, DetectorConfig, SegmenterConfig>;

/// Raised with every change to what a module and this library share: the virtual functions of Backend and of the classes
/// in engine.h, and what they are called with.
inline constexpr int backend_api_version = 1;

/// One implementation of the networks. load_*() of engine.h choose a backend and call it.
///
/// A backend of its own module (LibTorch) exports
///
///     extern "C" int reenact_backend_api_version() { return reenact::backend_api_version; }
///     extern "C" reenact::Backend* reenact_backend();
///
/// The module is opened with dlopen the first time it is needed and stays open, so that a registry scan never loads
/// LibTorch. One built for another version is refused before its backend is touched.
class REENACT_API Backend {
 public:
  virtual ~Backend() = default;

  /// Whether this backend runs that network of that file on `options.device` (auto: any device it has) at
  /// `options.precision` (auto: any it has). Engine `auto` asks before it chooses; must be cheap and load no weights.
  /// A backend that runs on GPUs overrides this to say whether one is there.
  virtual bool supports(NetworkKind, const ModelFile&, const NetworkConfig&,
                        const EngineOptions& options) const {
    return !options.device.starts_with("cuda");
  }

  /// Each makes its network with the weights of `file`, whose configuration is `config`.
  virtual std::unique_ptr<PoseEncoder> pose_encoder(std::shared_ptr<const ModelFile> file,
                                                    const ReenactorConfig& config, const EngineOptions&) = 0;
  virtual std::unique_ptr<IdentityEncoder> identity_encoder(std::shared_ptr<const ModelFile> file,
                                                            const ReenactorConfig& config,
                                                            const EngineOptions&) = 0;
  virtual std::unique_ptr<Generator> generator(std::shared_ptr<const ModelFile> file,
                                               const ReenactorConfig& config, const EngineOptions&) = 0;
  virtual std::unique_ptr<Detector> detector(std::shared_ptr<const ModelFile> file,
                                             const DetectorConfig& config, const EngineOptions&) = 0;
  virtual std::unique_ptr<Segmenter> segmenter(std::shared_ptr<const ModelFile> file,
                                               const SegmenterConfig& config, const EngineOptions&) = 0;
};

/// The oneDNN backend for CPUs (lib/cpu), or null in a build without it.
Backend* cpu_backend();

/// The LibTorch backend, or Error (unsupported) that says where its module was looked for.
Backend& torch_backend();

}  // namespace reenact
