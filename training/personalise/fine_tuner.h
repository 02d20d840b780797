// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <map>
#include <memory>
#include <string>

#include "torch/networks/discriminator.h"
#include "torch/networks/encoders.h"
#include "training/learning/content_loss.h"
#include "training/learning/radam.h"
#include "training/learning/weight_average.h"
#include "training/personalise/fine_tuning_options.h"
#include "training/personalise/motion_reference.h"
#include "training/personalise/personal_generator.h"

namespace reenact::training {

/// Pictures of the person, float32 in 0..1.
struct FineTuningBatch {
  torch::Tensor pose_source;  ///< [B, 3, P, P], augmented; or what else the pose is made of, see PoseInput
  torch::Tensor target;       ///< [B, 3, S, S], multiplied by its mask
  torch::Tensor mask;         ///< [B, 1, S, S]
  torch::Tensor motion;       ///< [m] int64, poses of the motion reference to draw as well; may be undefined
};

/// What one step computed before the weights moved.
struct FineTuningStep {
  std::map<std::string, double> losses;  ///< weighted, by name; "discriminator" is not part of their sum
  torch::Tensor pose;                    ///< [B, d_p]
  GeneratedHead head;
  /// [B] each, of the passes for the generator's and for the discriminator's loss; undefined without one.
  torch::Tensor fake_score_generator, fake_score_discriminator, real_score;
};

/// The networks that fine-tuning works on. All but the pose encoder are changed.
struct FineTunedNetworks {
  PoseEncoderNetwork pose_encoder = nullptr;
  PersonalGenerator person = nullptr;
  /// Of either kind, the projection discriminator with a single class, its row the person's embedding; may be
  /// empty.
  std::shared_ptr<DiscriminatorNetwork> discriminator;
  PerceptualNetworks perceptual;
};

/// Fine-tuning to one person: the last step of section 3.1 of the paper, in the order of the released code.
class FineTuner {
 public:
  /// Changes the networks in place. Of FSTH's generator the AdaIN numbers move as they are: its embedding and the layer that
  /// makes them of it stay, but for that layer's bias.
  FineTuner(FineTunedNetworks networks, const FineTuningOptions& options);

  /// One update of the embedding alone: what an encoder read off a picture comes nearer to the person before the
  /// generator bends. Call it before the first step(). Returns the weighted losses by name; throws Error as
  /// step() does.
  std::map<std::string, double> refine_embedding(const FineTuningBatch& batch);
  /// One forward pass of every network and one update of generator and discriminator. Throws Error (invalid)
  /// naming the first loss that is not finite; no weight has changed then.
  FineTuningStep step(const FineTuningBatch& batch);
  /// From now on steps whose batch asks for it keep the motion, with weight `loss.motion` of the options.
  void set_motion_reference(std::shared_ptr<const MotionReference> reference) {
    motion_ = std::move(reference);
  }

  /// Running average of the person's generator and embedding.
  WeightAverage& average() { return average_; }
  FineTunedNetworks& networks() { return networks_; }

 private:
  using Losses = std::map<std::string, torch::Tensor>;
  void set_modes();
  torch::Tensor encode_pose(const torch::Tensor& pose_source);
  torch::Tensor judged(const torch::Tensor& rgb, const FineTuningBatch& batch) const;
  void add_content_losses(Losses& losses, const GeneratedHead& head, const FineTuningBatch& batch);
  std::vector<torch::Tensor> trained_parameters() const;

  FineTunedNetworks networks_;
  FineTuningOptions options_;
  RAdam generator_optimizer_;
  torch::optim::Adam embedding_optimizer_;  // its first steps are full ones, and there are few
  std::unique_ptr<RAdam> discriminator_optimizer_;
  WeightAverage average_;
  std::shared_ptr<const MotionReference> motion_;
};

}  // namespace reenact::training
