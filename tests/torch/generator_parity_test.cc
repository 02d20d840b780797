// SPDX-License-Identifier: LGPL-2.1-or-later
// The generator against values computed with the authors' code.
#include <gtest/gtest.h>

#include "small_networks.h"
#include "support/parity_file.h"
#include "support/shared_data.h"
#include "torch/networks/generator.h"

namespace reenact::test {
namespace {

constexpr double tolerance = 1e-5, gradient_tolerance = 1e-4;

GeneratorNetwork small_generator(const ParityFile& file) {
  GeneratorNetwork generator(small_generator_config());
  load_state(*generator, as_our_names("generator", file.with_prefix("state.")));
  return generator;
}

TEST(GeneratorParity, EveryStageInEvaluationMode) {
  REENACT_SHARED_FILE(path, "parity/generator_small.safetensors");
  const ParityFile file(path);
  auto generator = small_generator(file);
  generator->eval();
  torch::NoGradGuard no_grad;

  std::map<std::string, torch::Tensor> stages;
  generator->observer = [&](const std::string& name, const torch::Tensor& x) { stages[name] = x.clone(); };
  const auto embeds = file.at("in.embeds"), pose = file.at("in.pose_embedding");
  const auto head = generator->forward(embeds, pose);

  EXPECT_TRUE(
      is_close(generator->coefficients(embeds, pose), file.at("eval.affine_params"), tolerance, tolerance));
  const std::map<std::string, int> places = {{"res0", 0}, {"res1", 1}, {"up0", 2},  {"up1", 3},
                                             {"up2", 4},  {"up3", 5},  {"norm", 7}, {"out", 9}};
  ASSERT_EQ(stages.size(), places.size());
  for (const auto& [name, place] : places)
    EXPECT_TRUE(is_close(stages[name], file.at("eval.decoder_blocks." + std::to_string(place) + ".out"),
                         tolerance, tolerance))
        << name;
  EXPECT_TRUE(is_close(head.rgb, file.at("eval.fake_rgbs"), tolerance, tolerance));
  EXPECT_TRUE(is_close(head.mask, file.at("eval.fake_segm"), tolerance, tolerance));
  EXPECT_TRUE(is_close(head.color * head.mask, file.at("eval.fake_rgbs"), tolerance, tolerance));
}

TEST(GeneratorParity, EvaluationModeLeavesThePowerIterationAlone) {
  REENACT_SHARED_FILE(path, "parity/generator_small.safetensors");
  const ParityFile file(path);
  auto generator = small_generator(file);
  generator->eval();
  torch::NoGradGuard no_grad;
  generator->forward(file.at("in.embeds"), file.at("in.pose_embedding"));
  for (const auto& [name, expected] : as_our_names("generator", file.with_prefix("state.")))
    EXPECT_TRUE(torch::equal(state_of(*generator).at(name), expected)) << name;
}

TEST(GeneratorParity, ForwardAndBackwardInTrainingMode) {
  REENACT_SHARED_FILE(path, "parity/generator_small.safetensors");
  const ParityFile file(path);
  auto generator = small_generator(file);
  generator->train();

  auto embeds = file.at("in.embeds").requires_grad_(), pose = file.at("in.pose_embedding").requires_grad_();
  const auto head = generator->forward(embeds, pose);
  EXPECT_TRUE(is_close(head.rgb, file.at("train.fake_rgbs"), tolerance, tolerance));
  EXPECT_TRUE(is_close(head.mask, file.at("train.fake_segm"), tolerance, tolerance));

  const auto after = as_our_names("generator", file.with_prefix("train.after.buffer."));
  ASSERT_FALSE(after.empty());
  for (const auto& [name, expected] : after)
    EXPECT_TRUE(is_close(state_of(*generator).at(name), expected, tolerance, tolerance)) << name;

  ((head.rgb * file.at("in.grad_fake_rgbs")).sum() + (head.mask * file.at("in.grad_fake_segm")).sum())
      .backward();
  EXPECT_TRUE(is_close(embeds.grad(), file.at("train.grad.embeds"), gradient_tolerance, gradient_tolerance));
  EXPECT_TRUE(
      is_close(pose.grad(), file.at("train.grad.pose_embedding"), gradient_tolerance, gradient_tolerance));
  const auto gradients = as_our_names("generator", file.with_prefix("train.grad.param."));
  ASSERT_FALSE(gradients.empty());
  for (const auto& [name, expected] : gradients)
    EXPECT_TRUE(
        is_close(state_of(*generator).at(name).grad(), expected, gradient_tolerance, gradient_tolerance))
        << name;
}

TEST(GeneratorParity, OneIdentityForTheWholeBatch) {
  REENACT_SHARED_FILE(weights_path, "parity/generator_small.safetensors");
  REENACT_SHARED_FILE(path, "parity/generator_small_finetuned.safetensors");
  const ParityFile file(path);
  auto generator = small_generator(ParityFile(weights_path));
  generator->eval();
  torch::NoGradGuard no_grad;
  const auto head = generator->forward(file.at("state.identity_embedding"), file.at("in.pose_embedding"));
  EXPECT_TRUE(is_close(head.rgb, file.at("eval.fake_rgbs"), tolerance, tolerance));
  EXPECT_TRUE(is_close(head.mask, file.at("eval.fake_segm"), tolerance, tolerance));
}

}  // namespace
}  // namespace reenact::test
