// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/s3fd.h"

#include <gtest/gtest.h>

#include "reenact/error.h"
#include "reenact/s3fd_postprocess.h"
#include "support/procedural_weights.h"
#include "support/shared_data.h"

namespace reenact {
namespace {

/// All weights and biases zero, every cell sure that it is background.
S3fd silent_network(double width) {
  S3fd network(width);
  torch::NoGradGuard no_grad;
  for (auto& parameter : network->parameters()) parameter.zero_();
  for (auto& item : network->named_parameters()) {
    if (item.key().find("_mbox_conf.bias") != std::string::npos) item.value()[0] = 9;
  }
  return network;
}

TEST(S3fd, AgreesWithTheReleasedImplementation) {
  REENACT_SHARED_FILE(path, "parity/proc_s3fd_full.safetensors");
  const SafetensorsFile file(path);
  S3fd network(1.0);
  test::fill_procedurally(*network, file, "s3fd.");
  auto input = (test::procedural_input("s3fd.input", {1, 3, 96, 128}, 0, 1) * 256).floor() -
               torch::tensor({104.f, 117.f, 123.f}).view({1, 3, 1, 1});
  torch::NoGradGuard no_grad;
  const auto outputs = network->forward(input);
  ASSERT_EQ(outputs.size(), 6u);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(outputs[i].stride, 4 << i);
    const auto scores = test::stored_tensor(file, "out." + std::to_string(2 * i));
    const auto offsets = test::stored_tensor(file, "out." + std::to_string(2 * i + 1));
    ASSERT_EQ(outputs[i].scores.sizes(), scores.sizes());
    ASSERT_EQ(outputs[i].offsets.sizes(), offsets.sizes());
    EXPECT_LE((outputs[i].scores - scores).abs().max().item<float>(), 1e-3f) << "scores of scale " << i;
    EXPECT_LE((outputs[i].offsets - offsets).abs().max().item<float>(), 1e-3f) << "offsets of scale " << i;
    // The figures above mean nothing if the maps are all alike.
    EXPECT_GT(offsets.abs().max().item<float>(), 1e-2f);
  }
}

TEST(S3fd, KeepsNamesAndShapesOfThePublishedFileAtEveryWidth) {
  REENACT_SHARED_FILE(path, "parity/proc_s3fd_full.safetensors");
  const SafetensorsFile file(path);
  S3fd network(0.25);
  std::size_t keys = 0;
  for (const auto& item : network->named_parameters()) {
    const bool vector = file.contains("state." + item.key());
    EXPECT_TRUE(vector || file.contains("bound." + item.key())) << item.key();
    ++keys;
  }
  EXPECT_EQ(keys, 65u);
}

TEST(S3fd, WidthDividesTheParametersOfInnerLayers) {
  S3fd full(1.0), narrow(0.25);
  const auto full_shape = full->named_parameters()["conv5_2.weight"].sizes().vec();
  const auto narrow_shape = narrow->named_parameters()["conv5_2.weight"].sizes().vec();
  EXPECT_EQ(full_shape, (std::vector<std::int64_t>{512, 512, 3, 3}));
  EXPECT_EQ(narrow_shape, (std::vector<std::int64_t>{128, 128, 3, 3}));
  EXPECT_EQ(narrow->named_parameters()["conv3_3_norm_mbox_conf.weight"].size(0), 4);
}

TEST(S3fd, ReportsTheAnchorOfACellThatIsSure) {
  auto network = silent_network(0.1);
  torch::NoGradGuard no_grad;
  // Only the scale of stride 64 speaks, everywhere alike: overlapping anchors collapse to those 256 px apart
  // or more.
  network->named_parameters()["conv6_2_mbox_conf.bias"][1] = 12;
  const cv::Mat picture(320, 320, CV_8UC3, cv::Scalar(90, 120, 60));
  const auto faces = detect_faces(network, picture, DetectorConfig{}, 0.5f, 0.3f);
  ASSERT_FALSE(faces.empty());
  const float expected = 1 / (1 + std::exp(9.f - 12.f));
  for (const auto& face : faces) {
    EXPECT_NEAR(face.width(), 256, 1e-2);
    EXPECT_NEAR(face.height(), 256, 1e-2);
    EXPECT_NEAR(face.score, expected, 1e-5);
    EXPECT_NEAR(std::fmod(face.left + 128 - 32 + 640, 64), 0, 1e-2);
  }
  for (std::size_t i = 0; i < faces.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) EXPECT_LE(intersection_over_union(faces[i], faces[j]), 0.31f);
}

TEST(S3fd, BackgroundOfTheFinestScaleIsTheLargestOfThree) {
  auto network = silent_network(0.1);
  torch::NoGradGuard no_grad;
  auto bias = network->named_parameters()["conv3_3_norm_mbox_conf.bias"];
  for (int background = 0; background < 3; ++background) {
    bias.zero_();
    bias[background] = 4;
    bias[3] = 5;
    const auto scores = network->forward(torch::zeros({1, 3, 64, 64}))[0].scores;
    EXPECT_EQ(scores.size(1), 2);
    EXPECT_TRUE(scores.select(1, 0).eq(4).all().item<bool>());
    EXPECT_TRUE(scores.select(1, 1).eq(5).all().item<bool>());
  }
}

TEST(S3fd, TakesPicturesOfEverySize) {
  auto network = silent_network(0.1);
  for (const auto& size : {cv::Size(1, 1), cv::Size(4096, 16), cv::Size(33, 500)}) {
    const cv::Mat picture(size, CV_8UC3, cv::Scalar::all(128));
    EXPECT_TRUE(detect_faces(network, picture, DetectorConfig{}, 0.5f, 0.3f).empty()) << size;
  }
  EXPECT_THROW(detect_faces(network, cv::Mat(8, 8, CV_8UC1), DetectorConfig{}, 0.5f, 0.3f), Error);
}

TEST(DetectorInput, OrdersChannelsAndSubtractsTheMean) {
  cv::Mat picture(40, 50, CV_8UC3, cv::Scalar(10, 20, 30));  // red, green, blue
  const auto pixel = [&](const std::string& order, bool mean) {
    DetectorConfig config;
    config.channel_order = order;
    config.subtract_mean = mean;
    const auto input = detector_input({picture, picture}, config);
    EXPECT_EQ(input.sizes().vec(), (std::vector<std::int64_t>{2, 3, 40, 50}));
    const auto values = input.select(0, 1).select(1, 7).select(1, 8);
    return std::vector<float>{values[0].item<float>(), values[1].item<float>(), values[2].item<float>()};
  };
  EXPECT_EQ(pixel("rgb", false), (std::vector<float>{10, 20, 30}));
  EXPECT_EQ(pixel("bgr", false), (std::vector<float>{30, 20, 10}));
  EXPECT_EQ(pixel("rgb", true), (std::vector<float>{10 - 104, 20 - 117, 30 - 123}));
  EXPECT_EQ(pixel("bgr", true), (std::vector<float>{30 - 104, 20 - 117, 10 - 123}));
}

TEST(DetectorInput, PadsSmallPicturesOnTheRightAndBelow) {
  DetectorConfig config;
  config.subtract_mean = false;
  const auto input = detector_input({cv::Mat(16, 20, CV_8UC3, cv::Scalar::all(7))}, config);
  EXPECT_EQ(input.sizes().vec(), (std::vector<std::int64_t>{1, 3, 32, 32}));
  EXPECT_EQ(input.sum().item<float>(), 3 * 16 * 20 * 7.f);
  EXPECT_TRUE(input.narrow(2, 0, 16).narrow(3, 0, 20).eq(7).all().item<bool>());
}

}  // namespace
}  // namespace reenact
