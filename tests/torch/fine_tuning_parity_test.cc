// SPDX-License-Identifier: LGPL-2.1-or-later
// Whole fine-tuning iterations against the authors' training loop: losses, scores, weights and running
// averages after.
#include <gtest/gtest.h>

#include "small_networks.h"
#include "support/parity_file.h"
#include "support/shared_data.h"
#include "training/personalise/fine_tuner.h"

namespace reenact::training {
namespace {

using test::as_our_names;
using test::is_close;
using test::ParityFile;

struct Tolerance {
  double absolute, relative;
};

class FineTuningParity : public testing::Test {
 protected:
  void SetUp() override {
    REENACT_SHARED_FILE(criteria, "parity/criteria.safetensors");
    REENACT_SHARED_FILE(trainmode, "parity/finetune_steps_trainmode.safetensors");
    REENACT_SHARED_FILE(evalmode, "parity/finetune_step_evalmode.safetensors");
    train_ = std::make_unique<ParityFile>(trainmode);
    eval_ = std::make_unique<ParityFile>(evalmode);

    auto config = test::small_discriminator_config();
    config.num_labels = 1;
    config.embedding_eps = 1e-12;
    ReenactorConfig pose;
    pose.pose_embedding_size = 16;
    pose.pose_encoder_width = 0.25;
    networks_.pose_encoder = PoseEncoderNetwork(pose, /*dropout=*/0.0);
    networks_.person = PersonalGenerator(test::small_generator_config());
    networks_.discriminator = Discriminator(config).ptr();
    test::load_state(*networks_.pose_encoder,
                     as_our_names("embedder", train_->with_prefix("before.embedder.")));
    test::load_state(*networks_.person, person_names(train_->with_prefix("before.generator.")));
    test::load_state(*networks_.discriminator,
                     as_our_names("discriminator", train_->with_prefix("before.discriminator.")));
    load_perceptual(ParityFile(criteria));
  }

  /// Names within PersonalGenerator, which has the generator one level down.
  static std::map<std::string, torch::Tensor> person_names(
      const std::map<std::string, torch::Tensor>& tensors) {
    std::map<std::string, torch::Tensor> renamed;
    for (const auto& [name, tensor] : as_our_names("generator", tensors))
      renamed[name == "identity_embedding" ? name : "gen." + name] = tensor;
    return renamed;
  }

  void load_perceptual(const ParityFile& criteria) {
    const auto load = [&](VggLayout layout, const std::string& prefix) {
      VggFeatures network(layout, 4);
      std::map<std::string, torch::Tensor> state;
      for (const auto& [name, tensor] : criteria.with_prefix(prefix))
        if (std::stoi(name) <= 28) state["features." + name] = tensor;
      test::load_state(*network, state);
      return network;
    };
    networks_.perceptual.vgg19 = load(VggLayout::vgg19, "state.vgg19_small.features.");
    networks_.perceptual.vgg_face = load(VggLayout::vgg_face, "state.vgg16_small.");
  }

  static FineTuningBatch batch(const ParityFile& file, int step) {
    const auto prefix = "step" + std::to_string(step) + ".in.";
    return {file.at(prefix + "pose_input_rgbs").select(1, 0),
            file.at(prefix + "target_rgbs").select(1, 0),
            file.at("in.real_segm").select(1, 0).narrow(1, 0, 1),
            {}};
  }

  static void expect_step(const FineTuningStep& step, const ParityFile& file, int number,
                          Tolerance tolerance) {
    const auto prefix = "step" + std::to_string(number) + ".";
    const std::pair<const char*, const char*> losses[] = {{"perceptual", "VGG"},
                                                          {"face_identity", "VGGFace"},
                                                          {"adversarial", "adversarial_G"},
                                                          {"discriminator", "adversarial_D"},
                                                          {"feature_matching", "feature_matching"},
                                                          {"dice", "segmentation_dice"}};
    ASSERT_EQ(step.losses.size(), std::size(losses));
    for (const auto& [ours, theirs] : losses) {
      const auto expected = file.at(prefix + "loss." + theirs);
      EXPECT_TRUE(is_close(torch::tensor(step.losses.at(ours), torch::kDouble), expected, tolerance.absolute,
                           tolerance.relative))
          << prefix << theirs;
    }
    const auto expect = [&](const torch::Tensor& actual, const std::string& name) {
      EXPECT_TRUE(is_close(actual, file.at(prefix + name), tolerance.absolute, tolerance.relative))
          << prefix + name;
    };
    expect(step.fake_score_generator, "fake_score_G");
    expect(step.fake_score_discriminator, "fake_score_D");
    expect(step.real_score, "real_score");
  }

  /// Every tensor that the file has after so many steps.
  void expect_weights(FineTuner& tuner, const ParityFile& file, const std::string& prefix,
                      Tolerance tolerance) {
    std::size_t compared = 0;
    const auto compare = [&](const std::map<std::string, torch::Tensor>& actual,
                             const std::map<std::string, torch::Tensor>& expected) {
      for (const auto& [name, tensor] : expected) {
        ASSERT_TRUE(actual.count(name)) << name;
        EXPECT_TRUE(is_close(actual.at(name), tensor, tolerance.absolute, tolerance.relative))
            << prefix << name;
        ++compared;
      }
    };
    compare(test::state_of(*networks_.person), person_names(file.with_prefix(prefix + "generator.")));
    compare(test::state_of(*networks_.discriminator),
            as_our_names("discriminator", file.with_prefix(prefix + "discriminator.")));
    compare(test::state_of(*networks_.pose_encoder),
            as_our_names("embedder", file.with_prefix(prefix + "embedder.")));
    const auto averages = person_names(file.with_prefix(prefix + "running_averages.generator."));
    ASSERT_EQ(averages.empty(), prefix == "after1." && &file == train_.get());
    compare(tuner.average().tensors(), averages);
    EXPECT_GT(compared, 50u);
  }

  FineTunedNetworks networks_;
  std::unique_ptr<ParityFile> train_, eval_;
};

TEST_F(FineTuningParity, SevenIterationsInTrainingMode) {
  FineTuner tuner(networks_, {});
  for (int number = 1; number <= 7; ++number) {
    const auto step = tuner.step(batch(*train_, number));
    if (number == 1) {
      EXPECT_TRUE(is_close(step.head.rgb, train_->at("step1.fake_rgbs"), 1e-4, 1e-4));
      EXPECT_TRUE(is_close(step.head.mask, train_->at("step1.fake_segm"), 1e-4, 1e-4));
      expect_step(step, *train_, 1, {0, 1e-4});
      expect_weights(tuner, *train_, "after1.", {1e-6, 1e-4});
    } else {
      expect_step(step, *train_, number, {2e-3, 1e-2});
    }
    EXPECT_TRUE(
        is_close(step.pose, train_->at("step" + std::to_string(number) + ".pose_embedding"), 2e-3, 0));
  }
  expect_weights(tuner, *train_, "after7.", {1e-5, 1e-3});
}

TEST_F(FineTuningParity, OneIterationInEvaluationMode) {
  FineTuningOptions options;
  options.networks_in_training_mode = false;
  FineTuner tuner(networks_, options);
  const auto step = tuner.step(batch(*eval_, 1));
  EXPECT_TRUE(is_close(step.pose, eval_->at("step1.pose_embedding"), 1e-5, 1e-5));
  EXPECT_TRUE(is_close(step.head.rgb, eval_->at("step1.fake_rgbs"), 1e-5, 1e-5));
  EXPECT_TRUE(is_close(step.head.mask, eval_->at("step1.fake_segm"), 1e-5, 1e-5));
  expect_step(step, *eval_, 1, {0, 1e-5});
  expect_weights(tuner, *eval_, "after1.", {1e-6, 1e-5});
}

TEST_F(FineTuningParity, TheSingleUpdateOfThePaperGivesTheSameWeights) {
  const auto run = [&](bool single_update) {
    SetUp();
    FineTuningOptions options;
    options.single_update = single_update;
    FineTuner tuner(networks_, options);
    for (int number = 1; number <= 2; ++number) tuner.step(batch(*train_, number));
    auto state = test::state_of(*networks_.person);
    for (const auto& [name, tensor] : test::state_of(*networks_.discriminator)) state["dis." + name] = tensor;
    return state;
  };
  const auto released = run(false), single = run(true);
  ASSERT_EQ(released.size(), single.size());
  for (const auto& [name, tensor] : released) EXPECT_TRUE(torch::equal(tensor, single.at(name))) << name;
}

TEST_F(FineTuningParity, ThePaperKeepsTheIdentityEmbedding) {
  const auto before = networks_.person->identity_embedding.detach().clone();
  FineTuningOptions options;
  options.train_identity_embedding = false;
  FineTuner fixed(networks_, options);
  fixed.step(batch(*train_, 1));
  EXPECT_TRUE(torch::equal(networks_.person->identity_embedding, before));
  EXPECT_TRUE(torch::equal(fixed.average().tensors().at("identity_embedding"), before));
  FineTuner trained(networks_, {});
  trained.step(batch(*train_, 1));
  EXPECT_FALSE(torch::equal(networks_.person->identity_embedding, before));
}

TEST_F(FineTuningParity, ALossThatIsNotFiniteLeavesTheWeights) {
  FineTuner tuner(networks_, {});
  auto bad = batch(*train_, 1);
  bad.target[0][0][0][0] = std::numeric_limits<float>::quiet_NaN();
  const auto before = networks_.person->named_parameters()["gen.const"].detach().clone();
  EXPECT_THROW(tuner.step(bad), std::runtime_error);
  EXPECT_TRUE(torch::equal(networks_.person->named_parameters()["gen.const"], before));
}

}  // namespace
}  // namespace reenact::training
