// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/backend/torch_backend.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "reenact/error.h"
#include "reenact/pose_picture.h"
#include "reenact/s3fd_postprocess.h"
#include "torch/backend/repeated_call.h"
#include "torch/backend/torch_generator.h"
#include "torch/load_weights.h"

namespace reenact {
namespace {

/// What the simple networks have in common: shared weights and where they run.
template <typename Interface, typename Module, typename Config>
class TorchObject : public Interface {
 public:
  TorchObject(std::shared_ptr<Module> network, const Config& config, const Execution& execution)
      : network_(std::move(network)), config_(config), execution_(execution) {}
  std::string active_device() const override { return execution_.device_name(); }
  std::string active_engine() const override { return execution_.engine_name(); }

 protected:
  std::shared_ptr<Module> network_;
  Config config_;
  Execution execution_;
};

class TorchPoseEncoder : public TorchObject<PoseEncoder, PoseEncoderNetworkImpl, ReenactorConfig> {
 public:
  TorchPoseEncoder(std::shared_ptr<PoseEncoderNetworkImpl> network, const ReenactorConfig& config,
                   const Execution& execution)
      : TorchObject(std::move(network), config, execution),
        encode_(execution.device(), [this](const torch::Tensor& bytes) {
          return std::vector<torch::Tensor>{network_->forward(execution_.picture(bytes)).to(torch::kFloat)};
        }) {}
  int image_size() const override { return config_.image_size; }
  int embedding_size() const override { return config_.pose_embedding_size; }

 protected:
  void do_encode(const cv::Mat& rgb, std::span<float> pose) override {
    torch::InferenceMode inference;
    execution_.apply_threads();
    const auto& embedding =
        encode_(Execution::bytes(pose_picture(rgb, config_), config_.pose_image_size(), scaled_))[0];
    std::copy_n(embedding.data_ptr<float>(), pose.size(), pose.begin());
  }

 private:
  RepeatedCall encode_;
  cv::Mat scaled_;
};

class TorchIdentityEncoder
    : public TorchObject<IdentityEncoder, IdentityEncoderNetworkImpl, ReenactorConfig> {
 public:
  using TorchObject::TorchObject;
  int image_size() const override { return config_.image_size; }
  int embedding_size() const override { return config_.identity_embedding_size; }

 protected:
  std::vector<float> do_encode(std::span<const cv::Mat> rgb_crops) override {
    torch::InferenceMode inference;
    execution_.apply_threads();
    std::vector<torch::Tensor> frames;
    for (const auto& crop : rgb_crops) {
      cv::Mat scaled;
      const auto bytes = Execution::bytes(crop, config_.image_size, scaled);
      frames.push_back(execution_.picture(bytes.to(execution_.device())));
    }
    const auto mean =
        network_->forward(torch::stack(frames, 1)).mean(1).to(torch::kCPU, torch::kFloat).contiguous();
    return {mean.data_ptr<float>(), mean.data_ptr<float>() + mean.numel()};
  }
};

class TorchDetector : public TorchObject<Detector, S3fdImpl, DetectorConfig> {
 public:
  TorchDetector(std::shared_ptr<S3fdImpl> network, const DetectorConfig& config, const Execution& execution)
      : TorchObject(std::move(network), config, execution),
        look_(execution.device(), [this](const torch::Tensor& input) {
          std::vector<torch::Tensor> maps;
          for (const S3fdOutput& scale : network_->forward(input.to(execution_.type()))) {
            maps.push_back(scale.scores.to(torch::kFloat).contiguous());
            maps.push_back(scale.offsets.to(torch::kFloat).contiguous());
          }
          return maps;
        }) {}

 protected:
  std::vector<FaceBox> do_detect(const cv::Mat& rgb, float score_threshold, float iou_threshold) override {
    torch::InferenceMode inference;
    execution_.apply_threads();
    const auto& maps = look_(detector_input({rgb}, config_));
    std::vector<S3fdScale> scales;
    for (std::size_t i = 0; i < maps.size(); i += 2) {
      scales.push_back({4 << (i / 2), static_cast<int>(maps[i].size(3)), static_cast<int>(maps[i].size(2)),
                        maps[i].data_ptr<float>(), maps[i + 1].data_ptr<float>()});
    }
    return find_faces(scales, score_threshold, iou_threshold);
  }

 private:
  RepeatedCall look_;
};

class TorchSegmenter : public TorchObject<Segmenter, UnetSegmenterImpl, SegmenterConfig> {
 public:
  TorchSegmenter(std::shared_ptr<UnetSegmenterImpl> network, const SegmenterConfig& config,
                 const Execution& execution)
      : TorchObject(std::move(network), config, execution),
        segment_(execution.device(), [this](const torch::Tensor& bytes) {
          const auto logits = network_->forward(execution_.picture(bytes)).to(torch::kFloat);
          return std::vector<torch::Tensor>{torch::sigmoid(logits).mul(255).round().to(torch::kUInt8)};
        }) {}

 protected:
  cv::Mat do_segment(const cv::Mat& rgb) override {
    torch::InferenceMode inference;
    execution_.apply_threads();
    const int size = config_.image_size;
    const auto& bytes = segment_(Execution::bytes(rgb, size, scaled_))[0];
    const cv::Mat mask(size, size, CV_8UC1, bytes.data_ptr());
    cv::Mat result;
    cv::resize(mask, result, rgb.size(), 0, 0, cv::INTER_LINEAR);
    return result.data == mask.data ? result.clone() : result;
  }

 private:
  RepeatedCall segment_;
  cv::Mat scaled_;
};

/// Loads a module's weights and puts it where it shall run.
template <typename Module>
std::shared_ptr<Module> loaded(std::shared_ptr<Module> module, const ModelFile& file,
                               const std::string& prefix, const Execution& execution) {
  load_weights(*module, file, prefix);
  module->eval();
  fold_spectral_norms(*module);
  execution.place(*module);
  return module;
}

/// What a network is kept under, beside its file.
std::string key_of(const ModelFile& file, const Execution& execution) {
  return weight_key(file, execution.device_name() + ' ' + execution.engine_name());
}

}  // namespace

bool TorchBackend::supports(NetworkKind, const ModelFile&, const NetworkConfig&,
                            const EngineOptions& options) const {
  try {
    Execution execution(options);
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::unique_ptr<PoseEncoder> TorchBackend::pose_encoder(std::shared_ptr<const ModelFile> file,
                                                        const ReenactorConfig& config,
                                                        const EngineOptions& options) {
  const Execution execution(options);
  return std::make_unique<TorchPoseEncoder>(
      pose_encoders_.get(key_of(*file, execution),
                         [&] {
                           return loaded(std::make_shared<PoseEncoderNetworkImpl>(config), *file, "pose.",
                                         execution);
                         }),
      config, execution);
}

std::unique_ptr<IdentityEncoder> TorchBackend::identity_encoder(std::shared_ptr<const ModelFile> file,
                                                                const ReenactorConfig& config,
                                                                const EngineOptions& options) {
  const Execution execution(options);
  return std::make_unique<TorchIdentityEncoder>(
      identity_encoders_.get(key_of(*file, execution),
                             [&] {
                               return loaded(std::make_shared<IdentityEncoderNetworkImpl>(config), *file,
                                             "idt.", execution);
                             }),
      config, execution);
}

std::unique_ptr<Generator> TorchBackend::generator(std::shared_ptr<const ModelFile> file,
                                                   const ReenactorConfig& config,
                                                   const EngineOptions& options) {
  const Execution execution(options);
  const auto load = [this, config, execution](const ModelFile& source) {
    return generators_.get(key_of(source, execution), [&] {
      return loaded(std::make_shared<GeneratorNetworkImpl>(config), source, "gen.", execution);
    });
  };
  return std::make_unique<TorchGenerator>(load(*file), config, execution, load);
}

std::unique_ptr<Detector> TorchBackend::detector(std::shared_ptr<const ModelFile> file,
                                                 const DetectorConfig& config, const EngineOptions& options) {
  const Execution execution(options);
  return std::make_unique<TorchDetector>(
      detectors_.get(
          key_of(*file, execution),
          [&] { return loaded(std::make_shared<S3fdImpl>(config.width), *file, "s3fd.", execution); }),
      config, execution);
}

std::unique_ptr<Segmenter> TorchBackend::segmenter(std::shared_ptr<const ModelFile> file,
                                                   const SegmenterConfig& config,
                                                   const EngineOptions& options) {
  const Execution execution(options);
  return std::make_unique<TorchSegmenter>(
      segmenters_.get(
          key_of(*file, execution),
          [&] { return loaded(std::make_shared<UnetSegmenterImpl>(config), *file, "unet.", execution); }),
      config, execution);
}

}  // namespace reenact

extern "C" __attribute__((visibility("default"))) int reenact_backend_api_version() {
  return reenact::backend_api_version;
}

extern "C" __attribute__((visibility("default"))) reenact::Backend* reenact_backend() {
  static reenact::TorchBackend backend;
  return &backend;
}
