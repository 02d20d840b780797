// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/face_tracker.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <opencv2/imgproc.hpp>
#include <random>
#include <vector>

#include "support/errors.h"

namespace reenact {
namespace {

constexpr double frame_time = 1.0 / 30;

/// A textured background with a textured patch, the "face", anywhere on it.
class Scene {
 public:
  explicit Scene(cv::Size size = {640, 480})
      : background_(texture(size, 9, 1)), face_(texture({120, 150}, 5, 2)) {}

  cv::Mat frame(const FaceBox& box) const {
    cv::Mat picture = background_.clone();
    // Drawn with sub-pixel precision: box edges map onto the patch's edges.
    const double scale_x = face_.cols / double{box.width()}, scale_y = face_.rows / double{box.height()};
    const cv::Matx23d to_face(scale_x, 0, (0.5 - box.left) * scale_x - 0.5, 0, scale_y,
                              (0.5 - box.top) * scale_y - 0.5);
    cv::warpAffine(face_, picture, to_face, picture.size(), cv::INTER_LINEAR | cv::WARP_INVERSE_MAP,
                   cv::BORDER_TRANSPARENT);
    return picture;
  }
  cv::Mat without_face() const { return background_.clone(); }

 private:
  static cv::Mat texture(cv::Size size, double sigma, std::uint64_t seed) {
    cv::Mat picture(size, CV_8UC3);
    cv::RNG(seed).fill(picture, cv::RNG::UNIFORM, 0, 256);
    cv::GaussianBlur(picture, picture, {0, 0}, sigma);
    cv::normalize(picture, picture, 0, 255, cv::NORM_MINMAX);
    return picture;
  }
  cv::Mat background_, face_;
};

FaceBox box_at(double x, double y, double width = 120, double height = 150) {
  return {static_cast<float>(x - width / 2), static_cast<float>(y - height / 2),
          static_cast<float>(x + width / 2), static_cast<float>(y + height / 2), 0.9f};
}

double center_x(const FaceBox& box) {
  return (box.left + box.right) / 2;
}
double center_y(const FaceBox& box) {
  return (box.top + box.bottom) / 2;
}

std::optional<TrackedFace> update(FaceTracker& tracker, const cv::Mat& picture, std::vector<FaceBox> faces,
                                  double time) {
  return tracker.update(picture, faces, time);
}

TrackerOptions without_smoothing(FaceSelect select = FaceSelect::track, int index = 0) {
  return {select, index, 0};
}

TEST(FaceTracker, WithoutSmoothingDetectionsPassUnchanged) {
  const Scene scene;
  FaceTracker tracker(without_smoothing());
  for (int i = 0; i < 5; ++i) {
    const FaceBox box = box_at(200 + 7 * i, 150 + 3 * i, 100 + i, 120 - i);
    const auto state = update(tracker, scene.frame(box), {box}, i * frame_time);
    ASSERT_TRUE(state);
    EXPECT_EQ(state->box.left, box.left);
    EXPECT_EQ(state->box.bottom, box.bottom);
    EXPECT_EQ(state->box.score, box.score);
    EXPECT_EQ(state->track_id, 1u);
    EXPECT_TRUE(state->detected);
  }
}

TEST(FaceTracker, PredictFollowsAMovingFace) {
  const Scene scene;
  FaceTracker tracker(without_smoothing());
  ASSERT_TRUE(update(tracker, scene.frame(box_at(150, 140)), {box_at(150, 140)}, 0));
  for (int i = 1; i <= 30; ++i) {
    const FaceBox truth = box_at(150 + 9.3 * i, 140 + 4.7 * i);
    const auto state = tracker.predict(scene.frame(truth), i * frame_time);
    ASSERT_TRUE(state) << i;
    EXPECT_FALSE(state->detected);
    EXPECT_EQ(state->track_id, 1u);
    EXPECT_NEAR(center_x(state->box), center_x(truth), 1.5) << i;
    EXPECT_NEAR(center_y(state->box), center_y(truth), 1.5) << i;
    EXPECT_NEAR(state->box.width(), 120, 0.5) << i;
  }
}

TEST(FaceTracker, PredictFollowsAFaceThatComesNearer) {
  const Scene scene;
  FaceTracker tracker(without_smoothing());
  ASSERT_TRUE(update(tracker, scene.frame(box_at(300, 220)), {box_at(300, 220)}, 0));
  double scale = 1;
  for (int i = 1; i <= 20; ++i) {
    scale *= 1.015;
    const FaceBox truth = box_at(300 + i, 220, 120 * scale, 150 * scale);
    const auto state = tracker.predict(scene.frame(truth), i * frame_time);
    ASSERT_TRUE(state) << i;
    EXPECT_NEAR(center_x(state->box), center_x(truth), 4) << i;
    EXPECT_NEAR(state->box.width() / truth.width(), 1, 0.06) << i;
  }
}

TEST(FaceTracker, AStillFaceStaysStill) {
  const Scene scene;
  FaceTracker tracker(without_smoothing());
  const FaceBox box = box_at(300, 200);
  ASSERT_TRUE(update(tracker, scene.frame(box), {box}, 0));
  for (int i = 1; i <= 50; ++i) {
    cv::Mat picture = scene.frame(box), noise(picture.size(), CV_16SC3);
    cv::RNG(static_cast<std::uint64_t>(i)).fill(noise, cv::RNG::NORMAL, 0, 4);
    cv::add(picture, noise, picture, {}, CV_8UC3);
    const auto state = tracker.predict(picture, i * frame_time);
    ASSERT_TRUE(state) << i;
    EXPECT_NEAR(state->box.left, box.left, 0.5) << i;
    EXPECT_NEAR(state->box.bottom, box.bottom, 0.5) << i;
  }
}

TEST(FaceTracker, AFaceThatIsGoneIsLost) {
  const Scene scene;
  FaceTracker tracker;
  const FaceBox box = box_at(300, 200);
  EXPECT_FALSE(tracker.predict(scene.frame(box), 0)) << "nothing was followed yet";
  ASSERT_TRUE(update(tracker, scene.frame(box), {box}, 0));
  EXPECT_FALSE(tracker.predict(scene.without_face(), frame_time));
  EXPECT_FALSE(tracker.predict(scene.frame(box), 2 * frame_time)) << "lost stays lost until a detection";
  EXPECT_TRUE(update(tracker, scene.frame(box), {box}, 3 * frame_time));
  EXPECT_TRUE(tracker.predict(scene.frame(box), 4 * frame_time));
  EXPECT_FALSE(update(tracker, scene.without_face(), {}, 5 * frame_time));
  EXPECT_FALSE(tracker.predict(scene.frame(box), 6 * frame_time));
}

TEST(FaceTracker, ACarriedFaceMayChangeItsLook) {
  // One look fades into another, as that of a head does which turns: more than the first look would be found in.
  const Scene scene;
  const FaceBox box = box_at(300, 200);
  const cv::Rect area(240, 125, 120, 150);
  cv::Mat other(area.size(), CV_8UC3);
  cv::RNG(7).fill(other, cv::RNG::UNIFORM, 0, 256);
  cv::GaussianBlur(other, other, {0, 0}, 5);
  cv::normalize(other, other, 0, 255, cv::NORM_MINMAX);
  constexpr int frames = 20;
  const auto followed = [&](bool carry) {
    FaceTracker tracker(without_smoothing());
    EXPECT_TRUE(update(tracker, scene.frame(box), {box}, 0));
    int count = 0;
    for (int i = 1; i <= frames; ++i) {
      cv::Mat picture = scene.frame(box);
      cv::Mat face = picture(area);
      cv::addWeighted(face, 1 - i / double{frames}, other, i / double{frames}, 0, face);
      const auto state =
          carry ? tracker.carry(picture, i * frame_time) : tracker.predict(picture, i * frame_time);
      if (!state) break;
      EXPECT_FALSE(state->detected);
      ++count;
    }
    return count;
  };
  EXPECT_LT(followed(false), frames);
  EXPECT_EQ(followed(true), frames);
}

TEST(FaceTracker, TellsWhereTheFaceWasForASecond) {
  const Scene scene;
  FaceTracker tracker;
  EXPECT_FALSE(tracker.last_box(0));
  const FaceBox box = box_at(300, 200);
  ASSERT_TRUE(update(tracker, scene.frame(box), {box}, 5));
  EXPECT_FALSE(update(tracker, scene.without_face(), {}, 5.5));
  ASSERT_TRUE(tracker.last_box(5.9));
  EXPECT_EQ(tracker.last_box(5.9)->left, box.left);
  EXPECT_FALSE(tracker.last_box(6.1));
  tracker.reset();
  EXPECT_FALSE(tracker.last_box(5.9));
}

TEST(FaceTracker, AFacelessPatternIsNotFollowed) {
  const cv::Mat grey(480, 640, CV_8UC3, cv::Scalar::all(128));
  FaceTracker tracker;
  ASSERT_TRUE(update(tracker, grey, {box_at(300, 200)}, 0));
  EXPECT_FALSE(tracker.predict(grey, frame_time));
}

TEST(FaceTracker, AFaceThatLeavesThePictureEndsInLoss) {
  const Scene scene;
  FaceTracker tracker(without_smoothing());
  ASSERT_TRUE(update(tracker, scene.frame(box_at(500, 200)), {box_at(500, 200)}, 0));
  bool followed = true;
  for (int i = 1; i <= 30; ++i) {
    const auto state = tracker.predict(scene.frame(box_at(500 + 10 * i, 200)), i * frame_time);
    if (state) {
      EXPECT_TRUE(followed) << "found again without a detection";
      EXPECT_LT(center_x(state->box), 640 + 120);
    }
    followed = state.has_value();
  }
  EXPECT_FALSE(followed);
}

TEST(FaceTracker, FacesPartlyOutsideAndTinyPictures) {
  const Scene scene;
  FaceTracker tracker;
  for (const FaceBox& box : {box_at(0, 0), box_at(640, 480), box_at(320, -60), box_at(-500, 200),
                             box_at(320, 240, 900, 900), box_at(320, 240, 4, 4)}) {
    ASSERT_TRUE(update(tracker, scene.frame(box), {box}, 0));
    tracker.predict(scene.frame(box), frame_time);
  }
  for (const cv::Size& size : {cv::Size(1, 1), cv::Size(4096, 16), cv::Size(9, 9)}) {
    const cv::Mat picture(size, CV_8UC3, cv::Scalar::all(7));
    tracker.predict(picture, 1);  // the size changes between frames
    update(tracker, picture, {box_at(4, 4, 8, 8)}, 2);
    tracker.predict(picture, 3);
  }
}

TEST(FaceTracker, DetectionsThatMakeNoSense) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const Scene scene;
  FaceTracker tracker(without_smoothing(FaceSelect::largest));
  const std::vector<FaceBox> senseless = {
      {nan, 0, 10, 10, 1}, {0, 0, inf, 10, 1}, {10, 10, 0, 0, 1}, {5, 5, 5, 5, 1}, {-1e9f, 0, 1e9f, 9, 1}};
  EXPECT_FALSE(update(tracker, scene.without_face(), senseless, 0));
  std::vector<FaceBox> with_one = senseless;
  with_one.push_back(box_at(100, 100));
  const auto state = update(tracker, scene.without_face(), with_one, frame_time);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->box.left, box_at(100, 100).left);
}

TEST(FaceTracker, OtherPicturesAreRefused) {
  FaceTracker tracker;
  const FaceBox box = box_at(5, 5, 4, 4);
  test::expect_error(
      [&] {
        tracker.update(cv::Mat(10, 10, CV_8UC1), {&box, 1}, 0);
      },
      ErrorCode::invalid, {"RGB"});
  test::expect_error([&] { tracker.predict(cv::Mat(10, 10, CV_8UC4), 0); }, ErrorCode::invalid, {"RGB"});
}

class FaceSelection : public ::testing::Test {
 protected:
  /// Left small, middle medium, right large.
  const std::vector<FaceBox> faces_ = {box_at(310, 250, 80, 80), box_at(550, 100, 120, 120),
                                       box_at(80, 300, 50, 50)};
  const Scene scene_;

  double chosen(FaceSelect select, int index = 0) {
    FaceTracker tracker(without_smoothing(select, index));
    const auto state = update(tracker, scene_.without_face(), faces_, 0);
    return state ? center_x(state->box) : -1;
  }
};

TEST_F(FaceSelection, ByRule) {
  EXPECT_EQ(chosen(FaceSelect::largest), 550);
  EXPECT_EQ(chosen(FaceSelect::center), 310);
  EXPECT_EQ(chosen(FaceSelect::track), 550);
  EXPECT_EQ(chosen(FaceSelect::index, 0), 80);
  EXPECT_EQ(chosen(FaceSelect::index, 1), 310);
  EXPECT_EQ(chosen(FaceSelect::index, 2), 550);
  EXPECT_EQ(chosen(FaceSelect::index, 3), -1);
  EXPECT_EQ(chosen(FaceSelect::index, -1), -1);
}

TEST_F(FaceSelection, TrackStaysWithItsFaceAndLargestDoesNot) {
  for (const bool track : {true, false}) {
    FaceTracker tracker(without_smoothing(track ? FaceSelect::track : FaceSelect::largest));
    update(tracker, scene_.without_face(), {box_at(300, 200, 100, 100)}, 0);
    const auto state = update(tracker, scene_.without_face(),
                              {box_at(500, 200, 200, 200), box_at(310, 205, 98, 98)}, frame_time);
    ASSERT_TRUE(state);
    EXPECT_EQ(center_x(state->box), track ? 310 : 500);
    EXPECT_EQ(state->track_id, track ? 1u : 2u);
  }
}

TEST_F(FaceSelection, TrackIdsGrowWithEveryOtherFace) {
  FaceTracker tracker(without_smoothing());
  const cv::Mat picture = scene_.without_face();
  const auto id = [&](const FaceBox& box, double time) {
    return update(tracker, picture, {box}, time)->track_id;
  };
  EXPECT_EQ(id(box_at(100, 100), 0), 1u);
  EXPECT_EQ(id(box_at(120, 110), 0.1), 1u);
  EXPECT_EQ(id(box_at(500, 300), 0.2), 2u);
  EXPECT_FALSE(update(tracker, picture, {}, 0.3));
  EXPECT_EQ(id(box_at(500, 300), 0.4), 2u) << "one missed detection is no other face";
  EXPECT_EQ(id(box_at(500, 300), 30), 3u) << "who comes back after long may be anybody";
  tracker.reset();
  EXPECT_EQ(id(box_at(500, 300), 30.1), 4u);
}

TEST(FaceTrackerSmoothing, SteadiesAJitteringBoxTheMoreTheHigher) {
  const Scene scene;
  const cv::Mat picture = scene.without_face();
  const auto jitter = [&](double smoothing) {
    FaceTracker tracker({FaceSelect::track, 0, smoothing});
    std::mt19937 random(3);
    std::normal_distribution<double> noise(0, 2);
    double sum = 0, squares = 0;
    int count = 0;
    for (int i = 0; i < 300; ++i) {
      const double x = 300 + noise(random);
      const auto state = update(tracker, picture, {box_at(x, 200)}, i * frame_time);
      if (i < 100) continue;
      sum += center_x(state->box);
      squares += center_x(state->box) * center_x(state->box);
      ++count;
    }
    return std::sqrt(squares / count - sum / count * (sum / count));
  };
  const double none = jitter(0), half = jitter(0.5), full = jitter(1);
  EXPECT_NEAR(none, 2, 0.3);
  EXPECT_LT(half, none / 2);
  EXPECT_LT(full, half / 1.5);
}

TEST(FaceTrackerSelection, ADoubtfulLargeBoxDoesNotWinOverASureFace) {
  const Scene scene;
  const cv::Mat picture = scene.without_face();
  FaceBox doubtful = box_at(400, 200, 300, 300);
  doubtful.score = 0.82f;  // against 0.9
  FaceTracker tracker({FaceSelect::track, 0, 0});
  EXPECT_NEAR(center_x(update(tracker, picture, {doubtful, box_at(200, 200)}, 0)->box), 200, 1);
  // Sure enough, the larger one is chosen as ever.
  doubtful.score = 0.88f;
  tracker.reset();
  EXPECT_NEAR(center_x(update(tracker, picture, {doubtful, box_at(200, 200)}, 1)->box), 400, 1);
}

TEST(FaceTrackerSmoothing, LagsLittleBehindAQuickFace) {
  // Half a face side a second: One-Euro's lag in the steady state is v / (2 pi (cutoff + beta v)).
  const Scene scene;
  const cv::Mat picture = scene.without_face();
  FaceTracker tracker({FaceSelect::track, 0, 0.5});
  const double speed = 75;  // pixels a second; the box is 150 high
  double behind = 0;
  for (int i = 0; i < 90; ++i) {
    const double x = 200 + speed * i * frame_time;
    behind = x - center_x(update(tracker, picture, {box_at(x, 200)}, i * frame_time)->box);
  }
  EXPECT_GT(behind, 0);
  EXPECT_LT(behind, 0.03 * 150);
}

TEST(FaceTrackerSmoothing, AnotherFaceIsNotSmearedIntoTheOld) {
  const Scene scene;
  FaceTracker tracker({FaceSelect::largest, 0, 1.0});
  const cv::Mat picture = scene.without_face();
  for (int i = 0; i < 10; ++i) update(tracker, picture, {box_at(100, 100)}, i * frame_time);
  const auto state = update(tracker, picture, {box_at(500, 300)}, 11 * frame_time);
  EXPECT_NEAR(center_x(state->box), 500, 1e-3);
  EXPECT_NEAR(center_y(state->box), 300, 1e-3);
}

}  // namespace
}  // namespace reenact
