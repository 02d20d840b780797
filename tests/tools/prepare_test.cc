// SPDX-License-Identifier: LGPL-2.1-or-later
// Preparing training data: the sample clip, pictures cut out of it and spoilt, and files that are none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>
#include <set>
#include <sstream>

#include "offline/sha256.h"
#include "reenact/error.h"
#include "support/run_program.h"
#include "support/temporary_folder.h"
#include "tools/prepare/frame_survey.h"
#include "tools/prepare/source_list.h"
#include "training/data/clips_in_memory.h"

namespace reenact::tools {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

std::string text_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// sources/{ada/talk.mp4, bob/*, eve/broken.mp4} and data/, made of them once for all tests.
class Prepare : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<test::TemporaryFolder>();
    const fs::path sample = fs::path(REENACT_SOURCE) / "models" / "samples" / "driver.mp4";
    cv::Mat frame;
    cv::VideoCapture(sample.string()).read(frame);
    ASSERT_FALSE(frame.empty());
    for (const char* person : {"ada", "bob", "eve"}) fs::create_directories(sources() / person);
    fs::copy(sample, sources() / "ada" / "talk.mp4");
    const auto write = [](const std::string& name, const cv::Mat& picture) {
      cv::imwrite((sources() / "bob" / name).string(), picture);
    };
    write("0-sharp.png", frame);
    cv::Mat blurred, small;
    cv::GaussianBlur(frame, blurred, {}, frame.rows / 60.0);
    write("1-blurred.png", blurred);
    write("2-nobody.png", cv::Mat(frame.size(), CV_8UC3, cv::Scalar(90, 120, 60)));
    const auto whole = text_of(sources() / "bob" / "0-sharp.png");
    std::ofstream(sources() / "bob" / "3-broken.png", std::ios::binary) << whole.substr(0, 300);
    std::ofstream(sources() / "eve" / "broken.mp4") << "no clip";
    first_ = run("data");
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static fs::path path(const std::string& name) { return *folder_ / name; }
  static fs::path sources() { return path("sources"); }
  /// The sample clip, drawn by a small model, is soft (20 to 40); its blurred frame is far softer.
  static test::ProgramResult run(const std::string& output, const std::vector<std::string>& more = {},
                                 const char* every = "12") {
    std::vector<std::string> arguments = {
        "prepare", sources(), "--output",           path(output), "--every",           every, "--size", "64",
        "--jobs",  "2",       "--validation-share", "0",          "--least-sharpness", "8"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return test::run_program(arguments);
  }
  static std::vector<json> manifest(const std::string& output) {
    std::ifstream stream(path(output) / "manifest.jsonl");
    std::vector<json> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
    return lines;
  }
  static json record(const std::string& output, const std::string& id) {
    for (const auto& line : manifest(output))
      if (line.value("id", "") == id) return line;
    return {};
  }

  static std::unique_ptr<test::TemporaryFolder> folder_;
  static test::ProgramResult first_;
};
std::unique_ptr<test::TemporaryFolder> Prepare::folder_;
test::ProgramResult Prepare::first_;

TEST_F(Prepare, PicturesAreKeptOrDroppedForAReason) {
  ASSERT_EQ(first_.exit_code, 0) << first_.errors;
  EXPECT_THAT(first_.errors, HasSubstr("2 sources made, 0 were there, 1 failed"));
  const auto clip = record("data", "ada-talk");
  ASSERT_FALSE(clip.is_null());
  EXPECT_EQ(clip["person"], "ada");
  EXPECT_GT(clip["pictures"]["taken"], 3);
  EXPECT_EQ(clip["pictures"]["kept"], clip["pictures"]["taken"]) << clip["dropped"];

  // Every picture of the folder would be taken 1 of 12: ask for all of them.
  const auto all = run("all", {}, "1");
  ASSERT_EQ(all.exit_code, 0) << all.errors;
  const auto pictures = record("all", "bob");
  EXPECT_EQ(pictures["pictures"]["read"], 4);
  EXPECT_EQ(pictures["pictures"]["kept"], 1);
  EXPECT_EQ(pictures["dropped"], (json{{"blurred", 1}, {"no_face", 1}, {"unreadable", 1}}));
  EXPECT_FALSE(cv::imread((path("all") / "records" / "bob.blurred.jpg").string()).empty());

  const auto report = text_of(path("all") / "report.md");
  EXPECT_THAT(report, HasSubstr("| dropped: blurred | 1 |"));
  EXPECT_THAT(report, HasSubstr("| dropped: no_face | 1 |"));
  EXPECT_THAT(report, HasSubstr("eve/broken.mp4"));
  EXPECT_FALSE(cv::imread((path("all") / "report-kept.png").string()).empty());
  EXPECT_FALSE(cv::imread((path("all") / "report-dropped.png").string()).empty());
  EXPECT_FALSE(fs::exists(path("all") / "clips" / "eve-broken"));
}

TEST_F(Prepare, EveryFileHasItsHashInTheManifest) {
  std::set<std::string> listed;
  for (const auto& line : manifest("data"))
    for (const auto& file : line.value("files", line.value("tables", json::array()))) {
      const auto name = file["path"].get<std::string>();
      listed.insert(name);
      EXPECT_EQ(fs::file_size(path("data") / name), file["bytes"]) << name;
      EXPECT_EQ(sha256_of_file(path("data") / name), file["sha256"]) << name;
    }
  for (const auto& entry : fs::recursive_directory_iterator(path("data"))) {
    const auto name = fs::relative(entry.path(), path("data")).generic_string();
    if (entry.is_regular_file() && entry.path().extension() != ".json" && name != "manifest.jsonl" &&
        entry.path().filename().string()[0] != '.')
      EXPECT_TRUE(listed.count(name)) << name;
  }
}

TEST_F(Prepare, WhatIsWholeStaysAndWhatIsDamagedIsMadeAgain) {
  fs::copy(path("data"), path("resumed"), fs::copy_options::recursive);
  EXPECT_THAT(run("resumed").errors, HasSubstr("0 sources made, 2 were there, 1 failed"));
  EXPECT_EQ(text_of(path("resumed") / "clips.tsv"), text_of(path("data") / "clips.tsv"));
  {
    std::fstream damaged(path("resumed") / "clips" / "ada-talk" / "mask.mp4",
                         std::ios::binary | std::ios::in | std::ios::out);
    damaged.seekp(100);
    damaged.put('!');
  }
  EXPECT_THAT(run("resumed").errors, HasSubstr("1 sources made, 1 were there, 1 failed"));
  const auto file = record("resumed", "ada-talk")["files"][1];
  EXPECT_EQ(sha256_of_file(path("resumed") / file["path"].get<std::string>()), file["sha256"]);
  EXPECT_THAT(run("resumed", {"--least-face", "41"}).errors, HasSubstr("2 sources made, 0 were there"))
      << "other settings make other clips";
}

TEST_F(Prepare, ShardsAreThePartsOfTheWhole) {
  const auto all = list_sources({sources()}, "", {});
  ASSERT_EQ(all.size(), 3u);
  for (int count = 1; count <= 4; ++count) {
    std::multiset<std::string> ids;
    for (int index = 1; index <= count; ++index)
      for (const auto& source :
           sources_of_shard(all, parse_shard(std::to_string(index) + "/" + std::to_string(count))))
        ids.insert(source.id);
    EXPECT_EQ(ids, (std::multiset<std::string>{"ada-talk", "bob", "eve-broken"})) << count;
  }
  ASSERT_EQ(run("shards", {"--shard", "2/2"}).exit_code, 0);
  EXPECT_FALSE(fs::exists(path("shards") / "clips" / "ada-talk"));
  ASSERT_EQ(run("shards", {"--shard", "1/2"}).exit_code, 0);
  EXPECT_EQ(text_of(path("shards") / "clips.tsv"), text_of(path("data") / "clips.tsv"));
  const auto wrong = run("none", {"--shard", "3/2"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.errors, HasSubstr("--shard has the argument '3/2'"));
}

TEST_F(Prepare, ItIsTheLayoutTheTrainerReads) {
  const training::ClipsInMemory dataset(path("data"), 32, {"train", /*only_shippable=*/false});
  EXPECT_EQ(dataset.unreadable(), 0);
  std::size_t kept = 0;
  for (const auto& line : manifest("data"))
    if (line.contains("pictures")) kept += line["pictures"]["kept"].get<std::size_t>();
  EXPECT_EQ(dataset.frame_count(), kept);
  EXPECT_THROW(training::ClipsInMemory(path("data"), 32, {}), Error) << "nobody said that it may be shipped";
  for (const auto& clip : dataset.clips())
    for (const auto& frame : clip.frames) EXPECT_TRUE(frame.landmarks.empty());
}

TEST_F(Prepare, AFullOutputIsOneSentence) {
  std::ofstream(path("file")) << "in the way";
  const auto result = run("file");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("cannot write '" + path("file").string()));
}

TEST(FaceSharpness, FallsWithBlurAndNotWithSize) {
  cv::Mat frame(256, 256, CV_8UC3);
  cv::RNG(1).fill(frame, cv::RNG::UNIFORM, 0, 256);
  cv::GaussianBlur(frame, frame, {}, 1.5);
  const auto at = [](const cv::Mat& picture) {
    const float width = static_cast<float>(picture.cols), height = static_cast<float>(picture.rows);
    return face_sharpness(picture, {0.25f * width, 0.25f * height, 0.75f * width, 0.75f * height, 1});
  };
  const double sharp = at(frame);
  double last = sharp;
  for (const double sigma : {1.0, 2.0, 4.0, 8.0}) {
    cv::Mat blurred;
    cv::GaussianBlur(frame, blurred, {}, sigma);
    EXPECT_LT(at(blurred), last) << sigma;
    last = at(blurred);
  }
  EXPECT_LT(last, 0.1 * sharp);
  cv::Mat large;
  cv::resize(frame, large, {}, 2, 2, cv::INTER_CUBIC);
  EXPECT_NEAR(at(large), sharp, 0.35 * sharp);
  EXPECT_EQ(face_sharpness(frame, {-50, -50, -10, -10, 1}), 0);
}

}  // namespace
}  // namespace reenact::tools
