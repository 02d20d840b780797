// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "reenact/identity.h"
#include "support/shared_data.h"
#include "test_file.h"
#include "torch/load_weights.h"
#include "torch/networks/discriminator.h"
#include "torch/networks/encoders.h"
#include "torch/networks/generator.h"
#include "torch/networks/mobilenet_v2.h"
#include "training/import/authors_checkpoint.h"
#include "training/import/authors_names.h"
#include "training/import/import_models.h"

namespace reenact::training {
namespace {

using test::expect_error;
using test::TestFile;

nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream stream(path);
  return nlohmann::json::parse(stream);
}

/// All values of a tensor as double, which float32 and the counters' int64 convert to without loss.
std::vector<double> read_values(const TorchArchive& archive, const PickledTensor& tensor) {
  const auto bytes = archive.read(tensor);
  std::vector<double> values;
  const auto convert = [&]<typename Number>(Number) {
    for (std::size_t i = 0; i + sizeof(Number) <= bytes.size(); i += sizeof(Number)) {
      Number number;
      std::memcpy(&number, bytes.data() + i, sizeof number);
      values.push_back(static_cast<double>(number));
    }
  };
  if (tensor.storage.type == DataType::f32)
    convert(float{});
  else if (tensor.storage.type == DataType::i64)
    convert(std::int64_t{});
  return values;
}

/// Tensors of a checkpoint under "network/key" and "running_averages/network/key", as the checksums name
/// them.
std::map<std::string, PickledTensor> all_tensors(const TorchArchive& archive) {
  std::map<std::string, PickledTensor> all;
  const auto add = [&](const PickleValue& networks, const std::string& prefix) {
    for (const char* network : {"embedder", "generator", "discriminator"})
      if (const auto state = networks.find(network))
        for (const auto& [key, tensor] : tensors_in(*state))
          all.emplace(prefix + network + "/" + key, tensor);
  };
  add(archive.root(), "");
  add(archive.root().at("running_averages"), "running_averages/");
  return all;
}

class ChecksumTest : public testing::TestWithParam<const char*> {};

TEST_P(ChecksumTest, EveryTensorHasItsChecksums) {
  REENACT_SHARED_FILE(path, std::string("parity/") + GetParam());
  REENACT_SHARED_FILE(checksums, "parity/authors_small_tensor_checksums.json");
  const auto expected = read_json(checksums).at(GetParam());
  const TorchArchive archive(path);
  const auto tensors = all_tensors(archive);
  EXPECT_EQ(tensors.size(), expected.size());
  for (const auto& [name, wanted] : expected.items()) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(tensors.count(name));
    const auto& tensor = tensors.at(name);
    EXPECT_EQ(tensor.shape, wanted.at("shape").get<std::vector<std::int64_t>>());
    EXPECT_EQ(tensor.storage.type, wanted.at("dtype") == "int64" ? DataType::i64 : DataType::f32);
    const auto values = read_values(archive, tensor);
    ASSERT_FALSE(values.empty());
    double sum = 0, squares = 0;
    for (const double value : values) {
      sum += value;
      squares += value * value;
    }
    const double magnitude = std::sqrt(squares * static_cast<double>(values.size()));
    EXPECT_NEAR(sum, wanted.at("sum").get<double>(), 1e-9 * magnitude);
    EXPECT_NEAR(squares, wanted.at("sumsq").get<double>(), 1e-9 * squares);
    EXPECT_EQ(values.front(), wanted.at("first").get<double>());
    EXPECT_EQ(values.back(), wanted.at("last").get<double>());
  }
}

INSTANTIATE_TEST_SUITE_P(Containers, ChecksumTest,
                         testing::Values("authors_small_checkpoint.pth", "authors_small_finetuned_zip.pth"),
                         [](const auto& info) {
                           return std::string(info.param).find("zip") != std::string::npos ? "zip" : "legacy";
                         });

TEST(AuthorsCheckpoint, NamesAndShapesOfTheFullSizeModelAreThoseOfTheKeyMap) {
  REENACT_SHARED_FILE(path, "parity/authors_fullshape_stride0.pth");
  REENACT_SHARED_FILE(key_map, "spec/key-map.json");
  const auto expected = read_json(key_map);
  const auto& shapes = expected.at("shapes");
  TensorShapes wanted;
  for (const auto& [theirs, ours] : expected.at("map").items()) {
    EXPECT_EQ(name_from_authors(theirs), ours.get<std::string>()) << theirs;
    wanted[ours] = shapes.at(theirs).get<std::vector<std::int64_t>>();
  }

  const AuthorsCheckpoint checkpoint(path);
  EXPECT_EQ(checkpoint.config(), reenactor_preset("paper"));
  EXPECT_FALSE(checkpoint.is_fine_tuned());
  for (const auto choice : {WeightsChoice::average, WeightsChoice::raw}) {
    auto found = checkpoint.tensors(choice);
    found.merge(checkpoint.discriminator());
    for (const auto& [name, tensor] : found) {
      ASSERT_TRUE(wanted.count(name)) << name;
      EXPECT_EQ(tensor.shape, wanted.at(name)) << name;
    }
    // The rest: the embedding of a fine-tuned generator and those of the training set's videos.
    std::set<std::string> rest;
    for (const auto& [name, shape] : wanted)
      if (!found.count(name)) rest.insert(name);
    EXPECT_EQ(rest, (std::set<std::string>{"gen.identity_embedding", "dis.embed.weight", "dis.embed.sn_u",
                                           "dis.embed.sn_v"}));
  }
}

TEST(AuthorsCheckpoint, FullSizeModelFitsOurNetworks) {
  REENACT_SHARED_FILE(path, "parity/authors_fullshape_stride0.pth");
  const AuthorsCheckpoint checkpoint(path);
  const auto tensors = checkpoint.tensors(WeightsChoice::average);
  auto wanted = shapes_of(*GeneratorNetwork(checkpoint.config()), "gen.");
  wanted.merge(shapes_of(*MobileNetV2(checkpoint.config().pose_embedding_size), "pose."));
  wanted.merge(shapes_of(*IdentityEncoderNetwork(checkpoint.config()), "idt."));
  EXPECT_EQ(first_difference(tensors, wanted), "");
  wanted["gen.more"] = {1};
  EXPECT_EQ(first_difference(tensors, wanted), "lacks gen.more");
  wanted.erase("gen.more");
  wanted["gen.const"] = {1, 512, 8, 8};
  EXPECT_EQ(first_difference(tensors, wanted), "has gen.const of 1x512x4x4, wanted 1x512x8x8");
  wanted.erase("gen.const");
  EXPECT_EQ(first_difference(tensors, wanted), "has gen.const, which is not ours");
}

/// Largest difference between what a generator draws and what the authors' drew, over atol 1e-5 + rtol 1e-5.
void expect_pictures(const ReenactorConfig& config, const ModelFile& weights, const torch::Tensor& identity,
                     const SafetensorsFile& expected, const std::string& inputs, const std::string& outputs) {
  torch::NoGradGuard no_grad;
  GeneratorNetwork generator(config);
  load_weights(*generator, weights, "gen.");
  generator->eval();
  const auto head = generator->forward(identity, to_torch(expected.at(inputs + ".in.pose_embedding")));
  const auto rgb = to_torch(expected.at(outputs + ".fake_rgbs")),
             mask = to_torch(expected.at(outputs + ".fake_segm"));
  EXPECT_TRUE(torch::allclose(head.rgb, rgb, 1e-5, 1e-5)) << (head.rgb - rgb).abs().max().item<float>();
  EXPECT_TRUE(torch::allclose(head.mask, mask, 1e-5, 1e-5)) << (head.mask - mask).abs().max().item<float>();
  // Another set of weights draws something else, so that the comparison means something.
  EXPECT_GT(rgb.std().item<float>(), 1e-3);
}

TEST(ImportAuthors, MetaLearnedCheckpointDrawsTheAuthorsPictures) {
  REENACT_SHARED_FILE(path, "parity/authors_small_checkpoint.pth");
  REENACT_SHARED_FILE(expected_path, "parity/authors_small_expected.safetensors");
  const SafetensorsFile expected(expected_path);
  const std::pair<WeightsChoice, const char*> choices[] = {{WeightsChoice::average, "meta.ema"},
                                                           {WeightsChoice::raw, "meta.raw"}};
  for (const auto& [choice, outputs] : choices) {
    SCOPED_TRACE(outputs);
    const TestFile output("reenactor.safetensors");
    AuthorsImport options;
    options.checkpoint = path;
    options.reenactor = output.path();
    options.weights = choice;
    options.licence = "none";
    const auto report = import_authors_checkpoint(options);
    ASSERT_EQ(report.size(), 2u);
    // Its encoders were made narrow to keep the file small; ResNeXt-50 has no width in our configuration.
    EXPECT_NE(report[0].find("left out the identity encoder"), std::string::npos) << report[0];

    const ModelFile model(output.path(), ModelKind::reenactor);
    EXPECT_EQ(model.info().licence, "none");
    const auto provenance = nlohmann::json::parse(model.info().provenance.text());
    EXPECT_EQ(provenance.at("imported_from"), "authors_small_checkpoint.pth");
    EXPECT_EQ(provenance.at("container"), "legacy");
    EXPECT_EQ(provenance.at("options").at("iteration"), 1200000);
    const auto config = model.info().config.get<ReenactorConfig>();
    EXPECT_EQ(config.preset, "custom");
    EXPECT_EQ(config.image_size, 64);
    EXPECT_EQ(config.num_channels, 2);
    EXPECT_EQ(config.max_channels, 16);
    EXPECT_EQ(config.identity_embedding_size, 32);
    EXPECT_EQ(config.pose_embedding_size, 16);
    EXPECT_EQ(config.hidden_size(), 512);
    expect_pictures(config, model, to_torch(expected.at("meta.in.embeds")), expected, "meta", outputs);
    MobileNetV2 pose_encoder(config.pose_embedding_size, config.pose_encoder_width);
    EXPECT_NO_THROW(load_weights(*pose_encoder, model, "pose."));
  }
}

TEST(ImportAuthors, FineTunedCheckpointDrawsTheAuthorsPictures) {
  REENACT_SHARED_FILE(path, "parity/authors_small_finetuned_zip.pth");
  REENACT_SHARED_FILE(expected_path, "parity/authors_small_expected.safetensors");
  const SafetensorsFile expected(expected_path);
  const std::pair<WeightsChoice, const char*> choices[] = {{WeightsChoice::average, "finetuned.ema"},
                                                           {WeightsChoice::raw, "finetuned.raw"}};
  for (const auto& [choice, outputs] : choices) {
    SCOPED_TRACE(outputs);
    const TestFile reenactor("reenactor.safetensors"), person("person.safetensors");
    AuthorsImport options;
    options.checkpoint = path;
    options.reenactor = reenactor.path();
    options.identity = person.path();
    options.weights = choice;
    options.name = "Mona";
    options.consent = "painted";
    import_authors_checkpoint(options);

    const auto identity = load_identity(person.path());
    EXPECT_EQ(identity->name, "Mona");
    EXPECT_EQ(identity->consent, "painted");
    ASSERT_EQ(identity->embedding.size(), 32u);
    ASSERT_TRUE(identity->personal_weights);
    EXPECT_FALSE(identity->personal_weights->file().contains("gen.identity_embedding"));
    const ModelFile model(reenactor.path(), ModelKind::reenactor);
    const auto config = model.info().config.get<ReenactorConfig>();
    const auto embedding = torch::tensor(identity->embedding).view({1, -1});
    expect_pictures(config, *identity->personal_weights, embedding, expected, "finetuned", outputs);
    expect_pictures(config, model, embedding, expected, "finetuned", outputs);
  }
}

TEST(ImportAuthors, DiscriminatorComesAlongWhenAskedFor) {
  for (const char* name : {"authors_small_checkpoint.pth", "authors_small_finetuned_zip.pth"}) {
    SCOPED_TRACE(name);
    REENACT_SHARED_FILE(path, std::string("parity/") + name);
    const TestFile output("reenactor.safetensors");
    AuthorsImport options;
    options.checkpoint = path;
    options.reenactor = output.path();
    import_authors_checkpoint(options);
    EXPECT_FALSE(ModelFile(output.path()).file().contains("dis.score.weight"));
    options.with_discriminator = true;
    import_authors_checkpoint(options);
    const ModelFile model(output.path());
    const AuthorsCheckpoint checkpoint(path);
    EXPECT_TRUE(model.file().contains("dis.block5.conv2.sn_v"));
    EXPECT_EQ(model.file().contains("dis.embed.weight"), checkpoint.is_fine_tuned());
    DiscriminatorConfig config;
    config.image_size = 64;
    config.num_channels = 2;
    config.max_channels = 16;
    config.embedding_size = 32;
    if (!checkpoint.is_fine_tuned()) continue;
    EXPECT_NO_THROW(load_weights(*Discriminator(config), model, "dis."));
  }
}

TEST(ImportAuthors, SaysWhatDoesNotFit) {
  REENACT_SHARED_FILE(path, "parity/authors_small_checkpoint.pth");
  const TestFile output("never-written.safetensors");
  AuthorsImport options;
  options.checkpoint = path;
  expect_error(ErrorCode::invalid, "wanted --output, --identity or both",
               [&] { import_authors_checkpoint(options); });
  options.identity = output.path();
  expect_error(ErrorCode::wrong_kind, "is meta-learned", [&] { import_authors_checkpoint(options); });
  EXPECT_FALSE(std::filesystem::exists(output.path()));
  const AuthorsCheckpoint checkpoint(path);
  expect_error(ErrorCode::wrong_kind, "is meta-learned",
               [&] { checkpoint.identity_embedding(WeightsChoice::average); });
  expect_error(ErrorCode::wrong_kind, "holds no tensors by name, wanted a state_dict",
               [&] { import_detector(path, output.path(), DetectorConfig(), ""); });
}

}  // namespace
}  // namespace reenact::training
