// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/bench_models.h"

#include <torch/torch.h>
#include <unistd.h>

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "reenact/config.h"
#include "torch/load_weights.h"
#include "torch/networks/encoders.h"
#include "torch/networks/generator.h"
#include "torch/networks/mobilenet_v2.h"
#include "torch/networks/s3fd.h"
#include "torch/networks/unet_segmenter.h"

namespace reenact::bench {
namespace {

namespace fs = std::filesystem;
using Tensors = std::map<std::string, torch::Tensor>;

bool is_file(const std::string& model) {
  return model != "paper" && model != "lite" && model != "live";
}

template <typename Config>
std::shared_ptr<const ModelFile> written(const fs::path& path, ModelKind kind, const Config& config,
                                         const Tensors& tensors) {
  ModelInfo info;
  info.kind = kind;
  info.config = to_json(config);
  info.licence = "random weights";
  write_model(path, info, tensors);
  return std::make_shared<const ModelFile>(path, kind);
}

}  // namespace

TemporaryFolder::TemporaryFolder()
    : path_(fs::temp_directory_path() / ("reenact-bench-" + std::to_string(::getpid()))) {
  fs::create_directories(path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string companions_of(const std::string& model) {
  return is_file(model) ? "paper" : model;
}

std::shared_ptr<const ModelFile> reenactor_for(const std::string& model, const fs::path& folder,
                                               bool with_identity_encoder) {
  if (is_file(model)) return std::make_shared<const ModelFile>(model, ModelKind::reenactor);
  const ReenactorConfig config = reenactor_preset(model);
  torch::manual_seed(1);
  torch::NoGradGuard no_grad;
  GeneratorNetwork generator(config);
  // A fresh power iteration has no idea of the spectral norm; training would have given it one.
  generator->train();
  for (int i = 0; i < 3; ++i) {
    generator->coefficients(torch::randn({1, config.identity_embedding_size}),
                            torch::randn({1, config.pose_embedding_size}));
  }
  for (auto& module : generator->modules(false)) {
    if (auto* convolution = module->as<SpectralNormConv2dImpl>()) convolution->norm().converge(3);
  }
  MobileNetV2 encoder(config.pose_embedding_size, config.pose_encoder_width);
  Tensors tensors = weights_of(*generator, "gen.");
  tensors.merge(weights_of(*encoder, "pose."));
  if (with_identity_encoder) {
    IdentityEncoderNetwork identity(config);
    tensors.merge(weights_of(*identity, "idt."));
  }
  return written(folder / ("reenactor-" + model + ".safetensors"), ModelKind::reenactor, config, tensors);
}

std::shared_ptr<const ModelFile> detector_for(const std::string& model, const fs::path& folder) {
  if (is_file(model)) return std::make_shared<const ModelFile>(model, ModelKind::detector);
  const DetectorConfig config = detector_preset(model);
  torch::manual_seed(2);
  S3fd network(config.width);
  return written(folder / ("detector-" + model + ".safetensors"), ModelKind::detector, config,
                 weights_of(*network, "s3fd."));
}

std::shared_ptr<const ModelFile> credulous_detector_for(const std::string& model, const fs::path& folder) {
  if (is_file(model)) return std::make_shared<const ModelFile>(model, ModelKind::detector);
  const DetectorConfig config = detector_preset(model);
  torch::manual_seed(2);
  torch::NoGradGuard no_grad;
  S3fd network(config.width);
  Tensors tensors = weights_of(*network, "s3fd.");
  for (auto& [name, tensor] : tensors) {
    const bool scores = name.find("_mbox_conf.") != std::string::npos;
    if (!scores && name.find("_mbox_loc.") == std::string::npos) continue;
    tensor.zero_();
    if (!name.ends_with(".bias")) continue;
    const bool third = name.find("conv5_3_norm") != std::string::npos;
    // Anchors of the third scale are 64 pixels wide; offsets hold five times the logarithm of the size.
    if (!scores && third) tensor.narrow(0, 2, 2).fill_(5 * std::log(80.0 / 64.0));
    if (scores) tensor[tensor.size(0) - 1] = third ? 9.0 : -9.0;
  }
  return written(folder / ("credulous-detector-" + model + ".safetensors"), ModelKind::detector, config,
                 tensors);
}

std::shared_ptr<const ModelFile> segmenter_for(const std::string& model, const fs::path& folder) {
  if (is_file(model)) return std::make_shared<const ModelFile>(model, ModelKind::segmenter);
  const SegmenterConfig config = segmenter_preset(model);
  torch::manual_seed(3);
  UnetSegmenter network(config);
  return written(folder / ("segmenter-" + model + ".safetensors"), ModelKind::segmenter, config,
                 weights_of(*network, "unet."));
}

std::vector<std::vector<float>> random_vectors(int count, int size, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> vectors(count, std::vector<float>(size));
  for (auto& vector : vectors) {
    for (float& value : vector) value = normal(random);
  }
  return vectors;
}

}  // namespace reenact::bench
