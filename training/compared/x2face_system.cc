// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/compared/x2face_system.h"

#include <utility>

#include "reenact/error.h"
#include "reenact/model_file.h"
#include "reenact/pose_picture.h"
#include "torch/load_weights.h"
#include "training/data/picture_tensor.h"
#include "training/personalise/x2face_person.h"

namespace reenact::training {
namespace {

WarperConfig config_of(const std::filesystem::path& model) {
  return ModelFile(model, ModelKind::warper).info().config.get<WarperConfig>();
}

}  // namespace

X2FaceSystem::X2FaceSystem(const ComparedSystemOptions& options)
    : options_(options),
      config_(config_of(options.model)),
      network_(config_),
      encoder_(config_.image_size, config_.code_size, config_.width) {
  const ModelFile model(options.model, ModelKind::warper);
  load_weights(*network_, model, "");
  load_weights(*encoder_, model, "x2drive.");
  for (auto* module :
       {static_cast<torch::nn::Module*>(network_.get()), static_cast<torch::nn::Module*>(encoder_.get())}) {
    module->to(options_.device);
    module->eval();
  }
}

torch::Tensor X2FaceSystem::picture(const HeadFrame& frame) const {
  return to_picture_tensor(pose_picture(frame.rgb, "x2face", config_.image_size), config_.image_size)
      .unsqueeze(0)
      .to(options_.device);
}

void X2FaceSystem::take_sources(std::vector<cv::Mat> sources) {
  torch::NoGradGuard no_grad;
  sources_ = std::move(sources);
  std::vector<torch::Tensor> pictures;
  for (const auto& source : sources_) pictures.push_back(to_picture_tensor(source, config_.image_size));
  face_ = network_->face(torch::stack(pictures).unsqueeze(0).to(options_.device));
}

void X2FaceSystem::learn(const std::vector<HeadFrame>& pictures) {
  if (pictures.empty())
    throw Error(ErrorCode::invalid, "no pictures of a person were given, wanted at least one");
  take_sources(choose_x2face_sources(pictures, config_.image_size, options_.seed));
}

cv::Mat X2FaceSystem::draw(const HeadFrame& driver) {
  if (!face_.defined())
    throw Error(ErrorCode::invalid, "no person was learned yet, wanted one before a head is drawn");
  torch::NoGradGuard no_grad;
  return to_picture(network_->draw(face_, picture(driver))[0]);
}

std::vector<float> X2FaceSystem::descriptor(const HeadFrame& frame) {
  torch::NoGradGuard no_grad;
  const auto code = encoder_(picture(frame)).to(torch::kCPU, torch::kFloat).contiguous();
  return {code.data_ptr<float>(), code.data_ptr<float>() + code.numel()};
}

void X2FaceSystem::save(const std::filesystem::path& path) const {
  Identity identity;
  identity.name = path.stem().string();
  save_x2face_person(path, identity, sources_, {{"model", options_.model.filename().string()}});
}

void X2FaceSystem::load(const std::filesystem::path& path) {
  take_sources(load_x2face_person(path, config_.image_size));
}

}  // namespace reenact::training
