// SPDX-License-Identifier: LGPL-2.1-or-later
// The commands that measure drawn heads, on drawn faces and with small networks of random weights.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <opencv2/videoio.hpp>
#include <sstream>

#include "reenact/identity.h"
#include "reenact/pose_track.h"
#include "support/run_program.h"
#include "support/small_face_dataset.h"
#include "support/temporary_folder.h"
#include "torch/load_weights.h"
#include "torch/networks/encoders.h"
#include "torch/networks/generator.h"
#include "torch/networks/iresnet.h"
#include "torch/networks/landmark_network.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

template <typename Module>
void randomize(Module& module) {
  torch::NoGradGuard no_grad;
  for (auto& parameter : module->parameters())
    if (parameter.dim() > 1) parameter.normal_(0, 1.5 / std::sqrt(static_cast<double>(parameter[0].numel())));
}

class EvaluateCommand : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<test::TemporaryFolder>();
    test::write_small_face_dataset(*folder_ / "data");
    fs::copy(*folder_ / "data" / "clips" / "c1", *folder_ / "data" / "clips" / "c2");
    std::ofstream(*folder_ / "data" / "clips.tsv", std::ios::app)
        << "c2\tp2\tval\tyes\t12\t72\t1.8\tdrawn\tCC0\tCC0\n";
    torch::manual_seed(3);
    write_reenactor();
    RecogniserConfig recogniser{.width = 0.0625, .image_size = 32, .embedding_size = 8};
    ModelInfo info;
    info.kind = ModelKind::recogniser;
    info.config = to_json(recogniser);
    write_model(file("recogniser.safetensors"), info, weights_of(*IResNet(recogniser), "arc."));
    LandmarksConfig landmarks{.image_size = 32, .width = 0.1};
    LandmarkNetwork network(landmarks);
    {
      torch::NoGradGuard no_grad;
      network->named_parameters()["classifier.1.bias"].uniform_(0.2, 0.8);
    }
    info.kind = ModelKind::landmarks;
    info.config = to_json(landmarks);
    write_model(file("landmarks.safetensors"), info, weights_of(*network, "lmk."));
    Identity identity;
    identity.name = "nobody";
    identity.embedding.assign(8, 0.3f);
    identity.neutral_pose.assign(8, 0.1f);
    save_identity(file("nobody.safetensors"), identity, {});
    identity.neutral_pose.clear();
    save_identity(file("restless.safetensors"), identity, {});
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static void write_reenactor() {
    ReenactorConfig config;
    config.preset = "small";
    config.image_size = 32;
    config.num_channels = 8;
    config.max_channels = 16;
    config.identity_embedding_size = config.pose_embedding_size = 8;
    config.identity_encoder = "mobilenet_v2";
    config.identity_encoder_width = config.pose_encoder_width = 0.25;
    PoseEncoderNetwork pose(config);
    IdentityEncoderNetwork identity(config);
    GeneratorNetwork generator(config);
    randomize(pose);
    randomize(identity);
    randomize(generator);
    auto tensors = weights_of(*pose, "pose.");
    tensors.merge(weights_of(*identity, "idt."));
    tensors.merge(weights_of(*generator, "gen."));
    ModelInfo info;
    info.config = to_json(config);
    write_model(file("reenactor.safetensors"), info, tensors);
  }

  static std::string file(const std::string& name) { return *folder_ / name; }
  static test::ProgramResult evaluate(const std::string& what, std::vector<std::string> more,
                                      const std::string& landmarks = "landmarks.safetensors",
                                      const std::string& data = "data") {
    std::vector<std::string> arguments = {"evaluate", what, "--model", file("reenactor.safetensors")};
    arguments.insert(arguments.end(), {"--landmarks", file(landmarks), "--data", file(data)});
    arguments.insert(arguments.end(), {"--threads", "1", "--device", "cpu"});
    if (what == "identity")
      arguments.insert(arguments.end(), {"--recogniser", file("recogniser.safetensors")});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return test::run_program(arguments);
  }
  static std::unique_ptr<test::TemporaryFolder> folder_;
};
std::unique_ptr<test::TemporaryFolder> EvaluateCommand::folder_;

TEST_F(EvaluateCommand, MeasuresAndPlots) {
  const auto identity =
      evaluate("identity", {"--identity", file("nobody.safetensors"), file("nobody.safetensors") + "=p2",
                            "--learn", "1", "--frames", "3", "--label", "here", "--output", file("sheets")});
  ASSERT_EQ(identity.exit_code, 0) << identity.errors;
  const auto found = nlohmann::json::parse(identity.output);
  // Of 3 identities and 2 drivers, p2 as himself and p1 as himself are left out; 3 frames each.
  EXPECT_EQ(found.at("frames"), 12);
  ASSERT_EQ(found.at("identities").size(), 3u);
  EXPECT_EQ(found.at("identities")[0].at("own_pictures"), "drawn at rest");
  EXPECT_EQ(found.at("identities")[1].at("own_pictures"), "photographs");
  EXPECT_EQ(found.at("identities")[2].at("identity"), "p1 learned");
  const auto& distance = found.at("distance_to_identity");
  EXPECT_LE(distance.at("low").get<double>(), distance.at("mean").get<double>());
  EXPECT_GE(distance.at("high").get<double>(), distance.at("mean").get<double>());
  EXPECT_TRUE(found.at("recogniser").contains("equal_error_rate"));
  EXPECT_TRUE(fs::exists(file("sheets") + "/identity.png"));

  const auto follow = evaluate("follow", {"--identity", file("nobody.safetensors"), "--pose-mode", "relative",
                                          "--frames", "8", "--label", "here", "--output", file("sheets")});
  ASSERT_EQ(follow.exit_code, 0) << follow.errors;
  const auto followed = nlohmann::json::parse(follow.output);
  EXPECT_EQ(followed.at("pose_mode"), "relative");
  EXPECT_EQ(followed.at("drivers").size(), 2u);
  EXPECT_TRUE(followed.at("landmarks").contains("error_in_256_pixels"));
  EXPECT_TRUE(fs::exists(file("sheets") + "/follow.png"));

  // A network of random weights sees no movement at all, so the line that is plotted is made up.
  std::ofstream(file("lines.jsonl"))
      << identity.output
      << R"({"command":"evaluate follow","label":"here","follow":{"mean":0.8,"low":0.7,"high":0.9}})"
      << "\n";
  const auto plane =
      test::run_program({"evaluate", "plane", file("lines.jsonl"), "--output", file("plane.svg")});
  ASSERT_EQ(plane.exit_code, 0) << plane.errors;
  EXPECT_GT(fs::file_size(file("plane.svg")), 500u);
}

TEST_F(EvaluateCommand, ComparesClipsWithTheirOriginal) {
  PoseTrack track;
  const std::string clip = file("data") + "/clips/c1/rgb.mp4";
  cv::VideoCapture reader(clip);
  const cv::Size size(int(reader.get(cv::CAP_PROP_FRAME_WIDTH)), int(reader.get(cv::CAP_PROP_FRAME_HEIGHT)));
  cv::VideoWriter writer(file("darker.mp4"), cv::VideoWriter::fourcc('m', 'p', '4', 'v'), 12, size);
  for (cv::Mat frame; reader.read(frame);) {
    writer.write(frame * 0.5);
    track.poses.emplace_back(8, 0.1f);
    track.timestamps.push_back(std::int64_t(track.timestamps.size()) * 80'000'000);
    track.placements.push_back({.crop = {{}, size}, .frame = size, .found = true});
  }
  writer.release();
  ASSERT_GT(track.poses.size(), 5u);
  save_pose_track(file("clip.poses"), track);
  const auto compare = [](std::vector<std::string> more, const std::string& poses = "clip.poses") {
    more.insert(more.begin(), {"evaluate", "clips"});
    more.insert(more.end(),
                {"--poses", file(poses), "--landmarks", file("landmarks.safetensors"), "--device", "cpu"});
    return test::run_program(more);
  };
  const auto result = compare({clip, clip, file("darker.mp4"), "--sheet", file("clips.png")});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  std::istringstream lines(result.output);
  std::string same, darker;
  ASSERT_TRUE(std::getline(lines, same) && std::getline(lines, darker)) << result.output;
  const auto same_figures = nlohmann::json::parse(same), darker_figures = nlohmann::json::parse(darker);
  EXPECT_EQ(same_figures.at("landmark_error"), 0);
  EXPECT_EQ(same_figures.at("frames"), track.poses.size());
  EXPECT_EQ(darker_figures.at("clip"), "darker.mp4");
  EXPECT_EQ(darker_figures.at("bytes"), fs::file_size(file("darker.mp4")));
  EXPECT_LT(darker_figures.at("psnr").get<double>(), 30);
  EXPECT_TRUE(fs::exists(file("clips.png")));

  track.placements.clear();
  save_pose_track(file("placeless.poses"), track);
  const auto refused = compare({clip, clip}, "placeless.poses");
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.errors, HasSubstr("does not say where the faces lay"));
}

TEST_F(EvaluateCommand, SaysInOneSentenceWhatIsWrong) {
  const auto expect = [](const test::ProgramResult& result, const std::string& part) {
    EXPECT_NE(result.exit_code, 0);
    EXPECT_THAT(result.errors, HasSubstr(part));
  };
  expect(evaluate("identity", {}), "no identity was given");
  expect(evaluate("identity", {"--identity", file("restless.safetensors")}), "no resting pose");
  expect(evaluate("identity", {"--identity", file("nobody.safetensors") + "=p9"}), "no clip of 'p9'");
  expect(evaluate("identity", {"--identity", file("nobody.safetensors"), "--pose-mode", "sideways"}),
         "sideways");
  expect(evaluate("follow", {"--learn", "1"}, "recogniser.safetensors"), "wanted a landmarks");
  expect(evaluate("follow", {"--learn", "1"}, "landmarks.safetensors", "nowhere"), "nowhere");
  std::ofstream(file("not.jsonl")) << "no json\n";
  expect(test::run_program({"evaluate", "plane", file("not.jsonl"), "--output", file("x.svg")}), "no json");
}

}  // namespace
}  // namespace reenact::training
