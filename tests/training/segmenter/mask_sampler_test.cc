// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/segmenter/mask_sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "reenact/error.h"
#include "training/segmenter/segmenter_trainer.h"

namespace reenact::training {
namespace {

/// A red disc, the "person", on green; its mask is the disc.
std::vector<HeadClip> discs() {
  HeadFrame frame;
  frame.rgb = cv::Mat(160, 160, CV_8UC3, cv::Scalar(0, 160, 0));
  frame.mask = cv::Mat(160, 160, CV_8UC1, cv::Scalar(0));
  cv::circle(frame.rgb, {80, 80}, 45, cv::Scalar(255, 0, 0), cv::FILLED);
  cv::circle(frame.mask, {80, 80}, 45, cv::Scalar(255), cv::FILLED);
  return {{"disc", "disc", {frame}}};
}

MaskSampleOptions plain_sample_options() {
  MaskSampleOptions options;
  options.degradation = {0, 0, 0, 0, 0};
  options.background_swap = 0;
  return options;
}

TEST(MaskSampler, PictureAndMaskMoveTogether) {
  const auto clips = discs();
  const MaskSampler sampler(clips, 128, plain_sample_options());
  std::mt19937_64 random(5);
  cv::Mat previous;
  for (int i = 0; i < 20; ++i) {
    const auto sample = sampler.draw(random);
    ASSERT_EQ(sample.rgb.size(), cv::Size(128, 128));
    ASSERT_EQ(sample.mask.size(), cv::Size(128, 128));
    cv::Mat red;
    cv::inRange(sample.rgb, cv::Scalar(128, 0, 0), cv::Scalar(255, 100, 20), red);
    const double both = cv::countNonZero(red & (sample.mask > 127));
    const double either = cv::countNonZero(red | (sample.mask > 127));
    EXPECT_GT(both / either, 0.97);
    if (!previous.empty()) {
      EXPECT_GT(cv::norm(previous, sample.mask, cv::NORM_INF), 0);
    }
    previous = sample.mask;
  }
}

TEST(MaskSampler, SwappedBackgroundsLeaveThePerson) {
  const auto clips = discs();
  auto options = plain_sample_options();
  options.background_swap = 1;
  const MaskSampler sampler(clips, 128, options);
  std::mt19937_64 random(5);
  int changed = 0;
  for (int i = 0; i < 20; ++i) {
    const auto sample = sampler.draw(random);
    const cv::Mat inside = sample.mask == 255, outside = sample.mask == 0;
    const auto person = cv::mean(sample.rgb, inside), around = cv::mean(sample.rgb, outside);
    EXPECT_GT(person[0], 240);
    EXPECT_LT(person[1], 10);
    changed += std::abs(around[0]) > 20 || std::abs(around[2]) > 20;
  }
  EXPECT_GT(changed, 3);
}

TEST(MaskSampler, SameRandomStateSameSample) {
  const auto clips = discs();
  auto options = MaskSampleOptions{};
  const MaskSampler sampler(clips, 64, options);
  std::mt19937_64 first(2), second(2);
  for (int i = 0; i < 10; ++i) {
    const auto a = sampler.draw(first), b = sampler.draw(second);
    EXPECT_EQ(cv::norm(a.rgb, b.rgb, cv::NORM_INF), 0);
    EXPECT_EQ(cv::norm(a.mask, b.mask, cv::NORM_INF), 0);
  }
}

TEST(MaskSampler, RefusesNoCropsAtAll) {
  const std::vector<HeadClip> none;
  EXPECT_THROW(MaskSampler(none, 64, {}), Error);
}

TEST(MaskLoss, FollowsItsFormula) {
  const auto logits = torch::tensor({0.f, 2.f, -1.f, 0.5f}).view({1, 1, 2, 2});
  const auto masks = torch::tensor({1.f, 1.f, 0.f, 0.25f}).view({1, 1, 2, 2});
  double cross_entropy = 0, both = 0, squares = 0;
  for (int i = 0; i < 4; ++i) {
    const double p = 1 / (1 + std::exp(-logits.flatten()[i].item<double>())),
                 t = masks.flatten()[i].item<double>();
    cross_entropy -= (t * std::log(p) + (1 - t) * std::log(1 - p)) / 4;
    both += p * t;
    squares += p * p + t * t;
  }
  const auto loss = mask_loss(logits, masks);
  EXPECT_NEAR(loss.cross_entropy.item<double>(), cross_entropy, 1e-5);
  EXPECT_NEAR(loss.dice.item<double>(), 1 - (2 * both + 1) / (squares + 1), 1e-5);
}

}  // namespace
}  // namespace reenact::training
