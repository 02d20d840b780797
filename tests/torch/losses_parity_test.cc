// SPDX-License-Identifier: LGPL-2.1-or-later
// Each criterion's value and gradient against the authors' code.
#include <gtest/gtest.h>

#include <cmath>

#include "reenact/error.h"
#include "support/parity_file.h"
#include "support/procedural_weights.h"
#include "support/shared_data.h"
#include "training/learning/adversarial.h"
#include "training/learning/content_loss.h"
#include "training/learning/dice.h"

namespace reenact::training {
namespace {

using test::is_close;
using test::ParityFile;

constexpr double value_relative = 1e-5, gradient_absolute = 1e-8, gradient_relative = 1e-4;
constexpr double perceptual_weight = 3e-2, face_identity_weight = 6e-3;

class LossesParity : public testing::Test {
 protected:
  void SetUp() override {
    REENACT_SHARED_FILE(path, "parity/criteria.safetensors");
    file_ = std::make_unique<ParityFile>(path);
  }
  torch::Tensor leaf(const std::string& name) { return file_->at(name).requires_grad_(); }
  void expect_value(const torch::Tensor& value, const std::string& name) {
    EXPECT_TRUE(is_close(value, file_->at(name), 0, value_relative)) << name;
  }
  void expect_gradient(const torch::Tensor& input, const std::string& name) {
    EXPECT_TRUE(is_close(input.grad(), file_->at(name), gradient_absolute, gradient_relative)) << name;
  }
  /// Drops the frame dimension of a target, [B, 1, 3, H, W].
  torch::Tensor target(const std::string& name) { return file_->at(name).select(1, 0); }
  VggFeatures small_network(VggLayout layout, const std::string& prefix) {
    VggFeatures network(layout, 4);
    std::map<std::string, torch::Tensor> state;
    for (const auto& [name, tensor] : file_->with_prefix(prefix))
      if (std::stoi(name) <= 28) state["features." + name] = tensor;  // the losses look no deeper
    test::load_state(*network, state);
    return network;
  }
  std::unique_ptr<ParityFile> file_;
};

TEST_F(LossesParity, AdversarialHinge) {
  auto fake = leaf("adversarial.in.fake_score");
  const auto generator_loss = hinge_generator_loss(fake);
  expect_value(generator_loss, "adversarial.G");
  generator_loss.backward();
  expect_gradient(fake, "adversarial.grad.fake_score_G");

  fake = leaf("adversarial.in.fake_score");
  auto real = leaf("adversarial.in.real_score");
  const auto discriminator_loss = hinge_discriminator_loss(real, fake);
  expect_value(discriminator_loss, "adversarial.D");
  discriminator_loss.backward();
  expect_gradient(fake, "adversarial.grad.fake_score_D");
  expect_gradient(real, "adversarial.grad.real_score");
}

TEST_F(LossesParity, FeatureMatching) {
  std::vector<torch::Tensor> fake, real;
  for (int i = 0; i < 3; ++i) {
    fake.push_back(leaf("featmat.in.fake." + std::to_string(i)));
    real.push_back(leaf("featmat.in.real." + std::to_string(i)));
  }
  const auto loss = 10.0 * feature_matching_loss(fake, real);
  expect_value(loss, "featmat.value");
  loss.backward();
  for (int i = 0; i < 3; ++i) {
    expect_gradient(fake[i], "featmat.grad.fake." + std::to_string(i));
    EXPECT_FALSE(real[i].grad().defined());
  }
}

TEST(Losses, FeatureMatchingRefusesListsThatDiffer) {
  EXPECT_THROW(feature_matching_loss({torch::ones({1})}, {}), Error);
  EXPECT_THROW(feature_matching_loss({}, {}), Error);
}

TEST_F(LossesParity, EmbeddingMatch) {
  auto embeddings = leaf("dis_embed.in.embeds_elemwise"), rows = leaf("dis_embed.in.real_embedding");
  const auto loss = 1e-2 * embedding_match_loss(embeddings, rows);
  expect_value(loss, "dis_embed.value");
  loss.backward();
  expect_gradient(embeddings, "dis_embed.grad.embeds_elemwise");
  EXPECT_FALSE(rows.grad().defined());
}

TEST_F(LossesParity, DiceWithAThreeChannelTarget) {
  auto predicted = leaf("in.fake_segm");
  const auto loss = dice_loss_as_released(predicted, target("in.real_segm"));
  expect_value(loss, "dice.value");
  loss.backward();
  expect_gradient(predicted, "dice.grad.fake_segm");

  const auto binary = (target("in.real_segm").narrow(1, 0, 1) > 0.5).to(torch::kFloat);
  expect_value(dice_loss_as_released(binary, binary), "dice.value_at_perfect_binary_match");
}

TEST(Losses, DiceWithOneChannelIsZeroAtAPerfectMatch) {
  const auto mask = (torch::arange(64).view({1, 1, 8, 8}) % 3 == 0).to(torch::kFloat);
  EXPECT_NEAR(dice_loss(mask, mask).item<float>(), 0.0, 1e-6);
  EXPECT_NEAR(dice_loss_as_released(mask, mask).item<float>(), -std::log(1.5), 1e-6);
  EXPECT_GT(dice_loss(mask, 1 - mask + 1e-3).item<float>(), 1.0);
}

TEST_F(LossesParity, MeanAbsoluteDifference) {
  auto fake = leaf("in.fake_rgbs");
  const auto loss = 30.0 * torch::l1_loss(fake, target("in.target_rgbs"));
  expect_value(loss, "l1_rgb.value");
  loss.backward();
  expect_gradient(fake, "l1_rgb.grad.fake_rgbs");
}

TEST_F(LossesParity, PerceptualVgg19) {
  auto network = small_network(VggLayout::vgg19, "state.vgg19_small.features.");
  auto fake = leaf("in.fake_rgbs");
  const auto real = target("in.target_rgbs");

  const auto input = prepare_vgg_input(fake, VggInput::as_released);
  EXPECT_TRUE(is_close(input, file_->at("perceptual.normalized_input"), 0, value_relative));
  const auto found = network->forward(input);
  const auto wanted = network->forward(prepare_vgg_input(real, VggInput::as_released));
  const auto terms = file_->at("perceptual.layer_terms_unweighted");
  ASSERT_EQ(static_cast<std::int64_t>(found.size()), terms.numel());
  for (int i = 0; i < terms.numel(); ++i)
    EXPECT_TRUE(is_close(torch::l1_loss(found[i], wanted[i]), terms[i], 0, value_relative)) << i;

  const auto loss = perceptual_weight * perceptual_loss(network, fake, real);
  expect_value(loss, "perceptual.value");
  loss.backward();
  expect_gradient(fake, "perceptual.grad.fake_rgbs");
}

TEST_F(LossesParity, FaceIdentityVggFace) {
  auto network = small_network(VggLayout::vgg_face, "state.vgg16_small.");
  auto fake = leaf("in.fake_rgbs");
  const auto real = target("in.target_rgbs");
  EXPECT_TRUE(
      is_close(crop_to_face(fake), file_->at("idt_embed.fake_cropped"), value_relative, value_relative));
  EXPECT_TRUE(
      is_close(crop_to_face(real), file_->at("idt_embed.real_cropped"), value_relative, value_relative));

  const auto loss = face_identity_weight * face_identity_loss(network, fake, real);
  expect_value(loss, "idt_embed.value");
  loss.backward();
  expect_gradient(fake, "idt_embed.grad.fake_rgbs");
}

TEST(FullSizeParity, ContentLosses) {
  REENACT_SHARED_FILE(path, "parity/proc_vgg_losses_full.safetensors");
  const ParityFile file(path);
  const SafetensorsFile weights(path);
  const auto real = test::procedural_input("vgg.input.target_rgbs", {1, 3, 64, 64}, 0, 1);

  VggFeatures vgg19(VggLayout::vgg19), vgg_face(VggLayout::vgg_face);
  const auto authors_key = [](const std::string& key) { return key.substr(std::string("features.").size()); };
  test::fill_procedurally(*vgg19, weights, "vgg19.features.", "vgg19.", authors_key);
  test::fill_procedurally(*vgg_face, weights, "vgg16.features.", "vgg16.", authors_key);

  // Where two features of an L1 loss are nearly equal, rounding draws the sign of the gradient by lot, and each CPU rounds in
  // its own way: a right gradient meets the authors' in single or in double precision, a wrong one in neither.
  const auto expect_loss_and_gradient = [&](VggFeatures& network, auto loss_of, const std::string& name) {
    bool met = false;
    for (const auto type : {torch::kFloat, torch::kDouble}) {
      network->to(type);
      const auto fake =
          test::procedural_input("vgg.input.fake_rgbs", {1, 3, 64, 64}, 0, 1).to(type).requires_grad_();
      const auto loss = loss_of(network, fake, real.to(type));
      EXPECT_TRUE(is_close(loss.to(torch::kFloat), file.at(name + ".value"), 0, 1e-4));
      loss.backward();
      met = met || is_close(fake.grad().to(torch::kFloat), file.at(name + ".grad.fake_rgbs"), 0, 1e-4);
    }
    EXPECT_TRUE(met) << name;
  };
  expect_loss_and_gradient(
      vgg19, [](auto&&... values) { return perceptual_weight * perceptual_loss(values...); }, "perceptual");
  expect_loss_and_gradient(
      vgg_face, [](auto&&... values) { return face_identity_weight * face_identity_loss(values...); },
      "idt_embed");
}

TEST(VggInput, CaffeAndTorchvisionPrepareAsTheirMakersDid) {
  const auto red = torch::tensor({1.f, 0.5f, 0.f}).view({1, 3, 1, 1});
  EXPECT_TRUE(is_close(prepare_vgg_input(red, VggInput::caffe).flatten(),
                       torch::tensor({-103.939f, 10.721f, 131.32f}), 1e-4, 0));
  EXPECT_TRUE(is_close(prepare_vgg_input(red, VggInput::torchvision).flatten(),
                       torch::tensor({0.515f / 0.229f, 0.044f / 0.224f, -0.406f / 0.225f}), 1e-5, 0));
}

}  // namespace
}  // namespace reenact::training
