// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <optional>

#include "support/small_face_dataset.h"
#include "support/temporary_folder.h"
#include "training/data/clips_in_memory.h"
#include "training/reenactor/reenactor_sampler.h"
#include "training/reenactor/reenactor_trainer.h"
#include "training/run/process_ranks.h"
#include "training/run/random_state.h"

namespace reenact::training {
namespace {

constexpr int steps = 20;

ReenactorTrainingConfig config(bool batch_statistics) {
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
  return read_reenactor_training_config(RunConfig({}, settings));
}

std::map<std::string, torch::Tensor> train(ClipsInMemory& dataset, const ReenactorTrainingConfig& settings,
                                           std::shared_ptr<ProcessGroup> group, int part, int parts) {
  const ReenactorSampler sampler(dataset, settings);
  seed_everything(7 + group->rank());
  ReenactorTrainer trainer(settings, sampler.label_count(), group);
  seed_everything(7);
  trainer.broadcast();
  Random random(3);
  for (int step = 0; step < steps; ++step) trainer.step(sampler.draw(8, random, part, parts), step);
  Checkpoint checkpoint;
  trainer.save_to(checkpoint);
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, tensor] : checkpoint.tensors()) tensors[name] = tensor.clone();
  return tensors;
}

/// Two processes against each other and, where there is a tolerance, against one.
void compare(bool batch_statistics, std::optional<double> tolerance) {
  spdlog::set_level(spdlog::level::err);
  at::set_num_threads(1);
  const auto place = place_from_environment();
  const auto settings = config(batch_statistics);
  if (place.count > 1) {
    const std::filesystem::path folder = std::getenv("REENACT_TEST_FOLDER");
    ClipsInMemory dataset(folder / "data", 32, {});
    const auto tensors =
        train(dataset, settings, std::make_shared<ProcessGroup>(place), place.rank, place.count);
    Checkpoint checkpoint;
    for (const auto& [name, tensor] : tensors) checkpoint.put(name, tensor);
    checkpoint.save(folder / std::to_string(place.rank), {});
    return;
  }
  const test::TemporaryFolder folder;
  test::write_small_face_dataset(folder / "data");
  ::setenv("REENACT_TEST_FOLDER", folder.path().c_str(), 1);
  for (const auto& rank : test::run_ranks(2)) ASSERT_EQ(rank.exit_code, 0) << rank.output;
  const auto first = Checkpoint::load(folder / "0"), second = Checkpoint::load(folder / "1");
  ASSERT_EQ(first.tensors().size(), second.tensors().size());
  for (const auto& [name, tensor] : first.tensors())
    EXPECT_TRUE(torch::equal(tensor, second.get(name))) << name << " differs from one process to the other";
  if (!tolerance) return;
  ClipsInMemory dataset(folder / "data", 32, {});
  const auto alone = train(dataset, settings, std::make_shared<ProcessGroup>(), 0, 1);
  const auto half = train(dataset, settings, std::make_shared<ProcessGroup>(), 0, 2);
  ASSERT_EQ(first.tensors().size(), alone.size());
  double largest_of_half = 0;
  for (const auto& [name, tensor] : alone) {
    if (tensor.numel() == 0 || name.find("optimizer") != std::string::npos) continue;
    const double difference = (first.get(name) - tensor).to(torch::kDouble).abs().max().item<double>();
    EXPECT_LE(difference, *tolerance) << name;
    largest_of_half =
        std::max(largest_of_half, (half.at(name) - tensor).to(torch::kDouble).abs().max().item<double>());
  }
  EXPECT_GT(largest_of_half, 100 * *tolerance) << "half of each batch would have done";
}

class DistributedMeta : public testing::Test {
 protected:
  void SetUp() override {
#ifndef REENACT_WITH_GLOO
    GTEST_SKIP() << "no Gloo in this build";
#endif
  }
};

TEST_F(DistributedMeta, TwoProcessesLearnWhatOneDoes) {
  compare(/*batch_statistics=*/false, 1e-5);
}

TEST_F(DistributedMeta, RunningStatisticsStayTheSameEverywhere) {
  compare(/*batch_statistics=*/true, std::nullopt);
}

}  // namespace
}  // namespace reenact::training
