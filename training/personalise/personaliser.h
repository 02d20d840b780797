// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <map>
#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "reenact/config.h"
#include "reenact/model_file.h"
#include "torch/networks/encoders.h"
#include "training/data/pose_input.h"
#include "training/personalise/fine_tuner.h"
#include "training/personalise/person_pictures.h"
#include "training/personalise/personalise_config.h"

namespace reenact::training {

/// How well the person's averaged networks do, on pictures they were not tuned on.
struct PersonMetrics {
  double error = 0;        ///< multi-scale L1 plus gradient difference on held-out frames, less is better
  double psnr = 0;         ///< of held-out heads on black, dB
  double motion_lost = 0;  ///< see MotionReference; 0 without one
};

/// Whether a reenactor draws masks: not FSTH, nor one trained without segmentation, whose mask is 1 whatever it draws.
bool draws_masks(const ModelFile& reenactor);
/// The configuration without what this reenactor cannot be tuned by: foreign pose encoders keep their statistics and tell
/// nothing of motion, models without masks have no dice, FSTH's embedding stays, and descriptors fit the picture as it is.
PersonaliseConfig fitting(PersonaliseConfig config, const ModelFile& reenactor);
/// Means over pictures of the person that took no part in tuning, heads on black.
struct PersonTest {
  double psnr = 0;  ///< dB
  double ssim = 0;  ///< at most 1
};

/// The files that a person's networks start from; they may be one and the same.
struct PersonaliseModels {
  std::shared_ptr<const ModelFile> reenactor;       ///< pose encoder and generator
  std::shared_ptr<const ModelFile> identity_model;  ///< identity encoder
  std::shared_ptr<const ModelFile> discriminator;   ///< tuned along where it holds one; may be empty
};

/// What a reenactor knows of one person while it is tuned to them.
class Personaliser {
 public:
  /// `poses` [M, d_p] of other people, or undefined. Where no frames were held out, validation takes them
  /// all and their mirror images. Throws Error as load_weights() does.
  Personaliser(const PersonaliseModels& models, const PersonaliseConfig& config, PersonPictures pictures,
               PerceptualNetworks perceptual, const torch::Tensor& poses, const torch::Device& device,
               std::uint64_t seed);

  /// Refines the embedding by one step; see FineTuner::refine_embedding().
  std::map<std::string, double> refine_embedding();
  FineTuningStep step();
  PersonMetrics validate();
  /// Draws `frames` with the averaged weights, driven by themselves.
  PersonTest test(const std::vector<HeadFrame>& frames);
  /// Keeps the averaged weights as they are now; restore() takes them back.
  void remember();
  void restore();

  /// Adds a column to the sheet: held-out frames and poses of other people, drawn with the averaged weights.
  void draw_column(const std::string& title);
  cv::Mat sheet() const;

  /// `gen.*`, averaged.
  std::map<std::string, torch::Tensor> generator_weights();
  /// `pose.*` and `idt.*`: what the pose encoder has become, and the identity encoder as it was.
  std::map<std::string, torch::Tensor> encoder_weights() const;
  std::vector<float> embedding();
  /// Pose of the picture nearest to the mean of all, and its number within frames().
  std::vector<float> neutral_pose(std::size_t& picture);
  const std::vector<HeadFrame>& frames() const { return pictures_.training; }

  /// Whether the model draws people without their background.
  bool masked() const { return masked_; }
  bool has_discriminator() const { return discriminator_ != nullptr; }
  int batch_size() const { return batch_size_; }

 private:
  struct Views {
    torch::Tensor pose_source, target, mask;  // as in FineTuningBatch
  };
  Views views_of(const std::vector<HeadFrame>& frames) const;
  FineTuningBatch draw_batch();
  torch::Tensor encode_identity() const;
  /// What a picture of the person shows, its background taken away where the model does so.
  torch::Tensor target_of(const cv::Mat& rgb, const torch::Tensor& mask) const;
  torch::Tensor encode_poses(const torch::Tensor& pose_source);
  std::size_t next_frame();

  ReenactorConfig reenactor_config_;
  PoseInput pose_input_;
  bool masked_;
  PersonaliseConfig config_;
  PersonPictures pictures_;
  torch::Device device_;
  Random random_;
  int batch_size_;

  PoseEncoderNetwork pose_encoder_;
  IdentityEncoderNetwork identity_encoder_;
  PersonalGenerator person_;
  std::shared_ptr<DiscriminatorNetwork> discriminator_;
  std::unique_ptr<FineTuner> tuner_;
  std::shared_ptr<const MotionReference> motion_;

  Views held_out_;
  std::map<std::string, torch::Tensor> remembered_;
  std::vector<std::size_t> epoch_;  // frames of this epoch that have not had their turn
  std::vector<std::string> titles_;
  std::vector<std::vector<cv::Mat>> rows_;
};

}  // namespace reenact::training
