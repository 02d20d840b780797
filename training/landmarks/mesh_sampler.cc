// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/landmarks/mesh_sampler.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "reenact/error.h"
#include "torch/networks/landmark_network.h"
#include "training/data/augmentation.h"

namespace reenact::training {

MeshSampler::MeshSampler(const std::vector<HeadClip>& clips, int image_size, MeshSampleOptions options)
    : image_size_(image_size), options_(options) {
  for (const auto& clip : clips) {
    std::vector<const HeadFrame*> frames;
    for (const auto& frame : clip.frames)
      if (!frame.landmarks.empty()) frames.push_back(&frame);
    if (frames.empty()) continue;
    const double before = reach_.empty() ? 0 : reach_.back();
    reach_.push_back(before + std::sqrt(static_cast<double>(frames.size())));
    clips_.push_back(std::move(frames));
  }
  if (clips_.empty())
    throw Error(ErrorCode::invalid,
                "no picture of the data has face landmarks, wanted at least one to learn from");
}

std::size_t MeshSampler::faces() const {
  std::size_t count = 0;
  for (const auto& frames : clips_) count += frames.size();
  return count;
}

MeshSample MeshSampler::draw(Random& random) const {
  const double place = uniform(random, 0, reach_.back());
  const auto clip = std::min<std::size_t>(
      clips_.size() - 1,
      static_cast<std::size_t>(std::upper_bound(reach_.begin(), reach_.end(), place) - reach_.begin()));
  const auto& frame = *pick(clips_[clip], random);
  const double framing =
      std::exp(uniform(random, std::log(options_.least_framing), std::log(options_.most_framing)));
  const auto square = square_around(frame.landmarks, framing, static_cast<float>(frame.rgb.cols));

  const double angle = options_.rotation > 0
                           ? std::normal_distribution<double>(0, options_.rotation)(random) * CV_PI / 180
                           : 0;
  const double stretch = std::exp(uniform(random, -options_.stretch, options_.stretch));
  const double scale = image_size_ / static_cast<double>(square.side);
  const cv::Matx22d turned(scale * stretch * std::cos(angle), -scale * stretch * std::sin(angle),
                           scale / stretch * std::sin(angle), scale / stretch * std::cos(angle));
  const double reach = options_.shift * image_size_ * (happens(random, 0.5) ? 1 : 0.3);
  const cv::Vec2d middle(square.left + square.side / 2.0, square.top + square.side / 2.0);
  const cv::Vec2d offset = cv::Vec2d(image_size_ / 2.0 + uniform(random, -reach, reach),
                                     image_size_ / 2.0 + uniform(random, -reach, reach)) -
                           turned * middle;
  // Pixels are cells: their middles lie half a pixel from their corners.
  const cv::Vec2d half(0.5, 0.5), of_middles = offset + turned * half - half;
  const cv::Matx23d transform(turned(0, 0), turned(0, 1), of_middles[0], turned(1, 0), turned(1, 1),
                              of_middles[1]);

  MeshSample sample;
  cv::Mat mask;
  const cv::Size size(image_size_, image_size_);
  const int border = happens(random, 0.5) ? cv::BORDER_CONSTANT : cv::BORDER_REFLECT_101;
  cv::warpAffine(frame.rgb, sample.rgb, transform, size, cv::INTER_LINEAR, border);
  cv::warpAffine(frame.mask, mask, transform, size, cv::INTER_LINEAR, border);
  for (const auto& point : frame.landmarks) {
    const cv::Vec2d moved = turned * cv::Vec2d(point.x * frame.rgb.cols, point.y * frame.rgb.rows) + offset;
    sample.mesh.emplace_back(static_cast<float>(moved[0] / image_size_),
                             static_cast<float>(moved[1] / image_size_));
  }
  if (happens(random, 0.5)) {
    cv::flip(sample.rgb, sample.rgb, 1);
    cv::flip(mask, mask, 1);
    const auto mesh = sample.mesh;
    const auto& order = mirrored_landmark_order();
    for (std::size_t i = 0; i < mesh.size(); ++i) sample.mesh[i] = {1 - mesh[order[i]].x, mesh[order[i]].y};
  }
  const auto& other = *pick(pick(clips_, random), random);
  vary_face(sample.rgb, mask, other.rgb, options_.variation, random);
  if (happens(random, options_.pixelwise)) augment_pixels(sample.rgb, random);
  return sample;
}

}  // namespace reenact::training
