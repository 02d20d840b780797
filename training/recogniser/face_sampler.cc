// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/recogniser/face_sampler.h"

#include <cmath>
#include <map>
#include <opencv2/imgproc.hpp>

#include "reenact/error.h"
#include "training/data/face_alignment.h"

namespace reenact::training {

FaceSampler::FaceSampler(const std::vector<HeadClip>& clips, int image_size, FaceSampleOptions options)
    : image_size_(image_size), options_(options) {
  std::map<std::string, std::size_t> index;
  for (const auto& clip : clips) {
    for (const auto& frame : clip.frames) {
      if (frame.landmarks.empty()) continue;
      const auto [entry, added] = index.try_emplace(clip.person, people_.size());
      if (added) people_.emplace_back();
      people_[entry->second].frames.push_back(&frame);
      if (!clip.is_still()) people_[entry->second].moving = true;
    }
  }
  if (people_.size() < 2)
    throw Error(ErrorCode::invalid, "the data has " + std::to_string(people_.size()) +
                                        " people with face landmarks, wanted at least two to tell apart");
  for (int i = 0; i < people(); ++i) (people_[i].moving ? moving_ : still_).push_back(i);
}

std::size_t FaceSampler::faces() const {
  std::size_t count = 0;
  for (const auto& person : people_) count += person.frames.size();
  return count;
}

FaceSample FaceSampler::draw(Random& random) const {
  const bool of_clips = still_.empty() || (!moving_.empty() && happens(random, options_.clips_share));
  const int person = pick(of_clips ? moving_ : still_, random);
  return {vary(*pick(people_[person].frames, random), random), person};
}

cv::Mat FaceSampler::vary(const HeadFrame& frame, Random& random) const {
  auto wanted = aligned_face_template();
  for (auto& point : wanted) point = point * (static_cast<float>(image_size_) / 112);
  auto place = similarity_between(five_points(frame.landmarks, static_cast<float>(frame.rgb.cols)), wanted);
  const double middle = image_size_ / 2.0, reach = options_.shift * image_size_;
  const double scale = std::exp(uniform(random, -options_.zoom, options_.zoom));
  const double stretch = std::exp(uniform(random, -options_.zoom / 2, options_.zoom / 2));
  const double angle = uniform(random, -options_.rotation, options_.rotation) * CV_PI / 180;
  const cv::Matx22d turned(scale * stretch * std::cos(angle), -scale * stretch * std::sin(angle),
                           scale / stretch * std::sin(angle), scale / stretch * std::cos(angle));
  const cv::Vec2d at = turned * cv::Vec2d(place(0, 2) - middle, place(1, 2) - middle);
  const auto part = turned * place.get_minor<2, 2>(0, 0);
  place = {part(0, 0), part(0, 1), at[0] + middle + uniform(random, -reach, reach),
           part(1, 0), part(1, 1), at[1] + middle + uniform(random, -reach, reach)};
  cv::Mat rgb, mask;
  const int border = happens(random, 0.5) ? cv::BORDER_CONSTANT : cv::BORDER_REFLECT_101;
  cv::warpAffine(frame.rgb, rgb, place, {image_size_, image_size_}, cv::INTER_LINEAR, border);
  cv::warpAffine(frame.mask, mask, place, {image_size_, image_size_}, cv::INTER_LINEAR, border);
  if (happens(random, 0.5)) {
    cv::flip(rgb, rgb, 1);
    cv::flip(mask, mask, 1);
  }
  const auto& other = *pick(pick(people_, random).frames, random);
  vary_face(rgb, mask, other.rgb, options_.variation, random);
  return rgb;
}

}  // namespace reenact::training
