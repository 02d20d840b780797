// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/compared/clip_views.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "reenact/error.h"
#include "reenact/pose_picture.h"
#include "training/data/parallel.h"
#include "training/data/picture_tensor.h"

namespace reenact::training {

ClipViewSampler::ClipViewSampler(const std::vector<HeadClip>& clips, std::string network, int image_size,
                                 int sources)
    : network_(std::move(network)), image_size_(image_size), sources_(sources) {
  for (const auto& clip : clips)
    if (static_cast<int>(clip.frames.size()) > sources) clips_.push_back(&clip);
  if (clips_.empty())
    throw Error(ErrorCode::invalid, "no clip has " + std::to_string(sources + 1) +
                                        " frames, wanted some with as many: sources and a target");
}

torch::Tensor ClipViewSampler::view(const HeadFrame& frame, double share, Random& random) const {
  auto picture = pose_picture(frame.rgb, network_, image_size_);
  const int side = std::clamp(cvRound(share * image_size_), 1, image_size_);
  if (side < image_size_) {
    const int x = uniform_int(random, 0, image_size_ - side), y = uniform_int(random, 0, image_size_ - side);
    cv::Mat larger;
    cv::resize(picture({x, y, side, side}), larger, picture.size(), 0, 0, cv::INTER_LINEAR);
    picture = larger;
  }
  return to_picture_tensor(picture, image_size_);
}

ClipViews ClipViewSampler::draw(int batch_size, Random& random, double jitter) const {
  const double share = 1 - uniform(random, 0, 1) * jitter;
  const auto each = static_cast<std::size_t>(sources_ + 1), count = static_cast<std::size_t>(batch_size);
  std::vector<Random::result_type> seeds(count);
  for (auto& seed : seeds) seed = random();
  std::vector<torch::Tensor> views(count * each);
  for_each_in_parallel(count, [&](std::size_t i) {
    Random own(seeds[i]);
    const auto& frames = pick(clips_, own)->frames;
    std::vector<std::size_t> order(frames.size());
    for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
    for (std::size_t k = 0; k < each; ++k) {
      std::swap(order[k], order[std::uniform_int_distribution<std::size_t>(k, order.size() - 1)(own)]);
      views[i * each + k] = view(frames[order[k]], share, own);
    }
  });
  const auto all = torch::stack(views).view({batch_size, sources_ + 1, 3, image_size_, image_size_});
  return {all.narrow(1, 1, sources_).contiguous(), all.select(1, 0).contiguous()};
}

ClipViews ClipViewSampler::plain() const {
  std::vector<torch::Tensor> sources, targets;
  Random unused(0);
  for (const auto* clip : clips_) {
    sources.push_back(view(clip->frames.front(), 1, unused).unsqueeze(0));
    targets.push_back(view(clip->frames[clip->frames.size() * 2 / 3], 1, unused));
  }
  return {torch::stack(sources), torch::stack(targets)};
}

}  // namespace reenact::training
