// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/compositor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <opencv2/imgproc.hpp>

#include "support/errors.h"
#include "support/tensors.h"

namespace reenact {
namespace {

using test::compare;

cv::Mat random_picture(cv::Size size, int type, std::uint64_t seed) {
  cv::Mat picture(size, type);
  cv::RNG(seed).fill(picture, cv::RNG::UNIFORM, 0, 256);
  return picture;
}

/// A head of one colour with a mask of its own.
cv::Mat head_of(const cv::Mat& mask, const cv::Vec3b& color) {
  cv::Mat head(mask.size(), CV_8UC4, cv::Scalar(color[0], color[1], color[2], 0));
  cv::insertChannel(mask, head, 3);
  return head;
}

cv::Mat disc(int side, double radius) {
  cv::Mat mask(side, side, CV_8UC1);
  const double middle = (side - 1) / 2.0;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x)
      mask.at<uchar>(y, x) = std::hypot(x - middle, y - middle) <= radius ? 255 : 0;
  }
  return mask;
}

/// The mask that was used, seen as a white head over black.
cv::Mat mask_used(Compositor& compositor, const cv::Mat& mask, const cv::Size& placement,
                  const MaskOptions& options) {
  cv::Mat background(placement, CV_8UC3, cv::Scalar::all(0)), channel;
  compositor.blend(head_of(mask, {255, 255, 255}), {{0, 0}, placement}, options, background);
  cv::extractChannel(background, channel, 0);
  return channel;
}
cv::Mat mask_used(const cv::Mat& mask, const cv::Size& placement, const MaskOptions& options) {
  Compositor compositor;
  return mask_used(compositor, mask, placement, options);
}

/// out = alpha * head + (1 - alpha) * background in double, rounded, where the head stands unscaled.
cv::Mat closed_form(const cv::Mat& head, const cv::Point& at, double opacity, const cv::Mat& background) {
  cv::Mat out = background.clone();
  const int channels = background.channels();
  for (int y = 0; y < out.rows; ++y) {
    for (int x = 0; x < out.cols; ++x) {
      const int head_x = x - at.x, head_y = y - at.y;
      if (head_x < 0 || head_y < 0 || head_x >= head.cols || head_y >= head.rows) continue;
      const cv::Vec4b& pixel = head.at<cv::Vec4b>(head_y, head_x);
      const double alpha = pixel[3] / 255.0 * opacity;
      uchar* below = out.ptr(y) + x * channels;
      const double below_alpha = channels == 4 ? below[3] / 255.0 : 1.0;
      const double result_alpha = alpha + (1 - alpha) * below_alpha;
      for (int c = 0; c < 3 && result_alpha > 0; ++c) {
        const double color = (alpha * pixel[c] + (1 - alpha) * below_alpha * below[c]) / result_alpha;
        below[c] = cv::saturate_cast<uchar>(color);
      }
      if (channels == 4) below[3] = cv::saturate_cast<uchar>(result_alpha * 255);
    }
  }
  return out;
}

class Placement : public ::testing::TestWithParam<cv::Rect> {};

TEST_P(Placement, IsTheClosedFormInsideAndOutside) {
  const cv::Mat head = random_picture(GetParam().size(), CV_8UC4, 1);
  for (const int type : {CV_8UC3, CV_8UC4}) {
    const cv::Mat before = random_picture({97, 61}, type, 2);
    cv::Mat background = before.clone();
    Compositor().blend(head, GetParam(), {}, background);
    EXPECT_LE(compare(background, closed_form(head, GetParam().tl(), 1, before)).largest, 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Rects, Placement,
                         ::testing::Values(cv::Rect(10, 5, 40, 40), cv::Rect(-17, -9, 40, 40),
                                           cv::Rect(80, 40, 50, 50), cv::Rect(-20, -20, 200, 200),
                                           cv::Rect(0, 0, 97, 61), cv::Rect(5, 5, 1, 1),
                                           cv::Rect(96, 60, 1, 1), cv::Rect(-39, 3, 40, 5),
                                           cv::Rect(97, 0, 10, 10), cv::Rect(-500, -500, 10, 10)));

TEST(Compositor, OpaqueRgbaIsTheSameAsRgb) {
  const cv::Mat head = random_picture({50, 50}, CV_8UC4, 1), rgb = random_picture({60, 60}, CV_8UC3, 2);
  cv::Mat three = rgb.clone(), four, back;
  cv::cvtColor(rgb, four, cv::COLOR_RGB2RGBA);
  Compositor().blend(head, {3, 4, 50, 50}, {}, three);
  Compositor().blend(head, {3, 4, 50, 50}, {}, four);
  cv::cvtColor(four, back, cv::COLOR_RGBA2RGB);
  EXPECT_EQ(compare(three, back).unequal, 0u);
  cv::Mat alpha;
  cv::extractChannel(four, alpha, 3);
  EXPECT_EQ(cv::countNonZero(alpha != 255), 0);
}

TEST(Compositor, OverNothingTheHeadKeepsColourAndMask) {
  cv::Mat background(20, 20, CV_8UC4, cv::Scalar(1, 2, 3, 0));
  const cv::Mat head = random_picture({20, 20}, CV_8UC4, 4);
  Compositor().blend(head, {0, 0, 20, 20}, {}, background);
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 20; ++x) {
      if (head.at<cv::Vec4b>(y, x)[3] > 0) {
        EXPECT_EQ(background.at<cv::Vec4b>(y, x), head.at<cv::Vec4b>(y, x));
      }
    }
  }
}

TEST(Compositor, OpacityZeroHalfAndOne) {
  const cv::Mat head = random_picture({40, 40}, CV_8UC4, 1), before = random_picture({64, 48}, CV_8UC3, 2);
  for (const double opacity : {0.0, 0.25, 0.5, 1.0}) {
    cv::Mat background = before.clone();
    MaskOptions options;
    options.opacity = opacity;
    Compositor().blend(head, {12, -7, 40, 40}, options, background);
    const auto difference = compare(background, closed_form(head, {12, -7}, opacity, before));
    EXPECT_LE(difference.largest, opacity == 0 ? 0 : 1) << opacity;
  }
}

TEST(Compositor, OpaqueMaskReplacesAndEmptyMaskLeaves) {
  cv::Mat background = random_picture({30, 30}, CV_8UC3, 5);
  const cv::Mat before = background.clone();
  Compositor().blend(head_of(cv::Mat(30, 30, CV_8UC1, cv::Scalar(0)), {9, 8, 7}), {0, 0, 30, 30}, {},
                     background);
  EXPECT_EQ(compare(background, before).unequal, 0u);
  Compositor().blend(head_of(cv::Mat(30, 30, CV_8UC1, cv::Scalar(255)), {9, 8, 7}), {0, 0, 30, 30}, {},
                     background);
  EXPECT_EQ(compare(background, cv::Mat(30, 30, CV_8UC3, cv::Scalar(9, 8, 7))).unequal, 0u);
}

TEST(Compositor, OutsideThePlacementNothingChanges) {
  cv::Mat background = random_picture({100, 80}, CV_8UC3, 5);
  const cv::Mat before = background.clone();
  MaskOptions options;
  options.erode = 2.5;
  options.feather = 9;
  options.color_match = true;
  const cv::Rect placement(30, 20, 33, 37);
  Compositor().blend(random_picture({64, 64}, CV_8UC4, 6), placement, options, background);
  before(placement).copyTo(background(placement));
  EXPECT_EQ(compare(background, before).unequal, 0u);
}

TEST(Compositor, ScalesLikeOpenCv) {
  const cv::Mat head = random_picture({64, 64}, CV_8UC4, 1), before = random_picture({200, 200}, CV_8UC3, 2);
  for (const int side : {32, 150}) {
    cv::Mat scaled, background = before.clone();
    cv::resize(head, scaled, {side, side}, 0, 0, side < 64 ? cv::INTER_AREA : cv::INTER_LINEAR);
    Compositor().blend(head, {20, 20, side, side}, {}, background);
    EXPECT_LE(compare(background, closed_form(scaled, {20, 20}, 1, before)).largest, 1) << side;
  }
}

TEST(Compositor, AnEnormousPlacementShowsItsVisiblePart) {
  // A ramp from left to right: at 20,000 pixels the visible 100 lie between 50 % and 50.5 % of it.
  cv::Mat head(64, 64, CV_8UC4);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x)
      head.at<cv::Vec4b>(y, x) = cv::Vec4b(static_cast<uchar>(4 * x), 0, static_cast<uchar>(4 * y), 255);
  }
  cv::Mat background(100, 100, CV_8UC3, cv::Scalar::all(77));
  Compositor().blend(head, {-10'000, -5'000, 20'000, 20'000}, {}, background);
  for (const cv::Point& at : {cv::Point(0, 0), cv::Point(99, 0), cv::Point(50, 99)}) {
    const cv::Vec3b pixel = background.at<cv::Vec3b>(at);
    EXPECT_NEAR(pixel[0], ((10'000.5 + at.x) / 20'000 * 64 - 0.5) * 4, 1.0);
    EXPECT_NEAR(pixel[2], ((5'000.5 + at.y) / 20'000 * 64 - 0.5) * 4, 1.0);
  }
}

TEST(MaskErosion, ADiscShrinksByTheRadius) {
  const double side_factor[] = {1, 2};  // the head as it is, and scaled up by two
  for (const double factor : side_factor) {
    for (const double radius : {1.0, 4.0, 10.0, 30.0}) {
      MaskOptions options;
      options.erode = radius;
      const int side = static_cast<int>(200 * factor);
      const cv::Mat mask = mask_used(disc(200, 80), {side, side}, options);
      const double left = std::sqrt(cv::sum(mask)[0] / 255 / CV_PI);  // radius of the disc of that area
      EXPECT_NEAR(left, 80 * factor - radius, 1 + 0.06 * radius) << radius << " at " << factor;
    }
  }
}

TEST(MaskErosion, FractionsLieBetween) {
  MaskOptions whole, fraction, more;
  whole.erode = 3;
  fraction.erode = 3.25;
  more.erode = 4;
  const cv::Mat mask = disc(100, 40);
  const double from = cv::sum(mask_used(mask, {100, 100}, whole))[0],
               to = cv::sum(mask_used(mask, {100, 100}, more))[0];
  EXPECT_NEAR(cv::sum(mask_used(mask, {100, 100}, fraction))[0], 0.75 * from + 0.25 * to, 0.003 * from);
}

TEST(MaskErosion, ThePictureEdgeErodesNothing) {
  MaskOptions options;
  options.erode = 20;
  const cv::Mat full(50, 50, CV_8UC1, cv::Scalar(255));
  EXPECT_EQ(compare(mask_used(full, {50, 50}, options), full).unequal, 0u);
}

TEST(MaskFeather, AnEdgeBecomesTheErrorFunction) {
  // A step blurred by a Gaussian is (1 + erf(x / (sigma sqrt 2))) / 2.
  cv::Mat step(200, 200, CV_8UC1, cv::Scalar(0));
  step.colRange(100, 200).setTo(255);
  for (const double sigma : {1.0, 3.0, 6.0, 20.0}) {
    MaskOptions options;
    options.feather = sigma;
    const cv::Mat mask = mask_used(step, {200, 200}, options);
    for (int x = 60; x < 140; x += 3) {
      const double expected = 127.5 * (1 + std::erf((x - 99.5) / (sigma * std::sqrt(2.0))));
      EXPECT_NEAR(mask.at<uchar>(100, x), expected, 4) << sigma << " at " << x;
    }
  }
}

TEST(MaskFeather, SigmaIsInPixelsOfTheOutput) {
  cv::Mat step(100, 100, CV_8UC1, cv::Scalar(0));
  step.colRange(50, 100).setTo(255);
  MaskOptions options;
  options.feather = 8;
  const cv::Mat mask = mask_used(step, {400, 400}, options);
  for (int x = 150; x < 250; x += 7) {
    EXPECT_NEAR(mask.at<uchar>(200, x), 127.5 * (1 + std::erf((x - 199.5) / (8 * std::sqrt(2.0)))), 6) << x;
  }
}

TEST(MaskSmoothing, FollowsTheClosedForm) {
  // From 0 to 200 at once: after n frames 200 (1 - s^n), without getting stuck on the way as 8 bits would.
  const double share = 0.95;
  MaskOptions options;
  options.smoothing = share;
  Compositor compositor;
  const cv::Mat none(8, 8, CV_8UC1, cv::Scalar(0)), full(8, 8, CV_8UC1, cv::Scalar(200));
  EXPECT_EQ(mask_used(compositor, none, {8, 8}, options).at<uchar>(3, 3), 0);
  for (int n = 1; n <= 200; ++n) {
    const double expected = 200 * (1 - std::pow(share, n));
    EXPECT_NEAR(mask_used(compositor, full, {8, 8}, options).at<uchar>(3, 3), expected, 1.01) << n;
  }
}

TEST(MaskSmoothing, StartsAnewAfterResetAndWithAnotherSize) {
  MaskOptions options;
  options.smoothing = 0.9;
  Compositor compositor;
  mask_used(compositor, cv::Mat(8, 8, CV_8UC1, cv::Scalar(0)), {8, 8}, options);
  const cv::Mat other(9, 9, CV_8UC1, cv::Scalar(255));
  EXPECT_EQ(mask_used(compositor, other, {9, 9}, options).at<uchar>(3, 3), 255);
  mask_used(compositor, cv::Mat(9, 9, CV_8UC1, cv::Scalar(0)), {9, 9}, options);
  compositor.reset();
  EXPECT_EQ(mask_used(compositor, other, {9, 9}, options).at<uchar>(3, 3), 255);
}

TEST(MaskSmoothing, GoesOnWhileTheHeadIsOutOfSight) {
  MaskOptions options;
  options.smoothing = 0.5;
  Compositor compositor;
  mask_used(compositor, cv::Mat(8, 8, CV_8UC1, cv::Scalar(0)), {8, 8}, options);
  cv::Mat background(8, 8, CV_8UC3, cv::Scalar::all(0));
  const cv::Mat full(8, 8, CV_8UC1, cv::Scalar(255));
  compositor.blend(head_of(full, {255, 255, 255}), {100, 100, 8, 8}, options, background);
  EXPECT_NEAR(mask_used(compositor, full, {8, 8}, options).at<uchar>(3, 3), 255 * 0.75, 1.01);
}

TEST(ColorMatch, MovesMeanAndDeviationHalfWay) {
  // Head: 100 +- 20; background: 160 +- 10. Half way: 130, and a deviation of 20 * (1 + 0.5 * (0.5 - 1))
  // = 15.
  cv::Mat head(64, 64, CV_8UC4, cv::Scalar(0, 0, 0, 255)), background(64, 64, CV_8UC3);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) {
      for (int c = 0; c < 3; ++c) {
        head.at<cv::Vec4b>(y, x)[c] = (x + y) % 2 ? 120 : 80;
        background.at<cv::Vec3b>(y, x)[c] = x % 2 ? 170 : 150;
      }
    }
  }
  MaskOptions options;
  options.color_match = true;
  Compositor().blend(head, {0, 0, 64, 64}, options, background);
  cv::Scalar mean, deviation;
  cv::meanStdDev(background, mean, deviation);
  for (int c = 0; c < 3; ++c) {
    EXPECT_NEAR(mean[c], 130, 1);
    EXPECT_NEAR(deviation[c], 15, 1);
  }
}

TEST(ColorMatch, ColoursUnderTheMaskCountAlone) {
  // What the mask hides is bright red; the head itself is grey like the background and must stay so.
  cv::Mat head(64, 64, CV_8UC4, cv::Scalar(255, 0, 0, 0));
  head(cv::Rect(16, 16, 32, 32)).setTo(cv::Scalar(90, 90, 90, 255));
  cv::Mat background(64, 64, CV_8UC3, cv::Scalar::all(90));
  MaskOptions options;
  options.color_match = true;
  Compositor().blend(head, {0, 0, 64, 64}, options, background);
  EXPECT_EQ(compare(background, cv::Mat(64, 64, CV_8UC3, cv::Scalar::all(90))).unequal, 0u);
}

TEST(Compositor, RefusesOtherPicturesAndOptionsOutOfRange) {
  const cv::Mat head = random_picture({8, 8}, CV_8UC4, 1);
  cv::Mat background = random_picture({8, 8}, CV_8UC3, 2), grey(8, 8, CV_8UC1);
  const auto refused = [&](const cv::Mat& head, const MaskOptions& options, cv::Mat& background,
                           const std::string& part) {
    test::expect_error(
        [&] {
          Compositor().blend(head, {0, 0, 8, 8}, options, background);
        },
        ErrorCode::invalid, {part});
  };
  refused(background, {}, background, "RGBA");
  refused(cv::Mat(), {}, background, "RGBA");
  refused(head, {}, grey, "3 or 4 channels");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double value : {-0.1, 1e9, nan}) {
    MaskOptions options;
    options.erode = value;
    refused(head, options, background, "erode");
    options = {};
    options.feather = value;
    refused(head, options, background, "feather");
    options = {};
    options.smoothing = value;
    refused(head, options, background, "smoothing");
    options = {};
    options.opacity = value;
    refused(head, options, background, "opacity");
  }
  test::expect_error(
      [&] {
        Compositor().blend(head, {0, 0, 1 << 30, 8}, {}, background);
      },
      ErrorCode::invalid, {"1073741824"});
  Compositor().blend(head, {0, 0, 0, 0}, {}, background);  // nothing to lay is no error
}

/// The mask of a head that is opaque all over, where it is placed in an output of that size.
cv::Mat faded(int head, const cv::Rect& placement, const cv::Size& output, double fade) {
  MaskOptions options;
  options.fade = fade;
  cv::Mat background(output, CV_8UC3, cv::Scalar::all(0)), mask;
  Compositor().blend(head_of(cv::Mat(head, head, CV_8UC1, cv::Scalar(255)), {255, 255, 255}), placement,
                     options, background);
  cv::extractChannel(background, mask, 0);
  return mask;
}

/// 3t^2 - 2t^3 of the way from the border inwards, which starts `distance` pixels ago and takes `width`.
double smooth_step(double distance, double width) {
  const double t = std::clamp(distance / width, 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

TEST(MaskFade, FollowsItsFormulaOnTheSidesInsideTheOutput) {
  // Right and lower border are inside, left and upper ones at the output's edge.
  const cv::Mat mask = faded(100, {0, 0, 100, 100}, {130, 120}, 0.08);
  for (int y = 0; y < 100; ++y) {
    for (int x = 0; x < 100; ++x) {
      const double wanted = 255 * smooth_step(99.5 - x, 8) * smooth_step(99.5 - y, 8);
      ASSERT_NEAR(mask.at<uchar>(y, x), wanted, 1.5) << x << ", " << y;
    }
  }
}

TEST(MaskFade, LeavesBordersAtTheOutputsEdgeAndBeyond) {
  for (const cv::Rect& placement :
       {cv::Rect(0, 0, 64, 64), cv::Rect(-8, -8, 80, 80), cv::Rect(-4, 0, 72, 64)})
    EXPECT_EQ(cv::countNonZero(faded(64, placement, {64, 64}, 0.1) != 255), 0) << placement;
}

TEST(MaskFade, GrowsAsTheBorderMovesInside) {
  // A head that drifts away from the edge loses half a pixel of mask for each pixel, up to the whole fade.
  for (int x = 0; x <= 40; ++x) {
    const cv::Mat row = faded(200, {x, 0, 200, 200}, {300, 200}, 0.1)(cv::Rect(x, 100, 100, 1));
    const double missing = 100 * 255 - cv::sum(row)[0];
    EXPECT_NEAR(missing, 255 * std::min(x, 20) / 2.0, 10) << x;
  }
}

TEST(MaskFade, IsAShareOfTheSideAtAnySize) {
  for (const int side : {50, 400}) {
    const cv::Mat mask = faded(100, {10, 10, side, side}, {side + 20, side + 20}, 0.2);
    const int reach = std::min(side / 5, 10);
    EXPECT_NEAR(mask.at<uchar>(10 + side / 2, 10 + reach / 2), 255 * smooth_step(reach / 2 + 0.5, reach), 6)
        << side;
    EXPECT_EQ(mask.at<uchar>(10 + side / 2, 10 + reach + 3), 255) << side;
  }
}

TEST(MaskFade, OutOfRangeIsRefused) {
  MaskOptions options;
  cv::Mat background(8, 8, CV_8UC3, cv::Scalar::all(0));
  const cv::Mat head = head_of(disc(8, 3), {1, 2, 3});
  Compositor compositor;
  for (const double value : {-0.1, 0.6, std::numeric_limits<double>::quiet_NaN()}) {
    options.fade = value;
    test::expect_error(
        [&] {
          compositor.blend(head, {0, 0, 8, 8}, options, background);
        },
        ErrorCode::invalid, {"fade"});
  }
}

TEST(Compositor, ClipAndGainAreALineThroughTheMask) {
  cv::Mat ramp(1, 256, CV_8UC1);
  for (int alpha = 0; alpha < 256; ++alpha) ramp.at<uchar>(alpha) = uchar(alpha);
  const struct { double clip, gain; } cases[] = {{0, 1}, {0.04, 1}, {0.5, 1}, {0, 2}, {0.25, 0.5}, {0.1, 16}};
  for (const auto& [clip, gain] : cases) {
    MaskOptions options;
    options.clip = clip;
    options.gain = gain;
    const cv::Mat used = mask_used(ramp, ramp.size(), options);
    for (int alpha = 0; alpha < 256; ++alpha) {
      const double wanted = std::clamp((alpha / 255.0 - clip) / (1 - clip) * gain, 0.0, 1.0) * 255;
      ASSERT_NEAR(used.at<uchar>(alpha), wanted, 0.51) << clip << " " << gain << " at " << alpha;
    }
  }
  for (const auto& [clip, gain] : {std::pair(-0.1, 1.0), std::pair(1.0, 1.0), std::pair(0.0, 0.0)}) {
    MaskOptions options;
    options.clip = clip;
    options.gain = gain;
    EXPECT_THROW(mask_used(ramp, ramp.size(), options), Error) << clip << " " << gain;
  }
}

TEST(Compositor, MatchesNoColorsOverNothing) {
  const cv::Mat head = head_of(disc(32, 12), {180, 120, 90});
  MaskOptions options;
  options.color_match = true;
  cv::Mat plain(32, 32, CV_8UC4, cv::Scalar::all(0)), matched = plain.clone();
  Compositor compositor;
  compositor.blend(head, {0, 0, 32, 32}, {}, plain);
  compositor.blend(head, {0, 0, 32, 32}, options, matched);
  EXPECT_EQ(cv::norm(plain, matched, cv::NORM_INF), 0);
  // What is transparent of a background does not count: half of it opaque is as all of it.
  cv::Mat half(32, 32, CV_8UC4, cv::Scalar(0, 0, 0, 0));
  half.rowRange(0, 16).setTo(cv::Scalar(40, 200, 60, 255));
  cv::Mat whole(32, 32, CV_8UC4, cv::Scalar(40, 200, 60, 255));
  compositor.blend(head, {0, 0, 32, 32}, options, half);
  compositor.blend(head, {0, 0, 32, 32}, options, whole);
  EXPECT_EQ(half.at<cv::Vec4b>(16, 16), whole.at<cv::Vec4b>(16, 16));
  EXPECT_NE(half.at<cv::Vec4b>(16, 16)[1], 120) << "they were matched";
}

TEST(Compositor, PreparesTheVeryHeadThatItBlends) {
  const cv::Mat head = head_of(disc(48, 20), {200, 30, 60});
  MaskOptions options;
  options.fade = 0.1;
  options.feather = 2;
  options.clip = 0.05;
  for (const cv::Rect place : {cv::Rect(10, 5, 48, 48), cv::Rect(-20, -10, 90, 70), cv::Rect(60, 40, 30, 30),
                               cv::Rect(-400, -400, 1000, 1000)}) {
    cv::Mat blended = random_picture({96, 64}, CV_8UC3, 5), by_hand = blended.clone();
    Compositor one, other;
    one.blend(head, place, options, blended);
    const HeadLayer layer = other.prepare(head, place, options, by_hand.size(), {});
    ASSERT_EQ(layer.place, place & cv::Rect(0, 0, 96, 64));
    ASSERT_EQ(layer.rgba.size(), layer.place.size());
    const cv::Mat laid = closed_form(layer.rgba, layer.place.tl(), 1, by_hand);
    EXPECT_LE(cv::norm(laid, blended, cv::NORM_INF), 1) << place;
  }
  Compositor compositor;
  EXPECT_TRUE(compositor.prepare(head, {200, 0, 48, 48}, options, {96, 64}, {}).place.empty());
}

}  // namespace
}  // namespace reenact
