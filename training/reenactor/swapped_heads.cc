// SPDX-License-Identifier: LGPL-2.1-or-later
// What ReenactorTrainer does to keep person and pose apart: heads drawn in the pose of somebody else, and poses compared with
// those of a PoseReader.
#include <algorithm>

#include "torch/autocast.h"
#include "training/learning/expression_loss.h"
#include "training/learning/landmark_loss.h"
#include "training/reenactor/person_offsets.h"
#include "training/reenactor/reenactor_trainer.h"

namespace reenact::training {
namespace {

/// Pictures scaled to this side.
torch::Tensor resized(const torch::Tensor& pictures, std::int64_t size) {
  if (pictures.size(2) == size) return pictures;
  return torch::nn::functional::interpolate(pictures, torch::nn::functional::InterpolateFuncOptions()
                                                          .size(std::vector<std::int64_t>{size, size})
                                                          .mode(torch::kArea));
}

/// How many of a batch are also drawn as somebody else.
std::int64_t cross_count(std::int64_t batch_size) {
  return std::max<std::int64_t>(1, batch_size / 2);
}

}  // namespace

void ReenactorTrainer::start_reader(
    const std::map<std::string, torch::Tensor>& weights, std::size_t count,
    const std::function<std::pair<torch::Tensor, torch::Tensor>(std::size_t)>& frames) {
  torch::NoGradGuard no_grad;
  reader_->start_from(weights);
  std::vector<torch::Tensor> embeddings, labels;
  for (std::size_t i = 0; i < count; ++i) {
    const auto [pictures, label] = frames(i);
    if (!pictures.defined()) continue;
    embeddings.push_back(reader_->pose(pictures.to(device_)));
    labels.push_back(label.to(device_));
  }
  reader_->learn_offsets(torch::cat(embeddings), torch::cat(labels));
}

torch::Tensor ReenactorTrainer::free_pose_of(const ReenactorBatch& batch) {
  torch::NoGradGuard no_grad;
  Autocast single(device_.type(), torch::kFloat);
  return reader_->pose(resized(batch.target, config_.networks.pose_image_size())) -
         reader_->offsets(batch.labels);
}

GeneratedHead ReenactorTrainer::draw_cross(const torch::Tensor& identity, const torch::Tensor& pose) {
  const auto count = cross_count(pose.size(0));
  return networks_->gen(identity.roll(1, 0).narrow(0, 0, count), pose.narrow(0, 0, count));
}

torch::Tensor ReenactorTrainer::seen_by_encoder(const GeneratedHead& head) const {
  const auto background = torch::rand({head.rgb.size(0), 3, 1, 1}, device_);
  return resized(head.rgb + (1 - head.mask) * background, config_.networks.pose_image_size());
}

torch::Tensor ReenactorTrainer::cross_loss(const torch::Tensor& picture, const torch::Tensor& pose,
                                           const ReenactorBatch& batch) {
  // A person drawn in somebody else's pose must show that pose to the averaged encoder. Whole landmarks would
  // ask for the driver's shape of face as well. A frozen encoder compares with what it read in the driver's
  // picture: its own errors cancel, and differences far smaller than those still count.
  const auto count = picture.size(0);
  Autocast single(device_.type(), torch::kFloat);  // in bfloat16 a landmark moves in steps of a pixel
  const auto seen = average_->landmarks(average_->pose(picture.to(torch::kFloat)));
  if (config_.training.freeze_pose)
    return expression_loss(seen, average_->landmarks(pose.narrow(0, 0, count)).detach(),
                           torch::ones({count}, device_));
  return expression_loss(seen, batch.landmarks.narrow(0, 0, count), batch.has_landmarks.narrow(0, 0, count));
}

torch::Tensor ReenactorTrainer::shape_loss(const torch::Tensor& picture, const torch::Tensor& free_pose,
                                           const ReenactorBatch& batch) {
  // The driver's pose with the drawn person's offset is what the reader would see in that person.
  const auto count = picture.size(0);
  Autocast single(device_.type(), torch::kFloat);
  const auto wanted =
      free_pose.narrow(0, 0, count) + reader_->offsets(batch.labels.roll(1, 0).narrow(0, 0, count));
  return landmark_loss(reader_->landmarks(reader_->pose(picture.to(torch::kFloat))),
                       reader_->landmarks(wanted).detach(), torch::ones({count}, device_));
}

torch::Tensor ReenactorTrainer::swap_loss(const torch::Tensor& free_pose, const ReenactorBatch& batch) {
  const auto count = cross_count(free_pose.size(0));
  const auto pose = free_pose.narrow(0, 0, count);
  torch::Tensor picture;
  {
    torch::NoGradGuard no_grad;
    picture =
        seen_by_encoder(average_->gen(average_->table(batch.labels.roll(1, 0).narrow(0, 0, count)), pose));
    // Light and contrast vary; a drawn head is not known by its own.
    const auto gain = 0.7 + 0.6 * torch::rand({picture.size(0), 3, 1, 1}, device_);
    picture = (picture * gain + 0.2 * torch::rand({picture.size(0), 1, 1, 1}, device_) - 0.1).clamp(0, 1);
  }
  return torch::smooth_l1_loss(networks_->pose(picture).to(torch::kFloat) / reader_->deviation(),
                               pose / reader_->deviation());
}

LossValues ReenactorTrainer::compare_with_reader(const torch::Tensor& pictures, const torch::Tensor& labels) {
  torch::NoGradGuard no_grad;
  if (!reader_) return {};
  const auto people = labels.max().item<std::int64_t>() + 1;
  const auto reference = reader_->pose(pictures.to(device_)).cpu(),
             learned = average_->pose(pictures.to(device_)).to(torch::kFloat).cpu();
  const auto features = expression_features(reader_->landmarks(reference.to(device_))).cpu();
  const auto offset_size = [&](const torch::Tensor& poses) {
    return person_offsets(poses, features, labels, people).norm().item<double>();
  };
  const auto wanted = without_person_means(reference, labels, people),
             drawn = without_person_means(learned, labels, people);
  return {{"stranger_person_left", offset_size(learned) / offset_size(reference)},
          {"stranger_motion_kept", 1 - ((drawn - wanted).pow(2).sum() / wanted.pow(2).sum()).item<double>()}};
}

}  // namespace reenact::training
