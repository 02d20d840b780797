// SPDX-License-Identifier: LGPL-2.1-or-later
// The configurations of the compared systems and of Table 2, and a few steps of each on drawn faces.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "reenact/safetensors.h"
#include "support/errors.h"
#include "support/small_face_dataset.h"
#include "support/temporary_folder.h"
#include "torch/load_weights.h"
#include "training/compared/loss_curriculum.h"
#include "training/compared/warping_trainer.h"
#include "training/data/clips_in_memory.h"
#include "training/data/descriptor_file.h"
#include "training/data/frame_descriptors.h"
#include "training/reenactor/reenactor_sampler.h"
#include "training/reenactor/reenactor_trainer.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

const fs::path configs = fs::path(REENACT_SOURCE) / "training/configs";

/// Small enough for a few steps.
const std::vector<std::string> tiny = {"networks.image_size=32",
                                       "networks.pose_input_size=32",
                                       "networks.num_channels=4",
                                       "networks.max_channels=8",
                                       "networks.identity_embedding_size=8",
                                       "networks.identity_encoder_width=0.25",
                                       "networks.pose_encoder_width=0.25",
                                       "discriminator.num_blocks=4",
                                       "identity.frames=2",
                                       "training.batch_size=2",
                                       "training.unit_gain=true"};

ReenactorTrainingConfig read(const std::string& name, const std::vector<std::string>& overrides = {}) {
  const RunConfig file(configs / name, overrides);
  const auto config = read_reenactor_training_config(file);
  file.refuse_unknown_keys();
  return config;
}

class ComparedTraining : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<test::TemporaryFolder>();
    test::write_small_face_dataset(*folder_ / "data");
  }
  static void TearDownTestSuite() { folder_.reset(); }
  static fs::path path(const std::string& name) { return *folder_ / name; }

  template <typename Trainer>
  static std::unique_ptr<Trainer> warper_trainer(const std::string& name,
                                                 WarpingTrainingConfig (*read)(const RunConfig&),
                                                 const std::vector<std::string>& more = {}) {
    std::vector<std::string> overrides = {"network.image_size=32", "network.width=0.125",
                                          "network.code_size=6",   "training.batch_size=2",
                                          "data.stored_size=64",   "data.folder=" + path("data").string()};
    overrides.insert(overrides.end(), more.begin(), more.end());
    const RunConfig file(configs / "compared" / name, overrides);
    const auto config = read(file);
    file.refuse_unknown_keys();
    return std::make_unique<Trainer>(config, 1);
  }

  static std::unique_ptr<test::TemporaryFolder> folder_;
};
std::unique_ptr<test::TemporaryFolder> ComparedTraining::folder_;

TEST_F(ComparedTraining, WarpersLearnToDrawAFrameByAnother) {
  const auto trainer =
      warper_trainer<X2FaceTrainer>("x2face.toml", read_x2face_config, {"training.momentum=0"});
  double first = 0, last = 0;
  for (int step = 0; step < 30; ++step) {
    const auto figures = trainer->draw(step)();
    if (step < 5) first += figures.at("total");
    if (step >= 25) last += figures.at("total");
  }
  EXPECT_LT(last, first);
  EXPECT_GT(trainer->validate().at("stranger_l1"), 0);
  EXPECT_FALSE(trainer->sheet().empty());
  ModelInfo info;
  info.kind = trainer->kind();
  info.config = trainer->network_config();
  trainer->write(path("warper.safetensors"), info);
  const ModelFile model(path("warper.safetensors"), ModelKind::warper);
  X2Face network(model.info().config.get<WarperConfig>());
  EXPECT_NO_THROW(load_weights(*network, model, ""));
}

TEST_F(ComparedTraining, FabNetsFileIsAPoseEncoder) {
  const auto trainer = warper_trainer<FabNetTrainer>("fabnet.toml", read_fabnet_config);
  for (int step = 0; step < 2; ++step) trainer->draw(step)();
  trainer->validate();
  ModelInfo info;
  info.kind = trainer->kind();
  info.config = trainer->network_config();
  trainer->write(path("fabnet.safetensors"), info);
  const ModelFile model(path("fabnet.safetensors"), ModelKind::reenactor);
  const auto config = model.info().config.get<ReenactorConfig>();
  EXPECT_EQ(config.pose_encoder, "fabnet");
  EXPECT_NO_THROW(load_weights(*PoseEncoderNetwork(config), model, "pose."));
}

TEST_F(ComparedTraining, WithMoreViewsFabNetsFlowStays) {
  const auto trainer =
      warper_trainer<FabNetTrainer>("fabnet.toml", read_fabnet_config, {"training.sources=3"});
  Checkpoint checkpoint;
  trainer->save_to(checkpoint);
  const auto flow = checkpoint.get("network.flow.conv0.weight").clone(),
             mask = checkpoint.get("network.mask.conv0.weight").clone();
  trainer->draw(0)();
  EXPECT_TRUE(torch::equal(checkpoint.get("network.flow.conv0.weight"), flow));
  EXPECT_FALSE(torch::equal(checkpoint.get("network.mask.conv0.weight"), mask));
}

TEST(LossCurriculum, CountsTheEasierHalfAndGoesOnWhereNothingImproves) {
  LossCurriculum curriculum(1);
  const auto losses = torch::tensor({4.0, 1.0, 3.0, 2.0});
  EXPECT_DOUBLE_EQ(curriculum.mean_of(losses).item<double>(), 1.5);
  curriculum.validated(1);
  for (int i = 0; i < 2; ++i) curriculum.validated(1);
  EXPECT_NEAR(curriculum.upper(), 0.6, 1e-9);
  for (int i = 0; i < 6; ++i) curriculum.validated(2);
  EXPECT_NEAR(curriculum.upper(), 0.9, 1e-9);
  EXPECT_EQ(curriculum.rate_share(), 1);
  for (int i = 0; i < 2; ++i) curriculum.validated(2);
  EXPECT_NEAR(curriculum.rate_share(), 0.1, 1e-9);
  LossCurriculum other(1);
  other.set_state(curriculum.state());
  EXPECT_EQ(other.upper(), curriculum.upper());
  EXPECT_EQ(other.rate_share(), curriculum.rate_share());
}

TEST_F(ComparedTraining, EverySystemLearnsFromItsOwnPoses) {
  // Encoders of X2Face+ and FAb-Net+, and descriptors of 3DMM+.
  for (const std::string name : {"x2face", "fabnet"}) {
    ReenactorConfig config;
    config.pose_encoder = name;
    config.pose_embedding_size = name == "x2face" ? 128 : 256;
    config.pose_input_size = 32;
    config.pose_encoder_width = 0.25;
    ModelInfo info;
    info.config = to_json(config);
    write_model(path(name + "-encoder.safetensors"), info, weights_of(*PoseEncoderNetwork(config), "pose."));
  }
  DescriptorFile descriptors;
  for (const std::string clip : {"c0", "still-0000", "still-0001"})
    for (std::size_t i = 0; i < (clip == "c0" ? 12 : 1); ++i)
      descriptors.vectors[frame_name(clip, i)] = std::vector<float>(33, 0.1f * static_cast<float>(i));
  write_descriptor_file(path("descriptors.safetensors"), descriptors, {});

  for (const std::string name : {"x2face-plus", "fabnet-plus", "fsth", "fsth-plus", "3dmm-plus"}) {
    SCOPED_TRACE(name);
    auto overrides = tiny;
    overrides.push_back("data.folder=" + path("data").string());
    const bool foreign = name == "x2face-plus" || name == "fabnet-plus";
    if (foreign)
      overrides.push_back("training.start_pose_from=" +
                          path(name.substr(0, name.find('-')) + "-encoder.safetensors").string());
    if (name == "3dmm-plus")
      overrides.push_back("data.descriptors=" + path("descriptors.safetensors").string());
    const auto config = read("compared/" + name + ".toml", overrides);
    ClipsInMemory clips(config.data.folder, config.networks.image_size, {"train", true, true, 1});
    const ReenactorSampler sampler(clips, config);
    torch::manual_seed(3);
    ReenactorTrainer trainer(config, sampler.label_count());
    if (foreign) trainer.start_pose_from(config.training.start_pose_from);
    auto before = trainer.model();
    for (auto& [tensor_name, tensor] : before) tensor = tensor.clone();
    Random random(4);
    for (int step = 0; step < 2; ++step) {
      const auto losses = trainer.step(sampler.draw(config.training.batch_size, random), step);
      EXPECT_TRUE(losses.count("adversarial") && losses.count("features") && losses.count("embedding"));
      EXPECT_EQ(losses.count("dice"), name == "fsth" ? 0u : 1u);
    }
    const auto after = trainer.model();
    int moved = 0;
    for (const auto& [tensor_name, tensor] : after) {
      const bool same = torch::equal(tensor, before.at(tensor_name));
      EXPECT_TRUE(same || !foreign || !tensor_name.starts_with("pose.")) << tensor_name;
      moved += !same;
    }
    EXPECT_GT(moved, 10);
    const auto held_out = sampler.held_out(2);
    EXPECT_GT(trainer.validate(held_out).at("held_out_l1"), 0);
    EXPECT_FALSE(trainer.sheet(held_out, trainer.identities(held_out)).empty());
  }
}

TEST_F(ComparedTraining, TakesX2FacesEncoderFromAWarper) {
  const WarperConfig warper{.image_size = 32, .width = 0.25, .code_size = 128};
  ModelInfo info;
  info.kind = ModelKind::warper;
  info.config = to_json(warper);
  const auto weights = weights_of(*X2Face(warper), "");
  write_model(path("whole.safetensors"), info, weights);
  auto overrides = tiny;
  overrides.push_back("training.start_pose_from=" + path("whole.safetensors").string());
  const auto config = read("compared/x2face-plus.toml", overrides);
  ReenactorTrainer trainer(config, 1);
  trainer.start_pose_from(config.training.start_pose_from);
  EXPECT_TRUE(
      torch::equal(trainer.model().at("pose.down0.conv.weight"), weights.at("x2drive.down0.conv.weight")));
  const auto other = read("compared/fabnet-plus.toml", overrides);
  ReenactorTrainer wrong(other, 1);
  test::expect_error([&] { wrong.start_pose_from(other.training.start_pose_from); }, ErrorCode::wrong_kind,
                     {"warper", "fabnet"});
}

TEST(ComparedConfigs, DifferFromThePapersByWhatTheySay) {
  const auto paper = read("meta-paper.toml");
  const auto same_but = [&](ReenactorTrainingConfig config, const auto& undo) {
    undo(config);
    EXPECT_EQ(config.networks, paper.networks);
    EXPECT_EQ(config.augmentation.pixelwise, paper.augmentation.pixelwise);
    EXPECT_EQ(config.augmentation.affine_scale, paper.augmentation.affine_scale);
    EXPECT_EQ(config.augmentation.shift, paper.augmentation.shift);
    EXPECT_EQ(config.loss.dice, paper.loss.dice);
    EXPECT_EQ(config.loss.feature_matching, paper.loss.feature_matching);
    EXPECT_EQ(config.training.segmentation, paper.training.segmentation);
    EXPECT_EQ(config.training.batch_size, paper.training.batch_size);
    EXPECT_EQ(config.run.steps, paper.run.steps);
    EXPECT_EQ(config.identity.frames, paper.identity.frames);
  };
  const auto foreign = [&](ReenactorTrainingConfig& config) {
    EXPECT_TRUE(config.training.freeze_pose);
    config.networks.pose_encoder = "mobilenet_v2";
    config.networks.pose_embedding_size = 256;
    config.augmentation.shift = paper.augmentation.shift;
  };
  const auto augmented = [&](ReenactorTrainingConfig& config) {
    EXPECT_FALSE(config.augmentation.pixelwise);
    EXPECT_EQ(config.augmentation.affine_scale, 0);
    config.augmentation.pixelwise = true;
    config.augmentation.affine_scale = paper.augmentation.affine_scale;
  };
  EXPECT_EQ(read("compared/x2face-plus.toml").networks.hidden_size(), 640);
  EXPECT_EQ(read("compared/fabnet-plus.toml").networks.hidden_size(), 768);
  EXPECT_EQ(read("compared/3dmm-plus.toml").networks.hidden_size(), 545);
  same_but(read("compared/x2face-plus.toml"), foreign);
  same_but(read("compared/fabnet-plus.toml"), foreign);
  for (const char* name : {"ablation/x2face-minus-augm.toml", "ablation/fabnet-minus-augm.toml"})
    same_but(read(name), [&](ReenactorTrainingConfig& config) {
      augmented(config);
      foreign(config);
    });
  same_but(read("compared/fsth-plus.toml"), [&](ReenactorTrainingConfig& config) {
    augmented(config);
    EXPECT_EQ(config.augmentation.shift, 0);
    config.augmentation.shift = paper.augmentation.shift;
    config.networks = paper.networks;
  });
  same_but(read("ablation/minus-augm.toml"), augmented);
  same_but(read("ablation/minus-posedim.toml"),
           [](ReenactorTrainingConfig& config) { config.networks.pose_embedding_size = 256; });
  const auto strong = [](ReenactorTrainingConfig& config) {
    EXPECT_EQ(config.networks.pose_encoder, "resnext50_32x4d");
    config.networks.pose_encoder = "mobilenet_v2";
  };
  const auto unmasked = [&](ReenactorTrainingConfig& config) {
    EXPECT_FALSE(config.training.segmentation);
    config.training.segmentation = true;
    config.loss.dice = paper.loss.dice;
  };
  same_but(read("ablation/plus-poseenc.toml"), strong);
  same_but(read("ablation/minus-segm.toml"), unmasked);
  same_but(read("ablation/plus-poseenc-minus-augm.toml"), [&](ReenactorTrainingConfig& config) {
    strong(config);
    augmented(config);
  });
  same_but(read("ablation/plus-poseenc-minus-segm.toml"), [&](ReenactorTrainingConfig& config) {
    strong(config);
    unmasked(config);
  });
}

TEST(ComparedConfigs, RefuseWhatDoesNotGoTogether) {
  const auto refused = [](const std::string& name, const std::string& override,
                          std::initializer_list<std::string> parts) {
    test::expect_error([&] { read(name, {override}); }, ErrorCode::invalid, parts);
  };
  refused("compared/fsth.toml", "training.segmentation=true", {"training.segmentation", "draws no mask"});
  refused("compared/fsth-plus.toml", "augmentation.flip=true", {"augmentation.flip", "keypoints68"});
  refused("compared/fsth-plus.toml", "networks.pose_embedding_size=64", {"pose_embedding_size", "136"});
  refused("compared/x2face-plus.toml", "training.start_pose_from=", {"training.start_pose_from is missing"});
  refused("compared/x2face-plus.toml", "loss.landmarks=1", {"loss.landmarks", "x2face"});
  refused("compared/x2face-plus.toml", "networks.pose_input_size=200", {"power of two"});
  refused("meta-paper.toml", "networks.pose_source=stickman", {"pose_encoder"});
}

}  // namespace
}  // namespace reenact::training
