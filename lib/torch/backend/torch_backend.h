// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "reenact/backend.h"
#include "reenact/weight_cache.h"
#include "torch/networks/encoders.h"
#include "torch/networks/generator.h"
#include "torch/networks/s3fd.h"
#include "torch/networks/unet_segmenter.h"

namespace reenact {

/// The reference backend: every network as written in LibTorch, on CPUs and on GPUs.
class TorchBackend : public Backend {
 public:
  bool supports(NetworkKind network, const ModelFile& file, const NetworkConfig& config,
                const EngineOptions& options) const override;
  std::unique_ptr<PoseEncoder> pose_encoder(std::shared_ptr<const ModelFile> file,
                                            const ReenactorConfig& config,
                                            const EngineOptions& options) override;
  std::unique_ptr<IdentityEncoder> identity_encoder(std::shared_ptr<const ModelFile> file,
                                                    const ReenactorConfig& config,
                                                    const EngineOptions& options) override;
  std::unique_ptr<Generator> generator(std::shared_ptr<const ModelFile> file, const ReenactorConfig& config,
                                       const EngineOptions& options) override;
  std::unique_ptr<Detector> detector(std::shared_ptr<const ModelFile> file, const DetectorConfig& config,
                                     const EngineOptions& options) override;
  std::unique_ptr<Segmenter> segmenter(std::shared_ptr<const ModelFile> file, const SegmenterConfig& config,
                                       const EngineOptions& options) override;

 private:
  WeightCache<PoseEncoderNetworkImpl> pose_encoders_;
  WeightCache<IdentityEncoderNetworkImpl> identity_encoders_;
  WeightCache<GeneratorNetworkImpl> generators_;
  WeightCache<S3fdImpl> detectors_;
  WeightCache<UnetSegmenterImpl> segmenters_;
};

}  // namespace reenact
