// SPDX-License-Identifier: LGPL-2.1-or-later
// The networks of the compared systems against the sizes that their authors' code has.
#include <gtest/gtest.h>

#include "support/multiplications.h"
#include "torch/networks/conv_sum_encoder.h"
#include "torch/networks/encoders.h"
#include "torch/networks/fabnet.h"
#include "torch/networks/fsth_generator.h"
#include "torch/networks/generator.h"
#include "torch/networks/x2face.h"
#include "torch/small_networks.h"

namespace reenact {
namespace {

using test::count_multiplications;

std::int64_t parameter_count(const torch::nn::Module& module, const std::string& prefix = "") {
  std::int64_t count = 0;
  for (const auto& item : module.named_parameters())
    if (item.key().starts_with(prefix)) count += item.value().numel();
  return count;
}

std::int64_t statistics_count(const torch::nn::Module& module, const std::string& prefix = "") {
  std::int64_t count = 0;
  for (const auto& item : module.named_buffers())
    if (item.key().starts_with(prefix) && item.key().find("running_") != std::string::npos)
      count += item.value().numel();
  return count;
}

/// In thousands of millions, by three digits as the published figures.
double giga(std::int64_t multiplications) {
  return static_cast<double>(multiplications) / 1e9;
}

torch::Tensor noise(std::vector<std::int64_t> shape) {
  torch::manual_seed(3);
  return torch::rand(shape);
}

ReenactorConfig paper_with(const std::string& source, int pose_size) {
  ReenactorConfig config;
  config.pose_source = source;
  config.pose_encoder = "none";
  config.pose_embedding_size = pose_size;
  return config;
}

TEST(X2Face, HasThePublishedSizes) {
  X2Face network((WarperConfig()));
  network->eval();
  EXPECT_EQ(parameter_count(*network), 64'771'840);
  EXPECT_EQ(parameter_count(*network, "x2drive.down"), 16'391'936);
  EXPECT_EQ(parameter_count(*network, "x2drive.up"), 9'222'144);
  EXPECT_EQ(parameter_count(*network, "x2embed."), 39'157'760);
  EXPECT_EQ(statistics_count(*network, "x2drive.down"), 4'864);
  EXPECT_EQ(statistics_count(*network, "x2drive.up"), 4'992);
  EXPECT_EQ(statistics_count(*network, "x2embed."), 9'856);
  X2FaceEncoder encoder(256, 128, 1.0);
  encoder->eval();
  EXPECT_EQ(parameter_count(*encoder), 16'391'936);
  const auto picture = noise({1, 3, 256, 256});
  torch::Tensor code, face;
  EXPECT_NEAR(giga(count_multiplications([&] { code = encoder(picture); }).all()), 2.014, 5e-4);
  EXPECT_EQ(code.sizes().vec(), (std::vector<std::int64_t>{1, 128}));
  EXPECT_NEAR(giga(count_multiplications([&] { face = network->face(picture.unsqueeze(1)); }).all()), 11.087,
              5e-4);
  EXPECT_NEAR(giga(count_multiplications([&] { network->draw(face, picture); }).all()), 6.509, 5e-4);
}

TEST(X2Face, WithZeroLastWeightsReturnsItsSource) {
  torch::NoGradGuard no_grad;
  X2Face network(WarperConfig{.image_size = 64, .width = 0.125, .code_size = 16});
  network->eval();
  for (const std::string name : {"x2drive.up0.conv.weight", "x2embed.up0.conv.weight"})
    network->named_parameters()[name].zero_();
  const auto sources = noise({2, 3, 3, 64, 64}), drivers = noise({2, 3, 64, 64});
  const auto alone = sources.narrow(1, 0, 1);
  EXPECT_LT((network->draw(network->face(alone), drivers) - alone.squeeze(1)).abs().max().item<float>(),
            1e-4);
  EXPECT_LT((network->draw(network->face(sources), drivers) - sources.mean(1)).abs().max().item<float>(),
            1e-4);
}

TEST(X2Face, MovesNoPixelFartherThanTwoHyperbolicTangentsLet) {
  torch::NoGradGuard no_grad;
  X2Face network(WarperConfig{.image_size = 64, .width = 0.125, .code_size = 16});
  network->eval();
  network->named_parameters()["x2drive.up0.conv.weight"].mul_(1e10);
  const auto offsets = network->offsets(noise({1, 3, 64, 64}));
  EXPECT_LE(offsets.abs().max().item<float>(), 0.76159416f);
  EXPECT_GT(offsets.abs().max().item<float>(), 0.76f);
}

TEST(FabNet, HasThePublishedSizes) {
  FabNet network(256, 256, 1.0);
  network->eval();
  EXPECT_EQ(parameter_count(*network), 11'568'643);
  EXPECT_EQ(parameter_count(*network, "encoder."), 4'887'904);
  EXPECT_EQ(parameter_count(*network, "flow."), 3'340'514);
  EXPECT_EQ(parameter_count(*network, "mask."), 3'340'225);
  EXPECT_EQ(statistics_count(*network, "encoder."), 2'432);
  EXPECT_EQ(statistics_count(*network, "flow."), 2'496);
  const auto picture = noise({1, 3, 256, 256});
  torch::Tensor code, codes = noise({1, 512});
  EXPECT_NEAR(giga(count_multiplications([&] { code = network->encoder(picture); }).all()), 0.517, 5e-4);
  EXPECT_EQ(code.sizes().vec(), (std::vector<std::int64_t>{1, 256}));
  EXPECT_NEAR(giga(count_multiplications([&] { network->flow(codes); }).all()), 1.147, 5e-4);
  EXPECT_NEAR(giga(count_multiplications([&] { network->mask(codes); }).all()), 1.128, 5e-4);
}

TEST(FabNet, WithZeroLastFlowWeightsReturnsItsSource) {
  torch::NoGradGuard no_grad;
  FabNet network(64, 16, 0.25);
  network->eval();
  network->named_parameters()["flow.conv5.weight"].zero_();
  network->named_parameters()["flow.conv5.bias"].zero_();
  const auto sources = noise({2, 1, 3, 64, 64}), target = noise({2, 3, 64, 64});
  EXPECT_LT((network(sources, target) - sources.squeeze(1)).abs().max().item<float>(), 1e-4);
}

TEST(Fsth, GeneratorHasThePublishedSizes) {
  auto config = paper_with("stickman", 256);
  config.architecture = "fsth";
  FsthGenerator network(config);
  network->eval();
  EXPECT_EQ(parameter_count(*network), 37'909'443);
  EXPECT_EQ(network->project()->named_parameters()["bias"].numel(), 13'056);
  const auto identity = noise({1, 512}), stickman = noise({1, 3, 256, 256});
  GeneratedHead head;
  const auto count = count_multiplications([&] { head = network->forward(identity, stickman); });
  EXPECT_NEAR(giga(count.as_published()), 47.222, 5e-4);
  EXPECT_EQ(head.rgb.sizes().vec(), (std::vector<std::int64_t>{1, 3, 256, 256}));
  EXPECT_EQ(head.mask.min().item<float>(), 1);
}

TEST(Fsth, EmbedderAndDiscriminatorHaveThePublishedSizes) {
  ConvSumEncoder with_stickman(6, 256, 512), pictures_alone(3, 256, 512);
  EXPECT_EQ(parameter_count(*with_stickman), 14'825'024);
  EXPECT_EQ(parameter_count(*pictures_alone), 14'823'104);
  const auto six = noise({1, 6, 256, 256}), three = noise({1, 3, 256, 256});
  EXPECT_NEAR(giga(count_multiplications([&] { with_stickman(six); }).as_published()), 15.536, 5e-4);
  EXPECT_NEAR(giga(count_multiplications([&] { pictures_alone(three); }).as_published()), 15.410, 5e-4);
  DiscriminatorConfig config;
  Discriminator ours(config);
  config.in_channels = 6;
  Discriminator theirs(config);
  // Without the table of labels, of 512 numbers each.
  EXPECT_EQ(parameter_count(*theirs) - 512, 19'545'153);
  EXPECT_EQ(parameter_count(*ours) - 512, 19'543'233);
  const auto embedding = noise({1, 512});
  EXPECT_NEAR(giga(count_multiplications([&] { theirs->forward(six, embedding); }).as_published()), 15.611,
              5e-4);
  EXPECT_NEAR(giga(count_multiplications([&] { ours->forward(three, embedding); }).as_published()), 15.485,
              5e-4);
}

TEST(Fsth, DiscriminatorSeesConditionAndPictureInTurn) {
  const auto stickman = torch::arange(3).view({1, 3, 1, 1}) + 10,
             picture = torch::arange(3).view({1, 3, 1, 1});
  const auto both = with_condition(picture, stickman).flatten();
  const std::vector<std::int64_t> wanted = {10, 0, 11, 1, 12, 2};
  EXPECT_TRUE(torch::equal(both, torch::tensor(wanted)));
}

TEST(SelfAttention, HasThePublishedSizesAndChangesNothingAtFirst) {
  SelfAttention wide(256), narrow(128);
  EXPECT_EQ(parameter_count(*wide), 82'241);
  EXPECT_EQ(parameter_count(*narrow), 20'641);
  const auto x = noise({1, 256, 32, 32}), y = noise({1, 128, 64, 64});
  EXPECT_TRUE(torch::equal(wide(x), x));
  EXPECT_NEAR(giga(count_multiplications([&] { wide(x); }).all()), 0.386, 5e-4);
  EXPECT_NEAR(giga(count_multiplications([&] { narrow(y); }).all()), 2.500, 5e-4);
}

TEST(SelfAttention, TakesPartInEveryNetworkOfFsthThatAsksForIt) {
  torch::NoGradGuard no_grad;
  auto config = paper_with("stickman", 8);
  config.architecture = "fsth";
  config.image_size = 64;
  config.num_channels = 8;
  config.max_channels = 32;
  config.identity_embedding_size = 16;
  config.identity_encoder = "conv_sum";
  config.identity_encoder_width = 0.125;
  config.self_attention = true;
  FsthGenerator generator(config);
  IdentityEncoderNetwork embedder(config);
  Discriminator discriminator(DiscriminatorConfig{.image_size = 64,
                                                  .num_channels = 8,
                                                  .max_channels = 32,
                                                  .embedding_size = 16,
                                                  .num_blocks = 5,
                                                  .in_channels = 6,
                                                  .self_attention = true});
  for (torch::nn::Module* module :
       {static_cast<torch::nn::Module*>(generator.get()), static_cast<torch::nn::Module*>(embedder.get()),
        static_cast<torch::nn::Module*>(discriminator.get())}) {
    module->eval();
    int attentions = 0;
    const auto outcome = [&] {
      if (module == generator.get()) return generator->forward(noise({1, 16}), noise({1, 3, 64, 64})).rgb;
      return module == embedder.get() ? embedder(noise({1, 1, 6, 64, 64}))
                                      : discriminator->forward(noise({1, 6, 64, 64}), noise({1, 16})).score;
    };
    const auto before = outcome();
    for (auto& item : module->named_parameters())
      if (item.key().ends_with("attention.gamma")) {
        ++attentions;
        item.value().fill_(2);
      }
    EXPECT_EQ(attentions, module == generator.get() ? 2 : 1);
    EXPECT_FALSE(torch::allclose(outcome(), before));
  }
}

TEST(ComparedGenerators, HaveThePublishedSizes) {
  const auto count = [](const ReenactorConfig& config) { return parameter_count(*GeneratorNetwork(config)); };
  EXPECT_EQ(count(ReenactorConfig()), 37'516'996);
  ReenactorConfig x2face_plus;
  x2face_plus.pose_encoder = "x2face";
  x2face_plus.pose_embedding_size = 128;
  EXPECT_EQ(count(x2face_plus), 35'665'476);
  EXPECT_EQ(count(paper_with("vector", 33)), 34'312'486);
  EXPECT_EQ(count(paper_with("vector", 35)), 34'340'784);
  auto fsth_plus = paper_with("keypoints68", 136);
  fsth_plus.projector = "leaky";
  EXPECT_EQ(count(fsth_plus), 36'200'788);
  GeneratorNetwork generator(fsth_plus);
  generator->eval();
  const auto identity = noise({1, 512}), pose = noise({1, 136});
  const auto work = count_multiplications([&] { generator->forward(identity, pose); });
  EXPECT_NEAR(giga(work.as_published()), 30.36, 0.015);
}

TEST(Generator, FirstBlocksMayListenToTheIdentityAlone) {
  torch::NoGradGuard no_grad;
  auto config = test::small_generator_config();
  config.identity_blocks = 3;
  // A bias and a weight for 64 + 64 channels of each block.
  constexpr std::int64_t identity_coefficients = 3 * 2 * (64 + 64);
  torch::manual_seed(3);
  GeneratorNetwork generator(config);
  generator->eval();
  const auto identity = torch::randn({1, config.identity_embedding_size});
  const auto coefficients = generator->coefficients(identity, torch::randn({2, config.pose_embedding_size}));
  const auto changes = (coefficients[0] - coefficients[1]).abs();
  EXPECT_EQ(changes.narrow(0, 0, identity_coefficients).max().item<float>(), 0);
  EXPECT_GT(changes.narrow(0, identity_coefficients, changes.size(0) - identity_coefficients)
                .gt(0)
                .to(torch::kFloat)
                .mean()
                .item<float>(),
            0.9f);
  const auto others =
      generator->coefficients(torch::randn_like(identity), torch::randn({1, config.pose_embedding_size}));
  EXPECT_GT((others[0] - coefficients[0]).narrow(0, 0, identity_coefficients).abs().max().item<float>(), 0);
}

TEST(ComparedEncoders, TakeNoneForAnEncoderThatHandsOnWhatItGets) {
  PoseEncoderNetwork none(paper_with("keypoints68", 136));
  EXPECT_TRUE(none->parameters().empty());
  const auto pose = noise({2, 136});
  EXPECT_TRUE(torch::equal(none(pose), pose));
}

}  // namespace
}  // namespace reenact
