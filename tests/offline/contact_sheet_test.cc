// SPDX-License-Identifier: LGPL-2.1-or-later
#include "offline/contact_sheet.h"

#include <gtest/gtest.h>

#include <fstream>
#include <opencv2/imgcodecs.hpp>

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace reenact::training {
namespace {

using test::expect_error;

cv::Mat plain(int side, cv::Scalar colour) {
  return cv::Mat(side, side, CV_8UC3, colour);
}

TEST(ContactSheet, PutsPicturesOfAnySizeInAGrid) {
  const cv::Mat sheet = contact_sheet({{plain(32, {255, 0, 0}), plain(64, {0, 255, 0})},
                                       {cv::Mat(16, 16, CV_8UC1, cv::Scalar(200)), cv::Mat()}},
                                      {});
  EXPECT_EQ(sheet.type(), CV_8UC3);
  EXPECT_EQ(sheet.size(), cv::Size(32 + 2 + 32, 32 + 2 + 32));
  EXPECT_EQ(sheet.at<cv::Vec3b>(16, 16), cv::Vec3b(255, 0, 0));
  EXPECT_EQ(sheet.at<cv::Vec3b>(16, 34 + 16), cv::Vec3b(0, 255, 0));
  EXPECT_EQ(sheet.at<cv::Vec3b>(34 + 16, 16), cv::Vec3b(200, 200, 200));
  EXPECT_EQ(sheet.at<cv::Vec3b>(34 + 16, 34 + 16), sheet.at<cv::Vec3b>(33, 33))
      << "an empty cell shows the ground";
}

TEST(ContactSheet, TitlesStandAboveTheColumns) {
  const cv::Mat without = contact_sheet({{plain(32, {0, 0, 0})}}, {});
  const cv::Mat with = contact_sheet({{plain(32, {0, 0, 0})}}, {"a very long title", "second"});
  ASSERT_GT(with.rows, without.rows);
  EXPECT_EQ(with.cols, 66) << "a column for every title";
  double brightest = 0;
  cv::minMaxLoc(with.rowRange(0, with.rows - without.rows).reshape(1), nullptr, &brightest);
  EXPECT_GT(brightest, 200);
}

TEST(ContactSheet, RefusesWhatItCannotShow) {
  expect_error([] { contact_sheet({{cv::Mat()}, {}}, {"a"}); }, ErrorCode::invalid, {"without a picture"});
  expect_error([] { contact_sheet({{cv::Mat(4, 4, CV_8UC4)}}, {}); }, ErrorCode::invalid, {"4 channels"});
}

TEST(WritePng, KeepsColoursAndTheOldFileWhenItFails) {
  test::TemporaryFolder folder;
  const auto path = folder / "new/folder/picture.png";
  cv::Mat picture(2, 2, CV_8UC4, cv::Scalar(10, 20, 30, 40));
  write_png(path, picture);
  const cv::Mat bgra = cv::imread(path.string(), cv::IMREAD_UNCHANGED);
  EXPECT_EQ(bgra.at<cv::Vec4b>(0, 0), cv::Vec4b(30, 20, 10, 40));
  std::filesystem::create_directory(folder / "folder.png");
  std::ofstream(folder / "folder.png/inside") << "x";
  expect_error([&] { write_png(folder / "folder.png", picture); }, ErrorCode::unreadable, {"folder.png"});
  EXPECT_TRUE(std::filesystem::exists(folder / "folder.png/inside"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2)
      << "no temporary file stays";
}

}  // namespace
}  // namespace reenact::training
