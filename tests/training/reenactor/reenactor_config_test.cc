// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/reenactor/reenactor_config.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "reenact/error.h"
#include "support/errors.h"
#include "training/learning/precision.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

TEST(TrainingPrecision, HasThreeNames) {
  const auto read = [](const std::string& name) {
    return read_reenactor_training_config(RunConfig({}, {"training.precision=" + name}));
  };
  EXPECT_EQ(read("float32").training.precision, torch::kFloat);
  EXPECT_EQ(read("bfloat16").training.precision, torch::kBFloat16);
  EXPECT_EQ(read("bfloat16").training.loss_scale, 0);
  EXPECT_EQ(read("float16").training.precision, torch::kHalf);
  EXPECT_EQ(read("float16").training.loss_scale, 65536);
  test::expect_error([&] { read("double"); }, ErrorCode::invalid,
                     {"training.precision", "double", "bfloat16"});
  test::expect_error([] { check_precision(torch::kHalf, torch::kCPU); }, ErrorCode::unsupported,
                     {"float16", "wants a GPU"});
  check_precision(torch::kHalf, torch::kCUDA);
  check_precision(torch::kBFloat16, torch::kCPU);
}

TEST(TrainingPrecision, IsBfloat16WhereTheCpuMultipliesInIt) {
  std::ifstream cpu("/proc/cpuinfo");
  const std::string text{std::istreambuf_iterator<char>(cpu), {}};
  const bool native = text.find(" avx512_bf16") != std::string::npos;
  EXPECT_EQ(native_precision(torch::kCPU), native ? torch::kBFloat16 : torch::kFloat);
  EXPECT_EQ(native_precision(torch::kCUDA), torch::kFloat);
}

TEST(AblationConfigs, AreReadAndChangeWhatTheyName) {
  const fs::path folder = fs::path(REENACT_SOURCE) / "training/configs";
  const auto read = [&](const std::string& name) {
    const RunConfig file(folder / name);
    const auto result = read_reenactor_training_config(file);
    file.refuse_unknown_keys();
    return result;
  };
  int count = 0;
  for (const auto& entry : fs::directory_iterator(folder / "ablation")) {
    const auto settings = read("ablation/" + entry.path().filename().string());
    EXPECT_EQ(settings.run.steps, 1'200'000) << entry.path() << " builds upon the paper's";
    EXPECT_EQ(settings.networks.image_size, 256);
    ++count;
  }
  EXPECT_EQ(count, 8);
  const auto paper = read("meta-paper.toml");
  EXPECT_TRUE(paper.training.segmentation && paper.augmentation.pixelwise &&
              paper.networks.pose_encoder == "mobilenet_v2");
  EXPECT_EQ(read("ablation/minus-posedim.toml").networks.pose_embedding_size, 64);
  EXPECT_FALSE(read("ablation/minus-augm.toml").augmentation.pixelwise);
  EXPECT_FALSE(read("ablation/minus-segm.toml").training.segmentation);
  EXPECT_EQ(read("ablation/plus-poseenc.toml").networks.pose_encoder, "resnext50_32x4d");
  const auto both = read("ablation/plus-poseenc-minus-segm.toml");
  EXPECT_TRUE(!both.training.segmentation && both.networks.pose_encoder == "resnext50_32x4d" &&
              both.augmentation.pixelwise);
  EXPECT_EQ(read("ablation/plus-poseenc-minus-augm.toml").augmentation.affine_scale, 0);
  EXPECT_EQ(read("ablation/x2face-minus-augm.toml").networks.pose_embedding_size, 128);
  EXPECT_TRUE(read("ablation/fabnet-minus-augm.toml").training.freeze_pose);
}

/// Reads the configurations of a reenactor's parts in their order.
void expect_chain(const std::vector<std::string>& names, const std::string& preset) {
  const fs::path folder = fs::path(REENACT_SOURCE) / "training/configs";
  std::string before;
  std::int64_t steps = 0;
  for (const auto& name : names) {
    const RunConfig file(folder / (name + ".toml"));
    const auto settings = read_reenactor_training_config(file);
    file.refuse_unknown_keys();
    EXPECT_EQ(settings.networks.preset, preset) << name;
    EXPECT_EQ(settings.networks.pose_image_size(), reenactor_preset(preset).pose_image_size()) << name;
    if (!before.empty()) {
      char wanted[96];
      std::snprintf(wanted, sizeof wanted, "runs/%s/checkpoints/checkpoint-%09d.safetensors", before.c_str(),
                    static_cast<int>(steps));
      EXPECT_EQ(settings.training.start_from.empty() ? settings.training.start_pose_from
                                                     : settings.training.start_from,
                wanted)
          << name;
    }
    before = name;
    steps = settings.run.steps;
  }
}

TEST(LiteConfigs, EachStartsFromTheLastCheckpointOfTheOneBefore) {
  expect_chain({"meta-lite-pose", "meta-lite-64", "meta-lite-128", "meta-lite-fit"}, "lite");
}

TEST(LiveConfigs, EachStartsFromTheLastCheckpointOfTheOneBefore) {
  expect_chain({"meta-live-pose", "meta-live", "meta-live-finish", "meta-live-fit"}, "live");
}

TEST(LiveConfigs, AllTrainThePresetAsItIs) {
  const fs::path folder = fs::path(REENACT_SOURCE) / "training/configs";
  for (const char* name : {"meta-live-pose", "meta-live", "meta-live-finish", "meta-live-fit"})
    EXPECT_EQ(read_reenactor_training_config(RunConfig(folder / (std::string(name) + ".toml"))).networks,
              reenactor_preset("live"))
        << name;
}

}  // namespace
}  // namespace reenact::training
