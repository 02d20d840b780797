// SPDX-License-Identifier: LGPL-2.1-or-later
// Networks of the paper's size, filled by a formula, against values computed with the authors' code.
#include <gtest/gtest.h>

#include "support/parity_file.h"
#include "support/procedural_weights.h"
#include "support/shared_data.h"
#include "torch/networks/discriminator.h"
#include "torch/networks/generator.h"
#include "torch/networks/resnext.h"
#include "training/import/authors_names.h"

namespace reenact::test {
namespace {

/// Fills a network of the authors through their names, which the formula needs.
void fill(torch::nn::Module& module, const SafetensorsFile& file, const std::string& network) {
  std::map<std::string, std::string> authors_keys;
  for (const auto& [name, view] : file.tensors())
    for (const std::string prefix : {"state.", "bound."}) {
      if (name.compare(0, prefix.size(), prefix) != 0) continue;
      const auto key = name.substr(prefix.size());
      const auto ours = training::name_from_authors(network + "." + key);
      ASSERT_TRUE(ours) << key;
      authors_keys[ours->substr(ours->find('.') + 1)] = key;
    }
  fill_procedurally(module, file, network + ".", "",
                    [&](const std::string& key) { return authors_keys.at(key); });
}

TEST(FullSizeParity, Generator) {
  REENACT_SHARED_FILE(path, "parity/proc_generator_full.safetensors");
  const ParityFile file(path);
  GeneratorNetwork generator{ReenactorConfig()};
  fill(*generator, SafetensorsFile(path), "generator");
  generator->eval();
  torch::NoGradGuard no_grad;
  const auto embeds = procedural_input("generator.input.embeds", {1, 512}, -1.5f, 1.5f);
  const auto pose = procedural_input("generator.input.pose_embedding", {1, 256}, -1.5f, 1.5f);
  EXPECT_TRUE(is_close(generator->coefficients(embeds, pose), file.at("eval.affine_params"), 1e-4, 1e-4));
  const auto head = generator->forward(embeds, pose);
  EXPECT_TRUE(is_close(head.rgb, file.at("eval.fake_rgbs"), 1e-4, 1e-4));
  EXPECT_TRUE(is_close(head.mask, file.at("eval.fake_segm"), 1e-4, 1e-4));
}

TEST(FullSizeParity, Discriminator) {
  REENACT_SHARED_FILE(path, "parity/proc_discriminator_full.safetensors");
  const ParityFile file(path);
  DiscriminatorConfig config;
  config.num_labels = 4;
  Discriminator discriminator(config);
  fill(*discriminator, SafetensorsFile(path), "discriminator");
  discriminator->eval();
  torch::NoGradGuard no_grad;
  const auto rows = discriminator->embed(torch::tensor({2}, torch::kLong));
  EXPECT_TRUE(is_close(rows, file.at("eval.real_embedding"), 1e-4, 1e-4));
  const auto expect = [&](const std::string& input, const std::string& score, const std::string& features) {
    const auto output = discriminator->forward(
        procedural_input("discriminator.input." + input, {1, 3, 256, 256}, 0, 1), rows);
    EXPECT_TRUE(is_close(output.score, file.at("eval." + score), 1e-4, 1e-4)) << score;
    ASSERT_EQ(output.features.size(), 7u);
    for (int i = 0; i < 7; ++i) {
      const auto name = "eval." + features + "." + std::to_string(i) + ".mean_over_hw";
      EXPECT_TRUE(is_close(output.features[i].mean({2, 3}), file.at(name), 1e-4, 1e-4)) << name;
    }
  };
  expect("fake_rgbs", "fake_score_G", "fake_features");
  expect("target_rgbs", "real_score", "real_features");
}

TEST(FullSizeParity, IdentityEncoder) {
  REENACT_SHARED_FILE(path, "parity/proc_identity_encoder_resnext50.safetensors");
  const ParityFile file(path);
  ResNeXt50 encoder(512);
  fill_procedurally(*encoder, SafetensorsFile(path), "identity_encoder.");
  encoder->eval();
  torch::NoGradGuard no_grad;
  const auto rgb = procedural_input("resnext.input", {2, 3, 128, 128}, 0, 1);
  EXPECT_TRUE(is_close(encoder->forward(rgb), file.at("eval.identity_embedding"), 1e-3, 0));

  const auto layers = encoder->named_children();
  auto x = torch::relu(layers["bn1"]->as<torch::nn::BatchNorm2d>()->forward(
      layers["conv1"]->as<torch::nn::Conv2d>()->forward(rgb)));
  x = layers["layer1"]->as<torch::nn::Sequential>()->forward(torch::max_pool2d(x, 3, 2, 1));
  EXPECT_TRUE(is_close(x.mean({2, 3}), file.at("eval.layer1_mean_over_hw"), 1e-3, 0));
}

}  // namespace
}  // namespace reenact::test
