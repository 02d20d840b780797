// SPDX-License-Identifier: LGPL-2.1-or-later
// An operator takes the head away: from the next picture on there is neither it nor the driver.
#include <opencv2/imgcodecs.hpp>

#include "compositor/head_frames.h"

namespace reenact {
namespace {

const cv::Vec3b head_color(200, 90, 40);

class PanicTest : public HeadFramesTest {
 protected:
  cv::Mat picture(int number, guint flags = face_detected) {
    gst_harness_push(fill_.get(), head(number, soft_head(head_color), flags));
    const Owned<GstBuffer> out = pull(fill_);
    return out ? picture_of(out.get(), caps_of(fill_).get()) : cv::Mat();
  }
  static bool shows_head(const cv::Mat& rgb) { return difference(rgb.at<cv::Vec3b>(60, 80), head_color) < 8; }
  void panic() { g_signal_emit_by_name(element_.get(), "panic"); }
};

/// Every background, and what may be seen in its place during panic.
struct PanicCase {
  const char* properties;
  cv::Vec3b shown;
};
class PanicBackgroundTest : public PanicTest, public testing::WithParamInterface<PanicCase> {};

TEST_P(PanicBackgroundTest, TheNextPictureHasNeitherHeadNorDriver) {
  const std::string image = (folder() / "panic.png").string();
  cv::imwrite(image, cv::Mat(40, 40, CV_8UC3, cv::Scalar(90, 30, 200)));  // of RGB 200, 30, 90
  start(std::string(GetParam().properties) + " background-image=" + image + " background-color=0xff102030",
        "video/x-raw, format=RGB");
  ASSERT_TRUE(shows_head(picture(0)));
  panic();
  for (int i = 1; i < 4; ++i) {
    const cv::Mat out = picture(i);
    ASSERT_EQ(out.size(), cv::Size(width, height));
    EXPECT_EQ(cv::norm(out,
                       cv::Mat(out.size(), CV_8UC3,
                               cv::Scalar(GetParam().shown[0], GetParam().shown[1], GetParam().shown[2])),
                       cv::NORM_INF),
              0)
        << "picture " << i;
  }
  g_object_set(element_.get(), "panic", FALSE, nullptr);
  EXPECT_TRUE(shows_head(picture(4)));
}

INSTANTIATE_TEST_SUITE_P(
    Backgrounds, PanicBackgroundTest,
    testing::Values(PanicCase{"background=pad", {0, 0, 0}}, PanicCase{"background=driver", {0, 0, 0}},
                    PanicCase{"background=blurred-driver", {0, 0, 0}},
                    PanicCase{"background=image", {0, 0, 0}},
                    PanicCase{"panic-shows=background background=driver", {0x10, 0x20, 0x30}},
                    PanicCase{"panic-shows=background background=blurred-driver", {0x10, 0x20, 0x30}},
                    PanicCase{"panic-shows=background background=image", {200, 30, 90}},
                    PanicCase{"panic-shows=background background=pad", {0x10, 0x20, 0x30}},
                    PanicCase{"panic-shows=freeze background=driver", {0x10, 0x20, 0x30}},
                    PanicCase{"panic-shows=freeze background=blurred-driver", {0x10, 0x20, 0x30}}));

TEST_F(PanicTest, FreezeHoldsTheLastPictureToTheLastBit) {
  start("background=color panic-shows=freeze", "video/x-raw, format=I420", "video/x-raw, format=GRAY8");
  const auto bytes = [&](const Owned<GstHarness>& h) {
    const Owned<GstBuffer> buffer = pull(h);
    std::vector<std::uint8_t> all(gst_buffer_get_size(buffer.get()));
    gst_buffer_extract(buffer.get(), 0, all.data(), all.size());
    return all;
  };
  gst_harness_push(fill_.get(), head(0, soft_head(head_color)));
  const auto fill = bytes(fill_), key = bytes(key_);
  panic();
  for (int i = 1; i < 4; ++i) {
    gst_harness_push(fill_.get(), head(i, soft_head({10, 200, 10})));
    EXPECT_EQ(bytes(fill_), fill);
    EXPECT_EQ(bytes(key_), key);
  }
}

TEST_F(PanicTest, ThereIsNothingToFreezeBeforeTheFirstPicture) {
  start("background=color background-color=0xff102030 panic-shows=freeze panic=true",
        "video/x-raw, format=RGB");
  EXPECT_EQ(picture(0).at<cv::Vec3b>(60, 80), cv::Vec3b(0x10, 0x20, 0x30));
}

TEST_F(PanicTest, FreezeAfterBlackIsBlackAndNotTheHeadBefore) {
  start("background=color background-color=0xff102030 panic-shows=freeze", "video/x-raw, format=RGB");
  ASSERT_TRUE(shows_head(picture(0)));
  ASSERT_EQ(cv::norm(picture(1, face_missing | face_blackout), cv::NORM_INF), 0);
  panic();
  EXPECT_EQ(cv::norm(picture(2), cv::NORM_INF), 0);
}

TEST_F(PanicTest, KeyAndFillAreEmpty) {
  start("background=transparent", "video/x-raw, format=RGB", "video/x-raw, format=GRAY8");
  gst_harness_push(fill_.get(), head(0, soft_head(head_color)));
  ASSERT_TRUE(pull(fill_) && pull(key_));
  panic();
  gst_harness_push(fill_.get(), head(1, soft_head(head_color)));
  const Owned<GstBuffer> fill = pull(fill_), key = pull(key_);
  std::vector<std::uint8_t> alpha(gst_buffer_get_size(key.get()));
  gst_buffer_extract(key.get(), 0, alpha.data(), alpha.size());
  EXPECT_TRUE(std::all_of(alpha.begin(), alpha.end(), [](std::uint8_t value) { return value == 0; }));
  EXPECT_EQ(cv::norm(picture_of(fill.get(), caps_of(fill_).get()), cv::NORM_INF), 0);
}

TEST_F(PanicTest, APictureWithAlphaIsTransparent) {
  start("background=transparent", "video/x-raw, format=RGBA");
  ASSERT_FALSE(picture(0).empty());
  panic();
  EXPECT_EQ(cv::norm(picture(1), cv::NORM_INF), 0);
}

TEST_F(PanicTest, IsReachedThroughTheBin) {
  element_ = make("reenactbin", "identity-file=red.safetensors background=driver");
  Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", "src"));
  gst_harness_set_src_caps_str(h.get(), rgb_caps(160, 120).c_str());
  const auto shown = [&](int number) {
    const Owned<GstBuffer> out(
        gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120, cv::Rect(60, 40, 30, 36)), number)));
    const Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
    return picture_of(out.get(), caps.get());
  };
  EXPECT_GT(cv::norm(shown(0), cv::NORM_INF), 0);
  g_signal_emit_by_name(element_.get(), "panic");
  EXPECT_EQ(cv::norm(shown(1), cv::NORM_INF), 0)
      << "black at once, though the background is the driver's video";
  gboolean on = FALSE;
  g_object_get(element_.get(), "panic", &on, nullptr);
  EXPECT_TRUE(on);
}

TEST_F(PanicTest, ACropWithoutAFaceMayAskForBlack) {
  start("background=color background-color=0xff102030", "video/x-raw, format=RGB");
  EXPECT_NE(cv::norm(picture(0), cv::NORM_INF), 0);
  EXPECT_EQ(cv::norm(picture(1, face_missing | face_blackout), cv::NORM_INF), 0);
  EXPECT_NE(cv::norm(picture(2, face_missing), cv::NORM_INF), 0);
}

TEST_F(PanicTest, NoFaceBlackShowsBlackWhileNobodyIsThere) {
  element_ = make("reenactbin", "identity-file=red.safetensors background=driver no-face=black");
  gst_child_proxy_set(GST_CHILD_PROXY(element_.get()), "crop::detect-interval", 1, nullptr);
  Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", "src"));
  gst_harness_set_src_caps_str(h.get(), rgb_caps(160, 120).c_str());
  const Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), new_frame(scene(160, 120), 0)));
  const Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
  EXPECT_EQ(cv::norm(picture_of(out.get(), caps.get()), cv::NORM_INF), 0);
}

}  // namespace
}  // namespace reenact
