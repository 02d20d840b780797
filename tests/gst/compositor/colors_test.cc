// SPDX-License-Identifier: LGPL-2.1-or-later
// What the driver's video says of its colors stays true of the output, and its numbers stay the same to the last bit.
#include <cmath>
#include <functional>
#include <opencv2/imgproc.hpp>
#include <set>

#include "head_frames.h"

namespace reenact {
namespace {

const char pq_light[] =
    ", mastering-display-info=(string)34000:16000:13250:34500:7500:3000:15635:16450:10000000:1, "
    "content-light-level=(string)1000:400";

std::string caps_text(const std::string& format, const std::string& more, int width = 160, int height = 120) {
  return "video/x-raw, format=(string)" + format + ", width=(int)" + std::to_string(width) +
         ", height=(int)" + std::to_string(height) + ", framerate=(fraction)25/1" + more;
}

/// A ramp of luma from black to white and slow waves of chroma, in steps of ten bits.
cv::Mat ramp(int width, int height) {
  cv::Mat pixels(height, width, CV_16UC4);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int luma = 64 + (876 * x) / (width - 1), u = 300 + (400 * (y / 2)) / (height / 2),
                v = 512 + (x / 2);
      const auto bits = [](int ten) { return ushort(ten << 6 | ten >> 4); };
      pixels.at<cv::Vec4w>(y, x) = {65535, bits(luma), bits(u), bits(v)};
    }
  }
  return pixels;
}

class ColorsTest : public HeadFramesTest {
 protected:
  /// A frame of `caps` through reenactbin with its own picture as background, and out as whatever `out` wants.
  struct Passed {
    Owned<GstBuffer> in, out;
    Owned<GstCaps> in_caps, out_caps;
  };
  Passed through_bin(const std::string& caps, const std::string& out = "",
                     const std::string& background = "driver",
                     const std::function<void(GstBuffer*)>& prepare = {}) {
    Passed passed;
    element_ = make("reenactbin", "identity-file=red.safetensors background=" + background);
    gst_child_proxy_set(GST_CHILD_PROXY(element_.get()), "compositor::opacity", 0.0, nullptr);
    Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", "src"));
    if (!out.empty()) gst_harness_set_sink_caps_str(h.get(), out.c_str());
    passed.in_caps.reset(gst_caps_from_string(caps.c_str()));
    GstVideoInfo info;
    EXPECT_TRUE(gst_video_info_from_caps(&info, passed.in_caps.get())) << caps;
    passed.in.reset(
        frame_of(ramp(GST_VIDEO_INFO_WIDTH(&info), GST_VIDEO_INFO_HEIGHT(&info)), passed.in_caps.get(), 0));
    if (prepare) prepare(passed.in.get());
    gst_harness_set_src_caps(h.get(), gst_caps_ref(passed.in_caps.get()));
    passed.out.reset(gst_harness_push_and_pull(h.get(), gst_buffer_ref(passed.in.get())));
    passed.out_caps.reset(gst_pad_get_current_caps(h->sinkpad));
    return passed;
  }
  /// Largest difference of a component in steps of a format of that depth.
  static double worst_step(const Passed& passed, int depth) {
    cv::Mat difference;
    cv::absdiff(components_of(passed.in.get(), passed.in_caps.get()),
                components_of(passed.out.get(), passed.out_caps.get()), difference);
    return cv::norm(difference, cv::NORM_INF) / (1 << (16 - depth));
  }
};

struct FormatCase {
  const char *format, *more;
  int depth;
};
class FormatTest : public ColorsTest, public testing::WithParamInterface<FormatCase> {};

TEST_P(FormatTest, KeepsEveryFieldOfTheCaps) {
  const Passed passed = through_bin(caps_text(GetParam().format, GetParam().more));
  ASSERT_TRUE(passed.out);
  const GstStructure* in = gst_caps_get_structure(passed.in_caps.get(), 0);
  const GstStructure* out = gst_caps_get_structure(passed.out_caps.get(), 0);
  for (int i = 0; i < gst_structure_n_fields(in); ++i) {
    const char* name = gst_structure_nth_field_name(in, guint(i));
    const GValue* value = gst_structure_get_value(out, name);
    ASSERT_TRUE(value) << name << " is lost";
    EXPECT_EQ(gst_value_compare(value, gst_structure_get_value(in, name)), GST_VALUE_EQUAL)
        << name << ": " << gst_value_serialize(value);
  }
}

TEST_P(FormatTest, KeepsEveryNumberOfThePicture) {
  const Passed passed = through_bin(caps_text(GetParam().format, GetParam().more));
  ASSERT_TRUE(passed.out);
  EXPECT_EQ(worst_step(passed, GetParam().depth), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Formats, FormatTest,
    testing::Values(
        FormatCase{
            "I420",
            ", colorimetry=(string)bt709, chroma-site=(string)mpeg2, interlace-mode=(string)progressive", 8},
        FormatCase{"NV12", ", colorimetry=(string)bt601, chroma-site=(string)jpeg", 8},
        FormatCase{"UYVY", ", colorimetry=(string)2:4:7:1, pixel-aspect-ratio=(fraction)12/11", 8},
        FormatCase{"P010_10LE", ", colorimetry=(string)bt2100-pq, chroma-site=(string)cosited", 10},
        FormatCase{"I422_10LE", ", colorimetry=(string)bt2100-hlg", 10},
        FormatCase{"Y444", ", colorimetry=(string)1:4:5:1", 8},
        FormatCase{"v210", ", colorimetry=(string)bt709", 10},
        FormatCase{"RGB", ", colorimetry=(string)sRGB", 8}, FormatCase{"BGRx", "", 8},
        FormatCase{"ARGB64", "", 16}));

TEST_F(ColorsTest, KeepsMasteringDisplayAndLightLevels) {
  const Passed passed =
      through_bin(caps_text("P010_10LE", std::string(", colorimetry=(string)bt2100-pq") + pq_light));
  ASSERT_TRUE(passed.out);
  const GstStructure* out = gst_caps_get_structure(passed.out_caps.get(), 0);
  EXPECT_STREQ(gst_structure_get_string(out, "content-light-level"), "1000:400");
  EXPECT_TRUE(gst_structure_has_field(out, "mastering-display-info"));
}

TEST_F(ColorsTest, ATenBitRampHasNoBandsWhereDownstreamWantsAnotherFormat) {
  // Luma alone: the chroma of 4:2:0 and 4:2:2 is not the same.
  for (const char* format : {"v210", "I422_10LE", "Y444_10LE", "P010_10LE"}) {
    const Passed passed = through_bin(caps_text("P010_10LE", ", colorimetry=(string)bt709", 640, 48),
                                      std::string("video/x-raw, format=") + format);
    ASSERT_TRUE(passed.out) << format;
    const cv::Mat in = components_of(passed.in.get(), passed.in_caps.get()),
                  out = components_of(passed.out.get(), passed.out_caps.get());
    for (int x = 0; x < in.cols; ++x)
      ASSERT_LE(std::abs(in.at<cv::Vec4w>(9, x)[1] - out.at<cv::Vec4w>(9, x)[1]), 64)
          << format << " at " << x;
  }
}

TEST_F(ColorsTest, TheRampKeepsItsNumberOfLevels) {
  const Passed passed = through_bin(caps_text("P010_10LE", ", colorimetry=(string)bt2020-10", 1024, 32));
  ASSERT_TRUE(passed.out);
  std::set<int> levels;
  const cv::Mat out = components_of(passed.out.get(), passed.out_caps.get());
  for (int x = 0; x < out.cols; ++x) levels.insert(out.at<cv::Vec4w>(9, x)[1] >> 6);
  EXPECT_EQ(levels.size(), 877u);
}

TEST_F(ColorsTest, APictureOfBt2020KeepsItsLabelAsRgb) {
  const Passed passed = through_bin(caps_text("P010_10LE", ", colorimetry=(string)bt2100-pq"),
                                    "video/x-raw, format=(string)RGB");
  ASSERT_TRUE(passed.out);
  GstVideoInfo info;
  gst_video_info_from_caps(&info, passed.out_caps.get());
  EXPECT_EQ(info.colorimetry.primaries, GST_VIDEO_COLOR_PRIMARIES_BT2020);
  EXPECT_EQ(info.colorimetry.transfer, GST_VIDEO_TRANSFER_SMPTE2084);
  EXPECT_EQ(info.colorimetry.matrix, GST_VIDEO_COLOR_MATRIX_RGB);
}

/// A head of one color over the driver's video in that format: what stands in the middle of it, in 255ths.
class HeadColorTest : public ColorsTest {
 protected:
  cv::Vec3d drawn(const std::string& format, const std::string& more, const cv::Vec3b& color,
                  const std::string& properties = "background=color background-color=0xff000000") {
    start(properties, "video/x-raw, format=" + format);
    const std::string driver = caps_text(format, more);
    const Owned<GstCaps> caps(gst_caps_from_string(driver.c_str()));
    const cv::Mat rgba(head_size, head_size, CV_8UC4, cv::Scalar(color[0], color[1], color[2], 255));
    gst_harness_push(fill_.get(), head(0, rgba, frame_of(ramp(width, height), caps.get(), 0), driver));
    const Owned<GstBuffer> out = pull(fill_);
    const cv::Mat pixels = components_of(out.get(), caps_of(fill_).get());
    corner_ = pixels.at<cv::Vec4w>(2, 2);
    const auto middle = pixels.at<cv::Vec4w>(60, 80);
    return cv::Vec3d(middle[1], middle[2], middle[3]) / 256.0;
  }
  cv::Vec4w corner_;
};

TEST_F(HeadColorTest, IsTheMatrixAndRangeOfTheVideo) {
  const struct {
    const char *format, *more;
    double kr, kb;
    bool full;
  } cases[] = {{"I420", ", colorimetry=(string)bt709", 0.2126, 0.0722, false},
               {"NV12", ", colorimetry=(string)bt601", 0.299, 0.114, false},
               {"Y444", ", colorimetry=(string)1:4:7:1", 0.299, 0.114, true},
               {"P010_10LE", ", colorimetry=(string)bt709", 0.2126, 0.0722, false}};
  for (const auto& tested : cases) {
    for (const cv::Vec3b& color :
         {cv::Vec3b(255, 255, 255), cv::Vec3b(200, 90, 40), cv::Vec3b(10, 20, 240)}) {
      const cv::Vec3d found = drawn(tested.format, tested.more, color);
      const double y =
          (tested.kr * color[0] + (1 - tested.kr - tested.kb) * color[1] + tested.kb * color[2]) / 255;
      const double u = (color[2] / 255.0 - y) / (2 * (1 - tested.kb)),
                   v = (color[0] / 255.0 - y) / (2 * (1 - tested.kr));
      const double luma = tested.full ? 255 : 219, chroma = tested.full ? 255 : 224,
                   black = tested.full ? 0 : 16;
      EXPECT_NEAR(found[0], black + luma * y, 1) << tested.format << color;
      EXPECT_NEAR(found[1], 128 + chroma * u, 1) << tested.format << color;
      EXPECT_NEAR(found[2], 128 + chroma * v, 1) << tested.format << color;
      fill_.reset();
    }
  }
}

TEST_F(HeadColorTest, OfBackgroundColorIsTheSame) {
  drawn("Y444", ", colorimetry=(string)bt709", {0, 0, 0}, "background=color background-color=0xffff0000");
  EXPECT_NEAR(corner_[1] / 256.0, 16 + 219 * 0.2126, 1);
  EXPECT_NEAR(corner_[2] / 256.0, 128 - 224 * 0.2126 / (2 * 0.9278), 1);
  EXPECT_NEAR(corner_[3] / 256.0, 128 + 224 * 0.5, 1);
}

TEST_F(HeadColorTest, WhiteIsDiffuseWhiteInHighDynamicRange) {
  // BT.2408: 203 cd/m2 is 75 % of an HLG signal and 58 % of a PQ signal.
  const auto share = [](double luma) { return (luma - 16) / 219; };
  EXPECT_NEAR(share(drawn("P010_10LE", ", colorimetry=(string)bt2100-hlg", {255, 255, 255})[0]), 0.75, 0.01);
  fill_.reset();
  EXPECT_NEAR(share(drawn("P010_10LE", ", colorimetry=(string)bt2100-pq", {255, 255, 255})[0]), 0.58, 0.01);
  fill_.reset();
  EXPECT_NEAR(share(drawn("P010_10LE", ", colorimetry=(string)bt2100-pq", {0, 0, 0})[0]), 0, 0.005);
}

TEST_F(HeadColorTest, StaysWhatItIsOverNothingWithColorMatch) {
  const cv::Vec3b color(150, 110, 90);
  const auto luma_with = [&](const std::string& match) {
    start("background=transparent color-match=" + match, "video/x-raw, format=RGBA");
    gst_harness_push(fill_.get(), head(0, soft_head(color)));
    const Owned<GstBuffer> out = pull(fill_);
    const cv::Vec4b middle = picture_of(out.get(), caps_of(fill_).get()).at<cv::Vec4b>(60, 80);
    fill_.reset();
    return cv::Vec3b(middle[0], middle[1], middle[2]);
  };
  EXPECT_EQ(luma_with("true"), luma_with("false"));
  EXPECT_EQ(luma_with("true"), color);
}

TEST_F(ColorsTest, InterlacedVideoIsRefusedInASentence) {
  for (const char* mode : {"interleaved", "mixed"}) {
    element_ = make("reenactcrop", "size=64");
    Owned<GstHarness> h(gst_harness_new_with_element(element_.get(), "sink", "src"));
    const std::string caps = caps_text("I420", std::string(", interlace-mode=(string)") + mode);
    gst_harness_set_src_caps_str(h.get(), caps.c_str());
    const Owned<GstCaps> parsed(gst_caps_from_string(caps.c_str()));
    EXPECT_NE(gst_harness_push(h.get(), frame_of(ramp(160, 120), parsed.get(), 0)), GST_FLOW_OK);
    const std::string text = error_text();
    EXPECT_NE(text.find("deinterlace"), std::string::npos) << text;
    EXPECT_NE(text.find(mode), std::string::npos) << text;
    while (error_text() != "") {
    }
  }
  start("", "video/x-raw, format=RGB");
  Owned<GstHarness> background(gst_harness_new_with_element(element_.get(), "background", nullptr));
  gst_harness_set_src_caps_str(background.get(),
                               caps_text("I420", ", interlace-mode=(string)interleaved").c_str());
  const Owned<GstCaps> parsed(gst_caps_from_string(caps_text("I420", "").c_str()));
  gst_harness_push(background.get(), frame_of(ramp(160, 120), parsed.get(), 0));
  gst_harness_push(fill_.get(), head(0, soft_head({1, 2, 3})));
  const Owned<GstMessage> error = message(GST_MESSAGE_ERROR);
  EXPECT_TRUE(error);
}

TEST_F(ColorsTest, PassesTimecodeCaptionsActiveFormatAndBars) {
  const guint8 caption[] = {0xfc, 0x94, 0x20};
  const auto add = [&](GstBuffer* frame) {
    gst_buffer_add_video_time_code_meta_full(frame, 25, 1, nullptr, GST_VIDEO_TIME_CODE_FLAGS_NONE, 1, 2, 3,
                                             4, 0);
    gst_buffer_add_video_caption_meta(frame, GST_VIDEO_CAPTION_TYPE_CEA708_RAW, caption, sizeof(caption));
    gst_buffer_add_video_afd_meta(frame, 0, GST_VIDEO_AFD_SPEC_SMPTE_ST2016_1,
                                  GST_VIDEO_AFD_14_9_TOP_ALIGNED);
    gst_buffer_add_video_bar_meta(frame, 0, TRUE, 10, 100);
  };
  const Passed passed =
      through_bin(caps_text("I420", ""), "video/x-raw, height=(int)240, width=(int)320", "color", add);
  ASSERT_TRUE(passed.out);
  GstBuffer* out = passed.out.get();
  const GstVideoTimeCodeMeta* time = gst_buffer_get_video_time_code_meta(out);
  ASSERT_TRUE(time);
  EXPECT_EQ(time->tc.frames, 4u);
  const GstVideoCaptionMeta* words = gst_buffer_get_video_caption_meta(out);
  ASSERT_TRUE(words);
  ASSERT_EQ(words->size, sizeof(caption));
  EXPECT_EQ(words->data[1], 0x94);
  ASSERT_EQ(gst_buffer_get_n_meta(out, GST_VIDEO_AFD_META_API_TYPE), 1u);
  EXPECT_EQ(gst_buffer_get_video_afd_meta(out)->afd, GST_VIDEO_AFD_14_9_TOP_ALIGNED);
  ASSERT_EQ(gst_buffer_get_n_meta(out, GST_VIDEO_BAR_META_API_TYPE), 1u);
  const GstVideoBarMeta* bars = gst_buffer_get_video_bar_meta(out);
  EXPECT_TRUE(bars->is_letterbox);
  EXPECT_EQ(bars->bar_data1, 20u) << "in lines of an output twice as high";
  EXPECT_EQ(bars->bar_data2, 200u);
}

TEST_F(ColorsTest, ABackgroundPadOfTenBitsKeepsThem) {
  start("", "video/x-raw, format=P010_10LE");
  const std::string text = caps_text("P010_10LE", ", colorimetry=(string)bt709");
  const Owned<GstCaps> caps(gst_caps_from_string(text.c_str()));
  Owned<GstHarness> background(gst_harness_new_with_element(element_.get(), "background", nullptr));
  gst_harness_set_src_caps_str(background.get(), text.c_str());
  gst_harness_push(background.get(), frame_of(ramp(width, height), caps.get(), 0));
  GstBuffer* missing =
      head(0, soft_head({1, 2, 3}), frame_of(ramp(width, height), caps.get(), 0), text, face_missing);
  gst_harness_push(fill_.get(), missing);
  gst_harness_push_event(background.get(), gst_event_new_eos());
  const Owned<GstBuffer> out = pull(fill_), wanted(frame_of(ramp(width, height), caps.get(), 0));
  ASSERT_TRUE(out);
  EXPECT_EQ(
      cv::norm(components_of(out.get(), caps.get()), components_of(wanted.get(), caps.get()), cv::NORM_INF),
      0);
}

}  // namespace
}  // namespace reenact
