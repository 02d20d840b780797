// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>

#include "reenact/engine.h"

namespace reenact {

/// The networks that a backend may run.
enum class Network { pose_encoder, identity_encoder, generator, detector, segmenter };
/// In words, e.g. "pose encoder".
std::string to_string(Network network);

/// One implementation of the networks. load_*() of engine.h choose a backend and call it.
///
/// A backend of its own module (LibTorch) exports `extern "C" reenact::Backend* reenact_backend()`; the module is
/// opened with dlopen the first time it is needed and stays open, so that a registry scan never loads LibTorch.
class Backend {
 public:
  virtual ~Backend() = default;

  /// Whether this backend runs that network of that file on `options.device` (auto: any device it has) at
  /// `options.precision` (auto: any it has). Engine `auto` asks before it chooses; must be cheap and load no weights.
  /// A backend that runs on GPUs overrides this to say whether one is there.
  virtual bool supports(Network, const ModelFile&, const EngineOptions& options) const {
    return !options.device.starts_with("cuda");
  }

  virtual std::unique_ptr<PoseEncoder> pose_encoder(std::shared_ptr<const ModelFile> file,
                                                    const EngineOptions&) = 0;
  virtual std::unique_ptr<IdentityEncoder> identity_encoder(std::shared_ptr<const ModelFile> file,
                                                            const EngineOptions&) = 0;
  virtual std::unique_ptr<Generator> generator(std::shared_ptr<const ModelFile> file,
                                               const EngineOptions&) = 0;
  virtual std::unique_ptr<Detector> detector(std::shared_ptr<const ModelFile> file, const EngineOptions&) = 0;
  virtual std::unique_ptr<Segmenter> segmenter(std::shared_ptr<const ModelFile> file,
                                               const EngineOptions&) = 0;
};

/// The oneDNN backend for CPUs (lib/cpu), or null in a build without it.
Backend* cpu_backend();

/// The LibTorch backend, or Error (unsupported) that says where its module was looked for.
Backend& torch_backend();

}  // namespace reenact
