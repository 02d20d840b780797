// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/crop.h"

#include <gtest/gtest.h>

#include <limits>
#include <opencv2/imgproc.hpp>

#include "support/errors.h"
#include "support/shared_data.h"
#include "support/tensors.h"

namespace reenact {
namespace {

using test::compare;
using test::to_doubles;
using test::to_picture;

constexpr char parity_name[] = "parity/preprocessing_images.safetensors";

/// The tolerance stated with the parity tensors: at most 1 grey level on 99.9 % of the pixels, at most 2
/// anywhere.
void expect_parity(const cv::Mat& ours, const cv::Mat& authors) {
  const auto difference = compare(ours, authors);
  EXPECT_LE(difference.over_one, difference.values / 1000);
  EXPECT_LE(difference.largest, 2);
}

FaceBox box_of(const TensorView& tensor) {
  const std::vector<double> values = to_doubles(tensor);
  return {static_cast<float>(values.at(0)), static_cast<float>(values.at(1)),
          static_cast<float>(values.at(2)), static_cast<float>(values.at(3)), 1};
}

class CropParity : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(CropParity, WindowAndCropAreTheAuthors) {
  REENACT_SHARED_FILE(path, parity_name);
  const SafetensorsFile file(path);
  const std::string prefix = std::string("crop/") + GetParam().first;
  const cv::Mat image = to_picture(file.at(std::string("crop/image_") + GetParam().second));
  const FaceBox box = box_of(file.at(prefix + ".bbox"));

  const cv::Rect window = crop_window(box);
  if (file.contains(prefix + ".tlbr")) {
    const std::vector<double> tlbr = to_doubles(file.at(prefix + ".tlbr"));
    EXPECT_EQ(window.y, tlbr.at(0));
    EXPECT_EQ(window.x, tlbr.at(1));
    EXPECT_EQ(window.br().y, tlbr.at(2));
    EXPECT_EQ(window.br().x, tlbr.at(3));
  }
  if (file.contains(prefix + ".padded")) {
    expect_parity(crop_with_padding(image, window), to_picture(file.at(prefix + ".padded")));
  }
  expect_parity(crop_face(image, box, 256), to_picture(file.at(prefix + ".out")));
}

INSTANTIATE_TEST_SUITE_P(Boxes, CropParity,
                         ::testing::Values(std::pair("inside_up", "a"), std::pair("out_left_top", "a"),
                                           std::pair("out_right_bottom", "a"), std::pair("out_all", "a"),
                                           std::pair("b_area_inside", "b")),
                         [](const auto& info) { return std::string(info.param.first); });

TEST(LoaderCropParity, PictureAndMask) {
  REENACT_SHARED_FILE(path, parity_name);
  const SafetensorsFile file(path);
  const cv::Mat image = to_picture(file.at("loader/image_in")), mask = to_picture(file.at("loader/segm_in"));
  expect_parity(recrop_as_loader(image, 256), to_picture(file.at("loader/image_out"), true));
  expect_parity(recrop_as_loader(image, 64), to_picture(file.at("loader/image_out64"), true));
  expect_parity(recrop_mask_as_loader(mask, 256), to_picture(file.at("loader/segm_out")));
  expect_parity(recrop_mask_as_loader(mask, 64), to_picture(file.at("loader/segm_out64")));
}

TEST(LoaderCropParity, KnownBox) {
  REENACT_SHARED_FILE(path, parity_name);
  const SafetensorsFile file(path);
  FaceBox box = box_of(file.at("loader/vox_bbox256"));
  for (float* edge : {&box.left, &box.top, &box.right, &box.bottom}) *edge /= 256;
  expect_parity(recrop_as_loader(to_picture(file.at("loader/vox_image_in")), 256, box),
                to_picture(file.at("loader/vox_image_out"), true));
  expect_parity(recrop_mask_as_loader(to_picture(file.at("loader/vox_segm_in")), 256, box),
                to_picture(file.at("loader/vox_segm_out")));
}

TEST(CropWindow, IsThePapersFormula) {
  // Box 10..50 x 20..80: centre (30, 50), side 60 * 1.8 = 108, so -24..84 x -4..104; one pixel more for the
  // exclusive edge.
  EXPECT_EQ(crop_window({10, 20, 50, 80, 1}), cv::Rect(-24, -4, 109, 109));
  // Floor and ceil outwards; the bottom edge follows the width.
  EXPECT_EQ(crop_window({0.5f, 0, 10.5f, 4, 1}, 1), cv::Rect(0, -3, 12, 12));
  EXPECT_EQ(crop_window({0, 0, 0, 0, 1}), cv::Rect(0, 0, 1, 1));
}

TEST(CropWindow, BoxesWithoutEndAreRefused) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const FaceBox& box : {FaceBox{-inf, 0, 5, 5, 1}, FaceBox{0, 0, inf, 5, 1}, FaceBox{0, nan, 5, 5, 1},
                             FaceBox{0, 0, 5, nan, 1}, FaceBox{-1e30f, 0, 1e30f, 5, 1}}) {
    test::expect_error([&] { crop_window(box); }, ErrorCode::invalid, {"finite"});
  }
}

cv::Mat random_picture(int width, int height, int type) {
  cv::Mat picture(height, width, type);
  cv::theRNG().state = 7;
  cv::randu(picture, 0, 256);
  return picture;
}

TEST(CropWithPadding, InsideItIsAViewOfThePicture) {
  const cv::Mat picture = random_picture(40, 30, CV_8UC3);
  const cv::Mat crop = crop_with_padding(picture, {5, 6, 7, 8});
  EXPECT_EQ(crop.data, picture.ptr(6) + 5 * 3);
  EXPECT_EQ(crop.size(), cv::Size(7, 8));
}

TEST(CropWithPadding, APictureOfOneColourStaysSo) {
  for (const int type : {CV_8UC1, CV_8UC3}) {
    const cv::Mat picture(30, 40, type, cv::Scalar(200, 100, 50));
    for (const cv::Rect& window :
         {cv::Rect(-20, -30, 100, 100), cv::Rect(30, 20, 50, 50), cv::Rect(-50, 5, 60, 60),
          cv::Rect(100, 100, 10, 10), cv::Rect(0, -500, 40, 520)}) {
      const cv::Mat crop = crop_with_padding(picture, window);
      const cv::Mat expected(window.size(), type, cv::Scalar(200, 100, 50));
      EXPECT_EQ(test::compare(crop, expected).largest, 0) << window;
    }
  }
}

TEST(CropWithPadding, TheRimIsTheMedianAndTheMiddleIsUntouched) {
  // 60 % of the picture is 40, the rest 220: also of the padded one, so the outermost pixels become 40.
  cv::Mat picture(100, 100, CV_8UC1, cv::Scalar(40));
  picture(cv::Rect(30, 30, 40, 40)).setTo(220);
  const cv::Mat crop = crop_with_padding(picture, {-20, -20, 140, 140});
  for (const cv::Point& corner :
       {cv::Point(0, 0), cv::Point(139, 0), cv::Point(0, 139), cv::Point(139, 139), cv::Point(70, 0)}) {
    EXPECT_EQ(crop.at<uchar>(corner), 40) << corner;
  }
  // Blurring reaches a third of the padding, 7 pixels, into the picture, and no further.
  const cv::Rect middle(7, 7, 86, 86);
  EXPECT_EQ(test::compare(crop(middle + cv::Point(20, 20)), picture(middle)).unequal, 0u);
}

TEST(CropWithPadding, SinglePixelsAndStripes) {
  for (const cv::Size& size : {cv::Size(1, 1), cv::Size(4096, 16), cv::Size(1, 300), cv::Size(2, 2)}) {
    const cv::Mat picture = random_picture(size.width, size.height, CV_8UC3);
    for (const cv::Rect& window :
         {cv::Rect(-3, -3, 9, 9), cv::Rect(0, 0, size.width + 1, size.height + 1), cv::Rect(-1, -1, 2, 2)}) {
      EXPECT_EQ(crop_with_padding(picture, window).size(), window.size());
    }
    EXPECT_EQ(crop_face(picture, {0, 0, 200, 200, 0}, 64).size(), cv::Size(64, 64));
  }
}

TEST(CropMaskWithPadding, ZeroAboveAndAtTheSides) {
  const cv::Mat mask(50, 50, CV_8UC1, cv::Scalar(255));
  const cv::Mat crop = crop_mask_with_padding(mask, {-10, -10, 70, 70});
  EXPECT_EQ(cv::countNonZero(crop.row(0)), 0);
  EXPECT_EQ(cv::countNonZero(crop.col(0)), 0);
  EXPECT_EQ(cv::countNonZero(crop.col(69)), 0);
  EXPECT_EQ(crop.at<uchar>(69, 35), 255);  // replicated below
  EXPECT_EQ(crop.at<uchar>(35, 35), 255);
  EXPECT_EQ(cv::countNonZero(crop_mask_with_padding(mask, {60, 60, 5, 5})), 0);
}

TEST(Crop, WhatCannotBeCropped) {
  const cv::Mat picture = random_picture(10, 10, CV_8UC3);
  const auto refused = [](const std::function<void()>& action) {
    test::expect_error(action, ErrorCode::invalid, {});
  };
  refused([] { crop_with_padding(cv::Mat(), {0, 0, 5, 5}); });
  refused([] { crop_with_padding(cv::Mat(5, 5, CV_32FC3), {0, 0, 5, 5}); });
  refused([] { crop_with_padding(cv::Mat(5, 5, CV_8UC4), {0, 0, 5, 5}); });
  refused([&] { crop_mask_with_padding(picture, {0, 0, 5, 5}); });
  refused([&] { crop_with_padding(picture, {0, 0, 0, 5}); });
  refused([&] { crop_with_padding(picture, {0, 0, 40'000, 5}); });
  refused([&] { crop_face(picture, {0, 0, 100'000, 5, 1}, 64); });
  refused([&] { crop_face(picture, {0, 0, 5, 5, 1}, 0); });
  refused([&] { recrop_as_loader(picture(cv::Rect(0, 0, 2, 2)), 64); });
}

TEST(CropFace, InterpolationGoesByTheBoxNotTheWindow) {
  const cv::Mat picture = random_picture(400, 400, CV_8UC3);
  const FaceBox box{150, 150, 250, 250, 1};
  const cv::Mat window = picture(crop_window(box));
  ASSERT_EQ(window.rows, 181);
  cv::Mat cubic, area;
  cv::resize(window, cubic, {101, 101}, 0, 0, cv::INTER_CUBIC);
  cv::resize(window, area, {100, 100}, 0, 0, cv::INTER_AREA);
  EXPECT_EQ(test::compare(crop_face(picture, box, 101), cubic).unequal, 0u);
  EXPECT_EQ(test::compare(crop_face(picture, box, 100), area).unequal, 0u);
}

}  // namespace
}  // namespace reenact
