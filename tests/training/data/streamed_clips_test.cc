// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/streamed_clips.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "reenact/error.h"
#include "support/small_face_dataset.h"
#include "training/reenactor/reenactor_sampler.h"
#include "training/run/random_state.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

/// The drawn clip of split train under seven names, the fifth of which cannot be decoded, and two stills.
class StreamedClipsTest : public testing::Test {
 protected:
  static constexpr int clip_count = 7, broken = 4;

  static void SetUpTestSuite() {
    spdlog::set_level(spdlog::level::err);
    folder_ = fs::temp_directory_path() / ("reenact-streamed-" + std::to_string(::getpid()));
    test::write_small_face_dataset(folder_);
    std::ofstream table(folder_ / "clips.tsv", std::ios::app);
    for (int i = 1; i < clip_count; ++i) {
      const auto id = "copy" + std::to_string(i);
      fs::copy(folder_ / "clips" / "c0", folder_ / "clips" / id, fs::copy_options::recursive);
      table << id << "\tp0\ttrain\tyes\t12\t72\t1.8\tdrawn\tCC0\tCC0\n";
    }
    fs::resize_file(folder_ / "clips" / ("copy" + std::to_string(broken)) / "rgb.mp4", 100);
  }
  static void TearDownTestSuite() {
    spdlog::set_level(spdlog::level::info);
    fs::remove_all(folder_);
  }

  static std::vector<std::size_t> moving(StreamedClips& clips, std::int64_t step) {
    auto indices = clips.available(step);
    std::erase_if(indices, [&](std::size_t index) { return clips.entries()[index].still; });
    return indices;
  }

  static fs::path folder_;
};
fs::path StreamedClipsTest::folder_;

TEST_F(StreamedClipsTest, ShowsEachClipOnceInAPass) {
  StreamedClips clips(folder_, 32, {}, {1, 1, 2, 5});
  EXPECT_EQ(clips.entries().size(), std::size_t{clip_count + 2});
  std::vector<std::size_t> first, second;
  for (int step = 0; step < 2 * clip_count; ++step)
    for (const auto index : moving(clips, step)) (step < clip_count ? first : second).push_back(index);
  EXPECT_EQ(first.size(), std::size_t{clip_count - 1}) << "all but the one that cannot be decoded";
  EXPECT_EQ(std::set(first.begin(), first.end()).size(), first.size()) << "none twice";
  EXPECT_EQ(std::set(first.begin(), first.end()), std::set(second.begin(), second.end()));
  EXPECT_NE(first, second) << "shuffled anew";
}

TEST_F(StreamedClipsTest, AStepSeesTheSameClipsHoweverItIsReached) {
  StreamedClips walked(folder_, 32, {}, {3, 2, 2, 9}), jumped(folder_, 32, {}, {3, 2, 1, 9}),
      other(folder_, 32, {}, {3, 2, 2, 10});
  bool differs = false;
  for (int step = 0; step <= 20; ++step) {
    const auto seen = walked.available(step);
    if (step % 10 == 0) {
      EXPECT_EQ(jumped.available(step), seen) << "step " << step;
    }
    differs = differs || other.available(step) != seen;
  }
  EXPECT_TRUE(differs) << "another seed, another order";
}

TEST_F(StreamedClipsTest, GivesTheFramesThatAreHeldInMemoryOtherwise) {
  StreamedClips streamed(folder_, 32, {}, {2, 1, 2, 1});
  HeadClipReader reader(folder_, 32, {});
  for (const auto index : streamed.available(3)) {
    const auto held = streamed.clip(index), read = reader.read(reader.entries()[index]);
    ASSERT_TRUE(held && read);
    EXPECT_EQ(held, streamed.clip(index)) << "decoded once";
    ASSERT_EQ(held->frames.size(), read->frames.size());
    EXPECT_EQ(cv::norm(held->frames.back().rgb, read->frames.back().rgb, cv::NORM_INF), 0);
    EXPECT_EQ(held->frames.back().landmarks, read->frames.back().landmarks);
  }
}

TEST_F(StreamedClipsTest, DrawsBatchesFromTheClipsInMemory) {
  StreamedClips clips(folder_, 32, {}, {2, 1, 2, 1});
  ReenactorTrainingConfig config;
  config.networks.image_size = config.networks.pose_input_size = 32;
  config.data.still_share = 0;
  const ReenactorSampler sampler(clips, config);
  EXPECT_EQ(sampler.label_count(), clip_count + 2);
  Random random(3);
  for (int step = 0; step < 10; ++step) {
    const auto expected = moving(clips, step);
    if (expected.empty()) continue;
    const auto labels = sampler.draw(8, random, 0, 1, step).labels;
    for (int i = 0; i < 8; ++i)
      EXPECT_NE(std::find(expected.begin(), expected.end(), labels[i].item<std::int64_t>()), expected.end());
  }
}

TEST_F(StreamedClipsTest, RefusesAFolderWithoutClips) {
  const DatasetFilter filter{"nobody", true, false};
  EXPECT_THROW(StreamedClips(folder_, 32, filter, {}), Error);
}

}  // namespace
}  // namespace reenact::training
