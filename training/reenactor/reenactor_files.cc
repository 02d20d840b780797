// SPDX-License-Identifier: LGPL-2.1-or-later
// What ReenactorTrainer reads from files and gives to them: checkpoints, weights to start from, the model, people of the table.
#include "reenact/error.h"
#include "reenact/identity.h"
#include "reenact/safetensors.h"
#include "torch/load_weights.h"
#include "training/data/picture_tensor.h"
#include "training/data/pose_input.h"
#include "training/learning/weight_average.h"
#include "training/reenactor/reenactor_trainer.h"

namespace reenact::training {

void ReenactorTrainer::save_to(Checkpoint& checkpoint) {
  checkpoint.put_module("networks", *networks_);
  checkpoint.put_module("average", *average_);
  checkpoint.put_module("discriminator", *discriminator_);
  if (reader_) checkpoint.put_module("reader", *reader_);
  checkpoint.put_optimizer("generator_optimizer", *generator_optimizer_);
  checkpoint.put_optimizer("discriminator_optimizer", *discriminator_optimizer_);
  generator_scaler_.save_to(checkpoint, "generator_scaler");
  discriminator_scaler_.save_to(checkpoint, "discriminator_scaler");
}

void ReenactorTrainer::restore_from(const Checkpoint& checkpoint) {
  checkpoint.get_module("networks", *networks_);
  checkpoint.get_module("average", *average_);
  checkpoint.get_module("discriminator", *discriminator_);
  if (reader_) checkpoint.get_module("reader", *reader_);
  checkpoint.get_optimizer("generator_optimizer", *generator_optimizer_);
  checkpoint.get_optimizer("discriminator_optimizer", *discriminator_optimizer_);
  generator_scaler_.restore_from(checkpoint, "generator_scaler");
  discriminator_scaler_.restore_from(checkpoint, "discriminator_scaler");
}

std::map<std::string, torch::Tensor> starting_weights(const std::filesystem::path& path) {
  const ModelFile file(path);
  if (file.info().kind == ModelKind::checkpoint) {
    const auto checkpoint = Checkpoint::load(path);
    auto weights = checkpoint.with_prefix("average");
    for (const auto& [name, tensor] : checkpoint.with_prefix("discriminator"))
      weights["discriminator." + name] = tensor;
    return weights;
  }
  if (file.info().kind != ModelKind::reenactor)
    throw Error(ErrorCode::wrong_kind, "'" + path.string() + "' is a " + to_string(file.info().kind) +
                                           ", wanted a checkpoint or a reenactor");
  std::map<std::string, torch::Tensor> weights;
  for (const auto& [name, view] : file.file().tensors()) weights[name] = to_torch(view);
  return weights;
}

void ReenactorTrainer::start_pose_from(const std::filesystem::path& path) {
  const ModelFile file(path);
  const auto kind = file.info().kind;
  if (kind == ModelKind::checkpoint) {
    const auto checkpoint = Checkpoint::load(path);
    checkpoint.get_module("average.pose", *networks_->pose);
    if (networks_->landmark_head) checkpoint.get_module("average.landmark_head", *networks_->landmark_head);
  } else if (kind == ModelKind::reenactor) {
    load_weights(*networks_->pose, file, "pose.");
    if (networks_->landmark_head) load_weights(*networks_->landmark_head, file, "landmark_head.");
  } else if (kind == ModelKind::warper && config_.networks.pose_encoder == "x2face") {
    load_weights(*networks_->pose, file, "x2drive.");
  } else {
    throw Error(ErrorCode::wrong_kind, "'" + path.string() + "' is of the kind " + to_string(kind) +
                                           ", wanted a checkpoint or a reenactor with the pose encoder " +
                                           config_.networks.pose_encoder);
  }
  update_average(*average_, *networks_, 0.0);
}

Identity ReenactorTrainer::table_identity(int label, const std::vector<HeadFrame>& frames) {
  torch::NoGradGuard no_grad;
  const PoseInput input(config_.networks);
  std::vector<torch::Tensor> pictures;
  for (const auto& frame : frames) pictures.push_back(input.pose(frame));
  const auto pose = average_->pose(torch::stack(pictures).to(device_)).mean(0);
  const auto embedding = average_->table->weight[label];
  const auto values = [](const torch::Tensor& on_device) {
    const auto tensor = on_device.cpu().contiguous();
    return std::vector<float>(tensor.data_ptr<float>(), tensor.data_ptr<float>() + tensor.numel());
  };
  Identity identity;
  identity.embedding = values(embedding);
  identity.neutral_pose = values(pose);
  identity.thumbnail = to_picture(average_->gen(embedding.unsqueeze(0), pose.unsqueeze(0)).rgb[0]);
  return identity;
}

std::map<std::string, torch::Tensor> ReenactorTrainer::model() const {
  auto tensors = weights_of(*average_->pose, "pose.");
  // Beside a table the identity encoder has learned nothing yet, and a file shall not pretend that it has.
  if (config_.identity.source != IdentitySource::table) tensors.merge(weights_of(*average_->idt, "idt."));
  tensors.merge(weights_of(*average_->gen, "gen."));
  if (average_->landmark_head) tensors.merge(weights_of(*average_->landmark_head, "landmark_head."));
  if (config_.discriminator.exported) tensors.merge(discriminator());
  return tensors;
}

std::map<std::string, torch::Tensor> ReenactorTrainer::discriminator() const {
  auto tensors = weights_of(*discriminator_, "dis.");
  std::erase_if(tensors, [](const auto& item) { return item.first.starts_with("dis.embed."); });
  return tensors;
}

}  // namespace reenact::training
