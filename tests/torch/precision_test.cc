// SPDX-License-Identifier: LGPL-2.1-or-later
// Every network of the LibTorch backend in bfloat16 on the CPU against float32: what runs there in one type from end to
// end runs on a GPU, too.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reenact/backend.h"
#include "reenact/crop.h"
#include "reenact/identity.h"
#include "reenact/s3fd_postprocess.h"
#include "support/errors.h"
#include "support/temporary_folder.h"
#include "torch/load_weights.h"
#include "torch/networks/encoders.h"
#include "torch/networks/generator.h"
#include "torch/networks/s3fd.h"
#include "torch/networks/unet_segmenter.h"
#include "torch/small_networks.h"

namespace reenact {
namespace {

EngineOptions torch_on_cpu(Precision precision) {
  EngineOptions options;
  options.device = "cpu";
  options.backend = "torch";
  options.precision = precision;
  return options;
}

template <typename Config>
std::shared_ptr<const ModelFile> written(const test::TemporaryFolder& folder, ModelKind kind,
                                         const Config& config,
                                         const std::map<std::string, torch::Tensor>& tensors) {
  ModelInfo info;
  info.kind = kind;
  info.config = to_json(config);
  info.licence = "random weights";
  write_model(folder / "model.safetensors", info, tensors);
  return std::make_shared<const ModelFile>(folder / "model.safetensors", kind);
}

/// Runs `use` on an object of each precision, made by `make`, which must be what its name says.
template <typename Object, typename Result, typename Config>
std::vector<Result> in_both_precisions(
    std::unique_ptr<Object> (Backend::*make)(std::shared_ptr<const ModelFile>, const Config&,
                                             const EngineOptions&),
    const std::shared_ptr<const ModelFile>& file, const std::function<Result(Object&)>& use) {
  std::vector<Result> results;
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    const auto object =
        (torch_backend().*make)(file, file->info().config.template get<Config>(), torch_on_cpu(precision));
    EXPECT_EQ(object->active_engine(), "torch " + to_string(precision));
    results.push_back(use(*object));
  }
  return results;
}

cv::Mat noise(int side, int type = CV_8UC3) {
  cv::Mat picture(side, side, type);
  cv::theRNG().state = 7;
  cv::randu(picture, 0, 256);
  return picture;
}

/// The largest difference over the largest value.
double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - b[i]));
    largest = std::max(largest, std::abs(static_cast<double>(a[i])));
  }
  return difference / largest;
}

/// Pictures of bytes that agree within what bfloat16 rounds, differ since it does round, and show something.
void expect_close_pictures(const cv::Mat& exact, const cv::Mat& rounded, double mean_tolerance) {
  ASSERT_EQ(exact.size(), rounded.size());
  ASSERT_EQ(exact.type(), rounded.type());
  const cv::Mat a = exact.reshape(1), b = rounded.reshape(1);
  EXPECT_LE(cv::norm(a, b, cv::NORM_L1) / static_cast<double>(a.total()), mean_tolerance);
  EXPECT_GT(cv::norm(a, b, cv::NORM_L1), 0);
  cv::Scalar mean, deviation;
  cv::meanStdDev(a, mean, deviation);
  EXPECT_GT(deviation[0], 10 * mean_tolerance);
}

TEST(BFloat16, EncodesPosesAsFloatsDo) {
  for (const std::string encoder : {"mobilenet_v2", "resnext50_32x4d", "x2face", "fabnet"}) {
    SCOPED_TRACE(encoder);
    torch::manual_seed(1);
    const test::TemporaryFolder folder;
    auto config = test::small_generator_config();
    config.pose_encoder = encoder;
    const PoseEncoderNetwork network(config);
    const auto file = written(folder, ModelKind::reenactor, config, weights_of(*network, "pose."));
    const auto poses = in_both_precisions<PoseEncoder, std::vector<float>>(
        &Backend::pose_encoder, file, [&](PoseEncoder& object) {
          std::vector<float> pose(config.pose_embedding_size);
          object.encode(noise(config.image_size), pose);
          return pose;
        });
    EXPECT_LE(relative_difference(poses[0], poses[1]), 0.05);
    EXPECT_GT(relative_difference(poses[0], poses[1]), 0);
  }
}

TEST(BFloat16, EncodesIdentitiesAsFloatsDo) {
  for (const std::string encoder : {"mobilenet_v2", "resnext50_32x4d"}) {
    SCOPED_TRACE(encoder);
    torch::manual_seed(2);
    const test::TemporaryFolder folder;
    auto config = test::small_generator_config();
    config.identity_encoder = encoder;
    const IdentityEncoderNetwork network(config);
    const auto file = written(folder, ModelKind::reenactor, config, weights_of(*network, "idt."));
    const std::vector<cv::Mat> crops = {noise(config.image_size), noise(config.image_size / 2)};
    const auto identities = in_both_precisions<IdentityEncoder, std::vector<float>>(
        &Backend::identity_encoder, file, [&](IdentityEncoder& object) { return object.encode(crops); });
    ASSERT_EQ(identities[0].size(), static_cast<std::size_t>(config.identity_embedding_size));
    EXPECT_LE(relative_difference(identities[0], identities[1]), 0.05);
    EXPECT_GT(relative_difference(identities[0], identities[1]), 0);
  }
}

TEST(BFloat16, DrawsHeadsAsFloatsDo) {
  torch::manual_seed(3);
  const test::TemporaryFolder folder;
  const auto config = test::small_generator_config();
  GeneratorNetwork network(config);
  network->initialize_unit_gain();
  for (auto& module : network->modules(false)) {
    if (auto* convolution = module->as<SpectralNormConv2dImpl>()) convolution->norm().converge(10);
    if (auto* linear = module->as<SpectralNormLinearImpl>()) linear->norm().converge(10);
  }
  const auto file = written(folder, ModelKind::reenactor, config, weights_of(*network, "gen."));
  auto identity = std::make_shared<Identity>();
  identity->embedding.assign(config.identity_embedding_size, 0.5f);
  const std::vector<float> pose(config.pose_embedding_size, -0.5f);
  for (const AlphaMode alpha : {AlphaMode::straight, AlphaMode::premultiplied}) {
    const auto heads =
        in_both_precisions<Generator, cv::Mat>(&Backend::generator, file, [&](Generator& object) {
          object.set_identity(identity);
          return object.generate(pose, alpha).clone();
        });
    expect_close_pictures(heads[0], heads[1], 2);
  }
}

TEST(BFloat16, FindsFacesWhereFloatsDo) {
  torch::manual_seed(4);
  const test::TemporaryFolder folder;
  DetectorConfig config;
  config.width = 0.125;
  const S3fd network(config.width);
  auto tensors = weights_of(*network, "s3fd.");
  // The three coarse maps are not normalised; random weights make boxes without measure of them.
  for (const char* map : {"fc7", "conv6_2", "conv7_2"})
    for (const char* head : {"_mbox_conf.weight", "_mbox_loc.weight"})
      tensors.at(std::string("s3fd.") + map + head).mul_(0.01);
  const auto file = written(folder, ModelKind::detector, config, tensors);
  // Every cell of every scale is a face, and none hides another.
  constexpr float score_threshold = 0, iou_threshold = 1;
  const auto faces = in_both_precisions<Detector, std::vector<FaceBox>>(
      &Backend::detector, file,
      [&](Detector& object) { return object.detect(noise(64), score_threshold, iou_threshold); });
  ASSERT_GT(faces[0].size(), 256u);
  ASSERT_EQ(faces[0].size(), faces[1].size());
  EXPECT_GT(faces[0].front().score - faces[0].back().score, 0.3f);  // best first
  for (const FaceBox& face : faces[0]) {
    const auto same = std::max_element(faces[1].begin(), faces[1].end(), [&](const auto& a, const auto& b) {
      return intersection_over_union(a, face) < intersection_over_union(b, face);
    });
    EXPECT_GT(intersection_over_union(*same, face), 0.9f);
    EXPECT_NEAR(same->score, face.score, 0.05f);
  }
}

TEST(BFloat16, SegmentsAsFloatsDo) {
  torch::manual_seed(5);
  const test::TemporaryFolder folder;
  SegmenterConfig config;
  config.image_size = 64;
  config.base_channels = 4;
  config.levels = 3;
  UnetSegmenter network(config);
  torch::NoGradGuard no_grad;
  network->named_parameters()["out.weight"].mul_(10);  // far from undecided
  const auto file = written(folder, ModelKind::segmenter, config, weights_of(*network, "unet."));
  const auto masks = in_both_precisions<Segmenter, cv::Mat>(
      &Backend::segmenter, file, [&](Segmenter& object) { return object.segment(noise(64)); });
  expect_close_pictures(masks[0], masks[1], 2);
}

TEST(BFloat16, OnCpusIsForWhoAsksForLibTorch) {
  const test::TemporaryFolder folder;
  SegmenterConfig config;
  config.image_size = 32;
  config.levels = 1;
  const auto file =
      written(folder, ModelKind::segmenter, config, weights_of(*UnetSegmenter(config), "unet."));
  auto options = torch_on_cpu(Precision::bf16);
  EXPECT_TRUE(torch_backend().supports(NetworkKind::segmenter, *file, config, options));
  options.backend = "auto";
  EXPECT_FALSE(torch_backend().supports(NetworkKind::segmenter, *file, config, options));
  test::expect_error([&] { torch_backend().segmenter(file, config, options); }, ErrorCode::unsupported,
                     {"bf16", "cpu"});
  for (const Precision precision : {Precision::fp16, Precision::int8}) {
    options = torch_on_cpu(precision);
    test::expect_error([&] { torch_backend().segmenter(file, config, options); }, ErrorCode::unsupported,
                       {to_string(precision), "cpu"});
  }
}

}  // namespace
}  // namespace reenact
