// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/face_finder.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <mutex>
#include <opencv2/imgproc.hpp>

#include <thread>

#include "reenact/face_cropper.h"

namespace reenact {
namespace {

/// Finds what it is told, as shares of the picture, and remembers what it was shown.
class ScriptedDetector : public Detector {
 public:
  struct Record {
    int calls = 0;
    cv::Size last_size;
    std::vector<FaceBox> shares;
    bool only_in_grey = false;
    std::mutex held_up;  // a search waits while somebody holds it
  };
  explicit ScriptedDetector(Record& record) : record_(record) {}
  std::vector<FaceBox> do_detect(const cv::Mat& rgb, float score_threshold, float) override {
    const std::lock_guard wait(record_.held_up);
    ++record_.calls;
    record_.last_size = rgb.size();
    std::vector<FaceBox> faces;
    if (record_.only_in_grey && !is_grey(rgb)) return faces;
    for (const auto& s : record_.shares)
      if (s.score > score_threshold)
        faces.push_back(
            {s.left * rgb.cols, s.top * rgb.rows, s.right * rgb.cols, s.bottom * rgb.rows, s.score});
    return faces;
  }
  std::string active_device() const override { return "cpu"; }
  std::string active_engine() const override { return "scripted"; }

 private:
  static bool is_grey(const cv::Mat& rgb) {
    cv::Mat channels[3];
    cv::split(rgb, channels);
    return cv::norm(channels[0], channels[2], cv::NORM_INF) == 0;
  }
  Record& record_;
};

class FaceFinderTest : public testing::Test {
 protected:
  FaceFinderTest() : finder_(std::make_unique<ScriptedDetector>(record_)) {
    record_.shares = {{0.25f, 0.25f, 0.75f, 0.75f, 0.99f}};
    options_.tracker.smoothing = 0;
    finder_.set_options(options_);
    picture_.create(480, 640, CV_8UC3);
    cv::RNG(3).fill(picture_, cv::RNG::UNIFORM, 0, 256);
    cv::GaussianBlur(picture_, picture_, {}, 6);
    cv::normalize(picture_, picture_, 0, 255, cv::NORM_MINMAX);
  }

  ScriptedDetector::Record record_;
  FaceFinder finder_;
  FaceFinder::Options options_;
  cv::Mat picture_;
  double time_ = 0;
};

TEST_F(FaceFinderTest, SearchesAReducedCopyAndTellsPixelsOfThePicture) {
  const auto face = finder_.find(picture_, 0);
  ASSERT_TRUE(face);
  EXPECT_EQ(record_.last_size, cv::Size(320, 240));
  EXPECT_NEAR(face->box.left, 160, 1e-3);
  EXPECT_NEAR(face->box.top, 120, 1e-3);
  EXPECT_NEAR(face->box.right, 480, 1e-3);
  EXPECT_NEAR(face->box.bottom, 360, 1e-3);
}

TEST_F(FaceFinderTest, EnlargesNothing) {
  finder_.find(picture_(cv::Rect(0, 0, 200, 100)), 0);
  EXPECT_EQ(record_.last_size, cv::Size(200, 100));
}

TEST_F(FaceFinderTest, PadsWhatIsTooNarrowForTheNetwork) {
  finder_.find(picture_(cv::Rect(0, 0, 640, 4)), 0);
  EXPECT_EQ(record_.last_size, cv::Size(320, 64));
  finder_.reset();
  finder_.find(picture_(cv::Rect(0, 0, 1, 1)), 0);
  EXPECT_EQ(record_.last_size, cv::Size(64, 64));
}

TEST_F(FaceFinderTest, DetectsEverySoManyFramesWhileAFaceIsFollowed) {
  for (int frame = 0; frame < 11; ++frame) {
    const auto face = finder_.find(picture_, frame / 30.0);
    ASSERT_TRUE(face);
    EXPECT_EQ(face->detected, frame % 5 == 0) << frame;
  }
  EXPECT_EQ(record_.calls, 3);
}

TEST_F(FaceFinderTest, SearchesEveryFrameWhileThereIsNoFace) {
  record_.shares.clear();
  for (int frame = 0; frame < 4; ++frame) EXPECT_FALSE(finder_.find(picture_, frame / 30.0));
  EXPECT_EQ(record_.calls, 8) << "with colours and without";
}

TEST_F(FaceFinderTest, SearchesAtOnceWhenTheFaceIsLostOrForgotten) {
  finder_.find(picture_, 0);
  cv::Mat other(picture_.size(), CV_8UC3, cv::Scalar::all(90));
  finder_.find(other, 1 / 30.0);
  EXPECT_EQ(record_.calls, 2) << "not to be tracked";
  finder_.find(picture_, 2 / 30.0);
  const int before = record_.calls;
  finder_.reset();
  finder_.find(picture_, 3 / 30.0);
  EXPECT_EQ(record_.calls, before + 1) << "forgotten";
}

TEST_F(FaceFinderTest, LooksAgainWithoutColoursWhenNothingWasFound) {
  record_.only_in_grey = true;
  const auto faces = finder_.search(picture_);
  ASSERT_EQ(faces.size(), 1u);
  EXPECT_NEAR(faces[0].left, 160, 1e-3);
  EXPECT_EQ(record_.calls, 2);
}

TEST_F(FaceFinderTest, ADoubtfulFaceIsKeptAndNotTakenUp) {
  const auto face_of = [&](float score) {
    record_.shares[0].score = score;
    return finder_.find(picture_, time_ += 1 / 6.0);
  };
  options_.detect_interval = 1;
  options_.longest_carry = 0;
  finder_.set_options(options_);
  EXPECT_FALSE(face_of(0.6f)) << "not sure enough for a new face";
  ASSERT_TRUE(face_of(0.98f));
  for (int i = 0; i < 12; ++i) {
    const auto face = face_of(0.5f);
    ASSERT_TRUE(face) << i;
    EXPECT_TRUE(face->detected);
    EXPECT_EQ(face->track_id, 1u);
  }
  EXPECT_FALSE(face_of(0.3f)) << "below the share";
  EXPECT_TRUE(face_of(0.5f)) << "where it was, less than a second later";
}

TEST_F(FaceFinderTest, DoubtLastsNoLongerThanItMay) {
  options_.detect_interval = 1;
  options_.longest_carry = 0;
  options_.longest_doubt = 1;
  finder_.set_options(options_);
  ASSERT_TRUE(finder_.find(picture_, 0));
  record_.shares[0].score = 0.5f;
  EXPECT_TRUE(finder_.find(picture_, 0.9));
  EXPECT_FALSE(finder_.find(picture_, 1.1));
}

TEST_F(FaceFinderTest, ADoubtfulFaceElsewhereIsNoFace) {
  options_.detect_interval = 1;
  options_.longest_carry = 0;
  finder_.set_options(options_);
  ASSERT_TRUE(finder_.find(picture_, 0));
  record_.shares = {{0, 0, 0.2f, 0.2f, 0.6f}};
  EXPECT_FALSE(finder_.find(picture_, 1 / 30.0));
}

TEST_F(FaceFinderTest, ASureFaceElsewhereDoesNotTakeThePlaceOfOneThatTurnsAway) {
  options_.detect_interval = 1;
  finder_.set_options(options_);
  ASSERT_TRUE(finder_.find(picture_, 0));
  record_.shares[0].score = 0.5f;
  record_.shares.push_back({0.8f, 0.1f, 0.95f, 0.3f, 0.99f});
  for (const double seconds : {0.5, 1.0, 1.5})
    EXPECT_NEAR(finder_.find(picture_, seconds)->box.left, 160, 1) << seconds;
  EXPECT_NEAR(finder_.find(picture_, 2.4)->box.left, 0.8 * 640, 1) << "it has been away for long";
}

TEST_F(FaceFinderTest, IsFollowedByItsLookWhileTheDetectorMissesItForTwoSeconds) {
  const auto moved = [&](int frame) {
    cv::Mat picture;
    cv::warpAffine(picture_, picture, cv::Matx23d(1, 0, 0.8 * frame, 0, 1, 0), picture_.size(),
                   cv::INTER_LINEAR, cv::BORDER_REFLECT);
    return picture;
  };
  ASSERT_TRUE(finder_.find(moved(0), 0));
  record_.shares.clear();
  int frame = 1;
  for (; frame < 60; ++frame) {
    const auto face = finder_.find(moved(frame), frame / 30.0);
    ASSERT_TRUE(face) << frame;
    EXPECT_FALSE(face->detected);
    EXPECT_EQ(face->track_id, 1u);
    EXPECT_NEAR(face->box.left, 160 + 0.8 * frame, 4) << frame;
  }
  bool followed = true;
  for (; frame < 75; ++frame) followed = finder_.find(moved(frame), frame / 30.0).has_value();
  EXPECT_FALSE(followed) << "nobody has seen it for more than two seconds";
}

/// Searched on another thread, which the test holds up and lets go.
class FaceFinderInBackgroundTest : public FaceFinderTest {
 protected:
  FaceFinderInBackgroundTest() {
    options_.in_background = true;
    finder_.set_options(options_);
  }
  /// The picture moved to the right, `record_` being told where the face is now.
  cv::Mat moved(double right) {
    cv::Mat picture;
    cv::warpAffine(picture_, picture, cv::Matx23d(1, 0, right, 0, 1, 0), picture_.size(), cv::INTER_LINEAR,
                   cv::BORDER_REFLECT);
    return picture;
  }
  std::optional<TrackedFace> find(const cv::Mat& picture) { return finder_.find(picture, frame_++ / 30.0); }
  /// Frames up to the one that begins a search.
  void begin_search() {
    for (int i = 0; i < options_.detect_interval + 1; ++i) ASSERT_TRUE(find(picture_));
  }
  void wait_for_calls(int calls) {
    for (int i = 0; i < 5000; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const std::lock_guard lock(record_.held_up);
      if (record_.calls >= calls) break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // what follows the detector
  }
  int frame_ = 0;
};

TEST_F(FaceFinderInBackgroundTest, FramesDoNotWaitAndUseWhatWasFoundAsTheFaceHasMovedSince) {
  std::unique_lock hold(record_.held_up, std::defer_lock);
  ASSERT_TRUE(find(picture_));
  EXPECT_EQ(record_.calls, 1) << "the first face is waited for";
  for (int i = 1; i < options_.detect_interval; ++i) EXPECT_FALSE(find(picture_)->detected);
  hold.lock();
  EXPECT_FALSE(find(picture_)->detected) << "the search has begun";
  for (const double right : {2, 4, 6, 8}) {
    const auto face = find(moved(right));
    ASSERT_TRUE(face) << "a frame waits";
    EXPECT_FALSE(face->detected);
    EXPECT_NEAR(face->box.left, 160 + right, 2);
  }
  record_.shares[0].left -= 8 / 640.f;  // the detector sees a wider face than the one before
  hold.unlock();
  wait_for_calls(2);
  const auto face = find(moved(10));
  ASSERT_TRUE(face);
  EXPECT_TRUE(face->detected);
  EXPECT_EQ(face->track_id, 1u);
  EXPECT_NEAR(face->box.left, 160 - 8 + 10, 2);
  EXPECT_NEAR(face->box.right, 480 + 10, 2);
  EXPECT_EQ(record_.calls, 2);
}

TEST_F(FaceFinderInBackgroundTest, ALostFaceIsSearchedInTheFrameItself) {
  begin_search();
  wait_for_calls(2);
  record_.shares = {{0.1f, 0.1f, 0.4f, 0.5f, 0.99f}};
  const auto face = find(cv::Mat(picture_.size(), CV_8UC3, cv::Scalar::all(90)));
  ASSERT_TRUE(face);
  EXPECT_TRUE(face->detected) << "what was found before is of another frame";
  EXPECT_EQ(face->track_id, 2u);
  EXPECT_NEAR(face->box.left, 64, 1e-3);
  record_.shares.clear();
  EXPECT_FALSE(find(picture_)) << "nothing is followed that nobody found";
}

TEST_F(FaceFinderInBackgroundTest, AnotherFaceIsSearchedInTheFrameItself) {
  ASSERT_TRUE(find(picture_));
  record_.shares = {{0.0f, 0.0f, 0.2f, 0.2f, 0.99f}};
  for (int i = 0; i < options_.detect_interval; ++i) ASSERT_TRUE(find(picture_));
  wait_for_calls(2);
  // What the frame itself shows counts, not where the other one was meanwhile.
  record_.shares = {{0.0f, 0.0f, 0.25f, 0.25f, 0.99f}};
  const auto face = find(picture_);
  ASSERT_TRUE(face);
  EXPECT_TRUE(face->detected);
  EXPECT_EQ(face->track_id, 2u);
  EXPECT_NEAR(face->box.right, 160, 1e-3);
  EXPECT_EQ(record_.calls, 3);
}

TEST_F(FaceFinderInBackgroundTest, IsFollowedByItsLookForTwoSecondsWhenMissed) {
  ASSERT_TRUE(find(picture_));
  record_.shares.clear();
  int followed = 1;
  for (; followed < 120 && find(picture_); ++followed) wait_for_calls(0);
  EXPECT_GE(followed, 60);
  EXPECT_LE(followed, 60 + 2 * options_.detect_interval);
}

TEST_F(FaceFinderInBackgroundTest, ForgettingTheFaceForgetsTheSearch) {
  begin_search();
  wait_for_calls(2);
  finder_.reset();
  record_.shares.clear();
  EXPECT_FALSE(find(picture_));
  FaceFinder other = std::move(finder_);
  finder_ = std::move(other);
  EXPECT_FALSE(find(picture_));
}

TEST_F(FaceFinderTest, PicturesThatHaveNothingToDoWithEachOtherKeepNothing) {
  options_ = FaceCropperOptions().finder;
  finder_.set_options(options_);
  ASSERT_TRUE(finder_.find(picture_, 0));
  record_.shares[0].score = 0.9f;
  EXPECT_FALSE(finder_.find(picture_, 0));
  record_.shares.clear();
  EXPECT_FALSE(finder_.find(picture_, 0));
}

TEST_F(FaceFinderTest, LeavesOutBoxesThatAreNone) {
  record_.shares = {{0.5f, 0.5f, 0.5f, 0.9f, 1}, {NAN, 0, 1, 1, 1}};
  EXPECT_FALSE(finder_.find(picture_, 0));
}

}  // namespace
}  // namespace reenact
