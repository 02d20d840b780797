// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/face_finder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgproc.hpp>

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
  };
  explicit ScriptedDetector(Record& record) : record_(record) {}
  std::vector<FaceBox> do_detect(const cv::Mat& rgb, float, float) override {
    ++record_.calls;
    record_.last_size = rgb.size();
    std::vector<FaceBox> faces;
    if (record_.only_in_grey && !is_grey(rgb)) return faces;
    for (const auto& s : record_.shares)
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
    record_.shares = {{0.25f, 0.25f, 0.75f, 0.75f, 0.9f}};
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

TEST_F(FaceFinderTest, LeavesOutBoxesThatAreNone) {
  record_.shares = {{0.5f, 0.5f, 0.5f, 0.9f, 1}, {NAN, 0, 1, 1, 1}};
  EXPECT_FALSE(finder_.find(picture_, 0));
}

}  // namespace
}  // namespace reenact
