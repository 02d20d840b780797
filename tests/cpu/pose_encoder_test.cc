// SPDX-License-Identifier: LGPL-2.1-or-later
// The CPU backend's MobileNetV2 against values computed with the authors' code.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>

#include "cpu/kernels/instruction_set.h"
#include "cpu/pose_encoder.h"
#include "parity_model.h"
#include "reenact/backend.h"
#include "reenact/engine.h"
#include "reenact/error.h"
#include "reenact/identity.h"
#include "reenact/model_file.h"
#include "reenact/safetensors.h"
#include "support/shared_data.h"

namespace reenact::test {
namespace {

ReenactorConfig config_for(int size) {
  ReenactorConfig config;
  config.image_size = 256;
  config.pose_input_size = size;
  return config;
}

std::shared_ptr<const ModelFile> parity_model(const SafetensorsFile& file) {
  FloatTensors state = state_of_network(file, "embedder.pose_encoder");
  return write_model("pose", ModelKind::reenactor, to_json(config_for(96)), state);
}

std::unique_ptr<PoseEncoder> load(const std::shared_ptr<const ModelFile>& model, Precision precision,
                                  int threads) {
  EngineOptions options;
  options.precision = precision;
  options.threads = threads;
  return cpu_backend()->pose_encoder(model, model->info().config.get<ReenactorConfig>(), options);
}

/// Sample `index` of [N, 1, 3, S, S] with channels innermost.
std::vector<float> channels_last(const std::vector<float>& planes, int index, int size) {
  const std::size_t area = static_cast<std::size_t>(size) * size;
  std::vector<float> result(area * 3);
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < area; ++i) result[i * 3 + c] = planes[(index * 3 + c) * area + i];
  }
  return result;
}

TEST(CpuPoseEncoder, GivesTheAuthorsEmbedding) {
  REENACT_SHARED_FILE(path, "parity/pose_encoder_mobilenetv2.safetensors");
  const SafetensorsFile file(path);
  const auto model = parity_model(file);
  const std::vector<float> pictures = file.at("in.pose_input_rgbs").to_floats(),
                           wanted = file.at("eval.pose_embedding").to_floats();
  float largest = 0;
  for (float value : wanted) largest = std::max(largest, std::abs(value));
  for (Precision precision : {Precision::fp32, Precision::bf16}) {
    if (precision == Precision::bf16 && !cpu::has_arithmetic(cpu::Arithmetic::bf16)) continue;
    std::vector<std::vector<float>> of_threads;
    for (int threads : {1, 2}) {
      const auto encoder = load(model, precision, threads);
      auto& network = dynamic_cast<cpu::PoseEncoder&>(*encoder);
      for (int sample = 0; sample < 2; ++sample) {
        std::vector<float> pose(256);
        network.encode_floats(channels_last(pictures, sample, 96), pose);
        const double tolerance = precision == Precision::fp32 ? 1e-5 : 0.05;
        for (int i = 0; i < 256; ++i) {
          ASSERT_NEAR(pose[i], wanted[sample * 256 + i], tolerance + tolerance * largest)
              << to_string(precision);
        }
        of_threads.push_back(pose);
      }
    }
    EXPECT_EQ(of_threads[0], of_threads[2]) << "depends on threads";
  }
}

/// Heads of the shipped reenactor, as various as other people's poses make them, on grey.
std::vector<cv::Mat> drawn_heads(const std::string& model, int count) {
  EngineOptions options;
  options.device = "cpu";
  options.precision = Precision::fp32;
  const auto generator = load_generator(model, options);
  generator->set_identity(load_identity(find_model("identities/alex.safetensors")));
  const ModelFile track(find_model("poses-live.safetensors"), ModelKind::pose_track);
  const std::vector<float> poses = track.file().at("poses").to_floats();
  const std::size_t size = 256, step = poses.size() / size / count;
  std::vector<cv::Mat> heads;
  for (int i = 0; i < count; ++i) {
    const cv::Mat rgba =
        generator->generate(std::span(poses).subspan(i * step * size, size), AlphaMode::premultiplied);
    cv::Mat head(rgba.size(), CV_8UC3);
    for (int y = 0; y < rgba.rows; ++y) {
      for (int x = 0; x < rgba.cols; ++x) {
        const auto& pixel = rgba.at<cv::Vec4b>(y, x);
        for (int c = 0; c < 3; ++c)
          head.at<cv::Vec3b>(y, x)[c] = cv::saturate_cast<uchar>(pixel[c] + (255 - pixel[3]) / 2);
      }
    }
    heads.push_back(head);
  }
  return heads;
}

// Of the shipped network, since ranges come from the statistics it was trained with.
TEST(CpuPoseEncoder, TellsHeadsApartInInt8) {
  std::string path;
  try {
    path = find_model("reenactor.safetensors");
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  const auto model = std::make_shared<const ModelFile>(path, ModelKind::reenactor);
  const auto config = model->info().config.get<ReenactorConfig>();
  EngineOptions int8;
  int8.precision = Precision::int8;
  if (!cpu_backend()->supports(NetworkKind::pose_encoder, *model, config, int8))
    GTEST_SKIP() << "no int8 here";
  constexpr int count = 16;
  const std::vector<cv::Mat> heads = drawn_heads(path, count);
  const auto encoded = [&](Precision precision, int threads) {
    EngineOptions options;
    options.precision = precision;
    options.threads = threads;
    const auto encoder = cpu_backend()->pose_encoder(model, config, options);
    EXPECT_TRUE(encoder->active_engine().starts_with("onednn " + to_string(precision)));
    cv::Mat poses(count, config.pose_embedding_size, CV_32F);
    for (int i = 0; i < count; ++i)
      encoder->encode(heads[i], std::span(poses.ptr<float>(i), static_cast<std::size_t>(poses.cols)));
    return poses;
  };
  const cv::Mat exact = encoded(Precision::fp32, 2), rounded = encoded(Precision::int8, 2);
  cv::Mat mean;
  cv::reduce(exact, mean, 0, cv::REDUCE_AVG);
  const double various = cv::norm(exact, cv::repeat(mean, count, 1));
  EXPECT_LT(cv::norm(exact, rounded), 0.05 * various);
  EXPECT_EQ(cv::norm(rounded, encoded(Precision::int8, 1), cv::NORM_INF), 0) << "depends on threads";
}

TEST(CpuPoseEncoder, TakesPicturesOfAnySize) {
  REENACT_SHARED_FILE(path, "parity/pose_encoder_mobilenetv2.safetensors");
  const SafetensorsFile file(path);
  const auto encoder = load(parity_model(file), Precision::fp32, 1);
  EXPECT_EQ(encoder->image_size(), 256);
  // One colour stays itself whatever the scaling.
  std::vector<float> small(256), large(256);
  encoder->encode(cv::Mat(96, 96, CV_8UC3, cv::Scalar(200, 100, 50)), small);
  encoder->encode(cv::Mat(256, 256, CV_8UC3, cv::Scalar(200, 100, 50)), large);
  EXPECT_EQ(small, large);
  std::vector<float> wrong(7);
  EXPECT_THROW(encoder->encode(cv::Mat(96, 96, CV_8UC3), wrong), Error);
  EXPECT_THROW(encoder->encode(cv::Mat(96, 96, CV_8UC1), small), Error);
}

}  // namespace
}  // namespace reenact::test
