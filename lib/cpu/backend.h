// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "cpu/folded_weights.h"
#include "cpu/prepared_generator.h"
#include "reenact/backend.h"
#include "reenact/weight_cache.h"

namespace reenact::cpu {

/// The networks on oneDNN. Weights are kept as long as somebody uses them and shared by all who name the same
/// file.
class Backend : public reenact::Backend {
 public:
  bool supports(NetworkKind network, const ModelFile& file, const NetworkConfig& config,
                const EngineOptions& options) const override;
  std::unique_ptr<reenact::PoseEncoder> pose_encoder(std::shared_ptr<const ModelFile> file,
                                                     const ReenactorConfig& config,
                                                     const EngineOptions& options) override;
  std::unique_ptr<reenact::IdentityEncoder> identity_encoder(std::shared_ptr<const ModelFile> file,
                                                             const ReenactorConfig& config,
                                                             const EngineOptions& options) override;
  std::unique_ptr<reenact::Generator> generator(std::shared_ptr<const ModelFile> file,
                                                const ReenactorConfig& config,
                                                const EngineOptions& options) override;
  std::unique_ptr<reenact::Detector> detector(std::shared_ptr<const ModelFile> file,
                                              const DetectorConfig& config,
                                              const EngineOptions& options) override;
  std::unique_ptr<reenact::Segmenter> segmenter(std::shared_ptr<const ModelFile> file,
                                                const SegmenterConfig& config,
                                                const EngineOptions& options) override;

 private:
  WeightCache<const PreparedGenerator> prepared_generators_;
  WeightCache<const FoldedWeights> folded_weights_;
};

}  // namespace reenact::cpu
