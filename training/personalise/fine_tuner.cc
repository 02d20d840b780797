// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/personalise/fine_tuner.h"

#include <algorithm>
#include <optional>

#include "reenact/error.h"
#include "torch/autocast.h"
#include "torch/networks/fsth_generator.h"
#include "training/learning/adversarial.h"
#include "training/learning/dice.h"
#include "training/learning/finite_losses.h"
#include "training/learning/picture_loss.h"

namespace reenact::training {
namespace {

/// The three passes of the discriminator in one step, in the authors' order: each advances the power
/// iteration.
struct DiscriminatorPasses {
  /// Pictures as the discriminator sees them.
  DiscriminatorPasses(DiscriminatorNetwork& discriminator, const torch::Tensor& fake,
                      const torch::Tensor& fake_alone, const torch::Tensor& real) {
    const auto rows = discriminator.embed(torch::zeros({fake.size(0)}, fake.options().dtype(torch::kLong)));
    generator_side = discriminator.forward(fake, rows);
    fake_side = discriminator.forward(fake_alone, rows.defined() ? rows.detach() : rows);
    real_side = discriminator.forward(real, rows);
  }
  DiscriminatorOutput generator_side, fake_side, real_side;
};

torch::Tensor sum_of(const std::map<std::string, torch::Tensor>& losses,
                     std::map<std::string, double>& values) {
  if (losses.empty())
    throw Error(ErrorCode::invalid, "there is nothing to fine-tune on: every loss has weight 0");
  torch::Tensor total;
  for (const auto& [name, loss] : losses) {
    total = total.defined() ? total + loss : loss;
    values[name] = loss.item<double>();
  }
  return total;
}

double root_mean_square(const torch::Tensor& values) {
  return std::max(values.detach().square().mean().sqrt().item<double>(), 1e-6);
}

}  // namespace

FineTuningOptions fine_tuning_preset(const std::string& preset) {
  FineTuningOptions options;
  if (preset == "paper") return options;
  options.train_identity_embedding = false;  // draws no closer when it learns too, and loses more motion
  options.pose_encoder_in_training_mode = false;
  options.loss.dice_as_released = false;
  options.loss.l1 = 10;
  options.loss.gradient = 5;
  options.loss.motion = 1;
  options.loss.adversarial = 0.3;  // as in training/configs/meta-live.toml
  options.loss.feature_matching = 3;
  if (preset == "live") options.generator_learning_rate = 1.5e-3;  // docs/personalising.md measures it
  return options;
}

FineTuner::FineTuner(FineTunedNetworks networks, const FineTuningOptions& options)
    : networks_(std::move(networks)),
      options_(options),
      generator_optimizer_(trained_parameters(), {.learning_rate = options.generator_learning_rate}),
      embedding_optimizer_({networks_.person->identity_embedding},
                           torch::optim::AdamOptions(options.embedding_learning_rate *
                                                     root_mean_square(networks_.person->identity_embedding))),
      average_(*networks_.person, options.weight_average) {
  if (networks_.discriminator)
    discriminator_optimizer_ =
        std::make_unique<RAdam>(networks_.discriminator->parameters(),
                                RAdamOptions{.learning_rate = options.discriminator_learning_rate});
}

std::vector<torch::Tensor> FineTuner::trained_parameters() const {
  std::vector<torch::Tensor> parameters;
  const bool fsth = networks_.person->gen->as<FsthGeneratorImpl>();
  for (const auto& item : networks_.person->gen->named_parameters())
    if (!(fsth && item.key() == "project.weight")) parameters.push_back(item.value());
  if (options_.train_identity_embedding && !fsth) parameters.push_back(networks_.person->identity_embedding);
  return parameters;
}

void FineTuner::set_modes() {
  networks_.person->train(options_.networks_in_training_mode);
  // A layer whose spectral norm went on would move what it makes of the embedding.
  if (auto* fsth = networks_.person->gen->as<FsthGeneratorImpl>()) fsth->project()->eval();
  networks_.pose_encoder->train(options_.networks_in_training_mode && options_.pose_encoder_in_training_mode);
  if (networks_.discriminator) networks_.discriminator->train(options_.networks_in_training_mode);
}

torch::Tensor FineTuner::judged(const torch::Tensor& rgb, const FineTuningBatch& batch) const {
  return networks_.person->gen->as<FsthGeneratorImpl>() ? with_condition(rgb, batch.pose_source) : rgb;
}

torch::Tensor FineTuner::encode_pose(const torch::Tensor& pose_source) {
  torch::NoGradGuard no_grad;  // its weights stay; in training mode its batch statistics do not
  return networks_.pose_encoder->forward(pose_source);
}

void FineTuner::add_content_losses(Losses& losses, const GeneratedHead& head, const FineTuningBatch& batch) {
  auto& perceptual = networks_.perceptual;
  if (!perceptual.vgg19.is_empty() && options_.loss.perceptual > 0)
    losses["perceptual"] = options_.loss.perceptual *
                           perceptual_loss(perceptual.vgg19, head.rgb, batch.target, options_.loss.vgg_input);
  if (!perceptual.vgg_face.is_empty() && options_.loss.face_identity > 0)
    losses["face_identity"] =
        options_.loss.face_identity *
        face_identity_loss(perceptual.vgg_face, head.rgb, batch.target, options_.loss.vgg_input);
  if (options_.loss.dice > 0)
    losses["dice"] =
        options_.loss.dice * (options_.loss.dice_as_released ? dice_loss_as_released(head.mask, batch.mask)
                                                             : dice_loss(head.mask, batch.mask));
  const auto everywhere = torch::ones_like(batch.mask);
  if (options_.loss.l1 > 0)
    losses["l1"] = options_.loss.l1 * multi_scale_l1_loss(head.rgb, batch.target, everywhere);
  if (options_.loss.gradient > 0)
    losses["gradient"] = options_.loss.gradient * image_gradient_loss(head.rgb, batch.target, everywhere);
}

std::map<std::string, double> FineTuner::refine_embedding(const FineTuningBatch& batch) {
  networks_.person->eval();  // no power iteration: it would change what spectral norms divide by
  networks_.pose_encoder->eval();
  Losses losses;
  {
    const Autocast mixed(batch.target.device().type(), options_.precision);
    const auto head = networks_.person->forward(encode_pose(batch.pose_source));
    add_content_losses(losses, head, batch);
    if (networks_.discriminator && options_.loss.feature_matching > 0) {
      networks_.discriminator->eval();
      const auto rows =
          networks_.discriminator->embed(torch::zeros({1}, head.rgb.options().dtype(torch::kLong)));
      losses["feature_matching"] =
          options_.loss.feature_matching *
          feature_matching_loss(networks_.discriminator->forward(judged(head.rgb, batch), rows).features,
                                networks_.discriminator->forward(judged(batch.target, batch), rows).features);
    }
  }
  std::map<std::string, double> values;
  const auto total = sum_of(losses, values);
  refuse_unless_finite(values, "while refining the embedding");
  auto& embedding = networks_.person->identity_embedding;
  embedding.mutable_grad() = torch::autograd::grad({total}, {embedding})[0];
  embedding_optimizer_.step();
  // The average of the embedding is the embedding: what it was before is not the person.
  average_.restart();
  return values;
}

FineTuningStep FineTuner::step(const FineTuningBatch& batch) {
  set_modes();
  FineTuningStep result;
  Losses losses;
  torch::Tensor discriminator_loss;
  std::optional<Autocast> mixed;
  mixed.emplace(batch.target.device().type(), options_.precision);
  result.pose = encode_pose(batch.pose_source);
  result.head = networks_.person->forward(result.pose);
  if (discriminator_optimizer_) {
    const DiscriminatorPasses passes(*networks_.discriminator, judged(result.head.rgb, batch),
                                     judged(result.head.rgb.detach(), batch), judged(batch.target, batch));
    result.fake_score_generator = passes.generator_side.score;
    result.fake_score_discriminator = passes.fake_side.score;
    result.real_score = passes.real_side.score;
    losses["adversarial"] = options_.loss.adversarial * hinge_generator_loss(passes.generator_side.score);
    losses["feature_matching"] =
        options_.loss.feature_matching *
        feature_matching_loss(passes.generator_side.features, passes.real_side.features);
    discriminator_loss =
        options_.loss.adversarial * hinge_discriminator_loss(passes.real_side.score, passes.fake_side.score);
  }
  add_content_losses(losses, result.head, batch);
  if (motion_ && batch.motion.defined() && options_.loss.motion > 0)
    losses["motion"] =
        options_.loss.motion * motion_->loss(networks_.person, networks_.pose_encoder, batch.motion);
  mixed.reset();
  const auto total = sum_of(losses, result.losses);
  if (discriminator_loss.defined()) result.losses["discriminator"] = discriminator_loss.item<double>();
  refuse_unless_finite(result.losses, "while fine-tuning");

  // Only what the generator needs: the authors also compute, and then discard, the discriminator's gradients
  // here.
  const auto parameters = generator_optimizer_.parameters();
  const auto gradients = torch::autograd::grad({total}, parameters);
  for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].mutable_grad() = gradients[i];

  if (!options_.single_update) generator_optimizer_.step();
  if (discriminator_optimizer_) {
    discriminator_optimizer_->zero_grad();
    discriminator_loss.backward();
    discriminator_optimizer_->step();
  }
  if (options_.single_update) generator_optimizer_.step();
  average_.update();
  return result;
}

}  // namespace reenact::training
