// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "reenact/config.h"
#include "torch/networks/discriminator.h"
#include "training/data/head_clip_reader.h"
#include "training/data/pose_augmentation.h"
#include "training/learning/content_loss.h"
#include "training/run/run_config.h"

namespace reenact::training {

/// Where the identity embeddings come from while the generator learns.
enum class IdentitySource {
  encoder,  ///< the mean over K frames of the identity encoder: the paper's way
  table,    ///< one learned embedding per clip; the encoder is fitted to the table afterwards
  fit       ///< only the identity encoder learns, towards the table of an earlier run
};

/// Everything `reenact-train reenactor` reads from its TOML file; the defaults are those of the released code
/// where it has one.
struct ReenactorTrainingConfig {
  ReenactorConfig networks;
  DiscriminatorConfig discriminator;  ///< image_size, embedding_size and num_labels follow from the rest

  std::filesystem::path data;
  DatasetFilter filter;
  bool loader_crop = false;  ///< crops pass recrop_as_loader() before all else, as in the released loader;
                             ///< landmarks, off by at most a pixel then, stay
  bool prefetch = true;  ///< the next batch is drawn in a second thread; the results are the same bit by bit
  std::int64_t clips_in_memory = 0;  ///< 0: all; else as StreamedClips reads them
  std::int64_t new_clips_per_step = 1;
  int loader_threads = 2;     ///< that decode for StreamedClips
  double still_share = 0.25;  ///< share of samples drawn from stills
  AugmentationConfig augmentation;

  IdentitySource identity_source = IdentitySource::encoder;
  int identity_frames = 8;  ///< K of section 3.3
  std::filesystem::path
      start_from;  ///< checkpoint or reenactor whose fitting tensors are taken; for growing and for `fit`

  std::filesystem::path start_pose_from;  ///< checkpoint of a run that trained the pose encoder alone

  int batch_size = 8;
  std::int64_t steps = 1000;
  double learning_rate = 5e-5, discriminator_learning_rate = 2e-4, table_learning_rate = 1e-3;
  double beta1 = 0.0, epsilon = 1e-5;  ///< of Adam
  bool unit_gain = false;  ///< initialise the generator by GeneratorNetwork::initialize_unit_gain()
  // Both layers of the AdaIN MLP have spectral norm 1, so its thousands of coefficients move only as far as
  // the embeddings are long: short ones leave the generator blind to pose and identity for thousands of
  // steps.
  bool freeze_pose = false;  ///< pose encoder and landmark head stay as they start, so that the generator
                             ///< cannot talk it into silence
  double pose_deviation =
      0;  ///< the pose encoder's last layer is scaled to this deviation over samples; 0: left as drawn
  double dropout =
      0.2;  ///< of the pose encoder; its noise drowns small poses for as long as features hardly vary
  double table_deviation = 1.0;  ///< standard deviation of the table's first values
  double final_rate_share =
      1.0;  ///< share of the learning rates that is left at the last step (linear decay from the middle)
  double weight_average = 0.999;
  bool average_warm_up =
      true;  ///< the average follows the first weights more closely; not so in the released code
  bool single_update = false;  ///< generator and discriminator move together after both gradients, as in the
                               ///< paper, not in turn
  bool segmentation = true;    ///< false: pictures keep their background and the mask is 1 (ablation -Segm)
  torch::ScalarType precision = torch::kFloat;
  double loss_scale = 0;  ///< of the first step, see LossScaler

  double l1_weight = 0, gradient_weight = 0, face_part_weight = 0, dice_weight = 1;
  double adversarial_weight = 1, feature_matching_weight = 10, embedding_match_weight = 1e-2;
  std::filesystem::path perceptual_networks;  ///< `perceptual` file; empty: no loss of VGG features
  double perceptual_weight = 0.03, face_identity_weight = 0.006;  ///< of VGG-19 and of VGGFace
  VggInput vgg_input = VggInput::as_released;
  bool dice_as_released = false;  ///< see dice_loss_as_released()
  double landmark_weight = 0, cross_weight = 0;
  bool export_discriminator =
      false;  ///< into the reenactor file, for `personalise`; never a patch discriminator
  std::int64_t adversarial_from = 0;  ///< step at which the discriminator joins

  std::int64_t validation_every = 500, sheet_every = 500, checkpoint_every = 500;
  int keep_checkpoints = 2;
  double peer_timeout = 40;  ///< seconds after which a silent process of a distributed run counts as lost
};

/// Reads all keys and refuses unknown ones. Throws Error (invalid).
ReenactorTrainingConfig read_reenactor_training_config(const RunConfig& file);

}  // namespace reenact::training
