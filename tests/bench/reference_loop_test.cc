// SPDX-License-Identifier: LGPL-2.1-or-later
// The trainer's step against a transcription of the authors' loop.
#include "bench/reference_loop.h"

#include <gtest/gtest.h>

#include "support/temporary_folder.h"
#include "torch/load_weights.h"
#include "training/reenactor/reenactor_trainer.h"

namespace reenact::training {
namespace {

constexpr int classes = 5, batch_size = 8, side = 64;

class MetaStep : public testing::TestWithParam<const char*> {
 protected:
  /// Vanishing gradients are rounding errors, which the authors' small epsilon would turn into whole steps.
  ReenactorTrainingConfig config() const {
    torch::manual_seed(1);
    auto tensors = weights_of(*VggFeatures(VggLayout::vgg19), "vgg19.");
    tensors.merge(weights_of(*VggFeatures(VggLayout::vgg_face), "vggface."));
    ModelInfo info;
    info.kind = ModelKind::perceptual;
    write_model(folder_ / "perceptual", info, tensors);
    return read_reenactor_training_config(RunConfig(
        {}, {"networks.preset=paper", "networks.image_size=64", "networks.num_channels=4",
             "networks.max_channels=16", "networks.identity_embedding_size=16",
             "networks.pose_embedding_size=8", "networks.projector_hidden=16",
             "networks.identity_encoder=" + std::string(GetParam()), "networks.identity_encoder_width=0.25",
             "networks.pose_encoder_width=0.25", "discriminator.num_blocks=5", "identity.frames=2",
             "training.epsilon=1e-2", "training.average_warm_up=false", "training.weight_average=0.9",
             "loss.dice_as_released=true", "loss.perceptual_networks=" + (folder_ / "perceptual").string()}));
  }
  static ReenactorBatch batch() {
    ReenactorBatch batch;
    batch.pose_source = torch::rand({batch_size, 3, side, side});
    batch.target = torch::rand({batch_size, 3, side, side});
    batch.mask = torch::rand({batch_size, 1, side, side});
    batch.landmarks = torch::zeros({batch_size, landmark_count, 2});
    batch.has_landmarks = torch::zeros({batch_size});
    batch.identity_frames = torch::rand({batch_size, 2, 3, side, side});
    batch.labels = torch::randint(classes, {batch_size}, torch::kLong);
    return batch;
  }
  test::TemporaryFolder folder_;
};

TEST_P(MetaStep, IsTheAuthorsLoop) {
  // Both sides round differently, and ReLUs of the deep encoders whose input is nearly 0 then pass or stop a
  // gradient: a step moves weights by up to 5e-5, a tenth of which is allowed. It grows with every step, so
  // later ones are compared by their losses, as closely as the authors' own steps in training mode.
  constexpr double absolute = 5e-6, relative = 1e-4;
  const auto settings = config();
  bench::ReferenceLoop reference(settings, classes);
  ReenactorTrainer trainer(settings, classes);
  Checkpoint weights;  // keeps up with the trainer
  trainer.save_to(weights);
  std::map<std::string, torch::Tensor> start;
  for (auto& [name, tensor] : reference.state()) {
    torch::NoGradGuard no_grad;
    start[name] = weights.get(name).clone();
    torch::Tensor(tensor).copy_(start[name]);
  }
  for (int step = 0; step < 3; ++step) {
    const auto samples = batch();
    torch::manual_seed(step);  // dropout
    const auto expected = reference.step(samples);
    torch::manual_seed(step);
    const auto found = trainer.step(samples, step);
    ASSERT_EQ(found.size(), expected.size());
    for (const auto& [name, value] : expected)
      EXPECT_NEAR(found.at(name), value, (step == 0 ? 1e-4 : 1e-2) * std::abs(value) + 1e-5)
          << name << " of step " << step;
    if (step > 0) continue;
    double moved = 0;
    for (const auto& [name, tensor] : reference.state()) {
      if (!tensor.is_floating_point()) continue;
      const double difference = (weights.get(name) - tensor).abs().max().item<double>();
      EXPECT_LE(difference, absolute + relative * tensor.abs().max().item<double>())
          << name << " after step " << step;
      moved = std::max(moved, (start[name] - tensor).abs().max().item<double>());
    }
    EXPECT_GT(moved, 4e-5) << "nothing was learned";
  }
}

INSTANTIATE_TEST_SUITE_P(Encoders, MetaStep, testing::Values("resnext50_32x4d", "mobilenet_v2"));

}  // namespace
}  // namespace reenact::training
