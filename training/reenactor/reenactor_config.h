// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "reenact/config.h"
#include "torch/networks/discriminator.h"
#include "training/data/augmentation.h"
#include "training/data/head_clip_reader.h"
#include "training/learning/content_loss.h"
#include "training/run/run_config.h"

namespace reenact::training {

/// Where the identity embeddings come from while the generator learns.
enum class IdentitySource {
  encoder,  ///< the mean over K frames of the identity encoder: the paper's way
  table,    ///< one learned embedding per clip; the encoder is fitted to the table afterwards
  fit       ///< only the identity encoder learns, towards the table of an earlier run
};

/// [discriminator]: its sizes, of which image_size, embedding_size and num_labels follow from the rest.
struct DiscriminatorSettings : DiscriminatorConfig {
  /// Key `export`: into the reenactor file, for `personalise`; it lies in the run's folder as a file of its own anyway.
  bool exported = false;
};

/// [data]
struct DataSettings {
  std::filesystem::path folder;
  bool only_shippable = true, stills = true;  ///< see DatasetFilter
  int frame_step = 1;                         ///< takes one of so many frames
  /// Crops pass recrop_as_loader() before all else, as in the released loader; landmarks, off by at most a
  /// pixel then, stay.
  bool loader_crop = false;
  bool prefetch = true;  ///< the next batch is drawn in a second thread; the results are the same bit by bit
  std::int64_t clips_in_memory = 0;  ///< 0: all; else as StreamedClips reads them
  std::int64_t new_clips_per_step = 1;
  int loader_threads = 2;             ///< that decode for StreamedClips
  double still_share = 0.25;          ///< share of samples drawn from stills
  std::filesystem::path descriptors;  ///< of every frame, for networks.pose_source "vector"

  DatasetFilter filter() const { return {"train", only_shippable, stills, frame_step}; }
};

/// [identity]
struct IdentitySettings {
  IdentitySource source = IdentitySource::encoder;
  int frames = 8;  ///< K of section 3.3
  /// With `fit` the pictures it reads change in light, colour and sharpness too, so that a person of one photograph is many.
  bool pixelwise = false;
};

/// [disentangle]: what takes the person out of the pose, see PoseReader.
struct DisentangleSettings {
  std::filesystem::path
      reader;       ///< checkpoint with the pose encoder and landmark head of `landmarks` alone; empty: none
  int frames = 16;  ///< of each clip, from which the offsets are found
};

/// [training]: what begins, and how it learns.
struct LearningSettings {
  /// Checkpoint or reenactor whose fitting tensors are taken; for growing and for `fit`.
  std::filesystem::path start_from;
  /// Checkpoint of a run that trained the pose encoder alone; of a foreign one a reenactor or a warper that holds it.
  std::filesystem::path start_pose_from;

  int batch_size = 8;
  double learning_rate = 5e-5, discriminator_learning_rate = 2e-4, table_learning_rate = 1e-3;
  double beta1 = 0.0, epsilon = 1e-5;  ///< of Adam
  bool unit_gain = false;  ///< initialise the generator by GeneratorNetwork::initialize_unit_gain()
  /// Standard deviation of the table's first values. Both layers of the AdaIN MLP have spectral norm 1, so its
  /// thousands of coefficients move only as far as the embeddings are long: short ones leave the generator
  /// blind to pose and identity for thousands of steps.
  double table_deviation = 1.0;
  /// Pose encoder and landmark head stay as they start, so that the generator cannot talk it into silence.
  bool freeze_pose = false;
  /// The pose encoder's last layer is scaled to this deviation over samples, a foreign one's by one factor for all its
  /// numbers; 0: left as drawn.
  double pose_deviation = 0;
  /// The identity encoder's, where embeddings come from it.
  double identity_deviation = 0;
  /// Of the pose encoder; its noise drowns small poses for as long as features hardly vary.
  double dropout = 0.2;
  /// Share of the learning rates that is left at the last step (linear decay from the middle).
  double final_rate_share = 1.0;
  double weight_average = 0.999;
  /// The average follows the first weights more closely; not so in the released code.
  bool average_warm_up = true;
  /// Generator and discriminator move together after both gradients, as in the paper, not in turn.
  bool single_update = false;
  /// False: pictures keep their background and the mask is 1 (ablation -Segm).
  bool segmentation = true;
  torch::ScalarType precision = torch::kFloat;
  double loss_scale = 0;  ///< of the first step, see LossScaler
};

/// [loss]: weights of the losses, 0 leaves one out.
struct LossSettings {
  double l1 = 0, gradient = 0, face_parts = 0, dice = 1;
  double adversarial = 1, feature_matching = 10, embedding_match = 1e-2;
  std::int64_t adversarial_from = 0;                ///< step at which the discriminator joins
  std::filesystem::path perceptual_networks;        ///< `perceptual` file; empty: no loss of VGG features
  double perceptual = 0.03, face_identity = 0.006;  ///< of VGG-19 and of VGGFace
  VggInput vgg_input = VggInput::as_released;
  bool dice_as_released = false;  ///< see dice_loss_as_released()
  double landmarks = 0, cross = 0;
  // These need a PoseReader. All look at poses in its space, the person's offset taken away.
  double pose = 0;               ///< the encoder gives the pose without the person
  double swap = 0;               ///< and gives it too for another person whom the generator drew in it
  double shape = 0;              ///< who is drawn in somebody else's pose has proportions of their own
  double adversarial_cross = 0;  ///< and deceives the discriminator
};

/// [distributed]
struct DistributedSettings {
  double timeout = 40;  ///< seconds after which a silent process counts as lost
};

/// Everything `reenact-train reenactor` reads from its TOML file, section by section; the defaults are those of the
/// released code where it has one.
struct ReenactorTrainingConfig {
  ReenactorConfig networks;
  DiscriminatorSettings discriminator;
  DataSettings data;
  AugmentationConfig augmentation;
  IdentitySettings identity;
  DisentangleSettings disentangle;
  LearningSettings training;
  LossSettings loss;
  RunSchedule run{.steps = 1000};
  DistributedSettings distributed;
};

/// Reads all keys. Throws Error (invalid).
ReenactorTrainingConfig read_reenactor_training_config(const RunConfig& file);

}  // namespace reenact::training
