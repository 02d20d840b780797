// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/unet_segmenter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "reenact/error.h"

namespace reenact {
namespace {

SegmenterConfig small_segmenter_config() {
  SegmenterConfig config;
  config.image_size = 32;
  config.base_channels = 4;
  config.levels = 3;
  return config;
}

TEST(UnetSegmenter, HasTheParametersOfItsConfiguration) {
  for (const int levels : {1, 3}) {
    auto config = small_segmenter_config();
    config.levels = levels;
    UnetSegmenter network(config);
    // A block from a to b channels: 9ab + 9bb weights and four vectors of b for the normalisations.
    const auto block = [](std::int64_t a, std::int64_t b) { return 9 * a * b + 9 * b * b + 4 * b; };
    std::int64_t expected = block(3, 4) + 4 + 1;
    for (std::int64_t level = 0, c = 4; level < levels; ++level, c *= 2)
      expected += block(c, 2 * c) + block(3 * c, c);
    std::int64_t found = 0;
    for (const auto& parameter : network->parameters()) found += parameter.numel();
    EXPECT_EQ(found, expected);
  }
}

TEST(UnetSegmenter, KeepsTheResolutionAndPassesDetailThroughTheSkips) {
  torch::manual_seed(3);
  UnetSegmenter network(small_segmenter_config());
  network->eval();
  torch::NoGradGuard no_grad;
  auto rgb = torch::rand({2, 3, 32, 32});
  const auto before = network->forward(rgb);
  EXPECT_EQ(before.sizes().vec(), (std::vector<std::int64_t>{2, 1, 32, 32}));
  // The second picture is untouched, so only the first mask may move, and most where the pixel changed.
  rgb[0].select(1, 5).select(1, 6).add_(0.5);
  const auto change = (network->forward(rgb) - before).abs();
  EXPECT_EQ(change[1].max().item<float>(), 0);
  EXPECT_GT(change[0][0].narrow(0, 3, 5).narrow(1, 4, 5).max().item<float>(), 0);
}

TEST(SegmentPerson, GivesTheProbabilityAtTheSizeOfThePicture) {
  UnetSegmenter network(small_segmenter_config());
  network->eval();
  torch::NoGradGuard no_grad;
  for (auto& parameter : network->parameters()) parameter.zero_();
  network->named_parameters()["out.bias"].fill_(1.5);
  const int expected = static_cast<int>(std::lround(255 / (1 + std::exp(-1.5))));
  for (const auto& size : {cv::Size(32, 32), cv::Size(100, 61), cv::Size(1, 1)}) {
    const auto mask = segment_person(network, cv::Mat(size, CV_8UC3, cv::Scalar(1, 2, 3)));
    ASSERT_EQ(mask.type(), CV_8UC1);
    ASSERT_EQ(mask.size(), size);
    double low, high;
    cv::minMaxLoc(mask, &low, &high);
    EXPECT_EQ(low, expected);
    EXPECT_EQ(high, expected);
  }
}

TEST(SegmentPerson, ResultOutlivesTheNetworksBuffers) {
  UnetSegmenter network(small_segmenter_config());
  network->eval();
  cv::Mat noise(32, 32, CV_8UC3);
  cv::theRNG().state = 5;
  cv::randu(noise, 0, 256);
  const auto mask = segment_person(network, noise);
  const cv::Mat copy = mask.clone();
  segment_person(network, cv::Mat(32, 32, CV_8UC3, cv::Scalar::all(0)));
  EXPECT_EQ(cv::countNonZero(mask != copy), 0);
}

TEST(SegmentPerson, RefusesGreyPictures) {
  UnetSegmenter network(small_segmenter_config());
  EXPECT_THROW(segment_person(network, cv::Mat(32, 32, CV_8UC1, cv::Scalar(0))), Error);
}

}  // namespace
}  // namespace reenact
