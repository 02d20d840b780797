// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/reenactor/reenactor_config.h"

#include "reenact/error.h"
#include "torch/networks/encoders.h"
#include "training/learning/loss_scaler.h"
#include "training/learning/precision.h"

namespace reenact::training {
namespace {

constexpr std::pair<const char*, IdentitySource> identity_sources[] = {
    {"encoder", IdentitySource::encoder}, {"table", IdentitySource::table}, {"fit", IdentitySource::fit}};
/// Whether the discriminator is a patch discriminator.
constexpr std::pair<const char*, bool> discriminator_kinds[] = {{"projection", false}, {"patch", true}};

void read_networks(const RunConfig& file, ReenactorConfig& networks) {
  std::string preset = "paper";
  file.read("networks.preset", preset);
  networks = reenactor_preset(preset);
  file.read("networks.image_size", networks.image_size, 1);
  file.read("networks.num_channels", networks.num_channels, 1);
  file.read("networks.max_channels", networks.max_channels, 1);
  file.read("networks.identity_embedding_size", networks.identity_embedding_size, 1);
  file.read("networks.pose_embedding_size", networks.pose_embedding_size, 1);
  file.read("networks.projector_hidden", networks.projector_hidden, 0);
  file.read("networks.residual_blocks", networks.residual_blocks, 0);
  file.read("networks.pose_input_size", networks.pose_input_size, 0);
  file.read("networks.identity_encoder", networks.identity_encoder);
  file.read("networks.identity_encoder_width", networks.identity_encoder_width, above_zero);
  file.read("networks.pose_encoder", networks.pose_encoder);
  file.read("networks.pose_encoder_width", networks.pose_encoder_width, above_zero);
  file.read("networks.reflection_padding", networks.reflection_padding);
  file.read("networks.identity_blocks", networks.identity_blocks, 0);
  file.read("networks.pose_source", networks.pose_source);
  file.read("networks.projector", networks.projector);
  file.read("networks.architecture", networks.architecture);
  file.read("networks.self_attention", networks.self_attention);
  networks = to_json(networks).get<ReenactorConfig>();  // refuses what no model file may have
}

void read_discriminator(const RunConfig& file, const ReenactorConfig& networks,
                        DiscriminatorSettings& discriminator) {
  discriminator.image_size = networks.image_size;
  discriminator.embedding_size = networks.identity_embedding_size;
  discriminator.num_channels = networks.num_channels;
  discriminator.max_channels = networks.max_channels;
  discriminator.in_channels = networks.pose_source == "stickman" ? 6 : 3;
  discriminator.self_attention = networks.self_attention;
  file.read("discriminator.kind", discriminator.patch, discriminator_kinds);
  file.read("discriminator.num_channels", discriminator.num_channels, 1);
  file.read("discriminator.max_channels", discriminator.max_channels, 1);
  file.read("discriminator.num_blocks", discriminator.num_blocks, 1);
  file.read("discriminator.export", discriminator.exported);
}

void read_data(const RunConfig& file, DataSettings& data) {
  file.read("data.folder", data.folder);
  file.read("data.only_shippable", data.only_shippable);
  file.read("data.stills", data.stills);
  file.read("data.frame_step", data.frame_step, 1);
  file.read("data.loader_crop", data.loader_crop);
  file.read("data.prefetch", data.prefetch);
  file.read("data.clips_in_memory", data.clips_in_memory, 0);
  file.read("data.new_clips_per_step", data.new_clips_per_step, 1);
  file.read("data.loader_threads", data.loader_threads, 1);
  file.read("data.still_share", data.still_share, 0, 1);
  file.read("data.descriptors", data.descriptors);
}

void read_learning(const RunConfig& file, LearningSettings& training) {
  file.read("training.start_from", training.start_from);
  file.read("training.start_pose_from", training.start_pose_from);
  file.read("training.batch_size", training.batch_size, 1);
  file.read("training.learning_rate", training.learning_rate, 0);
  file.read("training.discriminator_learning_rate", training.discriminator_learning_rate, 0);
  file.read("training.table_learning_rate", training.table_learning_rate, 0);
  file.read("training.beta1", training.beta1, 0, 1);
  file.read("training.epsilon", training.epsilon, 0);
  file.read("training.unit_gain", training.unit_gain);
  file.read("training.table_deviation", training.table_deviation, 0);
  file.read("training.freeze_pose", training.freeze_pose);
  file.read("training.pose_deviation", training.pose_deviation, 0);
  file.read("training.identity_deviation", training.identity_deviation, 0);
  file.read("training.dropout", training.dropout, 0, 1);
  file.read("training.final_rate_share", training.final_rate_share, 0);
  file.read("training.weight_average", training.weight_average, 0, 1);
  file.read("training.average_warm_up", training.average_warm_up);
  file.read("training.single_update", training.single_update);
  file.read("training.segmentation", training.segmentation);
  read_precision(file, training.precision);
  training.loss_scale = LossScaler::first_scale(training.precision);
  file.read("training.loss_scale", training.loss_scale, 0);
}

void read_losses(const RunConfig& file, LossSettings& loss) {
  file.read("loss.l1", loss.l1, 0);
  file.read("loss.gradient", loss.gradient, 0);
  file.read("loss.face_parts", loss.face_parts, 0);
  file.read("loss.dice", loss.dice, 0);
  file.read("loss.adversarial", loss.adversarial, 0);
  file.read("loss.feature_matching", loss.feature_matching, 0);
  file.read("loss.embedding_match", loss.embedding_match, 0);
  file.read("loss.adversarial_from", loss.adversarial_from, 0);
  file.read("loss.perceptual_networks", loss.perceptual_networks);
  file.read("loss.perceptual", loss.perceptual, 0);
  file.read("loss.face_identity", loss.face_identity, 0);
  file.read("loss.vgg_input", loss.vgg_input, vgg_input_names);
  file.read("loss.dice_as_released", loss.dice_as_released);
  file.read("loss.landmarks", loss.landmarks, 0);
  file.read("loss.cross", loss.cross, 0);
  file.read("loss.pose", loss.pose, 0);
  file.read("loss.swap", loss.swap, 0);
  file.read("loss.shape", loss.shape, 0);
  file.read("loss.adversarial_cross", loss.adversarial_cross, 0);
}

/// What the systems that are compared cannot do.
void check_compared(const ReenactorTrainingConfig& config) {
  const auto& networks = config.networks;
  const auto& loss = config.loss;
  const auto refuse = [](const std::string& key, const std::string& reason) {
    throw Error(ErrorCode::invalid, key + " cannot be had here: " + reason);
  };
  const bool foreign = is_foreign_encoder(networks.pose_encoder), driven = networks.pose_source != "picture";
  if (foreign && config.training.start_pose_from.empty() && config.training.start_from.empty())
    throw Error(ErrorCode::invalid,
                "training.start_pose_from is missing, wanted the file that holds the encoder \"" +
                    networks.pose_encoder + "\", which stays as it was trained");
  const std::string why =
      foreign ? "networks.pose_encoder \"" + networks.pose_encoder + "\" stays as it was trained"
              : "networks.pose_source is \"" + networks.pose_source + "\"";
  if (!foreign && !driven) return;
  if (config.training.pose_deviation > 0 && driven) refuse("training.pose_deviation", why);
  if (loss.landmarks > 0 || loss.cross > 0) refuse("loss.landmarks or loss.cross", why);
  if (!config.disentangle.reader.empty()) refuse("disentangle.reader", why);
  if (driven && config.augmentation.flip) refuse("augmentation.flip", why);
  if (networks.architecture != "fsth") return;
  if (config.training.segmentation || loss.dice > 0)
    refuse("training.segmentation or loss.dice", "networks.architecture \"fsth\" draws no mask");
  if (config.identity.source != IdentitySource::encoder)
    refuse("identity.source other than encoder", "networks.architecture is \"fsth\"");
}

}  // namespace

ReenactorTrainingConfig read_reenactor_training_config(const RunConfig& file) {
  ReenactorTrainingConfig config;
  read_networks(file, config.networks);
  read_discriminator(file, config.networks, config.discriminator);
  read_data(file, config.data);
  read_augmentation(file, config.augmentation);
  file.read("identity.source", config.identity.source, identity_sources);
  file.read("identity.frames", config.identity.frames, 1);
  file.read("identity.pixelwise", config.identity.pixelwise);
  file.read("disentangle.reader", config.disentangle.reader);
  file.read("disentangle.frames", config.disentangle.frames, 1);
  read_learning(file, config.training);
  read_losses(file, config.loss);
  const auto& loss = config.loss;
  if (config.disentangle.reader.empty() && (loss.pose > 0 || loss.swap > 0 || loss.shape > 0))
    throw Error(ErrorCode::invalid,
                "loss.pose, loss.swap and loss.shape need disentangle.reader, a checkpoint");
  if ((loss.swap > 0 || loss.shape > 0) && config.identity.source != IdentitySource::table)
    throw Error(ErrorCode::invalid, "loss.swap and loss.shape need identity.source = \"table\"");
  check_compared(config);
  if (is_foreign_encoder(config.networks.pose_encoder)) config.training.freeze_pose = true;
  read_run_schedule(file, config.run);
  file.read("distributed.timeout", config.distributed.timeout, 1, 86400);
  return config;
}

}  // namespace reenact::training
