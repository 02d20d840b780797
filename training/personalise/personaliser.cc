// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/personalise/personaliser.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <opencv2/imgproc.hpp>

#include "offline/contact_sheet.h"
#include "offline/picture_metrics.h"
#include "reenact/identity.h"
#include "reenact/safetensors.h"
#include "torch/autocast.h"
#include "torch/load_weights.h"
#include "training/data/picture_tensor.h"
#include "training/learning/picture_loss.h"
#include "training/personalise/personal_discriminator.h"

namespace reenact::training {
namespace {

constexpr std::int64_t sheet_rows = 4;          // of either kind
constexpr std::int64_t most_motion_poses = 64;  // all are drawn at every validation

/// Without landmarks, which nothing asks a mirrored picture for.
HeadFrame mirrored(const HeadFrame& frame) {
  HeadFrame result;
  cv::flip(frame.rgb, result.rgb, 1);
  cv::flip(frame.mask, result.mask, 1);
  return result;
}

void freeze(torch::nn::Module& module) {
  module.eval();
  for (auto& parameter : module.parameters()) parameter.set_requires_grad(false);
}

/// Averaged weights in place of the trained ones for a scope, in evaluation mode.
class Averaged {
 public:
  explicit Averaged(FineTuner& tuner) : tuner_(tuner) {
    tuner_.average().swap();
    tuner_.networks().person->eval();
  }
  ~Averaged() { tuner_.average().swap(); }
  Averaged(const Averaged&) = delete;
  Averaged& operator=(const Averaged&) = delete;

 private:
  torch::NoGradGuard no_grad_;
  FineTuner& tuner_;
};

/// `count` numbers spread evenly over 0..size-1.
std::vector<std::int64_t> spread(std::int64_t size, std::int64_t count) {
  std::vector<std::int64_t> numbers;
  for (std::int64_t i = 0; i < std::min(size, count); ++i)
    numbers.push_back(i * size / std::min(size, count));
  return numbers;
}

AugmentationConfig unaugmented() {
  AugmentationConfig none;
  none.pixelwise = false;
  none.affine_scale = none.shift = 0;
  return none;
}

}  // namespace

bool draws_masks(const ModelFile& reenactor) {
  const auto& tensors = reenactor.file().tensors();
  const auto found = tensors.find("gen.out.weight");
  constexpr std::size_t mask_channel = 3;
  if (found == tensors.end() || found->second.shape.at(0) <= static_cast<std::int64_t>(mask_channel))
    return false;
  const auto values = found->second.to_floats();
  const auto each = values.size() / static_cast<std::size_t>(found->second.shape.at(0));
  return std::any_of(values.begin() + static_cast<std::ptrdiff_t>(mask_channel * each), values.end(),
                     [](float value) { return value != 0; });
}

PersonaliseConfig fitting(PersonaliseConfig config, const ModelFile& model) {
  const auto reenactor = model.info().config.get<ReenactorConfig>();
  const bool foreign = is_foreign_encoder(reenactor.pose_encoder);
  auto& tuning = config.tuning;
  if (foreign) tuning.pose_encoder_in_training_mode = false;
  // The reference draws heads and looks at them as a whole with the model's own encoder.
  if (foreign || reenactor.pose_source != "picture") tuning.loss.motion = 0;
  if (!draws_masks(model)) tuning.loss.dice = 0;
  if (reenactor.architecture == "fsth") {
    tuning.train_identity_embedding = false;
    config.run.embedding_steps = 0;
  }
  if (reenactor.pose_source == "picture") return config;
  config.augmentation.flip = false;
  if (reenactor.pose_source == "vector") config.augmentation = unaugmented();
  return config;
}

Personaliser::Personaliser(const PersonaliseModels& models, const PersonaliseConfig& config,
                           PersonPictures pictures, PerceptualNetworks perceptual, const torch::Tensor& poses,
                           const torch::Device& device, std::uint64_t seed)
    : reenactor_config_(models.reenactor->info().config.get<ReenactorConfig>()),
      pose_input_(reenactor_config_),
      masked_(draws_masks(*models.reenactor)),
      config_(fitting(config, *models.reenactor)),
      pictures_(std::move(pictures)),
      device_(device),
      random_(seed),
      batch_size_(config.run.batch_size > 0
                      ? config.run.batch_size
                      : static_cast<int>(std::min<std::size_t>(pictures_.training.size(), 8))),
      pose_encoder_(reenactor_config_),
      identity_encoder_(reenactor_config_),
      person_(reenactor_config_) {
  for (auto* frames : {&pictures_.training, &pictures_.held_out})
    for (auto& frame : *frames) frame = pose_input_.shown(frame);
  load_weights(*pose_encoder_, *models.reenactor, "pose.");
  load_weights(*identity_encoder_, *models.identity_model, "idt.");
  load_weights(*person_->gen, *models.reenactor, "gen.");
  freeze(*pose_encoder_);
  freeze(*identity_encoder_);
  for (torch::nn::Module* module : {static_cast<torch::nn::Module*>(pose_encoder_.get()),
                                    static_cast<torch::nn::Module*>(identity_encoder_.get()),
                                    static_cast<torch::nn::Module*>(person_.get())})
    module->to(device_);
  {
    torch::NoGradGuard no_grad;
    person_->identity_embedding.copy_(encode_identity());
  }
  if (models.discriminator && holds_discriminator(*models.discriminator) &&
      config_.tuning.loss.adversarial + config_.tuning.loss.feature_matching > 0) {
    discriminator_ = load_personal_discriminator(*models.discriminator, reenactor_config_,
                                                 person_->identity_embedding.detach().to(torch::kCPU));
    discriminator_->to(device_);
  }
  if (!perceptual.vgg19.is_empty()) perceptual.vgg19->to(device_);
  if (!perceptual.vgg_face.is_empty()) perceptual.vgg_face->to(device_);

  auto held_out = pictures_.held_out;
  if (held_out.empty())
    // Mirrored alone they would hold against a person that a parting or a turned head is not symmetric.
    for (const auto& frame : pictures_.training) {
      held_out.push_back(frame);
      if (reenactor_config_.pose_source == "picture") held_out.push_back(mirrored(frame));
    }
  held_out_ = views_of(held_out);
  tuner_ = std::make_unique<FineTuner>(FineTunedNetworks{pose_encoder_, person_, discriminator_, perceptual},
                                       config_.tuning);
  if (poses.defined() && config_.tuning.loss.motion > 0) {
    const auto chosen = torch::tensor(spread(poses.size(0), most_motion_poses));
    motion_ =
        std::make_shared<MotionReference>(person_, pose_encoder_, poses.index_select(0, chosen).to(device_),
                                          reenactor_config_.pose_image_size());
    tuner_->set_motion_reference(motion_);
  }
  rows_.resize(static_cast<std::size_t>(std::min(held_out_.target.size(0), sheet_rows) +
                                        (motion_ ? std::min(motion_->size(), sheet_rows) : 0)));
}

Personaliser::Views Personaliser::views_of(const std::vector<HeadFrame>& frames) const {
  std::vector<torch::Tensor> pose_source, target, mask;
  for (const auto& frame : frames) {
    pose_source.push_back(pose_input_.pose(frame));
    mask.push_back(to_picture_tensor(frame.mask, reenactor_config_.image_size));
    target.push_back(target_of(frame.rgb, mask.back()));
  }
  return {torch::stack(pose_source).to(device_), torch::stack(target).to(device_),
          torch::stack(mask).to(device_)};
}

torch::Tensor Personaliser::target_of(const cv::Mat& rgb, const torch::Tensor& mask) const {
  const auto picture = to_picture_tensor(rgb, reenactor_config_.image_size);
  return masked_ ? picture * mask : picture;
}

torch::Tensor Personaliser::encode_identity() const {
  auto identity_encoder = identity_encoder_;
  torch::NoGradGuard no_grad;
  torch::Tensor sum;
  for (const auto& frame : pictures_.training) {
    const auto rgb = pose_input_.identity(frame.rgb, frame.landmarks).to(device_);
    const auto embedding = identity_encoder->forward(rgb.unsqueeze(0).unsqueeze(0)).squeeze(1);
    sum = sum.defined() ? sum + embedding : embedding;
  }
  return sum / static_cast<double>(pictures_.training.size());
}

torch::Tensor Personaliser::encode_poses(const torch::Tensor& pose_source) {
  torch::NoGradGuard no_grad;
  pose_encoder_->eval();
  std::vector<torch::Tensor> poses;
  for (const auto& part : pose_source.split(8)) poses.push_back(pose_encoder_->forward(part));
  return torch::cat(poses);
}

std::size_t Personaliser::next_frame() {
  if (epoch_.empty()) {
    epoch_.resize(pictures_.training.size());
    std::iota(epoch_.begin(), epoch_.end(), std::size_t{0});
    std::shuffle(epoch_.begin(), epoch_.end(), random_);
  }
  const auto frame = epoch_.back();
  epoch_.pop_back();
  return frame;
}

FineTuningBatch Personaliser::draw_batch() {
  std::vector<torch::Tensor> pose_source, target, mask;
  const auto& frames = pictures_.training;
  for (int i = 0; i < batch_size_; ++i) {
    const auto& other = frames[std::uniform_int_distribution<std::size_t>(0, frames.size() - 1)(random_)];
    const auto sample = augment(frames[next_frame()], other, config_.augmentation, random_,
                                [&](const cv::Mat& rgb) { return pose_input_.seen(rgb); });
    pose_source.push_back(pose_input_.pose(sample.pose_source, sample.landmarks, sample.descriptor));
    mask.push_back(to_picture_tensor(sample.mask, reenactor_config_.image_size));
    target.push_back(target_of(sample.target, mask.back()));
  }
  FineTuningBatch batch{torch::stack(pose_source).to(device_),
                        torch::stack(target).to(device_),
                        torch::stack(mask).to(device_),
                        {}};
  if (motion_) {
    std::vector<std::int64_t> chosen;
    for (int i = 0; i < config_.run.motion_batch; ++i)
      chosen.push_back(std::uniform_int_distribution<std::int64_t>(0, motion_->size() - 1)(random_));
    batch.motion = torch::tensor(chosen, torch::TensorOptions().dtype(torch::kLong).device(device_));
  }
  return batch;
}

std::map<std::string, double> Personaliser::refine_embedding() {
  return tuner_->refine_embedding(draw_batch());
}

FineTuningStep Personaliser::step() {
  return tuner_->step(draw_batch());
}

PersonMetrics Personaliser::validate() {
  const Averaged averaged(*tuner_);
  const Autocast mixed(device_.type(), config_.tuning.precision);
  PersonMetrics metrics;
  const auto poses = encode_poses(held_out_.pose_source);
  double squared = 0;
  for (std::int64_t i = 0; i < poses.size(0); ++i) {
    const auto head = person_->forward(poses.narrow(0, i, 1));
    const auto target = held_out_.target.narrow(0, i, 1);
    const auto everywhere = torch::ones_like(head.mask);
    metrics.error += (multi_scale_l1_loss(head.rgb, target, everywhere) +
                      image_gradient_loss(head.rgb, target, everywhere))
                         .item<double>();
    squared += (head.rgb.clamp(0, 1) - target).square().mean().item<double>();
  }
  const auto count = static_cast<double>(poses.size(0));
  metrics.error /= count;
  metrics.psnr = -10 * std::log10(std::max(squared / count, 1e-12));
  if (motion_) metrics.motion_lost = motion_->lost(person_, pose_encoder_);
  return metrics;
}

PersonTest Personaliser::test(const std::vector<HeadFrame>& frames) {
  const Averaged averaged(*tuner_);
  PersonTest result;
  for (const auto& frame : frames) {
    const auto views = views_of({pose_input_.shown(frame)});
    const auto head = to_picture(person_->forward(encode_poses(views.pose_source)).rgb[0]);
    const auto target = to_picture(views.target[0]);
    result.psnr += psnr(head, target);
    result.ssim += ssim(head, target);
  }
  const auto count = static_cast<double>(std::max<std::size_t>(frames.size(), 1));
  return {result.psnr / count, result.ssim / count};
}

void Personaliser::remember() {
  remembered_.clear();
  for (const auto& [name, tensor] : tuner_->average().tensors()) remembered_[name] = tensor.clone();
}

void Personaliser::restore() {
  tuner_->average().set_state_tensors(remembered_);
}

void Personaliser::draw_column(const std::string& title) {
  const Averaged averaged(*tuner_);
  std::size_t row = 0;
  const auto add = [&](const torch::Tensor& pose, const cv::Mat& driver) {
    auto& cells = rows_[row++];
    if (cells.empty()) cells.push_back(driver);
    cells.push_back(to_picture(person_->forward(pose).rgb[0]));
  };
  for (const auto i : spread(held_out_.target.size(0), sheet_rows))
    add(encode_poses(held_out_.pose_source.narrow(0, i, 1)), to_picture(held_out_.target[i]));
  if (motion_)
    for (const auto i : spread(motion_->size(), sheet_rows)) add(motion_->poses().narrow(0, i, 1), {});
  if (titles_.empty()) titles_.push_back("not trained on");
  titles_.push_back(title);
}

cv::Mat Personaliser::sheet() const {
  return contact_sheet(rows_, titles_);
}

std::map<std::string, torch::Tensor> Personaliser::generator_weights() {
  std::map<std::string, torch::Tensor> weights;
  for (const auto& [name, tensor] : tuner_->average().tensors())
    if (name != "identity_embedding") weights[name] = tensor;
  return weights;
}

std::map<std::string, torch::Tensor> Personaliser::encoder_weights() const {
  auto weights = weights_of(*pose_encoder_, "pose.");
  weights.merge(weights_of(*identity_encoder_, "idt."));
  return weights;
}

std::vector<float> Personaliser::embedding() {
  const auto values = tuner_->average().tensors().at("identity_embedding").to(torch::kCPU).contiguous();
  return {values.data_ptr<float>(), values.data_ptr<float>() + values.numel()};
}

std::vector<float> Personaliser::neutral_pose(std::size_t& picture) {
  picture = 0;
  if (reenactor_config_.architecture == "fsth") return {};  // its poses are pictures
  const auto poses = encode_poses(views_of(pictures_.training).pose_source).to(torch::kCPU);
  const auto nearest = (poses - poses.mean(0, true)).norm(2, 1).argmin().item<std::int64_t>();
  picture = static_cast<std::size_t>(nearest);
  const auto values = poses[nearest].contiguous();
  return {values.data_ptr<float>(), values.data_ptr<float>() + values.numel()};
}

}  // namespace reenact::training
