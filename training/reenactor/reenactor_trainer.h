// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <opencv2/core.hpp>
#include <string>

#include "reenact/identity.h"
#include "torch/networks/patch_discriminator.h"
#include "training/data/head_clip.h"
#include "training/learning/content_loss.h"
#include "training/learning/loss_scaler.h"
#include "training/reenactor/pose_reader.h"
#include "training/reenactor/reenactor_batch.h"
#include "training/reenactor/reenactor_config.h"
#include "training/reenactor/reenactor_networks.h"
#include "training/run/checkpoint.h"
#include "training/run/process_group.h"

namespace reenact::training {

using LossValues = std::map<std::string, double>;

/// What ReenactorTrainer::start_from() takes from a file: the averaged networks and the discriminator of a
/// checkpoint, or a finished reenactor. Throws Error (wrong_kind, and as ModelFile does).
std::map<std::string, torch::Tensor> starting_weights(const std::filesystem::path& path);

/// Meta-learning of section 3.3: all networks, their optimisers and one step.
class ReenactorTrainer {
 public:
  /// `label_count`: classes of the discriminator and rows of the table. Of several `processes` each makes its
  /// own trainer and calls step() and broadcast() at the same times. Everything that learns is on `device`;
  /// batches may come from the CPU, and what is handed out goes there.
  ReenactorTrainer(const ReenactorTrainingConfig& config, int label_count,
                   std::shared_ptr<ProcessGroup> processes = std::make_shared<ProcessGroup>(),
                   const torch::Device& device = torch::kCPU);

  /// Gives all processes of the group the networks of rank 0; before the first step, and after restoring.
  void broadcast();
  /// One update of all networks; `step` counts from 0 and decides on schedules. Losses and gradients are
  /// means over the group, and so are the running statistics of batch normalisation; each process normalises
  /// with those of its own part. Throws Error (invalid) naming a loss that is not finite; no weight has
  /// changed then. A loss scale leaves the weights alone where gradients are not finite, see LossScaler.
  LossValues step(const ReenactorBatch& batch, std::int64_t step);
  /// Gives the averaged encoders that learn the batch statistics of their own activations over so many batches of `draw`,
  /// which is not called where none learns: those of the last steps, which they hold otherwise, belong to other weights. The
  /// next step takes the latter again.
  void refresh_batch_statistics(int batches, const std::function<ReenactorBatch()>& draw);
  /// L1, PSNR, SSIM, mask overlap and landmark error (pixels of a 256 picture) of the averaged networks on
  /// frames not trained on.
  LossValues validate(const ReenactorBatch& held_out);
  /// Mean landmark error, pixels of a 256 picture, of the averaged pose encoder; for people of no table.
  double landmark_error(const ReenactorBatch& batch);
  /// With a PoseReader, how the averaged encoder differs from it on `pictures` [N, 3, P, P] of people 0, 1, ... `labels` [N]
  /// that no training sees: the length of their person_offsets() and the share of the variance within people that it
  /// gives too, both 1 for the reader itself. Else nothing.
  LossValues compare_with_reader(const torch::Tensor& pictures, const torch::Tensor& labels);
  /// Heads that the averaged networks draw: a row a driver, columns driver, itself redrawn, then each of
  /// `identities` [N, d_i] taking the driver's pose.
  cv::Mat sheet(const ReenactorBatch& drivers, const torch::Tensor& identities);
  /// Averaged identity embeddings [B, d_i] of the batch's people.
  torch::Tensor identities(const ReenactorBatch& batch);

  /// Gives the PoseReader its weights, and the offsets of all people from `frames`, pictures [N, 3, P, P] and labels [N]
  /// for index 0, 1, ... below `count`; before the first step. Throws Error as PoseReader::start_from() does.
  void start_reader(const std::map<std::string, torch::Tensor>& weights, std::size_t count,
                    const std::function<std::pair<torch::Tensor, torch::Tensor>(std::size_t)>& frames);
  /// See ReenactorNetworks; before the first step.
  void standardize_pose(const ReenactorBatch& batch);
  void standardize_identity(const ReenactorBatch& batch);
  /// Begins the table with appearance_codes() of `heads`, a mean picture of each class; before the first
  /// step.
  void start_table(const torch::Tensor& heads);
  void save_to(Checkpoint& checkpoint);
  void restore_from(const Checkpoint& checkpoint);
  /// Takes from another run's weights every tensor that fits, and of larger ones the part that does: so a
  /// generator grows by an upsampling block. Returns how many tensors were taken whole, in part, and not at
  /// all.
  std::array<int, 3> start_from(const std::map<std::string, torch::Tensor>& weights);
  /// Takes the pose encoder, which must fit, of a checkpoint, of a reenactor, or X2Face's of a warper; and the landmark
  /// head where there is one. Throws Error (wrong_kind).
  void start_pose_from(const std::filesystem::path& file);
  /// Row `label` of the table as an identity, its resting pose and thumbnail from `frames`, pictures of that
  /// person.
  Identity table_identity(int label, const std::vector<HeadFrame>& frames);
  /// The tensors of a reenactor file, from the averaged networks.
  std::map<std::string, torch::Tensor> model() const;
  /// Those of a discriminator file: without the table of classes, which `personalise` replaces by the person's one row.
  std::map<std::string, torch::Tensor> discriminator() const;

 private:
  torch::Tensor identity_of(ReenactorNetworks& networks, const ReenactorBatch& batch,
                            torch::Tensor* elementwise = nullptr);
  torch::Tensor pose_of(const ReenactorBatch& batch);
  /// The embedding [B, d_p] that the reader has of the targets, without their people. No gradient.
  torch::Tensor free_pose_of(const ReenactorBatch& batch);
  LossValues fit_step(const ReenactorBatch& batch, std::int64_t step);
  /// People of the first half of the batch replaced by others: heads in the poses of that half.
  GeneratedHead draw_cross(const torch::Tensor& identity, const torch::Tensor& pose);
  /// A head over random flat colors, as the pose encoder sees pictures.
  torch::Tensor seen_by_encoder(const GeneratedHead& head) const;
  torch::Tensor cross_loss(const torch::Tensor& picture, const torch::Tensor& pose,
                           const ReenactorBatch& batch);
  torch::Tensor shape_loss(const torch::Tensor& picture, const torch::Tensor& free_pose,
                           const ReenactorBatch& batch);
  torch::Tensor swap_loss(const torch::Tensor& free_pose, const ReenactorBatch& batch);
  void set_rates(std::int64_t step);
  double average_decay(std::int64_t step) const;
  /// A drawn or real picture as the discriminator sees it: with what it was drawn from, where that is a picture too.
  torch::Tensor judged(const torch::Tensor& rgb, const ReenactorBatch& batch) const;
  /// Whether any loss compares what the generator drew.
  bool compares_pictures() const;
  void add_content_losses(std::map<std::string, torch::Tensor>& losses, const GeneratedHead& head,
                          const torch::Tensor& real, const ReenactorBatch& batch);
  /// Gradients of a loss, averaged over the group. False when the step must be left out.
  bool compute_gradients(torch::optim::Optimizer& optimizer, LossScaler& scaler, const torch::Tensor& loss);

  ReenactorTrainingConfig config_;
  torch::Device device_;
  std::shared_ptr<ProcessGroup> group_;
  PerceptualNetworks perceptual_;
  ReenactorNetworks networks_, average_;
  PoseReader reader_ = nullptr;
  std::shared_ptr<DiscriminatorNetwork> discriminator_;
  std::unique_ptr<torch::optim::Adam> generator_optimizer_, discriminator_optimizer_;
  LossScaler generator_scaler_, discriminator_scaler_;
};

}  // namespace reenact::training
