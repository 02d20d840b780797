// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading and writing of pictures, clips and pose tracks by the commands.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "offline/picture_sink.h"
#include "offline/picture_source.h"
#include "reenact/model_file.h"
#include "reenact/pose_track.h"
#include "reenact/safetensors.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace reenact::training {
namespace {

using test::expect_error;

class Pictures : public testing::Test {
 protected:
  /// A picture whose grey level tells its number.
  static cv::Mat numbered(int number) { return cv::Mat(48, 64, CV_8UC3, cv::Scalar::all(20 * number + 10)); }
  void write_all(PictureSink& sink, int count) {
    for (int i = 0; i < count; ++i) sink.add(numbered(i), i * 40'000'000);
    sink.finish();
  }
  static int number_of(const cv::Mat& rgb) {
    return static_cast<int>(std::round((cv::mean(rgb)[0] - 10) / 20));
  }
  test::TemporaryFolder folder_;
};

TEST_F(Pictures, ClipsComeBackInOrderAtTheirRate) {
  for (const char* name : {"clip.mp4", "clip.avi"}) {
    const auto path = folder_ / name;
    auto sink = open_sink(path, 12.5);
    sink->add(numbered(0), 0);
    EXPECT_FALSE(std::filesystem::exists(path)) << "half a clip never bears the name";
    for (int i = 1; i < 10; ++i) sink->add(numbered(i), i * 80'000'000);
    sink->finish();
    PictureSource source(path);
    EXPECT_NEAR(source.frame_rate(), 12.5, 1e-3);
    EXPECT_EQ(source.count(), 10);
    int count = 0;
    while (const auto picture = source.next()) {
      EXPECT_EQ(number_of(picture->rgb), count) << name;
      EXPECT_EQ(picture->timestamp, count * 80'000'000);
      ++count;
    }
    EXPECT_EQ(count, 10) << name;
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 2)
      << "no temporary file stays";
}

TEST_F(Pictures, AnAbandonedClipLeavesNothing) {
  {
    auto sink = open_sink(folder_ / "clip.avi", 25);
    sink->add(numbered(1), 0);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(Pictures, FoldersComeBackInOrder) {
  auto sink = open_sink(folder_ / "pictures", 25);
  write_all(*sink, 12);
  std::ofstream(folder_ / "pictures/notes.txt") << "not a picture";
  PictureSource source(folder_ / "pictures");
  EXPECT_EQ(source.count(), 12);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(number_of(source.next()->rgb), i);
  EXPECT_FALSE(source.next());
}

TEST_F(Pictures, AStripHoldsThemSideBySide) {
  auto sink = open_sink(folder_ / "strip.PNG", 25);
  write_all(*sink, 3);
  const cv::Mat strip = read_rgb(folder_ / "strip.PNG");
  ASSERT_EQ(strip.size(), cv::Size(3 * 64, 48));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(number_of(strip.colRange(64 * i, 64 * i + 64)), i);
}

TEST_F(Pictures, ColoursAreRgb) {
  auto sink = open_sink(folder_ / "pictures", 25);
  sink->add(cv::Mat(8, 8, CV_8UC3, cv::Scalar(200, 100, 0)), 0);
  EXPECT_EQ(cv::imread(folder_ / "pictures/000000.png").at<cv::Vec3b>(0, 0), cv::Vec3b(0, 100, 200));
  EXPECT_EQ(PictureSource(folder_ / "pictures").next()->rgb.at<cv::Vec3b>(0, 0), cv::Vec3b(200, 100, 0));
}

TEST_F(Pictures, TransparencyIsKeptWhereTheFormatHasIt) {
  const cv::Mat rgba(8, 8, CV_8UC4, cv::Scalar(200, 100, 0, 50));
  open_sink(folder_ / "pictures", 25)->add(rgba, 0);
  EXPECT_EQ(cv::imread(folder_ / "pictures/000000.png", cv::IMREAD_UNCHANGED).at<cv::Vec4b>(0, 0),
            cv::Vec4b(0, 100, 200, 50));
  expect_error([&] { open_sink(folder_ / "clip.mp4", 25)->add(rgba, 0); }, ErrorCode::invalid,
               {"clip.mp4", "transparency"});
}

TEST_F(Pictures, SpreadTakesThemEvenly) {
  write_all(*open_sink(folder_ / "pictures", 25), 12);
  std::vector<int> numbers;
  std::vector<std::int64_t> places;
  for (const auto& rgb : spread_pictures(folder_ / "pictures", 4, &places)) numbers.push_back(number_of(rgb));
  EXPECT_EQ(numbers, (std::vector<int>{1, 4, 7, 10}));
  EXPECT_EQ(places, (std::vector<std::int64_t>{1, 4, 7, 10}));
  EXPECT_EQ(spread_pictures(folder_ / "pictures", 100).size(), 12u);
  EXPECT_EQ(spread_pictures(folder_ / "pictures/000003.png", 4).size(), 1u);
}

TEST_F(Pictures, RefusesWhatIsNoPicture) {
  expect_error([&] { PictureSource(folder_ / "absent.mp4"); }, ErrorCode::not_found, {"absent.mp4"});
  expect_error([&] { PictureSource(folder_.path()); }, ErrorCode::not_found, {"holds no pictures"});
  std::ofstream(folder_ / "clip.mp4") << "no clip";
  expect_error([&] { PictureSource(folder_ / "clip.mp4"); }, ErrorCode::unreadable, {"clip.mp4"});
  write_all(*open_sink(folder_ / "pictures", 25), 1);
  std::filesystem::resize_file(folder_ / "pictures/000000.png", 40);
  PictureSource damaged(folder_ / "pictures");
  expect_error([&] { damaged.next(); }, ErrorCode::unreadable, {"000000.png"});
}

class PoseTracks : public Pictures {
 protected:
  std::filesystem::path write(const std::vector<float>& poses, std::vector<std::int64_t> shape,
                              const std::vector<std::int64_t>& timestamps) {
    ModelInfo info;
    info.kind = ModelKind::pose_track;
    write_safetensors(folder_ / "track.safetensors",
                      {{"poses", {DataType::f32, shape, std::as_bytes(std::span(poses))}},
                       {"timestamps",
                        {DataType::i64,
                         {static_cast<std::int64_t>(timestamps.size())},
                         std::as_bytes(std::span(timestamps))}}},
                      to_metadata(info));
    return folder_ / "track.safetensors";
  }
};

TEST_F(PoseTracks, ComeBackTheSame) {
  PoseTrack track;
  track.poses = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}};
  track.timestamps = {0, 40'000'000, 80'000'000};
  track.licence = "CC0-1.0";
  track.provenance = JsonObject(R"({"driver":"clip.mp4"})");
  save_pose_track(folder_ / "track.safetensors", track);
  const auto again = load_pose_track(folder_ / "track.safetensors");
  EXPECT_EQ(again.poses, track.poses);
  EXPECT_EQ(again.timestamps, track.timestamps);
  EXPECT_EQ(again.licence, track.licence);
  EXPECT_EQ(again.provenance, track.provenance);
  EXPECT_NEAR(again.frame_rate(), 25, 1e-9);
}

TEST_F(PoseTracks, KeepTimesOfAVariableRateAndWhereTheFaceLay) {
  PoseTrack track;
  track.poses = {{1}, {2}, {3}};
  track.timestamps = {1'000'000'007, 1'000'000'007, 7'200'000'000'001};
  track.placements = {{{-5, 3, 90, 90}, {640, 360}, true},
                      {{-5, 3, 90, 90}, {640, 360}, false},
                      {{7, -8, 100, 100}, {360, 640}, true}};
  save_pose_track(folder_ / "track.safetensors", track);
  const auto again = load_pose_track(folder_ / "track.safetensors");
  EXPECT_EQ(again.timestamps, track.timestamps);
  EXPECT_EQ(again.placements, track.placements);
}

TEST_F(PoseTracks, OfTheFormerFormatHaveNoPlacements) {
  EXPECT_TRUE(load_pose_track(write({1, 2}, {2, 1}, {0, 1})).placements.empty());
}

TEST_F(PoseTracks, RefusePlacementsThatDoNotFit) {
  using Tensors = std::map<std::string, TensorView>;
  const std::vector<float> poses = {1, 2};
  const std::vector<std::int64_t> times = {0, 1};
  const std::vector<std::int32_t> crops = {0, 0, 9, 9, 0, 0, 9, 0}, sizes = {9, 9, 9, 9};
  const std::vector<std::uint8_t> found = {1, 1};
  const Tensors whole = {{"poses", {DataType::f32, {2, 1}, std::as_bytes(std::span(poses))}},
                         {"timestamps", {DataType::i64, {2}, std::as_bytes(std::span(times))}},
                         {"crops", {DataType::i32, {2, 4}, std::as_bytes(std::span(crops))}},
                         {"frame_sizes", {DataType::i32, {2, 2}, std::as_bytes(std::span(sizes))}},
                         {"found", {DataType::boolean, {2}, std::as_bytes(std::span(found))}}};
  ModelInfo info;
  info.kind = ModelKind::pose_track;
  const auto expect_refused = [&](const Tensors& tensors, const std::string& sentence) {
    write_safetensors(folder_ / "track.safetensors", tensors, to_metadata(info));
    expect_error([&] { load_pose_track(folder_ / "track.safetensors"); }, ErrorCode::wrong_kind,
                 {"track.safetensors", sentence});
  };
  expect_refused(whole, "without pixels");
  Tensors partial = whole;
  partial.erase("found");
  expect_refused(partial, "only some");
  Tensors reshaped = whole;
  reshaped["frame_sizes"].shape = {4, 1};
  expect_refused(reshaped, "another shape");
}

TEST_F(PoseTracks, AreNotWrittenWhenTheirPartsDoNotFit) {
  PoseTrack track;
  track.poses = {{1, 2}, {3}};
  track.timestamps = {0};
  const auto save = [&] { save_pose_track(folder_ / "track.safetensors", track); };
  expect_error(save, ErrorCode::invalid, {"number of times"});
  track.timestamps = {0, 1};
  expect_error(save, ErrorCode::invalid, {"different lengths"});
  track.poses[1] = {3, 4};
  track.placements = {{{0, 0, 9, 9}, {9, 9}, true}};
  expect_error(save, ErrorCode::invalid, {"placements"});
  track.placements.clear();
  save();
  EXPECT_EQ(load_pose_track(folder_ / "track.safetensors").poses, track.poses);
}

TEST_F(PoseTracks, RefusesThoseThatMakeNoSense) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(load_pose_track(write({1, 2, 3, 4}, {2, 2}, {0, 1})).poses.size(), 2u);
  expect_error(
      [&] {
        load_pose_track(write({1, 2, 3, 4}, {4}, {0, 1}));
      },
      ErrorCode::wrong_kind, {"poses [N, d_p]"});
  expect_error(
      [&] {
        load_pose_track(write({1, 2, 3, 4}, {2, 2}, {0}));
      },
      ErrorCode::wrong_kind, {"timestamps"});
  expect_error([&] { load_pose_track(write({}, {0, 2}, {})); }, ErrorCode::wrong_kind, {"at least one pose"});
  expect_error(
      [&] {
        load_pose_track(write({1, infinity}, {1, 2}, {0}));
      },
      ErrorCode::wrong_kind, {"not finite"});
  expect_error([&] { load_pose_track(write({1, 2}, {2, 1}, {5, 4})); }, ErrorCode::wrong_kind, {"go back"});
  expect_error([&] { save_pose_track(folder_ / "empty.safetensors", {}); }, ErrorCode::invalid, {"empty"});
}

}  // namespace
}  // namespace reenact::training
