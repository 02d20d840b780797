// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "cpu/folded_weights.h"
#include "cpu/prepared_generator.h"
#include "reenact/backend.h"

namespace reenact::cpu {

/// The networks on oneDNN. Weights are kept as long as somebody uses them and shared by all who name the same
/// file.
class Backend : public reenact::Backend {
 public:
  bool supports(Network network, const ModelFile& file, const EngineOptions& options) const override;
  std::unique_ptr<reenact::PoseEncoder> pose_encoder(std::shared_ptr<const ModelFile> file,
                                                     const EngineOptions& options) override;
  std::unique_ptr<reenact::IdentityEncoder> identity_encoder(std::shared_ptr<const ModelFile> file,
                                                             const EngineOptions& options) override;
  std::unique_ptr<reenact::Generator> generator(std::shared_ptr<const ModelFile> file,
                                                const EngineOptions& options) override;
  std::unique_ptr<reenact::Detector> detector(std::shared_ptr<const ModelFile> file,
                                              const EngineOptions& options) override;
  std::unique_ptr<reenact::Segmenter> segmenter(std::shared_ptr<const ModelFile> file,
                                                const EngineOptions& options) override;

 private:
  std::shared_ptr<const PreparedGenerator> prepared_generator(
      const std::shared_ptr<const ModelFile>& file, const std::shared_ptr<const ModelFile>& personal,
      Precision precision);

  /// The folded convolutions of a file, made by `fold` when nobody holds them.
  template <typename Fold>
  std::shared_ptr<const FoldedWeights> folded(const ModelFile& file, const std::string& network, Fold&& fold);

  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<const PreparedGenerator>> prepared_generators_;
  std::map<std::string, std::weak_ptr<const FoldedWeights>> folded_weights_;
};

}  // namespace reenact::cpu
