// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/reenactor/reenactor_sampler.h"

#include <algorithm>
#include <numeric>
#include <opencv2/imgproc.hpp>

#include "reenact/crop.h"
#include "reenact/error.h"
#include "training/data/foreground_colors.h"
#include "training/data/parallel.h"

namespace reenact::training {
namespace {

/// `count` of a clip's frames, none twice while there are enough of them, as the released loader does; a list
/// that is too short is repeated.
std::vector<std::size_t> choose_frames(std::size_t frames, int count, Random& random) {
  std::vector<std::size_t> list;
  do
    for (std::size_t i = 0; i < frames; ++i) list.push_back(i);
  while (list.size() < static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
    std::swap(list[i], list[std::uniform_int_distribution<std::size_t>(i, list.size() - 1)(random)]);
  list.resize(static_cast<std::size_t>(count));
  return list;
}

/// Those of `indices` that are clips, and those that are still pictures.
std::pair<std::vector<std::size_t>, std::vector<std::size_t>> clips_and_stills(
    HeadClipSource& clips, const std::vector<std::size_t>& indices) {
  std::pair<std::vector<std::size_t>, std::vector<std::size_t>> kinds;
  for (const auto index : indices)
    (clips.entries()[index].still ? kinds.second : kinds.first).push_back(index);
  return kinds;
}

}  // namespace

ReenactorSampler::ReenactorSampler(HeadClipSource& clips, const ReenactorTrainingConfig& config)
    : clips_(clips), config_(config), pose_input_(config.networks) {
  if (pose_input_.needs_descriptor())
    descriptors_ = load_frame_descriptors(config.data.descriptors, config.networks.pose_embedding_size);
}

int ReenactorSampler::label_count() const {
  return static_cast<int>(clips_.entries().size()) * (config_.augmentation.flip ? 2 : 1);
}

int ReenactorSampler::label(std::size_t clip, bool mirrored) const {
  return config_.augmentation.flip ? static_cast<int>(2 * clip + mirrored) : static_cast<int>(clip);
}

int ReenactorSampler::training_frames(const HeadClip& clip) const {
  const int count = static_cast<int>(clip.frames.size());
  return std::max(1, count - count / 12);
}

ReenactorBatch ReenactorSampler::to_batch(const std::vector<HeadSample>& samples,
                                          const std::vector<std::size_t>& clips,
                                          const std::vector<HeadFrame>& identity_frames) const {
  const auto count = samples.size();
  std::vector<torch::Tensor> pose_source(count), target(count), mask(count), landmarks(count),
      identity(identity_frames.size());
  for_each_in_parallel(count, [&](std::size_t i) {
    const auto& sample = samples[i];
    pose_source[i] = pose_input_.pose(sample.pose_source, sample.landmarks, sample.descriptor);
    target[i] = to_picture_tensor(sample.target, config_.networks.image_size);
    mask[i] = to_picture_tensor(sample.mask, config_.networks.image_size);
    landmarks[i] = torch::zeros({478, 2});
    constexpr std::size_t mesh_points = 478;
    for (std::size_t k = 0; k < sample.landmarks.size() && sample.landmarks.size() == mesh_points; ++k) {
      landmarks[i].data_ptr<float>()[2 * k] = sample.landmarks[k].x;
      landmarks[i].data_ptr<float>()[2 * k + 1] = sample.landmarks[k].y;
    }
  });
  for_each_in_parallel(identity_frames.size(), [&](std::size_t i) {
    identity[i] = pose_input_.identity(identity_frames[i].rgb, identity_frames[i].landmarks);
  });
  std::vector<float> has_landmarks;
  std::vector<std::int64_t> labels;
  for (std::size_t i = 0; i < count; ++i) {
    has_landmarks.push_back(samples[i].landmarks.empty() ? 0.f : 1.f);
    labels.push_back(label(clips[i], samples[i].mirrored));
  }
  ReenactorBatch batch{torch::stack(pose_source), torch::stack(target),         torch::stack(mask),
                       torch::stack(landmarks),   torch::tensor(has_landmarks), {},
                       torch::tensor(labels)};
  if (!config_.training.segmentation) batch.mask.fill_(1);
  if (!identity.empty()) {
    const auto size = config_.networks.image_size;
    batch.identity_frames = torch::stack(identity).view(
        {static_cast<std::int64_t>(samples.size()), -1, identity[0].size(0), size, size});
  }
  return batch;
}

std::vector<std::size_t> ReenactorSampler::usable_frames(const HeadClip& clip, std::size_t count) const {
  std::vector<std::size_t> usable;
  for (std::size_t i = 0; i < count; ++i)
    if (!(pose_input_.needs_landmarks() && clip.frames[i].landmarks.empty()) &&
        !(descriptors_ && !descriptors_->find(clip.id, i * config_.data.frame_step)))
      usable.push_back(i);
  return usable;
}

HeadFrame ReenactorSampler::loaded(const HeadClip& clip, std::size_t index) const {
  HeadFrame frame = clip.frames[index];
  if (config_.data.loader_crop) {
    frame.rgb = recrop_as_loader(frame.rgb, frame.rgb.cols);
    frame.mask = recrop_mask_as_loader(frame.mask, frame.mask.cols);
  }
  if (descriptors_)
    if (const auto* found = descriptors_->find(clip.id, index * config_.data.frame_step))
      frame.descriptor = *found;
  return pose_input_.shown(frame);
}

HeadFrame ReenactorSampler::identity_picture(const HeadFrame& frame, Random& random) const {
  if (config_.identity.source != IdentitySource::fit) return {frame.rgb.clone(), {}, frame.landmarks, {}};
  // The table already knows who it is: the encoder may see the person anywhere, before any background.
  AugmentationConfig augmentation = config_.augmentation;
  augmentation.flip = augmentation.decontaminate = false;
  augmentation.pixelwise = config_.identity.pixelwise;
  const auto sample = augment(frame, frame, augmentation, random);
  return {sample.pose_source, {}, sample.landmarks, {}};
}

ReenactorBatch ReenactorSampler::draw(int batch_size, Random& batch_random, int part, int parts,
                                      std::int64_t step) const {
  const auto available = clips_.available(step);
  const auto kinds = clips_and_stills(clips_, available);
  std::vector<Random::result_type> seeds;
  for (int i = 0; i < batch_size; ++i) {
    const auto seed = batch_random();
    if (i * parts / batch_size == part) seeds.push_back(seed);
  }
  std::vector<DrawnSample> drawn(seeds.size());
  for_each_in_parallel(seeds.size(), [&](std::size_t i) {
    Random random(seeds[i]);
    drawn[i] = draw_sample(kinds.first, kinds.second, available, random);
  });
  std::vector<HeadSample> samples;
  std::vector<std::size_t> chosen;
  std::vector<HeadFrame> identity_frames;
  for (auto& one : drawn) {
    samples.push_back(std::move(one.sample));
    chosen.push_back(one.clip);
    identity_frames.insert(identity_frames.end(), one.identity_frames.begin(), one.identity_frames.end());
  }
  return to_batch(samples, chosen, identity_frames);
}

ReenactorSampler::DrawnSample ReenactorSampler::draw_sample(const std::vector<std::size_t>& moving,
                                                            const std::vector<std::size_t>& stills,
                                                            const std::vector<std::size_t>& available,
                                                            Random& random) const {
  const auto any = [&](std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
  };
  const bool still = moving.empty() || (!stills.empty() && std::uniform_real_distribution<>(0, 1)(random) <
                                                               config_.data.still_share);
  const auto& choice = still ? stills : moving;
  DrawnSample drawn;
  std::shared_ptr<const HeadClip> clip;
  std::vector<std::size_t> frames;
  constexpr int most_tries = 1000;
  for (int i = 0; i < most_tries && frames.empty(); ++i) {
    drawn.clip = choice[any(choice.size())];
    clip = clips_.clip(drawn.clip);
    frames = usable_frames(*clip, static_cast<std::size_t>(training_frames(*clip)));
  }
  if (frames.empty())
    throw Error(ErrorCode::invalid, config_.data.folder.string() +
                                        " has no frame with what networks.pose_source \"" +
                                        config_.networks.pose_source + "\" is made of, wanted some");
  const auto other = clips_.clip(available[any(available.size())]);
  const auto& background = other->frames[any(other->frames.size())];
  const bool shows_identity = config_.identity.source != IdentitySource::table;
  const auto picked = choose_frames(frames.size(), shows_identity ? config_.identity.frames + 1 : 1, random);
  drawn.sample = augment(loaded(*clip, frames[picked.back()]), background, config_.augmentation, random,
                         [&](const cv::Mat& rgb) { return pose_input_.seen(rgb); });
  for (std::size_t k = 0; k + 1 < picked.size(); ++k) {
    auto picture = identity_picture(loaded(*clip, frames[picked[k]]), random);
    if (drawn.sample.mirrored) cv::flip(picture.rgb, picture.rgb, 1);
    drawn.identity_frames.push_back(std::move(picture));
  }
  return drawn;
}

torch::Tensor ReenactorSampler::mean_heads(int size) const {
  constexpr int most_frames = 8;
  std::vector<torch::Tensor> heads;
  for (std::size_t i = 0; i < clips_.entries().size(); ++i) {
    const auto clip = clips_.clip(i);
    const int available = clip ? training_frames(*clip) : 0, count = std::min(most_frames, available);
    auto sum = torch::zeros({3, size, size});
    for (int k = 0; k < count; ++k) {
      const auto& frame = clip->frames[k * available / count];
      sum += to_picture_tensor(frame.rgb, size) * to_picture_tensor(frame.mask, size);
    }
    heads.push_back(sum / std::max(1, count));
    if (config_.augmentation.flip) heads.push_back(heads.back().flip(2));
  }
  return torch::stack(heads);
}

std::pair<torch::Tensor, torch::Tensor> ReenactorSampler::plain_frames(std::size_t clip, int most) const {
  std::vector<torch::Tensor> pictures;
  std::vector<std::int64_t> labels;
  const auto held = clips_.clip(clip);
  if (!held) return {};
  const int available = training_frames(*held), count = std::min(most, available);
  for (int k = 0; k < count; ++k) {
    const auto frame = loaded(*held, static_cast<std::size_t>(k * available / count));
    pictures.push_back(to_picture_tensor(pose_input_.seen(frame.rgb), config_.networks.pose_image_size()));
    labels.push_back(label(clip, false));
    if (!config_.augmentation.flip) continue;
    pictures.push_back(pictures.back().flip(2));
    labels.push_back(label(clip, true));
  }
  return {torch::stack(pictures), torch::tensor(labels)};
}

ReenactorBatch ReenactorSampler::held_out(int count) const {
  std::vector<HeadSample> samples;
  std::vector<std::size_t> chosen;
  std::vector<HeadFrame> identity_frames;
  std::vector<std::size_t> all(clips_.entries().size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  const auto [moving, stills] = clips_and_stills(clips_, all);
  const auto& choice = moving.empty() ? stills : moving;
  for (int i = 0; i < count; ++i) {
    const auto index = choice[i * choice.size() / count];
    const auto held = clips_.clip(index);
    if (!held) continue;
    const HeadClip& clip = *held;
    const auto all_usable = usable_frames(clip, clip.frames.size()),
               usable = usable_frames(clip, static_cast<std::size_t>(training_frames(clip)));
    if (usable.empty()) continue;
    const auto frame = loaded(clip, all_usable.back());
    const auto target =
        config_.augmentation.decontaminate ? foreground_colors(frame.rgb, frame.mask) : frame.rgb;
    samples.push_back(
        {pose_input_.seen(frame.rgb), target, frame.mask, frame.landmarks, false, frame.descriptor});
    chosen.push_back(index);
    for (int k = 0; k < config_.identity.frames && config_.identity.source != IdentitySource::table; ++k)
      identity_frames.push_back(
          loaded(clip, usable[static_cast<std::size_t>(k) * usable.size() / config_.identity.frames]));
  }
  return to_batch(samples, chosen, identity_frames);
}

}  // namespace reenact::training
