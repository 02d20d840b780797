// SPDX-License-Identifier: LGPL-2.1-or-later
// Personalising a small reenactor with random weights: its parts, and the command from pictures to identity
// file.
#include <gtest/gtest.h>
#include <torch/torch.h>
#include <nlohmann/json.hpp>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "reenact/identity.h"
#include "reenact/safetensors.h"
#include "support/errors.h"
#include "support/random_weights.h"
#include "support/run_program.h"
#include "support/temporary_folder.h"
#include "torch/load_weights.h"
#include "torch/networks/encoders.h"
#include "torch/networks/patch_discriminator.h"
#include "training/personalise/motion_reference.h"
#include "training/personalise/person_pictures.h"
#include "training/personalise/personal_discriminator.h"
#include "training/personalise/personalise_config.h"

namespace reenact::training {
namespace {

constexpr int side = 32, identity_size = 12, pose_size = 8;

ReenactorConfig small_config() {
  ReenactorConfig config;
  config.preset = "small";
  config.image_size = side;
  config.num_channels = 8;
  config.max_channels = 16;
  config.identity_embedding_size = identity_size;
  config.pose_embedding_size = pose_size;
  config.identity_encoder = "mobilenet_v2";
  config.identity_encoder_width = 0.25;
  config.pose_encoder_width = 0.25;
  return config;
}

DiscriminatorConfig small_discriminator() {
  DiscriminatorConfig config;
  config.image_size = side;
  config.num_channels = 8;
  config.max_channels = 16;
  config.embedding_size = identity_size;
  config.num_blocks = 4;
  config.num_labels = 3;
  return config;
}

/// A file with all networks of a reenactor.
class Personalise : public testing::Test {
 protected:
  Personalise()
      // Before the networks: spectral norms begin at random vectors too.
      : seeded_((torch::manual_seed(6), true)),
        pose_(small_config()),
        identity_(small_config()),
        person_(small_config()),
        discriminator_(small_discriminator()) {
    test::randomize(pose_);
    test::randomize(identity_);
    test::randomize(person_);
    torch::NoGradGuard no_grad;
    person_->identity_embedding.normal_();
    std::map<std::string, torch::Tensor> tensors = weights_of(*pose_, "pose.");
    tensors.merge(weights_of(*identity_, "idt."));
    tensors.merge(weights_of(*person_->gen, "gen."));
    ModelInfo info;
    info.config = to_json(small_config());
    write_model(model(), info, tensors);
    tensors.merge(weights_of(*discriminator_, "dis."));
    write_model(model_with_discriminator(), info, tensors);
  }
  std::string model() const { return folder_ / "reenactor.safetensors"; }
  std::string model_with_discriminator() const { return folder_ / "with-discriminator.safetensors"; }
  std::string file(const std::string& name) const { return folder_ / name; }

  /// A bright disc before a dark background, and its mask.
  void write_pictures(const std::string& name, int count) {
    std::filesystem::create_directories(folder_ / name);
    std::filesystem::create_directories(folder_ / (name + "-masks"));
    for (int i = 0; i < count; ++i) {
      cv::Mat picture(side, side, CV_8UC3, cv::Scalar(40, 30, 20)), mask(side, side, CV_8UC1, cv::Scalar(0));
      const cv::Point center(12 + i, 16);
      cv::circle(picture, center, 9, {90, 150, 220}, cv::FILLED);
      cv::circle(mask, center, 9, 255, cv::FILLED);
      const auto file_name = "/" + std::to_string(100 + i) + ".png";
      cv::imwrite(file(name) + file_name, picture);
      cv::imwrite(file(name + "-masks") + file_name, mask);
    }
  }
  test::ProgramResult personalise(const std::string& pictures, const std::string& output,
                                  std::vector<std::string> more) {
    std::vector<std::string> arguments{"personalise",
                                       file(pictures),
                                       "--masks",
                                       file(pictures + "-masks"),
                                       "--already-cropped",
                                       "--output",
                                       file(output),
                                       "--threads",
                                       "1",
                                       "--set",
                                       "run.embedding_steps=4"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return test::run_program(arguments);
  }

  test::TemporaryFolder folder_;
  bool seeded_;
  PoseEncoderNetwork pose_;
  IdentityEncoderNetwork identity_;
  PersonalGenerator person_;
  Discriminator discriminator_;
};

TEST(PersonaliseConfig, IterationsFollowTheNumberOfPictures) {
  EXPECT_EQ(iterations_for(1, "paper"), 125);
  EXPECT_EQ(iterations_for(30, "paper"), 230);
  EXPECT_EQ(iterations_for(500, "paper"), 230);
  EXPECT_EQ(iterations_for(1, "live"), 60);
  EXPECT_EQ(iterations_for(30, "live"), 100);
  for (std::size_t n = 1; n < 30; ++n)
    EXPECT_LT(iterations_for(n, "paper"), iterations_for(n + 1, "paper")) << n;
}

TEST(PersonaliseConfig, ThePaperPresetIsTheReleasedCodes) {
  const auto config = read_personalise_config(RunConfig({}), "paper");
  EXPECT_TRUE(config.tuning.train_identity_embedding);
  EXPECT_TRUE(config.tuning.pose_encoder_in_training_mode);
  EXPECT_TRUE(config.tuning.loss.dice_as_released);
  EXPECT_EQ(config.tuning.loss.vgg_input, VggInput::as_released);
  EXPECT_EQ(config.tuning.loss.l1, 0);
  EXPECT_EQ(config.tuning.loss.motion, 0);
  EXPECT_EQ(config.augmentation.affine_scale, 0.2);
  EXPECT_EQ(config.augmentation.shift, 0.05);
  EXPECT_EQ(config.run.batch_size, 0);
  EXPECT_EQ(config.run.embedding_steps, 0);
  EXPECT_EQ(config.tuning.precision, torch::kFloat);
}

TEST(PersonaliseConfig, LiveTakesSmallBatchesInTheGivenPrecisionUnlessTold) {
  const auto config = read_personalise_config(RunConfig({}), "live", torch::kBFloat16);
  EXPECT_EQ(config.run.batch_size, 2);
  EXPECT_EQ(config.tuning.precision, torch::kBFloat16);
  const auto told = read_personalise_config(RunConfig({}, {"training.precision=float32", "run.batch_size=4"}),
                                            "live", torch::kBFloat16);
  EXPECT_EQ(told.run.batch_size, 4);
  EXPECT_EQ(told.tuning.precision, torch::kFloat);
}

TEST(PersonaliseConfig, OverridesAndRefusals) {
  const auto config = read_personalise_config(
      RunConfig({}, {"loss.vgg_input=caffe", "tuning.train_identity_embedding=true"}), "lite");
  EXPECT_TRUE(config.tuning.train_identity_embedding);
  EXPECT_EQ(config.tuning.loss.vgg_input, VggInput::caffe);
  EXPECT_THROW(read_personalise_config(RunConfig({}, {"loss.vgg_input=bgr"}), "lite"), Error);
  test::expect_error([] { read_personalise_config(RunConfig({}, {"loss.dice=-1"}), "lite"); },
                     ErrorCode::invalid, {"loss.dice"});
}

TEST_F(Personalise, DiscriminatorKeepsItsTrunkAndKnowsOnePerson) {
  const ModelFile file(model_with_discriminator());
  ASSERT_TRUE(holds_discriminator(file));
  EXPECT_FALSE(holds_discriminator(ModelFile(model())));
  const auto embedding = torch::randn({1, identity_size});
  auto personal = load_personal_discriminator(file, small_config(), embedding);

  personal->train();
  torch::NoGradGuard no_grad;
  const auto row = personal->embed(torch::zeros({1}, torch::kLong));
  EXPECT_TRUE(torch::allclose(row, embedding / embedding.norm(), 1e-5, 1e-6));
  personal->eval();
  discriminator_->eval();
  const auto picture = torch::rand({1, 3, side, side});
  const auto expected = discriminator_->forward(picture, row), actual = personal->forward(picture, row);
  EXPECT_TRUE(torch::equal(actual.score, expected.score));
  ASSERT_EQ(actual.features.size(), expected.features.size());
}

TEST_F(Personalise, ThePatchDiscriminatorOfARunsCheckpointJudgesAsItDidThere) {
  DiscriminatorConfig config;
  config.patch = true;
  config.num_channels = 8;
  config.num_blocks = 3;
  PatchDiscriminator patches(config);
  test::randomize(patches);
  ModelInfo info;
  info.kind = ModelKind::checkpoint;
  write_model(file("checkpoint.safetensors"), info, weights_of(*patches, "discriminator."));
  const ModelFile checkpoint(file("checkpoint.safetensors"));
  ASSERT_TRUE(holds_discriminator(checkpoint));
  const auto loaded =
      load_personal_discriminator(checkpoint, small_config(), torch::randn({1, identity_size}));
  loaded->eval();
  torch::NoGradGuard no_grad;
  const auto picture = torch::rand({2, 3, side, side});
  EXPECT_TRUE(torch::equal(loaded->forward(picture, {}).score, patches->forward(picture, {}).score));

  write_pictures("person", 1);
  const auto result = personalise("person", "patches.safetensors",
                                  {"--model", model(), "--discriminator", file("checkpoint.safetensors"),
                                   "--iterations", "2", "--set", "run.embedding_steps=2"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_NE(result.errors.find("adversarial and feature matching"), std::string::npos) << result.errors;
}

TEST_F(Personalise, RefiningMovesTheEmbeddingTowardsThePictureAndNothingElse) {
  write_pictures("person", 1);
  const auto run = [&](const std::string& how) {
    const auto result =
        personalise("person", how + ".safetensors",
                    {"--model", model(), "--identity-embedding", how, "--iterations", "1", "--set",
                     "run.embedding_steps=100", "--set", "tuning.embedding_learning_rate=2e-3", "--set",
                     "tuning.generator_learning_rate=0", "--set", "run.keep_best=false"});
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    return load_identity(file(how + ".safetensors"));
  };
  const auto fixed = run("fixed"), refined = run("refined");
  EXPECT_NE(fixed->embedding, refined->embedding);
  for (const auto& [name, tensor] : weights_of(*person_->gen, "gen."))
    EXPECT_TRUE(torch::equal(to_torch(fixed->personal_weights->file().at(name)),
                             to_torch(refined->personal_weights->file().at(name))))
        << name;
  const auto error_after = [](const Identity& identity) {
    return nlohmann::json::parse(identity.personal_weights->info().provenance.text())
        .at("error")
        .at("after")
        .get<double>();
  };
  EXPECT_LT(error_after(*refined), error_after(*fixed)) << "of this random network; of some others it rises";
}

TEST_F(Personalise, OtherPicturesOfThePersonAreMeasuredAndNotLearned) {
  write_pictures("person", 1);
  write_pictures("others", 3);
  const auto learn = [&](const std::string& output, std::vector<std::string> more) {
    std::vector<std::string> options = {"--model", model(), "--iterations", "3"};
    options.insert(options.end(), more.begin(), more.end());
    return personalise("person", output, options);
  };
  const auto measured = learn("measured.safetensors", {"--test", file("others")});
  ASSERT_EQ(measured.exit_code, 0) << measured.errors;
  const auto line = measured.output.find("{\"pictures\"");
  ASSERT_NE(line, std::string::npos) << measured.output;
  const auto figures =
      nlohmann::json::parse(measured.output.substr(line, measured.output.find('\n', line) - line));
  EXPECT_EQ(figures.at("pictures"), 3);
  EXPECT_GT(figures.at("psnr").at("before").get<double>(), 0);
  EXPECT_NE(figures.at("psnr").at("before"), figures.at("psnr").at("after"));
  const auto unmeasured = learn("unmeasured.safetensors", {});
  EXPECT_TRUE(torch::equal(
      to_torch(load_identity(file("measured.safetensors"))->personal_weights->file().at("gen.const")),
      to_torch(load_identity(file("unmeasured.safetensors"))->personal_weights->file().at("gen.const"))));
}

TEST_F(Personalise, MotionIsLostWhenTheHeadFollowsNoLonger) {
  const MotionReference reference(person_, pose_, torch::randn({10, pose_size}), side);
  EXPECT_EQ(reference.lost(person_, pose_), 0);
  torch::NoGradGuard no_grad;
  person_->gen->named_parameters()["proj.fc1.weight"].narrow(1, identity_size, pose_size).zero_();
  EXPECT_GT(reference.lost(person_, pose_), 0.5);
  EXPECT_FALSE(person_->is_training());
}

TEST_F(Personalise, TheEndOfEverySourceIsHeldOut) {
  write_pictures("long", 12);
  write_pictures("short", 3);
  PersonSources sources;
  sources.paths = {file("long"), file("short")};
  sources.masks = {file("long-masks"), file("short-masks")};
  sources.cropper.already_cropped = true;
  const auto pictures = load_person_pictures(sources, side, {});
  EXPECT_EQ(pictures.training.size(), 13u);
  ASSERT_EQ(pictures.held_out.size(), 2u);
  // Disc number 11 of the long folder, whose centre is at 23.
  EXPECT_EQ(pictures.held_out.back().mask.at<unsigned char>(16, 31), 255);
  EXPECT_EQ(pictures.held_out.back().mask.at<unsigned char>(16, 10), 0);

  sources.masks = {file("long-masks"), file("long-masks")};
  const auto load = [&] { load_person_pictures(sources, side, {}); };
  test::expect_error(load, ErrorCode::invalid, {"12 masks, wanted 3"});
  sources.masks.pop_back();
  test::expect_error(load, ErrorCode::invalid, {"one for each"});
}

TEST_F(Personalise, CommandLearnsThePersonAndWritesAnIdentity) {
  write_pictures("person", 8);
  const auto result = personalise(
      "person", "person.safetensors",
      {"--model", model(), "--iterations", "60", "--run-dir", file("run"), "--consent", "agreed", "--licence",
       "CC0-1.0", "--set", "augmentation.pixelwise=false", "--set", "tuning.generator_learning_rate=0.002"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto identity = load_identity(file("person.safetensors"));
  EXPECT_EQ(identity->name, "person");
  EXPECT_EQ(identity->consent, "agreed");
  EXPECT_EQ(identity->licence, "CC0-1.0");
  EXPECT_EQ(identity->embedding.size(), static_cast<std::size_t>(identity_size));
  EXPECT_EQ(identity->neutral_pose.size(), static_cast<std::size_t>(pose_size));
  EXPECT_EQ(identity->thumbnail.size(), cv::Size(side, side));
  ASSERT_TRUE(identity->personal_weights);
  for (const auto& [name, tensor] : weights_of(*person_->gen, "gen."))
    EXPECT_TRUE(identity->personal_weights->file().contains(name)) << name;
  const auto provenance = nlohmann::json::parse(identity->personal_weights->info().provenance.text());
  EXPECT_EQ(provenance.at("pictures"), 7);
  EXPECT_EQ(provenance.at("held_out"), 1);
  EXPECT_LT(provenance.at("error").at("after").get<double>(),
            0.8 * provenance.at("error").at("before").get<double>());
  EXPECT_FALSE(cv::imread(file("run/progress.png")).empty());
}

TEST_F(Personalise, CommandUsesADiscriminatorAndKeepsAFixedEmbedding) {
  write_pictures("person", 1);
  const auto result =
      personalise("person", "fixed.safetensors",
                  {"--model", model_with_discriminator(), "--iterations", "2", "--identity-embedding",
                   "fixed", "--model-output", file("tuned.safetensors"), "--set", "run.keep_best=false"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_NE(result.errors.find("adversarial and feature matching"), std::string::npos) << result.errors;

  cv::Mat bgr = cv::imread(file("person/100.png")), rgb;
  cv::cvtColor(bgr, rgb, cv::COLOR_BGR2RGB);
  const auto picture = torch::from_blob(rgb.data, {1, 1, side, side, 3}, torch::kUInt8)
                           .permute({0, 1, 4, 2, 3})
                           .to(torch::kFloat) /
                       255;
  torch::NoGradGuard no_grad;
  const auto expected = identity_->forward(picture).flatten();
  const auto identity = load_identity(file("fixed.safetensors"));
  EXPECT_TRUE(torch::allclose(torch::tensor(identity->embedding), expected, 1e-4, 1e-5));

  const ModelFile tuned(file("tuned.safetensors"), ModelKind::reenactor);
  PersonalGenerator same(small_config());
  load_weights(*same->gen, tuned, "gen.");
  EXPECT_FALSE(
      torch::equal(same->gen->named_parameters()["const"], person_->gen->named_parameters()["const"]));
}

TEST_F(Personalise, TheSameSeedGivesTheSameWeights) {
  write_pictures("person", 2);
  const auto run = [&](const std::string& output, const std::string& seed) {
    const auto result = personalise(
        "person", output,
        {"--model", model(), "--iterations", "3", "--seed", seed, "--set", "run.keep_best=false"});
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    return to_torch(load_identity(file(output))->personal_weights->file().at("gen.const"));
  };
  const auto first = run("a.safetensors", "7");
  EXPECT_TRUE(torch::equal(first, run("b.safetensors", "7")));
  EXPECT_FALSE(torch::equal(first, run("c.safetensors", "8")));
}

}  // namespace
}  // namespace reenact::training
