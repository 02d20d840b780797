// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/reenactor/reenactor_trainer.h"

#include <algorithm>

#include "offline/contact_sheet.h"
#include "offline/picture_metrics.h"
#include "reenact/error.h"
#include "torch/autocast.h"
#include "training/data/picture_tensor.h"
#include "training/learning/adversarial.h"
#include "training/learning/dice.h"
#include "training/learning/finite_losses.h"
#include "training/learning/fused_adam.h"
#include "training/learning/landmark_loss.h"
#include "training/learning/picture_loss.h"
#include "training/learning/weight_average.h"
#include "training/reenactor/appearance_codes.h"

namespace reenact::training {
namespace {

DiscriminatorConfig with_labels(DiscriminatorConfig config, int label_count) {
  config.num_labels = label_count;
  return config;
}

/// Mean distance [B] in pixels of a 256 picture.
torch::Tensor landmark_distance(const torch::Tensor& predicted, const torch::Tensor& wanted) {
  return (predicted - wanted).norm(2, 2).mean(1) * 256;
}

torch::Tensor sum_of(const std::map<std::string, torch::Tensor>& losses) {
  torch::Tensor total;
  for (const auto& [name, loss] : losses)
    total = total.defined() ? total + loss.to(torch::kFloat) : loss.to(torch::kFloat);
  return total;
}

LossValues values_of(const std::map<std::string, torch::Tensor>& losses, const torch::Tensor& total) {
  std::vector<torch::Tensor> all = {total.detach().to(torch::kFloat)};
  for (const auto& [name, loss] : losses) all.push_back(loss.detach().to(torch::kFloat));
  const auto numbers = torch::stack(all).cpu();  // one wait for the device
  LossValues values = {{"total", numbers[0].item<double>()}};
  std::int64_t index = 0;
  for (const auto& [name, loss] : losses) values[name] = numbers[++index].item<double>();
  return values;
}

/// The class embeddings of those whom ReenactorTrainer::draw_cross() drew; undefined where there are none.
torch::Tensor cross_embedding(const torch::Tensor& embedding, const GeneratedHead& cross) {
  return embedding.defined() ? embedding.roll(1, 0).narrow(0, 0, cross.rgb.size(0)) : embedding;
}

void set_requires_grad(torch::nn::Module& module, bool wanted) {
  for (auto& parameter : module.parameters()) parameter.set_requires_grad(wanted);
}

/// A generator whose mask is 1 to the last bit and stays so: no gradient reaches the zeroed filter, and tanh
/// has none left.
void fix_mask_at_one(HeadGeneratorImpl& generator) {
  torch::NoGradGuard no_grad;
  constexpr int mask_channel = 3;
  auto parameters = generator.named_parameters();
  if (parameters["out.bias"].size(0) <= mask_channel) return;  // draws no mask
  parameters["out.weight"][mask_channel].zero_();
  parameters["out.bias"][mask_channel].fill_(20);
}

}  // namespace

ReenactorTrainer::ReenactorTrainer(const ReenactorTrainingConfig& config, int label_count,
                                   std::shared_ptr<ProcessGroup> processes, const torch::Device& device)
    : config_(config),
      device_(device),
      group_(std::move(processes)),
      networks_(config.networks, config.identity.source == IdentitySource::encoder ? 0 : label_count,
                config.training.table_deviation, config.training.dropout, config.loss.landmarks > 0),
      average_(config.networks, config.identity.source == IdentitySource::encoder ? 0 : label_count,
               config.training.table_deviation, config.training.dropout, config.loss.landmarks > 0),
      discriminator_(make_discriminator(with_labels(config.discriminator, label_count))),
      generator_scaler_(config.training.loss_scale),
      discriminator_scaler_(config.training.loss_scale) {
  if (!config_.loss.perceptual_networks.empty())
    perceptual_ = load_perceptual_networks(config_.loss.perceptual_networks);
  if (config_.training.unit_gain) networks_->gen->initialize_unit_gain();
  if (!config_.training.segmentation) fix_mask_at_one(*networks_->gen);
  if (config_.identity.source == IdentitySource::fit)
    config_.training.freeze_pose = true;  // the encoder learns alone
  if (config_.training.freeze_pose) {
    set_requires_grad(*networks_->pose, false);
    if (networks_->landmark_head) set_requires_grad(*networks_->landmark_head, false);
  }
  if (!config_.disentangle.reader.empty()) {
    reader_ = PoseReader(config.networks, label_count);
    reader_->to(device_);
  }
  networks_->to(device_);
  average_->to(device_);
  discriminator_->to(device_);
  for (auto* network : {&perceptual_.vgg19, &perceptual_.vgg_face})
    if (!network->is_empty()) (*network)->to(device_);
  update_average(*average_, *networks_, 0.0);
  average_->eval();
  set_requires_grad(*average_, false);

  using torch::optim::AdamOptions;
  using torch::optim::OptimizerParamGroup;
  const auto options = [&](double rate) {
    return AdamOptions(rate).betas({config_.training.beta1, 0.999}).eps(config_.training.epsilon);
  };
  const auto group = [&](std::vector<torch::Tensor> parameters, double rate) {
    return OptimizerParamGroup(std::move(parameters), std::make_unique<AdamOptions>(options(rate)));
  };
  std::vector<OptimizerParamGroup> groups;
  if (config_.identity.source == IdentitySource::fit) {
    groups.push_back(group(networks_->idt->parameters(), config_.training.learning_rate));
  } else {
    auto parameters = networks_->gen->parameters();
    if (!config_.training.freeze_pose)
      for (auto& parameter : networks_->pose->parameters()) parameters.push_back(parameter);
    if (!networks_->table)
      for (auto& parameter : networks_->idt->parameters()) parameters.push_back(parameter);
    if (networks_->landmark_head && !config_.training.freeze_pose)
      for (auto& parameter : networks_->landmark_head->parameters()) parameters.push_back(parameter);
    groups.push_back(group(std::move(parameters), config_.training.learning_rate));
    if (networks_->table)
      groups.push_back(group(networks_->table->parameters(), config_.training.table_learning_rate));
  }
  generator_optimizer_ = std::make_unique<FusedAdam>(groups, options(config_.training.learning_rate));
  discriminator_optimizer_ = std::make_unique<FusedAdam>(
      discriminator_->parameters(), options(config_.training.discriminator_learning_rate));
}

void ReenactorTrainer::set_rates(std::int64_t step) {
  const double progress = static_cast<double>(step) / config_.run.steps;
  const double share =
      progress < 0.5 ? 1 : 1 - (1 - config_.training.final_rate_share) * (progress - 0.5) / 0.5;
  const double rates[] = {config_.training.learning_rate, config_.training.table_learning_rate};
  auto& groups = generator_optimizer_->param_groups();
  for (std::size_t i = 0; i < groups.size(); ++i) groups[i].options().set_lr(share * rates[i]);
  for (auto& group : discriminator_optimizer_->param_groups())
    group.options().set_lr(share * config_.training.discriminator_learning_rate);
}

double ReenactorTrainer::average_decay(std::int64_t step) const {
  if (!config_.training.average_warm_up) return config_.training.weight_average;
  return std::min(config_.training.weight_average, (1.0 + step) / (10.0 + step));
}

torch::Tensor ReenactorTrainer::identity_of(ReenactorNetworks& networks, const ReenactorBatch& batch,
                                            torch::Tensor* elementwise) {
  if (networks->table) return networks->table(batch.labels);
  const auto embeddings = networks->idt(batch.identity_frames);
  if (elementwise) *elementwise = embeddings;
  return embeddings.mean(1);
}

torch::Tensor ReenactorTrainer::pose_of(const ReenactorBatch& batch) {
  if (!config_.training.freeze_pose) return networks_->pose(batch.pose_source).to(torch::kFloat);
  torch::NoGradGuard no_grad;
  Autocast single(device_.type(), torch::kFloat);
  return networks_->pose(batch.pose_source);
}

LossValues ReenactorTrainer::fit_step(const ReenactorBatch& batch, std::int64_t step) {
  std::map<std::string, torch::Tensor> losses;
  {
    Autocast mixed(device_.type(), config_.training.precision);
    const auto predicted = networks_->idt(batch.identity_frames).mean(1);
    const auto deviation = average_->table->weight.std();
    losses["fit"] = torch::smooth_l1_loss(predicted / deviation, average_->table(batch.labels) / deviation);
    // What the generator draws with it tells which of its numbers matter.
    if (compares_pictures())
      add_content_losses(losses, average_->gen(predicted, pose_of(batch)), batch.target * batch.mask, batch);
  }
  const auto total = sum_of(losses);
  LossValues values = values_of(losses, total);
  group_->average(values);
  refuse_unless_finite(values, "step " + std::to_string(step));
  if (compute_gradients(*generator_optimizer_, generator_scaler_, total)) generator_optimizer_->step();
  group_->average_batch_statistics(*networks_);
  update_average(*average_, *networks_, average_decay(step));
  return values;
}

void ReenactorTrainer::broadcast() {
  group_->broadcast(*networks_);
  group_->broadcast(*average_);
  group_->broadcast(*discriminator_);
  if (reader_) group_->broadcast(*reader_);
}

torch::Tensor ReenactorTrainer::judged(const torch::Tensor& rgb, const ReenactorBatch& batch) const {
  return config_.discriminator.in_channels == 3 ? rgb : with_condition(rgb, batch.pose_source);
}

bool ReenactorTrainer::compares_pictures() const {
  return config_.loss.l1 > 0 || config_.loss.gradient > 0 || config_.loss.dice > 0 ||
         !config_.loss.perceptual_networks.empty();
}

bool ReenactorTrainer::compute_gradients(torch::optim::Optimizer& optimizer, LossScaler& scaler,
                                         const torch::Tensor& loss) {
  optimizer.zero_grad();
  scaler.scaled(loss).backward();
  // A gradient that is not finite in one process is none in the mean: all leave out the same steps.
  group_->average_gradients(optimizer);
  return scaler.unscale(optimizer);
}

void ReenactorTrainer::add_content_losses(std::map<std::string, torch::Tensor>& losses,
                                          const GeneratedHead& head, const torch::Tensor& real,
                                          const ReenactorBatch& batch) {
  if (!perceptual_.vgg19.is_empty() && config_.loss.perceptual > 0)
    losses["perceptual"] =
        config_.loss.perceptual * perceptual_loss(perceptual_.vgg19, head.rgb, real, config_.loss.vgg_input);
  if (!perceptual_.vgg_face.is_empty() && config_.loss.face_identity > 0)
    losses["face_identity"] = config_.loss.face_identity * face_identity_loss(perceptual_.vgg_face, head.rgb,
                                                                              real, config_.loss.vgg_input);
  const auto weights = face_part_weights(batch.landmarks, batch.has_landmarks, static_cast<int>(real.size(2)),
                                         config_.loss.face_parts);
  if (config_.loss.l1 > 0) losses["l1"] = config_.loss.l1 * multi_scale_l1_loss(head.rgb, real, weights);
  if (config_.loss.gradient > 0)
    losses["gradient"] = config_.loss.gradient * image_gradient_loss(head.rgb, real, weights);
  if (config_.loss.dice > 0)
    losses["dice"] =
        config_.loss.dice * (config_.loss.dice_as_released ? dice_loss_as_released(head.mask, batch.mask)
                                                           : dice_loss(head.mask, batch.mask));
}

LossValues ReenactorTrainer::step(const ReenactorBatch& given, std::int64_t step) {
  const auto batch = given.to(device_);
  set_rates(step);
  networks_->train();
  discriminator_->train();
  if (config_.training.freeze_pose) networks_->pose->eval();
  if (config_.identity.source == IdentitySource::fit) return fit_step(batch, step);
  const bool adversarial = config_.loss.adversarial > 0 && step >= config_.loss.adversarial_from;
  const auto real = batch.target * batch.mask;
  std::map<std::string, torch::Tensor> losses;
  GeneratedHead head;
  torch::Tensor discriminator_loss;
  {
    Autocast mixed(device_.type(), config_.training.precision);
    torch::Tensor elementwise;
    const auto identity = identity_of(networks_, batch, &elementwise);
    const auto pose = pose_of(batch);
    // Without any loss on pictures only the pose encoder learns, from landmarks: three times as fast.
    if (compares_pictures() || adversarial) {
      head = networks_->gen(identity, pose);
      add_content_losses(losses, head, real, batch);
    }
    const auto free_pose = reader_ ? free_pose_of(batch) : torch::Tensor();
    if (networks_->landmark_head && !config_.training.freeze_pose) {
      // The reader's head stays: it is the same space of poses.
      losses["landmarks"] =
          config_.loss.landmarks *
          (reader_ ? landmark_loss(reader_->landmarks(pose), reader_->landmarks(free_pose),
                                   torch::ones({pose.size(0)}, device_))
                   : landmark_loss(networks_->landmarks(pose), batch.landmarks, batch.has_landmarks));
    }
    if (config_.loss.pose > 0)
      losses["pose"] = config_.loss.pose *
                       torch::smooth_l1_loss(pose / reader_->deviation(), free_pose / reader_->deviation());
    if (config_.loss.swap > 0) losses["swap"] = config_.loss.swap * swap_loss(free_pose, batch);
    GeneratedHead cross;
    if (config_.loss.cross > 0 || config_.loss.shape > 0) {
      cross = draw_cross(identity, pose);
      const auto picture = seen_by_encoder(cross);
      if (config_.loss.cross > 0) losses["cross"] = config_.loss.cross * cross_loss(picture, pose, batch);
      if (config_.loss.shape > 0)
        losses["shape"] = config_.loss.shape * shape_loss(picture, free_pose, batch);
    }
    if (adversarial) {
      const auto class_embedding = discriminator_->embed(batch.labels);
      set_requires_grad(*discriminator_, false);
      const auto fixed_embedding = class_embedding.defined() ? class_embedding.detach() : class_embedding;
      const auto fake_output = discriminator_->forward(judged(head.rgb, batch), fixed_embedding);
      const bool judges_cross = config_.loss.adversarial_cross > 0 && cross.rgb.defined();
      torch::Tensor cross_score;
      if (judges_cross)
        cross_score = discriminator_->forward(cross.rgb, cross_embedding(fixed_embedding, cross)).score;
      set_requires_grad(*discriminator_, true);
      // The authors' order: each pass advances the power iterations.
      const auto fake_again = discriminator_->forward(judged(head.rgb.detach(), batch), fixed_embedding);
      const auto real_output = discriminator_->forward(judged(real, batch), class_embedding);
      discriminator_loss = hinge_discriminator_loss(real_output.score, fake_again.score);
      if (judges_cross) {
        const auto judged_cross =
            discriminator_->forward(cross.rgb.detach(), cross_embedding(fixed_embedding, cross));
        discriminator_loss =
            discriminator_loss + hinge_discriminator_loss(real_output.score, judged_cross.score);
        losses["adversarial_cross"] = config_.loss.adversarial_cross * hinge_generator_loss(cross_score);
      }
      losses["adversarial"] = config_.loss.adversarial * hinge_generator_loss(fake_output.score);
      losses["features"] =
          config_.loss.feature_matching * feature_matching_loss(fake_output.features, real_output.features);
      if (config_.loss.embedding_match > 0 && elementwise.defined() && class_embedding.defined())
        losses["embedding"] =
            config_.loss.embedding_match * embedding_match_loss(elementwise, class_embedding);
    }
  }
  const auto total = sum_of(losses);
  LossValues values = values_of(losses, total);
  if (adversarial) values["discriminator"] = discriminator_loss.item<double>();
  group_->average(values);
  refuse_unless_finite(values, "step " + std::to_string(step));

  const bool sound = compute_gradients(*generator_optimizer_, generator_scaler_, total);
  if (sound && !config_.training.single_update) generator_optimizer_->step();
  if (adversarial && compute_gradients(*discriminator_optimizer_, discriminator_scaler_, discriminator_loss))
    discriminator_optimizer_->step();
  if (sound && config_.training.single_update) generator_optimizer_->step();
  if (generator_scaler_.scale() > 0) values["loss_scale"] = generator_scaler_.scale();
  group_->average_batch_statistics(*networks_);
  update_average(*average_, *networks_, average_decay(step));
  return values;
}

void ReenactorTrainer::refresh_batch_statistics(int batches, const std::function<ReenactorBatch()>& draw) {
  torch::NoGradGuard no_grad;
  const bool identity = config_.identity.source != IdentitySource::table,
             pose = !config_.training.freeze_pose;
  std::vector<torch::nn::BatchNorm2dImpl*> norms;
  const auto collect = [&norms](torch::nn::Module& encoder) {
    for (const auto& module : encoder.modules())
      if (auto* norm = module->as<torch::nn::BatchNorm2d>()) norms.push_back(norm);
  };
  if (identity) collect(*average_->idt);
  if (pose) collect(*average_->pose);
  for (auto* norm : norms) {
    norm->reset_running_stats();
    norm->options.momentum(torch::nullopt);  // the plain mean over all batches
    norm->train();
  }
  for (int i = 0; i < batches && !norms.empty(); ++i) {
    const auto batch = draw().to(device_);
    if (identity) average_->idt(batch.identity_frames);
    if (pose) average_->pose(batch.pose_source);
  }
  for (auto* norm : norms) norm->eval();
}

torch::Tensor ReenactorTrainer::identities(const ReenactorBatch& given) {
  torch::NoGradGuard no_grad;
  const auto batch = given.to(device_);
  if (config_.identity.source == IdentitySource::fit) return average_->idt(batch.identity_frames).mean(1);
  return identity_of(average_, batch);
}

LossValues ReenactorTrainer::validate(const ReenactorBatch& given) {
  torch::NoGradGuard no_grad;
  const auto held_out = given.to(device_);
  const auto pose = average_->pose(held_out.pose_source);
  const auto head = average_->gen(identities(held_out), pose);
  LossValues values;
  values["held_out_l1"] = (head.rgb - held_out.target * held_out.mask).abs().mean().item<double>();
  values["held_out_psnr"] = values["held_out_ssim"] = 0;
  const auto count = held_out.target.size(0);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto drawn = to_picture(head.rgb[i]), wanted = to_picture((held_out.target * held_out.mask)[i]);
    values["held_out_psnr"] += psnr(drawn, wanted) / static_cast<double>(count);
    values["held_out_ssim"] += ssim(drawn, wanted) / static_cast<double>(count);
  }
  values["held_out_dice"] = dice_loss(head.mask, held_out.mask).item<double>();
  if (average_->landmark_head) values["held_out_landmarks"] = landmark_error(held_out);
  return values;
}

double ReenactorTrainer::landmark_error(const ReenactorBatch& given) {
  torch::NoGradGuard no_grad;
  const auto batch = given.to(device_);
  if (!average_->landmark_head) return 0;
  const auto predicted = average_->landmarks(average_->pose(batch.pose_source));
  const auto known = batch.has_landmarks;
  return ((landmark_distance(predicted, batch.landmarks) * known).sum() / known.sum().clamp_min(1))
      .item<double>();
}

cv::Mat ReenactorTrainer::sheet(const ReenactorBatch& drivers, const torch::Tensor& identities) {
  torch::NoGradGuard no_grad;
  std::vector<std::vector<cv::Mat>> rows;
  const auto pose = average_->pose(drivers.pose_source.to(device_));
  for (std::int64_t i = 0; i < pose.size(0); ++i) {
    std::vector<cv::Mat> row = {to_picture(drivers.target[i])};
    const auto same = torch::full({identities.size(0)}, i, pose.options().dtype(torch::kLong));
    const auto heads = average_->gen(identities, pose.index_select(0, same));
    for (std::int64_t k = 0; k < identities.size(0); ++k) row.push_back(to_picture(heads.rgb[k]));
    rows.push_back(row);
  }
  std::vector<std::string> titles = {"driver"};
  for (std::int64_t k = 0; k < identities.size(0); ++k) titles.push_back("identity " + std::to_string(k));
  return contact_sheet(rows, titles);
}

void ReenactorTrainer::standardize_pose(const ReenactorBatch& batch) {
  // A frozen encoder works with its running statistics, a learning one with those of the batch.
  networks_->pose->train(!config_.training.freeze_pose);
  const auto pictures = batch.pose_source.to(device_);
  if (is_foreign_encoder(config_.networks.pose_encoder))
    networks_->scale_foreign_pose(pictures, config_.training.pose_deviation);
  else
    networks_->standardize_pose(pictures, config_.training.pose_deviation);
  update_average(*average_, *networks_, 0.0);
}

void ReenactorTrainer::standardize_identity(const ReenactorBatch& batch) {
  networks_->idt->train();
  const auto frames = batch.identity_frames.to(device_);
  if (networks_->table)
    networks_->match_identity_to_table(frames);
  else
    networks_->standardize_identity(frames, config_.training.identity_deviation);
  update_average(*average_, *networks_, 0.0);
}

void ReenactorTrainer::start_table(const torch::Tensor& heads) {
  torch::NoGradGuard no_grad;
  networks_->table->weight.copy_(
      appearance_codes(heads, config_.networks.identity_embedding_size, config_.training.table_deviation));
  update_average(*average_, *networks_, 0.0);
}

std::array<int, 3> ReenactorTrainer::start_from(const std::map<std::string, torch::Tensor>& weights) {
  torch::NoGradGuard no_grad;
  std::array<int, 3> counts{};
  const auto take = [&](torch::Tensor target, const std::string& name) {
    const auto found = weights.find(name);
    if (found == weights.end() || found->second.dim() != target.dim()) {
      ++counts[2];
      return;
    }
    auto source = found->second;
    ++counts[source.sizes() == target.sizes() ? 0 : 1];
    for (std::int64_t d = 0; d < target.dim(); ++d) {
      const auto common = std::min(source.size(d), target.size(d));
      source = source.narrow(d, 0, common);
      target = target.narrow(d, 0, common);
    }
    target.copy_(source);
  };
  for (auto& item : networks_->named_parameters()) take(item.value(), item.key());
  for (auto& item : networks_->named_buffers()) take(item.value(), item.key());
  if (!config_.training.segmentation) fix_mask_at_one(*networks_->gen);
  update_average(*average_, *networks_, 0.0);
  const auto take_judging = [&](const std::string& name, const torch::Tensor& tensor) {
    const auto found = weights.find("discriminator." + name);
    if (found != weights.end() && found->second.sizes() == tensor.sizes()) take(tensor, found->first);
  };
  for (auto& item : discriminator_->named_parameters()) take_judging(item.key(), item.value());
  for (auto& item : discriminator_->named_buffers()) take_judging(item.key(), item.value());
  return counts;
}

}  // namespace reenact::training
