// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>

#include "support/small_face_dataset.h"
#include "support/temporary_folder.h"
#include "training/data/clips_in_memory.h"
#include "training/reenactor/reenactor_sampler.h"
#include "training/reenactor/reenactor_trainer.h"
#include "training/run/process_ranks.h"
#include "training/run/random_state.h"

namespace reenact::training {
namespace {

constexpr int samples_in_batch = 8;
constexpr int steps = 12;

ReenactorTrainingConfig config(bool batch_statistics, const std::vector<std::string>& changes = {}) {
  // The pose encoder, frozen, works with its running statistics. Dice is a quotient of sums over the batch,
  // which parts of a batch do not have in common. Adam's defaults of beta1 0 and a small epsilon turn
  // rounding errors of vanishing gradients into whole steps.
  std::vector<std::string> settings = {"networks.preset=lite",
                                       "networks.image_size=32",
                                       "networks.pose_input_size=32",
                                       "networks.num_channels=4",
                                       "networks.max_channels=8",
                                       "networks.identity_embedding_size=8",
                                       "networks.pose_embedding_size=8",
                                       "networks.projector_hidden=16",
                                       "networks.identity_encoder_width=0.25",
                                       "networks.pose_encoder_width=0.25",
                                       "discriminator.num_blocks=4",
                                       "augmentation.flip=true",
                                       "identity.source=table",
                                       "training.unit_gain=true",
                                       "training.learning_rate=3e-4",
                                       "training.beta1=0.5",
                                       "training.epsilon=1e-2",
                                       "loss.l1=10",
                                       "loss.gradient=5",
                                       "loss.dice=0",
                                       "loss.face_parts=4",
                                       "loss.landmarks=5",
                                       "loss.adversarial_from=5",
                                       "loss.embedding_match=0"};
  if (!batch_statistics) settings.push_back("training.freeze_pose=true");
  settings.insert(settings.end(), changes.begin(), changes.end());
  return read_reenactor_training_config(RunConfig({}, settings));
}

std::string state(int rank, int step) {
  return std::to_string(rank) + "-" + std::to_string(step);
}

/// One of several processes: trains and saves its state before each step and after the last.
void train(ClipsInMemory& dataset, const ReenactorTrainingConfig& settings, const ProcessPlace& place,
           const std::filesystem::path& folder) {
  const ReenactorSampler sampler(dataset, settings);
  seed_everything(7 + place.rank);
  ReenactorTrainer trainer(settings, sampler.label_count(), std::make_shared<ProcessGroup>(place));
  trainer.broadcast();
  Random random(3);
  for (int step = 0;; ++step) {
    Checkpoint checkpoint;
    trainer.save_to(checkpoint);
    checkpoint.save(folder / state(place.rank, step), {});
    if (step == steps) return;
    trainer.step(sampler.draw(samples_in_batch, random, place.rank, place.count), step);
  }
}

double length(const torch::Tensor& tensor) {
  return tensor.to(torch::kDouble).norm().item<double>();
}

/// Takes each step of rank 0 again, in one process with part 0 of `parts` of each batch. Returns by how much
/// the weights differ afterwards, as a share of what the step changed: the worst tensor, in its median step.
///
/// Each step begins with the weights that rank 0 had, or rounding errors would grow from step to step. The
/// median passes over the few steps in which a rounding error turns the sign of a difference of pixels, and
/// with it a gradient of L1.
double difference_of_updates(ClipsInMemory& dataset, const ReenactorTrainingConfig& settings,
                             const std::filesystem::path& folder, int parts = 1) {
  const ReenactorSampler sampler(dataset, settings);
  ReenactorTrainer trainer(settings, sampler.label_count());
  Random random(3);
  std::map<std::string, std::vector<double>> shares;
  for (int step = 0; step < steps; ++step) {
    const auto before = Checkpoint::load(folder / state(0, step)),
               after = Checkpoint::load(folder / state(0, step + 1));
    trainer.restore_from(before);
    trainer.step(sampler.draw(samples_in_batch, random, 0, parts), step);
    Checkpoint alone;
    trainer.save_to(alone);
    for (const auto& [name, tensor] : alone.tensors()) {
      if (tensor.numel() == 0 || name.find("optimizer") != std::string::npos) continue;
      const auto together = after.get(name);
      const double difference = length(together - tensor);
      shares[name].push_back(difference == 0 ? 0 : difference / length(together - before.get(name)));
    }
  }
  double worst = 0;
  for (auto& [name, of_steps] : shares) {
    const auto median = of_steps.begin() + steps / 2;
    std::nth_element(of_steps.begin(), median, of_steps.end());
    worst = std::max(worst, *median);
  }
  return worst;
}

/// Two processes against each other and, where each sample counts for itself, against one.
void compare(bool batch_statistics) {
  spdlog::set_level(spdlog::level::err);
  at::set_num_threads(1);
  const auto place = place_from_environment();
  const auto settings = config(batch_statistics);
  if (place.count > 1) {
    const std::filesystem::path folder = std::getenv("REENACT_TEST_FOLDER");
    ClipsInMemory dataset(folder / "data", 32, {});
    train(dataset, settings, place, folder);
    return;
  }
  const test::TemporaryFolder folder;
  test::write_small_face_dataset(folder / "data");
  ::setenv("REENACT_TEST_FOLDER", folder.path().c_str(), 1);
  for (const auto& rank : test::run_ranks(2)) ASSERT_EQ(rank.exit_code, 0) << rank.output;
  const auto first = Checkpoint::load(folder / state(0, steps)),
             second = Checkpoint::load(folder / state(1, steps));
  ASSERT_EQ(first.tensors().size(), second.tensors().size());
  for (const auto& [name, tensor] : first.tensors())
    EXPECT_TRUE(torch::equal(tensor, second.get(name))) << name << " differs from one process to the other";
  if (batch_statistics) return;
  ClipsInMemory dataset(folder / "data", 32, {});
  // Sums of another order differ by a few millionths, on whatever instructions; mistakes by far more.
  constexpr double tolerance = 1e-4;
  const auto difference = [&](const ReenactorTrainingConfig& settings, int parts = 1) {
    return difference_of_updates(dataset, settings, folder.path(), parts);
  };
  EXPECT_LT(difference(settings), tolerance);
  EXPECT_GT(difference(settings, 2), 100 * tolerance) << "half of each batch would have done";
  // Adam with twice the gradients is Adam with half of epsilon.
  EXPECT_GT(difference(config(false, {"training.epsilon=5e-3"})), 100 * tolerance)
      << "sums of gradients would have passed for means";
  EXPECT_GT(difference(config(false, {"training.learning_rate=3.06e-4"})), 100 * tolerance)
      << "a learning rate that is off by 2 % would have passed";
}

class DistributedReenactor : public testing::Test {
 protected:
  void SetUp() override {
#ifndef REENACT_WITH_GLOO
    GTEST_SKIP() << "no Gloo in this build";
#endif
  }
};

TEST_F(DistributedReenactor, TwoProcessesLearnWhatOneDoes) {
  compare(/*batch_statistics=*/false);
}

TEST_F(DistributedReenactor, RunningStatisticsStayTheSameEverywhere) {
  compare(/*batch_statistics=*/true);
}

}  // namespace
}  // namespace reenact::training
