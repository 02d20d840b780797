// SPDX-License-Identifier: LGPL-2.1-or-later
// The commands identity, blend and render on small networks with random weights, against the networks called
// directly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>

#include "reenact/identity.h"
#include "reenact/model_file.h"
#include "reenact/pose_track.h"
#include "reenact/safetensors.h"
#include "support/run_program.h"
#include "support/temporary_folder.h"
#include "torch/load_weights.h"
#include "torch/networks/encoders.h"
#include "torch/networks/generator.h"
#include "torch/networks/mobilenet_v2.h"
#include "torch/networks/s3fd.h"

namespace reenact {
namespace {

using test::run_program;
using testing::HasSubstr;

constexpr int side = 64;

ReenactorConfig small_config() {
  ReenactorConfig config;
  config.preset = "small";
  config.image_size = side;
  config.num_channels = 8;
  config.max_channels = 32;
  config.identity_embedding_size = 24;
  config.pose_embedding_size = 16;
  config.identity_encoder = "mobilenet_v2";
  config.identity_encoder_width = 0.25;
  config.pose_encoder_width = 0.25;
  return config;
}

torch::Tensor to_input(const cv::Mat& rgb) {
  return torch::from_blob(const_cast<unsigned char*>(rgb.data), {1, rgb.rows, rgb.cols, 3}, torch::kUInt8)
             .permute({0, 3, 1, 2})
             .to(torch::kFloat)
             .contiguous() /
         255;
}

cv::Mat random_picture(int seed) {
  cv::RNG random(static_cast<std::uint64_t>(seed));
  cv::Mat small(5, 5, CV_8UC3), picture;
  random.fill(small, cv::RNG::UNIFORM, 0, 256);
  cv::resize(small, picture, {side, side}, 0, 0, cv::INTER_CUBIC);
  return picture;
}

std::vector<float> to_vector(const torch::Tensor& tensor) {
  const auto flat = tensor.detach().flatten().contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
  return largest;
}

class OfflineChain : public testing::Test {
 protected:
  OfflineChain() : pose_(16, 0.25), identity_(small_config()), generator_(small_config()) {
    torch::manual_seed(11);
    torch::NoGradGuard no_gradient;
    std::map<std::string, torch::Tensor> tensors;
    auto take = [&tensors](torch::nn::Module& module, const std::string& prefix) {
      for (auto& parameter : module.parameters())
        if (parameter.dim() > 1)
          parameter.normal_(0, 1.5 / std::sqrt(static_cast<double>(parameter[0].numel())));
      module.eval();
      tensors.merge(weights_of(module, prefix));
    };
    take(*pose_, "pose.");
    take(*identity_, "idt.");
    take(*generator_, "gen.");
    ModelInfo info;
    info.config = to_json(small_config());
    model_ = folder_ / "reenactor.safetensors";
    write_model(model_, info, tensors);

    // A detector that says "no face" with probability one half everywhere.
    S3fd detector(0.125);
    for (auto& parameter : detector->parameters()) parameter.zero_();
    info.kind = ModelKind::detector;
    info.config = JsonObject(R"({"width": 0.125})");
    detector_ = folder_ / "detector.safetensors";
    write_model(detector_, info, weights_of(*detector, "s3fd."));

    for (int i = 0; i < 3; ++i) {
      pictures_.push_back(random_picture(i));
      cv::Mat bgr;
      cv::cvtColor(pictures_.back(), bgr, cv::COLOR_RGB2BGR);
      cv::imwrite(folder_ / ("driver" + std::to_string(i) + ".png"), bgr);
    }
  }

  std::string driver(int number) const { return folder_ / ("driver" + std::to_string(number) + ".png"); }
  std::string file(const std::string& name) const { return folder_ / name; }
  void succeed(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--log-level", "error"});
    arguments.insert(arguments.end(), {"--engine", "torch", "--precision", "fp32", "--threads", "1"});
    const auto result = run_program(arguments);
    ASSERT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_EQ(result.errors, "") << "nothing below the level asked for";
  }
  void make_identity(const std::string& name, const std::vector<int>& numbers) {
    std::vector<std::string> arguments{"identity",          "--model",  model_,
                                       "--already-cropped", "--output", file(name)};
    for (const int number : numbers) arguments.push_back(driver(number));
    succeed(arguments);
  }
  std::vector<float> pose_of(int number) {
    torch::NoGradGuard no_gradient;
    return to_vector(pose_->forward(to_input(pictures_[static_cast<std::size_t>(number)])));
  }
  /// color * mask as the authors save it, and the mask, in grey levels.
  std::pair<cv::Mat, cv::Mat> head_of(const std::vector<float>& embedding, const std::vector<float>& pose) {
    torch::NoGradGuard no_gradient;
    const auto head =
        generator_->forward(torch::tensor(embedding).unsqueeze(0), torch::tensor(pose).unsqueeze(0));
    auto to_picture = [](const torch::Tensor& tensor) {
      const auto bytes =
          (tensor[0].clamp(0, 1) * 255).round().to(torch::kUInt8).permute({1, 2, 0}).contiguous();
      return cv::Mat(side, side, CV_8UC(static_cast<int>(bytes.size(2))), bytes.data_ptr()).clone();
    };
    return {to_picture(head.rgb), to_picture(head.mask)};
  }
  cv::Mat read(const std::string& name) const {
    cv::Mat rgb = cv::imread(file(name), cv::IMREAD_COLOR);
    if (!rgb.empty()) cv::cvtColor(rgb, rgb, cv::COLOR_BGR2RGB);
    return rgb;
  }

  test::TemporaryFolder folder_;
  MobileNetV2 pose_;
  IdentityEncoderNetwork identity_;
  GeneratorNetwork generator_;
  std::string model_, detector_;
  std::vector<cv::Mat> pictures_;
};

TEST_F(OfflineChain, QuantiseWritesRangesForGeneratorAndDetector) {
  make_identity("ada.safetensors", {0, 1});
  const std::string quantised = file("quantised.safetensors");
  auto result = run_program({"quantise", model_, "--identity", file("ada.safetensors"), "--already-cropped",
                             "--poses", driver(0), driver(1), "--check", driver(2), "--output", quantised});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const ModelFile model(quantised, ModelKind::reenactor);
  EXPECT_TRUE(model.file().contains("gen.up0.skip.input_min"));
  EXPECT_TRUE(model.file().contains("gen.out.input_max"));
  const auto provenance = nlohmann::json::parse(model.info().provenance.text());
  const auto& quantisation = provenance["quantisation"];
  EXPECT_EQ(quantisation["held_out"], quantisation["pictures"] == 1)
      << "one picture compared, on a CPU with int8";

  result =
      run_program({"quantise", detector_, "--pictures", driver(0), "--output", file("small.safetensors")});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(
      ModelFile(file("small.safetensors"), ModelKind::detector).file().contains("s3fd.fc7.output_max"));

  result = run_program({"quantise", model_});
  EXPECT_NE(result.exit_code, 0);
  EXPECT_THAT(result.errors, HasSubstr("wants --identity and --poses"));
}

TEST_F(OfflineChain, IdentityIsTheMeanEmbedding) {
  succeed({"identity", driver(0), driver(1), driver(2), "--model", model_, "--already-cropped", "--output",
           file("ada.safetensors"), "--name", "Ada", "--consent", "drawn by chance", "--licence", "CC0-1.0",
           "--neutral", driver(2)});
  const auto identity = load_identity(file("ada.safetensors"));
  torch::NoGradGuard no_gradient;
  const auto frames =
      torch::stack({to_input(pictures_[0])[0], to_input(pictures_[1])[0], to_input(pictures_[2])[0]})
          .unsqueeze(0);
  EXPECT_LT(largest_difference(identity->embedding, to_vector(identity_->forward(frames).mean(1))), 1e-4);
  EXPECT_LT(largest_difference(identity->neutral_pose, pose_of(2)), 1e-4);
  EXPECT_EQ(identity->name, "Ada");
  EXPECT_EQ(identity->consent, "drawn by chance");
  EXPECT_EQ(identity->licence, "CC0-1.0");
  EXPECT_EQ(identity->thumbnail.size(), cv::Size(side, side));
  EXPECT_EQ(nlohmann::json::parse(ModelFile(file("ada.safetensors")).info().provenance.text())["pictures"],
            3);
}

TEST_F(OfflineChain, ABlendIsTheWeightedMean) {
  make_identity("a.safetensors", {0});
  make_identity("b.safetensors", {1});
  succeed({"blend", file("a.safetensors") + ":3", file("b.safetensors"), "--model", model_, "--output",
           file("blend.safetensors"), "--consent", "nobody"});
  const auto a = load_identity(file("a.safetensors")), b = load_identity(file("b.safetensors")),
             blend = load_identity(file("blend.safetensors"));
  std::vector<float> expected, expected_pose;
  for (std::size_t i = 0; i < a->embedding.size(); ++i)
    expected.push_back(0.75f * a->embedding[i] + 0.25f * b->embedding[i]);
  for (std::size_t i = 0; i < a->neutral_pose.size(); ++i)
    expected_pose.push_back(0.75f * a->neutral_pose[i] + 0.25f * b->neutral_pose[i]);
  EXPECT_LT(largest_difference(blend->embedding, expected), 1e-5);
  EXPECT_LT(largest_difference(blend->neutral_pose, expected_pose), 1e-5);
  EXPECT_GT(largest_difference(a->embedding, b->embedding), 1e-3) << "two different people";
  const cv::Mat drawn = head_of(blend->embedding, blend->neutral_pose).first;
  EXPECT_LE(cv::norm(blend->thumbnail, drawn, cv::NORM_INF), 1);
}

TEST_F(OfflineChain, RenderDrawsTheAuthorsPicture) {
  make_identity("ada.safetensors", {0});
  const auto identity = load_identity(file("ada.safetensors"));
  succeed({"render", driver(1), "--model", model_, "--identity", file("ada.safetensors"), "--already-cropped",
           "--pose-mode", "absolute", "--output", file("out")});
  const auto [premultiplied, mask] = head_of(identity->embedding, pose_of(1));
  double darkest = 0, brightest = 0;
  cv::minMaxLoc(premultiplied.reshape(1), &darkest, &brightest);
  ASSERT_GT(brightest - darkest, 10) << "a picture worth comparing";
  const cv::Mat picture = read("out/000000.png");
  ASSERT_EQ(picture.size(), premultiplied.size());
  EXPECT_LE(cv::norm(picture, premultiplied, cv::NORM_INF), 1);

  succeed({"render", driver(1), "--model", model_, "--identity", file("ada.safetensors"), "--already-cropped",
           "--pose-mode", "absolute", "--output", file("clear"), "--background", "transparent"});
  const cv::Mat rgba = cv::imread(file("clear/000000.png"), cv::IMREAD_UNCHANGED);
  ASSERT_EQ(rgba.channels(), 4);
  cv::Mat alpha;
  cv::extractChannel(rgba, alpha, 3);
  EXPECT_LE(cv::norm(alpha, mask, cv::NORM_INF), 1);

  succeed({"render", driver(1), "--model", model_, "--identity", file("ada.safetensors"), "--already-cropped",
           "--pose-mode", "absolute", "--output", file("green"), "--background", "0,200,0"});
  cv::Mat expected(side, side, CV_8UC3);
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      const double opacity = mask.at<unsigned char>(y, x) / 255.0;
      auto& pixel = expected.at<cv::Vec3b>(y, x) = premultiplied.at<cv::Vec3b>(y, x);
      pixel[1] = cv::saturate_cast<unsigned char>(pixel[1] + 200 * (1 - opacity));
    }
  // The colour is rounded to grey levels before it is multiplied by the mask.
  EXPECT_LE(cv::norm(read("green/000000.png"), expected, cv::NORM_INF), 2);
}

TEST_F(OfflineChain, RenderMovesTheHeadFromItsRestingPose) {
  make_identity("ada.safetensors", {0});
  const auto identity = load_identity(file("ada.safetensors"));
  // The first pose is the reference: whoever drives, the head rests.
  for (const char* mode : {"relative", "auto"}) {
    succeed({"render", driver(1), "--model", model_, "--identity", file("ada.safetensors"),
             "--already-cropped", "--pose-mode", mode, "--output", file(mode)});
    const cv::Mat rest = head_of(identity->embedding, identity->neutral_pose).first;
    EXPECT_LE(cv::norm(read(std::string(mode) + "/000000.png"), rest, cv::NORM_INF), 1) << mode;
  }
}

TEST_F(OfflineChain, APoseTrackGivesTheSamePicturesAsItsDriver) {
  make_identity("ada.safetensors", {0});
  std::filesystem::create_directory(file("drivers"));
  for (int i = 0; i < 3; ++i) std::filesystem::copy(driver(i), file("drivers"));
  succeed({"render", file("drivers"), "--model", model_, "--identity", file("ada.safetensors"),
           "--already-cropped", "--output", file("strip.png"), "--pose-track", file("track.safetensors"),
           "--licence", "CC0-1.0"});
  const auto track = load_pose_track(file("track.safetensors"));
  ASSERT_EQ(track.poses.size(), 3u);
  EXPECT_EQ(track.licence, "CC0-1.0");
  for (int i = 0; i < 3; ++i)
    EXPECT_LT(largest_difference(track.poses[static_cast<std::size_t>(i)], pose_of(i)), 1e-4);
  EXPECT_EQ(track.timestamps, (std::vector<std::int64_t>{0, 40'000'000, 80'000'000}));
  ASSERT_EQ(track.placements.size(), 3u);
  for (const auto& placement : track.placements) {
    EXPECT_TRUE(placement.found);
    EXPECT_EQ(placement.crop, cv::Rect({0, 0}, placement.frame)) << "pictures that are crops already";
  }

  succeed({"render", file("track.safetensors"), "--model", model_, "--identity", file("ada.safetensors"),
           "--output", file("again.png")});
  ASSERT_EQ(read("strip.png").size(), cv::Size(3 * side, side));
  EXPECT_EQ(cv::norm(read("strip.png"), read("again.png"), cv::NORM_INF), 0);
  EXPECT_GT(
      cv::norm(read("strip.png").colRange(0, side), read("strip.png").colRange(side, 2 * side), cv::NORM_INF),
      3)
      << "poses differ";

  succeed({"render", file("track.safetensors"), "--model", model_, "--identity", file("ada.safetensors"),
           "--output", file("clip.mp4"), "--every", "2", "--side-by-side"});
  cv::VideoCapture clip(file("clip.mp4"));
  EXPECT_EQ(clip.get(cv::CAP_PROP_FRAME_COUNT), 2);
  EXPECT_NEAR(clip.get(cv::CAP_PROP_FPS), 12.5, 1e-3);
  EXPECT_EQ(clip.get(cv::CAP_PROP_FRAME_WIDTH), 2 * side);
}

TEST_F(OfflineChain, NoFaceIsOneSentenceAndNoPicture) {
  make_identity("ada.safetensors", {0});
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"render", driver(0), "--model", model_, "--identity",
                                 file("ada.safetensors"), "--output", file("out.png"), "--detector",
                                 detector_, "--score-threshold", "0.9"},
        {"identity", driver(0), "--model", model_, "--output", file("out.png"), "--detector", detector_,
         "--score-threshold", "0.9"}}) {
    const auto result = run_program(arguments);
    EXPECT_EQ(result.exit_code, 1) << result.errors;
    EXPECT_THAT(result.errors, HasSubstr("found no face in '" + driver(0) + "'"));
    EXPECT_FALSE(std::filesystem::exists(file("out.png")));
  }
}

TEST_F(OfflineChain, ATrackOfOtherPosesIsRefused) {
  make_identity("ada.safetensors", {0});
  PoseTrack track;
  track.poses = {{1, 2, 3}};
  track.timestamps = {0};
  save_pose_track(file("track.safetensors"), track);
  const auto result = run_program({"render", file("track.safetensors"), "--model", model_, "--identity",
                                   file("ada.safetensors"), "--output", file("out.png")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("3"));
  EXPECT_THAT(result.errors, HasSubstr("16"));
}

}  // namespace
}  // namespace reenact
