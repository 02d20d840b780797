// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <filesystem>

#include "training/losses/landmark_loss.h"
#include "training/losses/picture_loss.h"
#include "training/meta/meta_trainer.h"
#include "training/small_face_dataset.h"
#include "training/support/random_state.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

/// Tiny networks on drawn faces.
class MetaTraining : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    spdlog::set_level(spdlog::level::err);
    at::set_num_threads(1);
    root_ = fs::temp_directory_path() / ("reenact-meta-" + std::to_string(::getpid()));
    test::write_small_face_dataset(root_ / "data");
    dataset_ = std::make_unique<TalkingHeadDataset>(root_ / "data", 32, DatasetFilter{});
  }
  static void TearDownTestSuite() {
    dataset_.reset();
    fs::remove_all(root_);
  }

  static MetaConfig config(const std::string& source) {
    return read_meta_config(
        RunConfig({}, {"networks.preset=lite", "networks.image_size=32", "networks.pose_input_size=32",
                       "networks.num_channels=4", "networks.max_channels=8",
                       "networks.identity_embedding_size=8", "networks.pose_embedding_size=8",
                       "networks.projector_hidden=16", "networks.identity_encoder_width=0.25",
                       "networks.pose_encoder_width=0.25", "discriminator.num_blocks=4",
                       "augmentation.flip=true", "identity.frames=2", "identity.source=" + source,
                       "training.learning_rate=1e-3", "loss.l1=10", "loss.landmarks=5", "loss.cross=1"}));
  }

  static fs::path root_;
  static std::unique_ptr<TalkingHeadDataset> dataset_;
};
fs::path MetaTraining::root_;
std::unique_ptr<TalkingHeadDataset> MetaTraining::dataset_;

TEST_F(MetaTraining, MirroringLandmarksTwiceGivesThemBack) {
  const auto& order = mirrored_landmark_order();
  ASSERT_EQ(order.size(), 478u);
  for (int i = 0; i < 478; ++i) EXPECT_EQ(order[order[i]], i);
  // Outer eye corners and mouth corners change sides; the tip of the chin stays.
  EXPECT_EQ(order[33], 263);
  EXPECT_EQ(order[61], 291);
  EXPECT_EQ(order[152], 152);
}

TEST_F(MetaTraining, HeldOutFramesAreNeverDrawn) {
  const auto settings = config("table");
  const MetaSampler sampler(*dataset_, settings);
  EXPECT_EQ(sampler.label_count(), static_cast<int>(2 * dataset_->clips().size()));
  Random random(1);
  const auto batch = sampler.draw(6, random);
  EXPECT_EQ(batch.target.sizes(), (std::vector<std::int64_t>{6, 3, 32, 32}));
  EXPECT_EQ(batch.mask.sizes(), (std::vector<std::int64_t>{6, 1, 32, 32}));
  EXPECT_GE(batch.target.min().item<float>(), 0.f);
  EXPECT_LE(batch.target.max().item<float>(), 1.f);
  EXPECT_LT(batch.labels.max().item<std::int64_t>(), sampler.label_count());
}

TEST_F(MetaTraining, LearnsToDrawOneBatch) {
  for (const std::string source : {"table", "encoder"}) {
    auto settings = config(source);
    settings.steps = 60;
    settings.adversarial_from = 40;
    seed_everything(3);
    const MetaSampler sampler(*dataset_, settings);
    MetaTrainer trainer(settings, sampler.label_count());
    Random random(3);
    const auto batch = sampler.draw(4, random);
    const double first = trainer.step(batch, 0).at("l1");
    double last = 0;
    for (int step = 1; step < settings.steps; ++step) last = trainer.step(batch, step).at("l1");
    EXPECT_LT(last, 0.8 * first) << source;
  }
}

TEST_F(MetaTraining, ResumesBitByBit) {
  const auto settings = config("table");
  const MetaSampler sampler(*dataset_, settings);
  const auto losses = [&](MetaTrainer& trainer, Random& random, int from, int to) {
    std::vector<double> totals;
    for (int step = from; step < to; ++step)
      totals.push_back(trainer.step(sampler.draw(3, random), step).at("total"));
    return totals;
  };
  seed_everything(5);
  MetaTrainer straight(settings, sampler.label_count());
  Random random(5);
  losses(straight, random, 0, 3);
  Checkpoint checkpoint;
  straight.put(checkpoint);
  put_random_state(checkpoint);
  put_random_state(checkpoint, "sampler", random);
  checkpoint.save(root_ / "checkpoint.safetensors", ModelInfo{.kind = ModelKind::checkpoint});
  const auto expected = losses(straight, random, 3, 6);

  seed_everything(99);
  MetaTrainer resumed(settings, sampler.label_count());
  Random other(99);
  const auto loaded = Checkpoint::load(root_ / "checkpoint.safetensors");
  resumed.get(loaded);
  get_random_state(loaded);
  get_random_state(loaded, "sampler", other);
  EXPECT_EQ(losses(resumed, other, 3, 6), expected);
}

TEST_F(MetaTraining, GrowsByAnUpsamplingBlock) {
  auto small = config("table");
  const MetaSampler sampler(*dataset_, small);
  MetaTrainer trainer(small, sampler.label_count());
  Checkpoint checkpoint;
  trainer.put(checkpoint);
  checkpoint.save(root_ / "small.safetensors", ModelInfo{.kind = ModelKind::checkpoint});
  auto large = small;
  large.networks.image_size = large.discriminator.image_size = 64;
  large.networks.num_channels = 2;
  MetaTrainer grown(large, sampler.label_count());
  grown.start_from(Checkpoint::load(root_ / "small.safetensors"));
  const auto before = trainer.model(), after = grown.model();
  EXPECT_TRUE(torch::equal(before.at("gen.up2.conv1.weight"), after.at("gen.up2.conv1.weight")));
  const auto rows = before.at("gen.proj.fc2.weight").size(0);
  EXPECT_TRUE(
      torch::equal(before.at("gen.proj.fc2.weight"), after.at("gen.proj.fc2.weight").narrow(0, 0, rows)));
  EXPECT_GT(after.at("gen.proj.fc2.weight").size(0), rows);
}

TEST_F(MetaTraining, StandardisedPosesKeepTheLandmarks) {
  auto settings = config("table");
  settings.freeze_pose = true;
  settings.pose_deviation = 4;
  const MetaSampler sampler(*dataset_, settings);
  MetaTrainer trainer(settings, sampler.label_count());
  Random random(2);
  const auto batch = sampler.draw(16, random);
  const double before = trainer.landmark_error(batch);
  trainer.standardize_pose(batch);
  EXPECT_NEAR(trainer.landmark_error(batch), before, 1e-2);
}

TEST_F(MetaTraining, FacePartWeightsAverageToOne) {
  auto landmarks = torch::rand({2, 478, 2});
  const auto weights = face_part_weights(landmarks, torch::tensor({1.f, 0.f}), 16, 4.0);
  EXPECT_NEAR(weights[0].mean().item<double>(), 1, 1e-5);
  EXPECT_GT(weights[0].max().item<double>(), 1.1);
  EXPECT_TRUE(torch::allclose(weights[1], torch::ones({1, 16, 16})));
}

TEST_F(MetaTraining, LandmarkLossIgnoresSamplesWithoutLandmarks) {
  const auto wanted = torch::rand({2, 478, 2});
  auto predicted = wanted.clone();
  predicted[1] += 0.5;
  EXPECT_EQ(landmark_loss(predicted, wanted, torch::tensor({1.f, 0.f})).item<float>(), 0.f);
  // Every point off by 0.5 in both coordinates: the weighted mean is 0.5, halved by the batch.
  EXPECT_NEAR(landmark_loss(predicted, wanted, torch::tensor({1.f, 1.f})).item<float>(), 0.25f, 1e-5f);
}

}  // namespace
}  // namespace reenact::training
