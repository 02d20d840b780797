// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/scene_composer.h"

#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "reenact/error.h"
#include "reenact/s3fd_postprocess.h"

namespace reenact::training {
namespace {

const cv::Scalar face_colour(250, 10, 10);

/// A grey picture with one face: a red rectangle that fills its box.
FacePicture red_face_picture() {
  FacePicture picture;
  picture.rgb = cv::Mat(200, 300, CV_8UC3, cv::Scalar(90, 110, 100));
  const cv::Rect box(120, 40, 60, 80);
  cv::rectangle(picture.rgb, box, face_colour, cv::FILLED);
  picture.faces = {{120, 40, 180, 120, 1}};
  return picture;
}

FacePicture empty_picture() {
  FacePicture picture;
  picture.rgb = cv::Mat(100, 100, CV_8UC3, cv::Scalar(20, 200, 160));
  return picture;
}

/// A head whose mask is exactly its red face.
std::vector<HeadCutout> red_heads() {
  HeadCutout head{cv::Mat(256, 256, CV_8UC3, cv::Scalar(90, 110, 100)),
                  cv::Mat(256, 256, CV_8UC1, cv::Scalar(0)),
                  {77, 63, 179, 179, 1},
                  "a"};
  const cv::Rect box(cv::Point(77, 63), cv::Point(179, 179));
  cv::rectangle(head.rgb, box, face_colour, cv::FILLED);
  cv::rectangle(head.mask, box, cv::Scalar(255), cv::FILLED);
  return {head};
}

SceneOptions plain_options() {
  SceneOptions options;
  options.degradation = {0, 0, 0, 0, 0};
  options.light = {0, 0, 0, 0};
  options.occlusion.probability = 0;
  options.texture = options.turn = options.rotation = 0;
  options.photographs = options.portraits = options.collages = options.faceless = options.empty = 0;
  return options;
}

/// Bounding box of the red pixels.
cv::Rect red_area(const cv::Mat& rgb) {
  cv::Mat red;
  cv::inRange(rgb, cv::Scalar(200, 0, 0), cv::Scalar(255, 60, 60), red);
  return cv::boundingRect(red);
}

/// In nine of ten scenes the box lies on the red face; in the others the random fill around it may be red as
/// well.
void expect_boxes_on_red(const SceneOptions& options, double least_overlap) {
  const std::vector<FacePicture> pictures = {red_face_picture(), empty_picture()};
  const auto heads = red_heads();
  const SceneComposer composer(pictures, heads, options);
  std::mt19937_64 random(7);
  int compared = 0, good = 0;
  for (int i = 0; i < 120; ++i) {
    const auto scene = composer.draw(160, random);
    ASSERT_EQ(scene.rgb.size(), cv::Size(160, 160));
    if (scene.faces.size() != 1 || scene.faces[0].width() < 20) continue;
    const auto area = red_area(scene.rgb);
    const FaceBox red{static_cast<float>(area.x), static_cast<float>(area.y), static_cast<float>(area.br().x),
                      static_cast<float>(area.br().y), 1};
    good += intersection_over_union(red, scene.faces[0]) > least_overlap;
    ++compared;
  }
  EXPECT_GT(compared, 40);
  EXPECT_GE(good, 0.9 * compared);
}

TEST(SceneComposer, BoxesOfPhotographsLieOnTheFace) {
  auto options = plain_options();
  options.photographs = 1;
  expect_boxes_on_red(options, 0.85);
}

TEST(SceneComposer, BoxesOfPortraitsLieOnTheFace) {
  auto options = plain_options();
  options.portraits = 1;
  expect_boxes_on_red(options, 0.8);
}

TEST(SceneComposer, BoxesOfCollagesLieOnThePastedHead) {
  auto options = plain_options();
  options.collages = 1;
  options.most_heads = 1;
  expect_boxes_on_red(options, 0.85);
}

TEST(SceneComposer, BoxesOfRotatedHeadsAreTheEllipsesAroundThem) {
  auto options = plain_options();
  options.collages = 1;
  options.most_heads = 1;
  options.rotation = 45;
  // The red faces have corners, which stick out of the ellipse's box.
  expect_boxes_on_red(options, 0.45);
}

TEST(SceneComposer, BoxesStayInsideThePicture) {
  SceneOptions options;
  options.turn = options.light.shade = options.occlusion.probability = 0.5;
  const std::vector<FacePicture> pictures = {red_face_picture(), empty_picture()};
  auto heads = red_heads();
  heads[0].yaw = 30;
  heads[0].nose_tip = {128, 130};
  const SceneComposer composer(pictures, heads, options);
  std::mt19937_64 random(5);
  int faces = 0;
  for (int i = 0; i < 200; ++i) {
    const auto scene = composer.draw(128, random);
    for (const auto* boxes : {&scene.faces, &scene.ignored}) {
      for (const auto& box : *boxes) {
        EXPECT_GE(box.left, 0);
        EXPECT_GE(box.top, 0);
        EXPECT_LE(box.right, 128);
        EXPECT_LE(box.bottom, 128);
        EXPECT_GT(box.width(), 0);
        EXPECT_GT(box.height(), 0);
        ++faces;
      }
    }
  }
  EXPECT_GT(faces, 100);
}

TEST(SceneComposer, FacesThatLightHasWipedOutAreUnsure) {
  auto options = plain_options();
  options.photographs = 1;
  options.light.exposure = 1;
  const std::vector<FacePicture> pictures = {red_face_picture(), empty_picture()};
  const auto heads = red_heads();
  const SceneComposer composer(pictures, heads, options);
  std::mt19937_64 random(5);
  int unsure = 0;
  for (int i = 0; i < 30; ++i) {
    const auto scene = composer.draw(128, random);
    unsure += static_cast<int>(scene.ignored.size());
    for (const auto& face : scene.faces) {
      // What is left of a plain face is its edge.
      const cv::Rect middle(cv::Point(static_cast<int>(face.left), static_cast<int>(face.top)),
                            cv::Point(static_cast<int>(face.right), static_cast<int>(face.bottom)));
      cv::Mat grey, mean, deviation;
      cv::cvtColor(scene.rgb(middle & cv::Rect(0, 0, 128, 128)), grey, cv::COLOR_RGB2GRAY);
      cv::meanStdDev(grey, mean, deviation);
      EXPECT_GE(deviation.at<double>(0), 4.9);
    }
  }
  EXPECT_GT(unsure, 15);
}

TEST(SceneComposer, TurnedHeadsAreDrawnAsOftenAsWanted) {
  auto options = plain_options();
  options.collages = 1;
  options.most_heads = 1;
  options.turned_share = 1;
  const std::vector<FacePicture> pictures = {red_face_picture(), empty_picture()};
  auto heads = red_heads();
  for (int i = 0; i < 9; ++i) heads.push_back(heads[0]);
  // Of ten heads only the blue one is turned.
  heads[4].rgb = cv::Mat(256, 256, CV_8UC3, cv::Scalar(10, 10, 250));
  heads[4].yaw = -40;
  const SceneComposer composer(pictures, heads, options);
  std::mt19937_64 random(5);
  for (int i = 0; i < 30; ++i) {
    const auto scene = composer.draw(128, random);
    if (scene.faces.empty() || scene.faces[0].width() < 20) continue;
    const auto& face = scene.faces[0];
    const auto middle = scene.rgb.at<cv::Vec3b>(static_cast<int>((face.top + face.bottom) / 2),
                                                static_cast<int>((face.left + face.right) / 2));
    EXPECT_GT(middle[2], 200);
    EXPECT_LT(middle[0], 60);
  }
}

TEST(SceneComposer, NothingOfTheFaceIsLeftInFacelessScenes) {
  auto options = plain_options();
  options.faceless = 1;
  const std::vector<FacePicture> pictures = {red_face_picture(), empty_picture()};
  const auto heads = red_heads();
  const SceneComposer composer(pictures, heads, options);
  std::mt19937_64 random(3);
  int red = 0;
  for (int i = 0; i < 40; ++i) {
    const auto scene = composer.draw(96, random);
    EXPECT_TRUE(scene.faces.empty());
    EXPECT_TRUE(scene.ignored.empty());
    cv::Mat left;
    cv::inRange(scene.rgb, cv::Scalar(240, 0, 0), cv::Scalar(255, 20, 20), left);
    red += cv::countNonZero(left) > 96 * 96 / 20;
  }
  // The corners of the red box may stay, as hair and shoulders do, and a background may be red by chance.
  EXPECT_LE(red, 12);
}

TEST(SceneComposer, EmptyScenesHaveNoFace) {
  auto options = plain_options();
  options.empty = 1;
  const std::vector<FacePicture> pictures = {red_face_picture(), empty_picture()};
  const auto heads = red_heads();
  const SceneComposer composer(pictures, heads, options);
  std::mt19937_64 random(3);
  for (int i = 0; i < 20; ++i) {
    const auto scene = composer.draw(96, random);
    EXPECT_TRUE(scene.faces.empty());
    EXPECT_TRUE(scene.ignored.empty());
  }
}

TEST(SceneComposer, SameRandomStateSameScene) {
  auto options = plain_options();
  options.photographs = options.collages = options.portraits = options.faceless = options.empty = 1;
  options.degradation = DegradationOptions{};
  options.light = LightOptions{};
  options.occlusion.probability = options.turn = options.texture = 0.5;
  const std::vector<FacePicture> pictures = {red_face_picture(), empty_picture()};
  auto heads = red_heads();
  heads[0].yaw = 5;
  heads[0].nose_tip = {128, 130};
  const SceneComposer composer(pictures, heads, options);
  std::mt19937_64 first(11), second(11), third(12);
  bool differs = false;
  for (int i = 0; i < 20; ++i) {
    const auto a = composer.draw(128, first), b = composer.draw(128, second), c = composer.draw(128, third);
    EXPECT_EQ(cv::norm(a.rgb, b.rgb, cv::NORM_INF), 0);
    EXPECT_EQ(a.faces.size(), b.faces.size());
    differs |= cv::norm(a.rgb, c.rgb, cv::NORM_INF) > 0;
  }
  EXPECT_TRUE(differs);
}

TEST(SceneComposer, RefusesToWorkWithoutFaces) {
  const std::vector<FacePicture> pictures = {empty_picture()};
  const auto heads = red_heads();
  EXPECT_THROW(SceneComposer(pictures, heads, SceneOptions{}), Error);
}

TEST(FaceBoxOfCrop, IsTheBoxTheCropWasCutAround) {
  // A box of 60 x 80 at a scale of 1.6: the window has 128 px, here drawn at twice the size.
  const auto box = face_box_of_crop({300, 200, 360, 280, 1}, 1.6, 256);
  EXPECT_FLOAT_EQ(box.left, 128 - 60);
  EXPECT_FLOAT_EQ(box.right, 128 + 60);
  EXPECT_FLOAT_EQ(box.top, 128 - 80);
  EXPECT_FLOAT_EQ(box.bottom, 128 + 80);
}

TEST(FaceBoxOfLandmarks, AddsTheForehead) {
  const auto box = face_box_of_landmarks({{0.25f, 0.5f}, {0.5f, 0.25f}, {0.75f, 0.75f}}, 200);
  EXPECT_FLOAT_EQ(box.left, 50);
  EXPECT_FLOAT_EQ(box.right, 150);
  EXPECT_FLOAT_EQ(box.bottom, 150);
  EXPECT_NEAR(box.top, 50 - 0.136 * 100, 1e-3);
}

}  // namespace
}  // namespace reenact::training
