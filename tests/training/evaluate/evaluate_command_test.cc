// SPDX-License-Identifier: LGPL-2.1-or-later
// The commands that measure drawn heads, on drawn faces and with small networks of random weights.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <opencv2/videoio.hpp>
#include <sstream>

#include "reenact/pose_track.h"
#include "small_evaluation.h"
#include "support/run_program.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class EvaluateCommand : public test::SmallEvaluation {
 protected:
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
};

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
