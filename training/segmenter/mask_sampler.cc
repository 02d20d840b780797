// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/segmenter/mask_sampler.h"

#include <cmath>
#include <map>
#include <opencv2/imgproc.hpp>

#include "reenact/error.h"

namespace reenact::training {
namespace {

/// The surroundings of a frame with the person painted over by what is around.
cv::Mat surroundings(const HeadFrame& frame, int size) {
  cv::Mat rgb, mask;
  cv::resize(frame.rgb, rgb, {size, size}, 0, 0, cv::INTER_AREA);
  cv::resize(frame.mask, mask, {size, size}, 0, 0, cv::INTER_AREA);
  // Each row continues its background across the person from both sides.
  for (int y = 0; y < size; ++y) {
    auto* pixels = rgb.ptr<cv::Vec3b>(y);
    const auto* share = mask.ptr<uchar>(y);
    int last = -1;
    for (int x = 0; x <= size; ++x) {
      if (x < size && share[x] > 25) continue;
      if (x - last > 1 && (last >= 0 || x < size)) {
        for (int hole = last + 1; hole < x; ++hole) {
          const bool left_side = x == size || (last >= 0 && hole - last < x - hole);
          pixels[hole] = pixels[left_side ? last : x];
        }
      }
      last = x;
    }
  }
  return rgb;
}

cv::Mat synthetic_background(int size, Random& random) {
  cv::Mat rgb(size, size, CV_8UC3), coarse(1 + static_cast<int>(uniform(random, 0, 9)),
                                           1 + static_cast<int>(uniform(random, 0, 9)), CV_8UC3);
  cv::RNG generator(random());
  generator.fill(coarse, cv::RNG::UNIFORM, 0, 256);
  cv::resize(coarse, rgb, rgb.size(), 0, 0, happens(random, 0.75) ? cv::INTER_CUBIC : cv::INTER_NEAREST);
  return rgb;
}

}  // namespace

MaskSampler::MaskSampler(const std::vector<HeadClip>& clips, int image_size, MaskSampleOptions options)
    : image_size_(image_size), options_(options) {
  std::map<std::string, std::size_t> index;
  for (const auto& clip : clips) {
    const auto [entry, added] = index.try_emplace(clip.person, people_.size());
    if (added) people_.emplace_back();
    for (const auto& frame : clip.frames) people_[entry->second].push_back(&frame);
  }
  std::erase_if(people_, [](const auto& frames) { return frames.empty(); });
  if (people_.empty()) throw Error(ErrorCode::invalid, "the segmenter needs at least one crop with a mask");
}

const HeadFrame& MaskSampler::draw_frame(Random& random) const {
  return *pick(pick(people_, random), random);
}

void MaskSampler::swap_background(MaskSample& sample, Random& random) const {
  cv::Mat background = happens(random, 0.6) ? surroundings(draw_frame(random), image_size_)
                                            : synthetic_background(image_size_, random);
  if (happens(random, 0.5)) cv::flip(background, background, 1);
  if (happens(random, 0.4)) cv::GaussianBlur(background, background, {}, uniform(random, 0.5, 4));
  for (int y = 0; y < image_size_; ++y) {
    auto* over = sample.rgb.ptr<cv::Vec3b>(y);
    const auto* under = background.ptr<cv::Vec3b>(y);
    const auto* share = sample.mask.ptr<uchar>(y);
    for (int x = 0; x < image_size_; ++x)
      for (int c = 0; c < 3; ++c)
        over[x][c] = static_cast<uchar>((under[x][c] * (255 - share[x]) + over[x][c] * share[x] + 127) / 255);
  }
}

MaskSample MaskSampler::draw(Random& random) const {
  const auto& frame = draw_frame(random);
  const double scale =
      std::exp(uniform(random, -options_.zoom, options_.zoom)) * image_size_ / frame.rgb.cols;
  const float middle = static_cast<float>(frame.rgb.cols) / 2;
  cv::Mat transform = cv::getRotationMatrix2D(
      {middle, middle}, happens(random, 0.5) ? uniform(random, -options_.rotation, options_.rotation) : 0,
      scale);
  const double reach = options_.shift * image_size_;
  transform.at<double>(0, 2) += image_size_ / 2.0 - middle + uniform(random, -reach, reach);
  transform.at<double>(1, 2) += image_size_ / 2.0 - middle + uniform(random, -reach, reach);
  MaskSample sample;
  const cv::Size size(image_size_, image_size_);
  // Beyond the crop the picture is mirrored as the cropper does; the person goes on there too.
  cv::warpAffine(frame.rgb, sample.rgb, transform, size, cv::INTER_LINEAR, cv::BORDER_REFLECT_101);
  cv::warpAffine(frame.mask, sample.mask, transform, size, cv::INTER_LINEAR, cv::BORDER_REFLECT_101);
  if (happens(random, options_.background_swap)) swap_background(sample, random);
  if (happens(random, 0.5)) {
    cv::flip(sample.rgb, sample.rgb, 1);
    cv::flip(sample.mask, sample.mask, 1);
  }
  degrade(sample.rgb, options_.degradation, random);
  return sample;
}

MaskSample plain_sample(const HeadFrame& frame, int image_size) {
  MaskSample sample;
  cv::resize(frame.rgb, sample.rgb, {image_size, image_size}, 0, 0, cv::INTER_AREA);
  cv::resize(frame.mask, sample.mask, {image_size, image_size}, 0, 0, cv::INTER_AREA);
  return sample;
}

}  // namespace reenact::training
