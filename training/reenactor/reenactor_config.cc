// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/reenactor/reenactor_config.h"

#include "reenact/error.h"
#include "training/learning/loss_scaler.h"
#include "training/learning/precision.h"

namespace reenact::training {
namespace {

ReenactorConfig read_networks(const RunConfig& file) {
  auto config = reenactor_preset(file.text("networks.preset", "paper"));
  const auto integer = [&](const char* key, int& value) {
    value = static_cast<int>(file.integer(std::string("networks.") + key, value));
  };
  integer("image_size", config.image_size);
  integer("num_channels", config.num_channels);
  integer("max_channels", config.max_channels);
  integer("identity_embedding_size", config.identity_embedding_size);
  integer("pose_embedding_size", config.pose_embedding_size);
  integer("projector_hidden", config.projector_hidden);
  integer("residual_blocks", config.residual_blocks);
  integer("pose_input_size", config.pose_input_size);
  config.identity_encoder = file.text("networks.identity_encoder", config.identity_encoder);
  config.identity_encoder_width =
      file.number("networks.identity_encoder_width", config.identity_encoder_width);
  config.pose_encoder = file.text("networks.pose_encoder", config.pose_encoder);
  config.pose_encoder_width = file.number("networks.pose_encoder_width", config.pose_encoder_width);
  config.reflection_padding = file.boolean("networks.reflection_padding", config.reflection_padding);
  return config;
}

IdentitySource identity_source(const std::string& name) {
  if (name == "encoder") return IdentitySource::encoder;
  if (name == "table") return IdentitySource::table;
  if (name == "fit") return IdentitySource::fit;
  throw Error(ErrorCode::invalid, "identity.source is \"" + name + "\", but must be encoder, table or fit");
}

}  // namespace

ReenactorTrainingConfig read_reenactor_training_config(const RunConfig& file) {
  ReenactorTrainingConfig c;
  c.networks = read_networks(file);
  c.discriminator.image_size = c.networks.image_size;
  c.discriminator.embedding_size = c.networks.identity_embedding_size;
  const auto kind = file.text("discriminator.kind", "projection");
  if (kind != "projection" && kind != "patch")
    throw Error(ErrorCode::invalid,
                "discriminator.kind is \"" + kind + "\", but must be projection or patch");
  c.discriminator.patch = kind == "patch";
  c.discriminator.num_channels =
      static_cast<int>(file.integer("discriminator.num_channels", c.networks.num_channels));
  c.discriminator.max_channels =
      static_cast<int>(file.integer("discriminator.max_channels", c.networks.max_channels));
  c.discriminator.num_blocks =
      static_cast<int>(file.integer("discriminator.num_blocks", c.discriminator.num_blocks));

  c.data = file.text("data.folder", "");
  c.filter.only_shippable = file.boolean("data.only_shippable", c.filter.only_shippable);
  c.filter.stills = file.boolean("data.stills", c.filter.stills);
  c.filter.frame_step = static_cast<int>(file.integer("data.frame_step", c.filter.frame_step));
  c.loader_crop = file.boolean("data.loader_crop", c.loader_crop);
  c.prefetch = file.boolean("data.prefetch", c.prefetch);
  c.clips_in_memory = file.integer("data.clips_in_memory", c.clips_in_memory);
  c.new_clips_per_step = file.integer("data.new_clips_per_step", c.new_clips_per_step);
  c.loader_threads = static_cast<int>(file.integer("data.loader_threads", c.loader_threads));
  c.still_share = file.number("data.still_share", c.still_share);

  auto& a = c.augmentation;
  a.pixelwise = file.boolean("augmentation.pixelwise", a.pixelwise);
  a.affine_scale = file.number("augmentation.affine_scale", a.affine_scale);
  a.background_swap = file.number("augmentation.background_swap", a.background_swap);
  a.shift = file.number("augmentation.shift", a.shift);
  a.zoom = file.number("augmentation.zoom", a.zoom);
  a.rotation = file.number("augmentation.rotation", a.rotation);
  a.flip = file.boolean("augmentation.flip", a.flip);

  c.identity_source = identity_source(file.text("identity.source", "encoder"));
  c.identity_frames = static_cast<int>(file.integer("identity.frames", c.identity_frames));
  c.start_from = file.text("training.start_from", "");
  c.start_pose_from = file.text("training.start_pose_from", "");
  c.batch_size = static_cast<int>(file.integer("training.batch_size", c.batch_size));
  c.steps = file.integer("training.steps", c.steps);
  c.learning_rate = file.number("training.learning_rate", c.learning_rate);
  c.discriminator_learning_rate =
      file.number("training.discriminator_learning_rate", c.discriminator_learning_rate);
  c.table_learning_rate = file.number("training.table_learning_rate", c.table_learning_rate);
  c.beta1 = file.number("training.beta1", c.beta1);
  c.epsilon = file.number("training.epsilon", c.epsilon);
  c.unit_gain = file.boolean("training.unit_gain", c.unit_gain);
  c.table_deviation = file.number("training.table_deviation", c.table_deviation);
  c.freeze_pose = file.boolean("training.freeze_pose", c.freeze_pose);
  c.pose_deviation = file.number("training.pose_deviation", c.pose_deviation);
  c.dropout = file.number("training.dropout", c.dropout);
  c.final_rate_share = file.number("training.final_rate_share", c.final_rate_share);
  c.weight_average = file.number("training.weight_average", c.weight_average);
  c.average_warm_up = file.boolean("training.average_warm_up", c.average_warm_up);
  c.single_update = file.boolean("training.single_update", c.single_update);
  c.segmentation = file.boolean("training.segmentation", c.segmentation);
  c.precision = read_precision(file, c.precision);
  c.loss_scale = file.number("training.loss_scale", LossScaler::first_scale(c.precision));
  c.validation_every = file.integer("training.validation_every", c.validation_every);
  c.sheet_every = file.integer("training.sheet_every", c.sheet_every);
  c.checkpoint_every = file.integer("training.checkpoint_every", c.checkpoint_every);
  c.keep_checkpoints = static_cast<int>(file.integer("training.keep_checkpoints", c.keep_checkpoints));

  c.l1_weight = file.number("loss.l1", c.l1_weight);
  c.gradient_weight = file.number("loss.gradient", c.gradient_weight);
  c.face_part_weight = file.number("loss.face_parts", c.face_part_weight);
  c.dice_weight = file.number("loss.dice", c.dice_weight);
  c.adversarial_weight = file.number("loss.adversarial", c.adversarial_weight);
  c.feature_matching_weight = file.number("loss.feature_matching", c.feature_matching_weight);
  c.embedding_match_weight = file.number("loss.embedding_match", c.embedding_match_weight);
  c.perceptual_networks = file.text("loss.perceptual_networks", "");
  c.perceptual_weight = file.number("loss.perceptual", c.perceptual_weight);
  c.face_identity_weight = file.number("loss.face_identity", c.face_identity_weight);
  c.vgg_input = vgg_input_from(file.text("loss.vgg_input", "released"));
  c.dice_as_released = file.boolean("loss.dice_as_released", c.dice_as_released);
  c.landmark_weight = file.number("loss.landmarks", c.landmark_weight);
  c.cross_weight = file.number("loss.cross", c.cross_weight);
  c.export_discriminator = file.boolean("discriminator.export", c.export_discriminator);
  if (c.export_discriminator && c.discriminator.patch)
    throw Error(ErrorCode::invalid,
                "discriminator.export is true, but personalise tunes no discriminator of kind patch");
  c.adversarial_from = file.integer("loss.adversarial_from", c.adversarial_from);
  c.peer_timeout = file.number("distributed.timeout", c.peer_timeout);
  if (!(c.peer_timeout >= 1 && c.peer_timeout <= 86400))
    throw Error(ErrorCode::invalid, "distributed.timeout must be from 1 to 86400 seconds");
  if (c.clips_in_memory < 0 || c.new_clips_per_step < 1 || c.loader_threads < 1)
    throw Error(ErrorCode::invalid,
                "data.clips_in_memory must be at least 0, data.new_clips_per_step and data.loader_threads 1");
  if (!(c.loss_scale >= 0)) throw Error(ErrorCode::invalid, "training.loss_scale must not be below 0");
  if (c.batch_size < 1 || c.identity_frames < 1 || c.steps < 1)
    throw Error(ErrorCode::invalid,
                "training.batch_size, identity.frames and training.steps must be at least 1");
  return c;
}

}  // namespace reenact::training
