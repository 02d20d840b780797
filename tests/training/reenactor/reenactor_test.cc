// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>

#include "reenact/crop.h"
#include "reenact/error.h"
#include "support/errors.h"
#include "support/small_face_dataset.h"
#include "torch/load_weights.h"
#include "training/data/clips_in_memory.h"
#include "training/reenactor/reenactor_sampler.h"
#include "training/reenactor/reenactor_trainer.h"
#include "training/run/random_state.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

/// Tiny networks on drawn faces.
class ReenactorTraining : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    spdlog::set_level(spdlog::level::err);
    at::set_num_threads(1);
    root_ = fs::temp_directory_path() / ("reenact-meta-" + std::to_string(::getpid()));
    test::write_small_face_dataset(root_ / "data");
    dataset_ = std::make_unique<ClipsInMemory>(root_ / "data", 32, DatasetFilter{});
  }
  static void TearDownTestSuite() {
    dataset_.reset();
    fs::remove_all(root_);
  }

  static ReenactorTrainingConfig config(const std::string& source) {
    return read_reenactor_training_config(
        RunConfig({}, {"networks.preset=lite", "networks.image_size=32", "networks.pose_input_size=32",
                       "networks.num_channels=4", "networks.max_channels=8",
                       "networks.identity_embedding_size=8", "networks.pose_embedding_size=8",
                       "networks.projector_hidden=16", "networks.identity_encoder_width=0.25",
                       "networks.pose_encoder_width=0.25", "discriminator.num_blocks=4",
                       "augmentation.flip=true", "identity.frames=2", "identity.source=" + source,
                       "training.learning_rate=1e-3", "loss.l1=10", "loss.landmarks=5", "loss.cross=1"}));
  }

  static std::map<std::string, torch::Tensor> model_after_three_steps(
      const ReenactorTrainingConfig& settings) {
    seed_everything(8);
    const ReenactorSampler sampler(*dataset_, settings);
    ReenactorTrainer trainer(settings, sampler.label_count());
    Random random(8);
    for (int step = 0; step < 3; ++step) trainer.step(sampler.draw(2, random), step);
    return trainer.model();
  }

  static fs::path root_;
  static std::unique_ptr<ClipsInMemory> dataset_;
};
fs::path ReenactorTraining::root_;
std::unique_ptr<ClipsInMemory> ReenactorTraining::dataset_;

TEST_F(ReenactorTraining, MirroringLandmarksTwiceGivesThemBack) {
  const auto& order = mirrored_landmark_order();
  ASSERT_EQ(order.size(), 478u);
  for (int i = 0; i < 478; ++i) EXPECT_EQ(order[order[i]], i);
  // Outer eye corners and mouth corners change sides; the tip of the chin stays.
  EXPECT_EQ(order[33], 263);
  EXPECT_EQ(order[61], 291);
  EXPECT_EQ(order[152], 152);
}

TEST_F(ReenactorTraining, HeldOutFramesAreNeverDrawn) {
  const auto settings = config("table");
  const ReenactorSampler sampler(*dataset_, settings);
  EXPECT_EQ(sampler.label_count(), static_cast<int>(2 * dataset_->clips().size()));
  Random random(1);
  const auto batch = sampler.draw(6, random);
  EXPECT_EQ(batch.target.sizes(), (std::vector<std::int64_t>{6, 3, 32, 32}));
  EXPECT_EQ(batch.mask.sizes(), (std::vector<std::int64_t>{6, 1, 32, 32}));
  EXPECT_GE(batch.target.min().item<float>(), 0.f);
  EXPECT_LE(batch.target.max().item<float>(), 1.f);
  EXPECT_LT(batch.labels.max().item<std::int64_t>(), sampler.label_count());
}

TEST_F(ReenactorTraining, MirroredClassesHaveMirroredHeads) {
  const auto settings = config("table");
  const ReenactorSampler sampler(*dataset_, settings);
  const auto heads = sampler.mean_heads(16);
  ASSERT_EQ(heads.sizes(), (std::vector<std::int64_t>{sampler.label_count(), 3, 16, 16}));
  for (int i = 0; i < sampler.label_count(); i += 2)
    EXPECT_TRUE(torch::equal(heads[i].flip(2), heads[i + 1])) << i;
  EXPECT_GT((heads[0] - heads[2]).abs().max().item<float>(), 0.05f);
}

TEST_F(ReenactorTraining, LearnsToDrawOneBatch) {
  for (const std::string source : {"table", "encoder"}) {
    auto settings = config(source);
    settings.run.steps = 60;
    settings.loss.adversarial_from = 40;
    seed_everything(3);
    const ReenactorSampler sampler(*dataset_, settings);
    ReenactorTrainer trainer(settings, sampler.label_count());
    Random random(3);
    const auto batch = sampler.draw(4, random);
    const double first = trainer.step(batch, 0).at("l1");
    double last = 0;
    for (int step = 1; step < settings.run.steps; ++step) last = trainer.step(batch, step).at("l1");
    EXPECT_LT(last, 0.8 * first) << source;
  }
}

TEST_F(ReenactorTraining, PartsOfABatchMakeTheWhole) {
  const auto settings = config("encoder");
  const ReenactorSampler sampler(*dataset_, settings);
  Random whole_random(4), first_random(4), second_random(4);
  const auto whole = sampler.draw(4, whole_random);
  const auto first = sampler.draw(4, first_random, 0, 2), second = sampler.draw(4, second_random, 1, 2);
  EXPECT_TRUE(torch::equal(torch::cat({first.pose_source, second.pose_source}), whole.pose_source));
  EXPECT_TRUE(
      torch::equal(torch::cat({first.identity_frames, second.identity_frames}), whole.identity_frames));
  EXPECT_TRUE(torch::equal(torch::cat({first.labels, second.labels}), whole.labels));
  EXPECT_EQ(first_random, whole_random);
  EXPECT_EQ(second_random, whole_random);
}

TEST_F(ReenactorTraining, ABatchIsTheSameWhateverTheNumberOfThreads) {
  const int threads_before = cv::getNumThreads();
  for (const std::string source : {"table", "encoder", "fit"}) {
    auto settings = config(source);
    settings.augmentation.background_swap = 0.5;
    const ReenactorSampler sampler(*dataset_, settings);
    std::vector<ReenactorBatch> batches;
    std::vector<Random> randoms;
    for (const int threads : {1, 2, 4}) {
      cv::setNumThreads(threads);
      randoms.emplace_back(6);
      batches.push_back(sampler.draw(8, randoms.back()));
    }
    for (std::size_t i = 1; i < batches.size(); ++i) {
      SCOPED_TRACE(source + ", batch " + std::to_string(i));
      EXPECT_TRUE(torch::equal(batches[i].pose_source, batches[0].pose_source));
      EXPECT_TRUE(torch::equal(batches[i].target, batches[0].target));
      EXPECT_TRUE(torch::equal(batches[i].mask, batches[0].mask));
      EXPECT_TRUE(torch::equal(batches[i].landmarks, batches[0].landmarks));
      EXPECT_TRUE(torch::equal(batches[i].has_landmarks, batches[0].has_landmarks));
      EXPECT_TRUE(torch::equal(batches[i].labels, batches[0].labels));
      if (source != "table") {
        EXPECT_TRUE(torch::equal(batches[i].identity_frames, batches[0].identity_frames));
      }
      EXPECT_EQ(randoms[i], randoms[0]);
    }
    Random other(7);
    EXPECT_FALSE(torch::equal(sampler.draw(8, other).pose_source, batches[0].pose_source)) << "another seed";
  }
  cv::setNumThreads(threads_before);
}

TEST_F(ReenactorTraining, ALossThatIsNotFiniteChangesNothing) {
  auto settings = config("table");
  settings.training.loss_scale = 1024;
  const ReenactorSampler sampler(*dataset_, settings);
  ReenactorTrainer trainer(settings, sampler.label_count());
  Random random(1);
  auto batch = sampler.draw(2, random);
  trainer.step(batch, 0);
  Checkpoint checkpoint;
  trainer.save_to(checkpoint);
  std::map<std::string, torch::Tensor> before;
  for (auto& [name, tensor] : checkpoint.tensors())
    if (name.find("optimizer") != std::string::npos || name.starts_with("average"))
      before[name] = tensor.clone();
  batch.target[0][0][3][3] = std::numeric_limits<float>::quiet_NaN();
  test::expect_error([&] { trainer.step(batch, 1); }, ErrorCode::invalid, {"step 1", "is not finite"});
  for (const auto& [name, tensor] : before)
    EXPECT_TRUE(torch::equal(checkpoint.tensors().at(name), tensor)) << name;
  trainer.save_to(checkpoint);
  EXPECT_EQ(checkpoint.get("generator_scaler.scale").item<double>(), 1024) << "no scale mends a loss";
  batch.target[0][0][3][3] = 0;
  EXPECT_TRUE(std::isfinite(trainer.step(batch, 1).at("total")));
}

TEST_F(ReenactorTraining, GradientsThatAreNotFiniteLeaveTheWeightsAlone) {
  auto settings = config("table");
  settings.training.loss_scale = 1e38;  // of losses of 10,000 the gradients overflow
  settings.loss.l1 = 1e4;
  const ReenactorSampler sampler(*dataset_, settings);
  ReenactorTrainer trainer(settings, sampler.label_count());
  Random random(1);
  const auto batch = sampler.draw(2, random);
  const auto before = trainer.model();
  std::map<std::string, torch::Tensor> weights;
  for (const auto& [name, tensor] : before)
    if (name.ends_with("weight")) weights[name] = tensor.clone();
  const auto losses = trainer.step(batch, 0);
  EXPECT_TRUE(std::isfinite(losses.at("total")));
  EXPECT_DOUBLE_EQ(losses.at("loss_scale"), 0.5e38);
  for (const auto& [name, tensor] : weights)
    EXPECT_TRUE(torch::equal(trainer.model().at(name), tensor)) << name;
  Checkpoint checkpoint;
  trainer.save_to(checkpoint);
  EXPECT_TRUE(checkpoint.with_prefix("generator_optimizer").empty()) << "the optimiser has made no step";
  settings.training.loss_scale = 0;
  ReenactorTrainer resumed(settings, sampler.label_count());
  checkpoint.save(root_ / "scaled.safetensors", {});
  resumed.restore_from(Checkpoint::load(root_ / "scaled.safetensors"));
  EXPECT_EQ(resumed.step(batch, 1).count("loss_scale"), 0u) << "a run without a scale goes on without";
}

TEST_F(ReenactorTraining, AScaledLossLearnsTheSame) {
  std::vector<std::map<std::string, torch::Tensor>> models;
  for (const double scale : {0, 1024}) {
    auto settings = config("encoder");
    settings.training.loss_scale = scale;
    models.push_back(model_after_three_steps(settings));
  }
  for (const auto& [name, tensor] : models[0])
    EXPECT_TRUE(torch::allclose(tensor, models[1].at(name), 1e-6, 1e-7)) << name;
}

TEST_F(ReenactorTraining, UpdatesInTurnOrAtOnceAreTheSame) {
  std::vector<std::map<std::string, torch::Tensor>> models;
  for (const bool at_once : {false, true}) {
    auto settings = config("encoder");
    settings.training.single_update = at_once;
    models.push_back(model_after_three_steps(settings));
  }
  for (const auto& [name, tensor] : models[0]) EXPECT_TRUE(torch::equal(tensor, models[1].at(name))) << name;
}

TEST_F(ReenactorTraining, WithoutSegmentationTheMaskStaysOne) {
  auto settings = config("table");
  settings.training.segmentation = false;
  const ReenactorSampler sampler(*dataset_, settings);
  ReenactorTrainer trainer(settings, sampler.label_count());
  Random random(1);
  const auto batch = sampler.draw(3, random);
  EXPECT_EQ(batch.mask.min().item<float>(), 1.f);
  const double first = trainer.step(batch, 0).at("l1");
  double last = 0;
  for (int step = 1; step < 20; ++step) last = trainer.step(batch, step).at("l1");
  EXPECT_LT(last, first);
  auto weights = trainer.model();
  GeneratorNetwork generator(settings.networks);
  {
    torch::NoGradGuard no_grad;
    for (auto& item : generator->named_parameters()) item.value().copy_(weights.at("gen." + item.key()));
    for (auto& item : generator->named_buffers()) item.value().copy_(weights.at("gen." + item.key()));
  }
  generator->eval();
  const auto head = generator(torch::randn({2, 8}), torch::randn({2, 8}));
  EXPECT_TRUE(torch::equal(head.mask, torch::ones_like(head.mask)));
  EXPECT_TRUE(torch::equal(head.rgb, head.color));
}

TEST_F(ReenactorTraining, PerceptualNetworksCompareContent) {
  VggFeatures network(VggLayout::vgg19);
  write_model(root_ / "perceptual.safetensors", ModelInfo{.kind = ModelKind::perceptual},
              weights_of(*network, "vgg19."), true);
  auto settings = config("table");
  settings.loss.perceptual_networks = root_ / "perceptual.safetensors";
  settings.loss.perceptual = 0.5;
  settings.loss.l1 = 0;
  const ReenactorSampler sampler(*dataset_, settings);
  ReenactorTrainer trainer(settings, sampler.label_count());
  Random random(1);
  const auto batch = sampler.draw(2, random);
  const auto losses = trainer.step(batch, 0);
  EXPECT_GT(losses.at("perceptual"), 0);
  EXPECT_EQ(losses.count("face_identity"), 0u) << "the file holds no VGGFace";
  EXPECT_EQ(losses.count("l1"), 0u);
}

TEST_F(ReenactorTraining, ValidationKnowsSimilarity) {
  const auto settings = config("table");
  const ReenactorSampler sampler(*dataset_, settings);
  ReenactorTrainer trainer(settings, sampler.label_count());
  const auto values = trainer.validate(sampler.held_out(3));
  EXPECT_GT(values.at("held_out_psnr"), 2);
  EXPECT_LT(values.at("held_out_psnr"), 30);
  EXPECT_LT(values.at("held_out_ssim"), 0.9);
}

TEST(PoseEncoderNetwork, HasTheNamesOfTheNetworkItStandsFor) {
  auto settings = reenactor_preset("paper");
  settings.pose_embedding_size = 16;
  settings.pose_encoder = "resnext50_32x4d";
  PoseEncoderNetwork strong(settings);
  EXPECT_TRUE(strong->named_parameters().contains("layer1.0.conv1.weight"));
  EXPECT_EQ(strong(torch::rand({2, 3, 64, 64})).sizes(), (std::vector<std::int64_t>{2, 16}));
  settings.pose_encoder = "mobilenet_v2";
  PoseEncoderNetwork weak(settings);
  EXPECT_TRUE(weak->named_parameters().contains("classifier.1.weight"));
}

TEST_F(ReenactorTraining, FittingTeachesTheIdentityEncoderAlone) {
  auto settings = config("fit");
  settings.training.weight_average = 0.999;
  const ReenactorSampler sampler(*dataset_, settings);
  seed_everything(5);
  ReenactorTrainer trainer(settings, sampler.label_count());
  Random random(5);
  const auto state = [&trainer](const std::string& name) {
    Checkpoint checkpoint;
    trainer.save_to(checkpoint);
    return checkpoint.get(name).clone();
  };
  const std::string encoder = "networks.idt.features.0.0.weight", average = "average.idt.features.0.0.weight";
  const auto start = state(encoder);
  auto before = trainer.model();
  for (auto& [name, tensor] : before) tensor = tensor.clone();
  LossValues losses;
  for (int step = 0; step < 30; ++step) losses = trainer.step(sampler.draw(3, random), step);
  for (const std::string name : {"fit", "l1", "dice", "total"}) EXPECT_EQ(losses.count(name), 1u) << name;
  EXPECT_EQ(losses.count("cross"), 0u);
  for (const auto& [name, tensor] : trainer.model())
    if (name.rfind("idt.", 0) != 0) {
      EXPECT_TRUE(torch::equal(tensor, before.at(name))) << name;
    }
  // Batch normalisation's statistics are those of the latest weights: an average far behind them draws
  // nonsense.
  const auto moved = (state(encoder) - start).norm().item<double>();
  EXPECT_GT(moved, 0);
  EXPECT_LT((state(encoder) - state(average)).norm().item<double>(), 0.5 * moved);
}

TEST_F(ReenactorTraining, HandsItsDiscriminatorToPersonaliseWhereAsked) {
  auto settings = config("encoder");
  EXPECT_EQ(model_after_three_steps(settings).count("dis.stem.conv1.weight"), 0u);
  settings.discriminator.exported = true;
  const auto model = model_after_three_steps(settings);
  EXPECT_EQ(model.count("dis.stem.conv1.weight"), 1u);
  EXPECT_EQ(model.count("dis.embed.weight"), 0u) << "the classes stay with the run";
}

TEST_F(ReenactorTraining, APatchDiscriminatorLearnsToo) {
  auto settings = config("table");
  settings.discriminator.patch = true;
  settings.discriminator.num_blocks = 2;
  const ReenactorSampler sampler(*dataset_, settings);
  seed_everything(5);
  ReenactorTrainer trainer(settings, sampler.label_count());
  Random random(5);
  constexpr int steps = 100, compared = 20;
  double first = 0, last = 0;
  LossValues losses;
  for (int step = 0; step < steps; ++step) {
    losses = trainer.step(sampler.draw(4, random), step);
    // Single batches differ by more than a discriminator this small learns in so few steps.
    if (step < compared) first += losses.at("discriminator") / compared;
    if (step >= steps - compared) last += losses.at("discriminator") / compared;
  }
  EXPECT_LT(last, first);
  EXPECT_GT(losses.at("features"), 0);
}

TEST_F(ReenactorTraining, ResumesBitByBit) {
  const auto settings = config("table");
  const ReenactorSampler sampler(*dataset_, settings);
  const auto losses = [&](ReenactorTrainer& trainer, Random& random, int from, int to) {
    std::vector<double> totals;
    for (int step = from; step < to; ++step)
      totals.push_back(trainer.step(sampler.draw(3, random), step).at("total"));
    return totals;
  };
  seed_everything(5);
  ReenactorTrainer straight(settings, sampler.label_count());
  Random random(5);
  losses(straight, random, 0, 3);
  Checkpoint checkpoint;
  straight.save_to(checkpoint);
  put_random_state(checkpoint);
  put_random_state(checkpoint, "sampler", random);
  checkpoint.save(root_ / "checkpoint.safetensors", ModelInfo{.kind = ModelKind::checkpoint});
  const auto expected = losses(straight, random, 3, 6);

  seed_everything(99);
  ReenactorTrainer resumed(settings, sampler.label_count());
  Random other(99);
  const auto loaded = Checkpoint::load(root_ / "checkpoint.safetensors");
  resumed.restore_from(loaded);
  get_random_state(loaded);
  get_random_state(loaded, "sampler", other);
  EXPECT_EQ(losses(resumed, other, 3, 6), expected);
}

TEST_F(ReenactorTraining, GrowsByAnUpsamplingBlock) {
  auto small = config("table");
  const ReenactorSampler sampler(*dataset_, small);
  ReenactorTrainer trainer(small, sampler.label_count());
  Checkpoint checkpoint;
  trainer.save_to(checkpoint);
  checkpoint.save(root_ / "small.safetensors", ModelInfo{.kind = ModelKind::checkpoint});
  auto large = small;
  large.networks.image_size = large.discriminator.image_size = 64;
  large.networks.num_channels = 2;
  ReenactorTrainer grown(large, sampler.label_count());
  grown.start_from(starting_weights(root_ / "small.safetensors"));
  const auto before = trainer.model(), after = grown.model();
  EXPECT_TRUE(torch::equal(before.at("gen.up2.conv1.weight"), after.at("gen.up2.conv1.weight")));
  const auto rows = before.at("gen.proj.fc2.weight").size(0);
  EXPECT_TRUE(
      torch::equal(before.at("gen.proj.fc2.weight"), after.at("gen.proj.fc2.weight").narrow(0, 0, rows)));
  EXPECT_GT(after.at("gen.proj.fc2.weight").size(0), rows);
}

TEST_F(ReenactorTraining, StandardisedPosesKeepTheLandmarks) {
  auto settings = config("table");
  settings.training.freeze_pose = true;
  settings.training.pose_deviation = 4;
  const ReenactorSampler sampler(*dataset_, settings);
  ReenactorTrainer trainer(settings, sampler.label_count());
  Random random(2);
  const auto batch = sampler.draw(16, random);
  const double before = trainer.landmark_error(batch);
  trainer.standardize_pose(batch);
  EXPECT_NEAR(trainer.landmark_error(batch), before, 1e-2);
}

TEST_F(ReenactorTraining, IdentityEmbeddingsStartAtTheDeviationThatIsAskedFor) {
  auto settings = config("encoder");
  settings.training.identity_deviation = 4;
  const ReenactorSampler sampler(*dataset_, settings);
  ReenactorTrainer trainer(settings, sampler.label_count());
  Random random(2);
  const auto batch = sampler.draw(16, random);
  trainer.standardize_identity(batch);
  IdentityEncoderNetwork encoder(settings.networks);
  for (auto& item : encoder->named_parameters()) {
    torch::NoGradGuard no_grad;
    item.value().copy_(trainer.model().at("idt." + item.key()));
  }
  // With the batch's own statistics, as then; dropout draws anew.
  const auto embeddings = encoder(batch.identity_frames).mean(1);
  EXPECT_NEAR(embeddings.std(0).mean().item<double>(), 4, 1);
  EXPECT_LT(embeddings.mean(0).abs().mean().item<double>(), 1.5);
}

TEST_F(ReenactorTraining, AveragedEncodersNormaliseWithTheStatisticsOfTheirOwnActivations) {
  auto settings = config("encoder");
  settings.training.learning_rate = 1e-2;  // the average and the weights that learn drift apart
  const ReenactorSampler sampler(*dataset_, settings);
  ReenactorTrainer trainer(settings, sampler.label_count());
  Random random(2);
  for (int step = 0; step < 3; ++step) trainer.step(sampler.draw(4, random), step);
  const auto first = sampler.draw(4, random), second = sampler.draw(4, random);
  int drawn = 0;
  trainer.refresh_batch_statistics(2, [&] { return drawn++ == 0 ? first : second; });
  const auto model = trainer.model();
  const auto mean_of = [&](const std::string& encoder, const torch::Tensor& pictures) {
    return torch::conv2d(pictures, model.at(encoder + ".features.0.0.weight"), {}, 2, 1).mean({0, 2, 3});
  };
  const auto pose = (mean_of("pose", first.pose_source) + mean_of("pose", second.pose_source)) / 2;
  EXPECT_TRUE(torch::allclose(model.at("pose.features.0.1.running_mean"), pose, 1e-3, 1e-5));
  const auto identity = (mean_of("idt", first.identity_frames.flatten(0, 1)) +
                         mean_of("idt", second.identity_frames.flatten(0, 1))) /
                        2;
  EXPECT_TRUE(torch::allclose(model.at("idt.features.0.1.running_mean"), identity, 1e-3, 1e-5));
}

TEST_F(ReenactorTraining, TheReleasedLoaderCropsOnceMore) {
  auto settings = config("table");
  const auto plain = ReenactorSampler(*dataset_, settings).held_out(1);
  settings.data.loader_crop = true;
  const auto cropped = ReenactorSampler(*dataset_, settings).held_out(1);
  const auto expected = recrop_as_loader(to_picture(plain.target[0]), 32);
  EXPECT_EQ(cv::norm(to_picture(cropped.target[0]), expected, cv::NORM_INF), 0);
  EXPECT_FALSE(torch::equal(cropped.target, plain.target));
  EXPECT_EQ(cropped.mask[0][0].select(1, 0).abs().max().item<float>(), 0) << "its rim fades";
}

TEST_F(ReenactorTraining, IdentityFramesAreDifferentOnes) {
  auto settings = config("encoder");
  settings.identity.frames = 8;
  settings.data.still_share = 0;
  settings.augmentation = {false, 0, 0, 0, 0, 0, false};
  const ReenactorSampler sampler(*dataset_, settings);
  Random random(5);
  const auto batch = sampler.draw(1, random);
  const auto pictures = torch::cat({batch.identity_frames[0], batch.target});
  ASSERT_EQ(pictures.size(0), 9);
  for (int i = 0; i < 9; ++i)
    for (int k = 0; k < i; ++k) EXPECT_FALSE(torch::equal(pictures[i], pictures[k])) << i << " and " << k;
}

}  // namespace
}  // namespace reenact::training
