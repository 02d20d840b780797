// SPDX-License-Identifier: LGPL-2.1-or-later
// The CPU backend's S3FD against values computed with the authors' dependency.
#include "cpu/detector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cpu/kernels/instruction_set.h"
#include "parity_model.h"
#include "reenact/backend.h"
#include "reenact/error.h"
#include "reenact/quantise.h"
#include "reenact/safetensors.h"
#include "support/shared_data.h"

namespace reenact::test {
namespace {

/// The published network with the parity data's procedural weights: `<name>` there is "s3fd.<name>" here.
FloatTensors s3fd_state(const SafetensorsFile& file) {
  const struct {
    const char* name;
    std::vector<std::int64_t> shape;
  } layers[] = {{"conv1_1", {64, 3, 3, 3}},
                {"conv1_2", {64, 64, 3, 3}},
                {"conv2_1", {128, 64, 3, 3}},
                {"conv2_2", {128, 128, 3, 3}},
                {"conv3_1", {256, 128, 3, 3}},
                {"conv3_2", {256, 256, 3, 3}},
                {"conv3_3", {256, 256, 3, 3}},
                {"conv4_1", {512, 256, 3, 3}},
                {"conv4_2", {512, 512, 3, 3}},
                {"conv4_3", {512, 512, 3, 3}},
                {"conv5_1", {512, 512, 3, 3}},
                {"conv5_2", {512, 512, 3, 3}},
                {"conv5_3", {512, 512, 3, 3}},
                {"fc6", {1024, 512, 3, 3}},
                {"fc7", {1024, 1024, 1, 1}},
                {"conv6_1", {256, 1024, 1, 1}},
                {"conv6_2", {512, 256, 3, 3}},
                {"conv7_1", {128, 512, 1, 1}},
                {"conv7_2", {256, 128, 3, 3}},
                {"conv3_3_norm_mbox_conf", {4, 256, 3, 3}},
                {"conv3_3_norm_mbox_loc", {4, 256, 3, 3}},
                {"conv4_3_norm_mbox_conf", {2, 512, 3, 3}},
                {"conv4_3_norm_mbox_loc", {4, 512, 3, 3}},
                {"conv5_3_norm_mbox_conf", {2, 512, 3, 3}},
                {"conv5_3_norm_mbox_loc", {4, 512, 3, 3}},
                {"fc7_mbox_conf", {2, 1024, 3, 3}},
                {"fc7_mbox_loc", {4, 1024, 3, 3}},
                {"conv6_2_mbox_conf", {2, 512, 3, 3}},
                {"conv6_2_mbox_loc", {4, 512, 3, 3}},
                {"conv7_2_mbox_conf", {2, 256, 3, 3}},
                {"conv7_2_mbox_loc", {4, 256, 3, 3}}};
  FloatTensors state;
  for (const auto& layer : layers) {
    const std::string name = std::string("s3fd.") + layer.name + ".weight";
    std::size_t count = 1;
    for (std::int64_t size : layer.shape) count *= size;
    const float bound = file.at(std::string("bound.") + layer.name + ".weight").to_floats()[0];
    std::vector<float> values = procedural_input(name, count, -1, 1);
    for (float& value : values) value *= bound;
    state[name] = {layer.shape, std::move(values)};
  }
  for (const auto& [name, view] : file.tensors()) {
    if (name.starts_with("state.")) state["s3fd." + name.substr(6)] = {view.shape, view.to_floats()};
  }
  return state;
}

std::unique_ptr<Detector> load(const std::shared_ptr<const ModelFile>& model, Precision precision,
                               int threads) {
  EngineOptions options;
  options.precision = precision;
  options.threads = threads;
  return cpu_backend()->detector(model, model->info().config.get<DetectorConfig>(), options);
}

TEST(CpuDetector, GivesTheAuthorsMaps) {
  REENACT_SHARED_FILE(path, "parity/proc_s3fd_full.safetensors");
  const SafetensorsFile file(path);
  const auto model = write_model("s3fd", ModelKind::detector, to_json(DetectorConfig{}), s3fd_state(file));
  constexpr int height = 96, width = 128, area = height * width;
  const std::vector<float> random = procedural_input("s3fd.input", 3 * area, 0, 1);
  const float means[] = {104, 117, 123};
  std::vector<float> input(3 * area);
  for (int c = 0; c < 3; ++c) {
    for (int i = 0; i < area; ++i) input[i * 3 + c] = std::floor(random[c * area + i] * 256) - means[c];
  }
  for (Precision precision : {Precision::fp32, Precision::bf16}) {
    if (precision == Precision::bf16 && !cpu::has_arithmetic(cpu::Arithmetic::bf16)) continue;
    const auto detector = load(model, precision, 2);
    const auto& scales = dynamic_cast<cpu::Detector&>(*detector).run(input, height, width);
    ASSERT_EQ(scales.size(), 6u);
    for (std::size_t i = 0; i < scales.size(); ++i) {
      for (bool scores : {true, false}) {
        const TensorView& view = file.at("out." + std::to_string(2 * i + (scores ? 0 : 1)));
        ASSERT_EQ(view.shape,
                  (std::vector<std::int64_t>{1, scores ? 2 : 4, scales[i].height, scales[i].width}));
        const std::vector<float> wanted = view.to_floats();
        float largest = 0;
        for (float value : wanted) largest = std::max(largest, std::abs(value));
        const double tolerance = precision == Precision::fp32 ? 1e-3 : 0.02 + 0.03 * largest;
        const float* found = scores ? scales[i].scores : scales[i].offsets;
        for (std::size_t k = 0; k < wanted.size(); ++k) {
          ASSERT_NEAR(found[k], wanted[k], tolerance)
              << to_string(precision) << " scale " << i << " value " << k;
        }
      }
    }
  }
}

TEST(CpuDetector, Int8FollowsTheMapsOfFloat) {
  REENACT_SHARED_FILE(path, "parity/proc_s3fd_full.safetensors");
  const auto plain = write_model("s3fd_plain", ModelKind::detector, to_json(DetectorConfig{}),
                                 s3fd_state(SafetensorsFile(path)));
  EXPECT_THROW(load(plain, Precision::int8, 1), Error) << "without ranges";
  cv::Mat picture(96, 128, CV_8UC3);
  cv::RNG(3).fill(picture, cv::RNG::UNIFORM, 0, 256);
  const DetectorCalibration ranges = calibrate_detector(plain, {&picture, 1}, 1);
  const auto calibrated_path = plain->path().parent_path() / "s3fd_calibrated.safetensors";
  write_ranges(calibrated_path, *plain, ranges);
  const auto model = std::make_shared<const ModelFile>(calibrated_path, ModelKind::detector);
  EngineOptions int8;
  int8.precision = Precision::int8;
  if (!cpu_backend()->supports(NetworkKind::detector, *model, DetectorConfig{}, int8))
    GTEST_SKIP() << "this CPU has no int8, or oneDNN is not version 2";
  EXPECT_EQ(load(model, Precision::automatic, 1)->active_engine(), cpu::engine_name(cpu::Arithmetic::int8));
  std::vector<float> input(picture.total() * 3);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(picture.data[i]) - 115.0f;
  const auto maps = [&](Precision precision, int threads) {
    const auto detector = load(model, precision, threads);
    std::vector<std::vector<float>> result;
    for (const S3fdScale& scale : dynamic_cast<cpu::Detector&>(*detector).run(input, 96, 128)) {
      const int cells = scale.width * scale.height;
      result.emplace_back(scale.scores, scale.scores + 2 * cells);
      result.emplace_back(scale.offsets, scale.offsets + 4 * cells);
    }
    return result;
  };
  const auto wanted = maps(Precision::fp32, 1), found = maps(Precision::int8, 1);
  EXPECT_EQ(found, maps(Precision::int8, 2)) << "the same for any number of threads";
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    double error = 0, power = 0;
    for (std::size_t k = 0; k < wanted[i].size(); ++k) {
      error += std::pow(static_cast<double>(found[i][k]) - wanted[i][k], 2);
      power += std::pow(static_cast<double>(wanted[i][k]), 2);
    }
    EXPECT_LE(std::sqrt(error / power), 0.1) << "map " << i;
  }
  // Of odd sizes some maps have no whole tiles.
  const auto detector = load(model, Precision::int8, 2);
  for (cv::Size size : {cv::Size(130, 98), cv::Size(101, 70), cv::Size(250, 190)})
    EXPECT_NO_THROW(detector->detect(cv::Mat(size, CV_8UC3, cv::Scalar(90, 120, 30)), 0.5f, 0.3f)) << size;
}

TEST(CpuDetector, TakesPicturesOfAnySize) {
  REENACT_SHARED_FILE(path, "parity/proc_s3fd_full.safetensors");
  const SafetensorsFile file(path);
  const auto model = write_model("s3fd", ModelKind::detector, to_json(DetectorConfig{}), s3fd_state(file));
  const auto detector = load(model, Precision::fp32, 1);
  for (cv::Size size : {cv::Size(1, 1), cv::Size(33, 67), cv::Size(100, 35)}) {
    EXPECT_NO_THROW(detector->detect(cv::Mat(size, CV_8UC3, cv::Scalar(90, 120, 30)), 0.5f, 0.3f)) << size;
  }
  EXPECT_THROW(detector->detect(cv::Mat(), 0.5f, 0.3f), Error);
  EXPECT_THROW(detector->detect(cv::Mat(40, 40, CV_8UC1), 0.5f, 0.3f), Error);
}

}  // namespace
}  // namespace reenact::test
