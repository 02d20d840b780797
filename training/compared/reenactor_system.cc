// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/compared/reenactor_system.h"

#include <nlohmann/json.hpp>

#include "reenact/error.h"
#include "reenact/identity.h"
#include "reenact/safetensors.h"
#include "torch/load_weights.h"
#include "training/data/picture_tensor.h"
#include "training/personalise/personaliser.h"

namespace reenact::training {
namespace {

PersonaliseConfig read_personalise(const ComparedSystemOptions& options, const ReenactorConfig& config) {
  const RunConfig file(options.personalise, options.overrides);
  auto personalise = read_personalise_config(file, config.preset);
  file.refuse_unknown_keys();
  return personalise;
}

void place_for_use(torch::nn::Module& module, const torch::Device& device) {
  module.to(device);
  module.eval();
  for (auto& parameter : module.parameters()) parameter.set_requires_grad(false);
}

/// Every parameter and buffer of `module` that the tensors name, copied.
void fill_named(torch::nn::Module& module, const std::map<std::string, torch::Tensor>& tensors,
                const std::string& prefix) {
  torch::NoGradGuard no_grad;
  const auto take = [&](const std::string& name, torch::Tensor own) {
    const auto found = tensors.find(prefix + name);
    if (found == tensors.end()) return;
    if (found->second.sizes() != own.sizes())
      throw Error(ErrorCode::wrong_kind,
                  "the identity's tensor '" + found->first + "' has another shape than the model's");
    own.copy_(found->second);
  };
  for (auto& item : module.named_parameters()) take(item.key(), item.value());
  for (auto& item : module.named_buffers()) take(item.key(), item.value());
}

std::vector<float> numbers_of(const torch::Tensor& tensor) {
  const auto values = tensor.to(torch::kCPU, torch::kFloat).contiguous();
  return {values.data_ptr<float>(), values.data_ptr<float>() + values.numel()};
}

}  // namespace

ReenactorSystem::ReenactorSystem(const ComparedSystemOptions& options)
    : options_(options),
      model_(std::make_shared<const ModelFile>(options.model, ModelKind::reenactor)),
      config_(model_->info().config.get<ReenactorConfig>()),
      personalise_(fitting(read_personalise(options, config_), *model_)),
      pose_input_(config_),
      masked_(draws_masks(*model_)),
      pose_finder_(config_, options.landmarks.string(), options.expression.string(), options.device),
      model_pose_(config_, /*dropout=*/0),
      pose_(config_, /*dropout=*/0),
      generator_(make_head_generator(config_)) {
  load_weights(*model_pose_, *model_, "pose.");
  load_weights(*generator_, *model_, "gen.");
  for (auto* module :
       {static_cast<torch::nn::Module*>(model_pose_.get()), static_cast<torch::nn::Module*>(pose_.get()),
        static_cast<torch::nn::Module*>(generator_.get())})
    place_for_use(*module, options_.device);
}

HeadFrame ReenactorSystem::ready(const HeadFrame& frame) {
  std::vector<HeadFrame> frames = {frame};
  pose_finder_.complete(frames);
  return pose_input_.shown(frames.front());
}

void ReenactorSystem::take_person(Tensors tensors, const torch::Tensor& embedding) {
  person_ = std::move(tensors);
  fill_named(*generator_, person_, "gen.");
  fill_named(*pose_, person_, "pose.");
  embedding_ = embedding.view({1, -1}).to(options_.device);
}

void ReenactorSystem::learn(const std::vector<HeadFrame>& pictures) {
  if (pictures.empty())
    throw Error(ErrorCode::invalid, "no pictures of a person were given, wanted at least one");
  PersonPictures person_pictures;
  person_pictures.training = pictures;
  pose_finder_.complete(person_pictures.training);
  if (!options_.perceptual.empty() && perceptual_.vgg19.is_empty() && perceptual_.vgg_face.is_empty())
    perceptual_ = load_perceptual_networks(options_.perceptual);
  Personaliser person({model_, model_, model_}, personalise_, std::move(person_pictures), perceptual_, {},
                      options_.device, options_.seed);
  auto steps =
      personalise_.run.steps > 0 ? personalise_.run.steps : iterations_for(pictures.size(), config_.preset);
  if (!options_.tune) steps = 0;
  const auto refining = options_.tune ? personalise_.run.embedding_steps : 0;
  for (std::int64_t step = 0; step < refining; ++step) person.refine_embedding();
  for (std::int64_t step = 0; step < steps; ++step) person.step();
  Tensors tensors = person.generator_weights();
  for (const auto& [name, tensor] : person.encoder_weights())
    if (name.starts_with("pose.")) tensors[name] = tensor;
  for (auto& [name, tensor] : tensors) tensor = tensor.detach().clone();
  take_person(std::move(tensors), torch::tensor(person.embedding()));
}

cv::Mat ReenactorSystem::draw(const HeadFrame& driver) {
  if (!embedding_.defined())
    throw Error(ErrorCode::invalid, "no person was learned yet, wanted one before a head is drawn");
  torch::NoGradGuard no_grad;
  const auto pose = pose_input_.pose(ready(driver)).unsqueeze(0).to(options_.device);
  return to_picture(generator_->forward(embedding_, pose_(pose)).rgb[0]);
}

std::vector<float> ReenactorSystem::descriptor(const HeadFrame& picture) {
  if (config_.pose_source == "stickman")
    throw Error(
        ErrorCode::unsupported,
        "'" + options_.model.string() + "' has pictures for poses, wanted a model whose poses are vectors");
  torch::NoGradGuard no_grad;
  return numbers_of(model_pose_(pose_input_.pose(ready(picture)).unsqueeze(0).to(options_.device))[0]);
}

void ReenactorSystem::save(const std::filesystem::path& path) const {
  if (!embedding_.defined())
    throw Error(ErrorCode::invalid,
                "no person was learned yet, wanted one to write to '" + path.string() + "'");
  Identity identity;
  identity.name = path.stem().string();
  identity.embedding = numbers_of(embedding_);
  Tensors stored;
  std::map<std::string, TensorView> views;
  for (const auto& [name, tensor] : person_) {
    stored[name] = tensor.to(torch::kCPU, torch::kFloat).contiguous();
    views[name] = {DataType::f32,
                   stored[name].sizes().vec(),
                   {static_cast<const std::byte*>(stored[name].data_ptr()), stored[name].nbytes()}};
  }
  save_identity(path, identity, nlohmann::json{{"model", options_.model.filename().string()}}, views);
}

void ReenactorSystem::load(const std::filesystem::path& path) {
  const auto identity = load_identity(path);
  if (identity->embedding.size() != static_cast<std::size_t>(config_.identity_embedding_size))
    throw Error(ErrorCode::wrong_kind, "'" + path.string() + "' has an embedding of " +
                                           std::to_string(identity->embedding.size()) + " numbers, wanted " +
                                           std::to_string(config_.identity_embedding_size));
  Tensors tensors = weights_of(*model_pose_, "pose.");
  if (identity->personal_weights) {
    for (const auto& [name, view] : identity->personal_weights->file().tensors())
      if (name.starts_with("gen.") || name.starts_with("pose.")) tensors[name] = to_torch(view);
  } else {
    load_weights(*generator_, *model_, "gen.");
  }
  take_person(std::move(tensors), torch::tensor(identity->embedding));
}

}  // namespace reenact::training
