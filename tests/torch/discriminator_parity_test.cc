// SPDX-License-Identifier: LGPL-2.1-or-later
// The projection discriminator, its passes within one training step, and its losses against the authors'
// code.
#include <gtest/gtest.h>

#include "small_networks.h"
#include "support/parity_file.h"
#include "support/shared_data.h"
#include "torch/networks/discriminator.h"
#include "training/learning/adversarial.h"

namespace reenact::test {
namespace {

constexpr double tolerance = 1e-5, gradient_relative = 1e-4;

/// The passes of one training step, in the authors' order.
struct Passes {
  Passes(Discriminator& discriminator, const torch::Tensor& fake, const torch::Tensor& real,
         const torch::Tensor& label)
      : rows(discriminator->embed(label)),
        generator_side(discriminator->forward(fake, rows)),
        fake_side(discriminator->forward(fake.detach(), rows.detach())),
        real_side(discriminator->forward(real, rows)) {}
  torch::Tensor rows;
  DiscriminatorOutput generator_side, fake_side, real_side;
};

void expect_outputs(const Passes& passes, const ParityFile& file, const std::string& mode) {
  const auto expect = [&](const torch::Tensor& actual, const std::string& name) {
    EXPECT_TRUE(is_close(actual, file.at(mode + name), tolerance, tolerance)) << mode + name;
  };
  expect(passes.rows, "real_embedding");
  expect(passes.generator_side.score, "fake_score_G");
  expect(passes.fake_side.score, "fake_score_D");
  expect(passes.real_side.score, "real_score");
  ASSERT_EQ(passes.generator_side.features.size(), 7u);
  ASSERT_EQ(passes.real_side.features.size(), 7u);
  for (int i = 0; i < 7; ++i) {
    expect(passes.generator_side.features[i], "fake_features." + std::to_string(i));
    expect(passes.real_side.features[i], "real_features." + std::to_string(i));
  }
}

class DiscriminatorParity : public testing::Test {
 protected:
  void SetUp() override {
    REENACT_SHARED_FILE(path, "parity/discriminator_small.safetensors");
    file_ = std::make_unique<ParityFile>(path);
    load_state(*discriminator_, as_our_names("discriminator", file_->with_prefix("state.")));
    fake_ = file_->at("in.fake_rgbs");
    real_ = file_->at("in.target_rgbs").select(1, 0);
    label_ = file_->at("in.label");
  }
  std::unique_ptr<ParityFile> file_;
  Discriminator discriminator_{small_discriminator_config()};
  torch::Tensor fake_, real_, label_;
};

TEST_F(DiscriminatorParity, EvaluationMode) {
  discriminator_->eval();
  torch::NoGradGuard no_grad;
  expect_outputs(Passes(discriminator_, fake_, real_, label_), *file_, "eval.");
}

TEST_F(DiscriminatorParity, ThreePassesInTrainingMode) {
  discriminator_->train();
  fake_.requires_grad_();
  const Passes passes(discriminator_, fake_, real_, label_);
  expect_outputs(passes, *file_, "train.");

  const auto after = as_our_names("discriminator", file_->with_prefix("train.after.buffer."));
  ASSERT_FALSE(after.empty());
  for (const auto& [name, expected] : after)
    EXPECT_TRUE(is_close(state_of(*discriminator_).at(name), expected, tolerance, tolerance)) << name;

  const auto adversarial = training::hinge_generator_loss(passes.generator_side.score);
  const auto matching =
      10.0 * training::feature_matching_loss(passes.generator_side.features, passes.real_side.features);
  EXPECT_TRUE(is_close(adversarial, file_->at("train.loss.adversarial_G"), 0, tolerance));
  EXPECT_TRUE(is_close(matching, file_->at("train.loss.feature_matching"), 0, tolerance));
  (adversarial + matching).backward({}, /*retain_graph=*/true);
  EXPECT_TRUE(
      is_close(fake_.grad(), file_->at("train.grad.fake_rgbs_from_lossG"), tolerance, gradient_relative));

  discriminator_->zero_grad();
  const auto loss = training::hinge_discriminator_loss(passes.real_side.score, passes.fake_side.score);
  EXPECT_TRUE(is_close(loss, file_->at("train.loss.adversarial_D"), 0, tolerance));
  loss.backward();
  const auto gradients = as_our_names("discriminator", file_->with_prefix("train.grad.lossD."));
  ASSERT_FALSE(gradients.empty());
  for (const auto& [name, expected] : gradients)
    EXPECT_TRUE(is_close(state_of(*discriminator_).at(name).grad(), expected, tolerance, gradient_relative))
        << name;
}

TEST_F(DiscriminatorParity, SingleRowOfAPersonWhoIsFineTuned) {
  REENACT_SHARED_FILE(path, "parity/discriminator_small_finetuned.safetensors");
  const ParityFile file(path);
  auto config = small_discriminator_config();
  config.num_labels = 1;
  config.embedding_eps = 1e-12;
  Discriminator discriminator(config);
  auto state = file_->with_prefix("state.");
  for (const auto& [name, tensor] : file.with_prefix("state_before.")) state[name] = tensor;
  load_state(*discriminator, as_our_names("discriminator", state));
  discriminator->train();

  const Passes passes(discriminator, file.at("in.fake_rgbs"), file.at("in.target_rgbs").select(1, 0),
                      file.at("in.label"));
  EXPECT_TRUE(is_close(passes.rows, file.at("train.real_embedding"), tolerance, tolerance));
  EXPECT_TRUE(is_close(passes.generator_side.score, file.at("train.fake_score_G"), tolerance, tolerance));
  EXPECT_TRUE(is_close(passes.fake_side.score, file.at("train.fake_score_D"), tolerance, tolerance));
  EXPECT_TRUE(is_close(passes.real_side.score, file.at("train.real_score"), tolerance, tolerance));
  for (const auto& [name, expected] : as_our_names("discriminator", file.with_prefix("state_after.")))
    EXPECT_TRUE(is_close(state_of(*discriminator).at(name), expected, tolerance, tolerance)) << name;
  const auto embedding = file.at("in.embeds");
  EXPECT_TRUE(
      is_close(passes.rows, (embedding / embedding.norm()).expand_as(passes.rows), tolerance, tolerance));
}

}  // namespace
}  // namespace reenact::test
