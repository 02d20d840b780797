// SPDX-License-Identifier: LGPL-2.1-or-later
// The chain with the models in models/ and the engines of this build.
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "element_test.h"
#include "reenact/compositor.h"
#include "reenact/engine.h"
#include "reenact/identity.h"
#include "reenact/landmark_head.h"
#include "reenact/region_strengths.h"

namespace reenact {
namespace {

namespace fs = std::filesystem;

const fs::path models = REENACT_SHIPPED_MODELS;

struct Outcome {
  std::string error;
  std::vector<cv::Mat> pictures;  // every fifth
  int frames = 0, found = 0;
};

class ShippedModelsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name :
         {"detector.safetensors", "reenactor.safetensors", "identities", "samples/driver.mp4"}) {
      if (!fs::exists(models / name)) GTEST_SKIP() << "models/" << name << " is not there";
    }
    GstElementFactory* decoder = gst_element_factory_find("avdec_h264");
    if (!decoder) GTEST_SKIP() << "no H.264 decoder is installed";
    gst_object_unref(decoder);
  }

  static std::vector<std::string> identities() {
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(models / "identities")) {
      if (entry.path().extension() == ".safetensors") files.push_back(entry.path().string());
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  /// The sample clip drives that identity before a green background, or as `compositing` says.
  static Outcome run(const std::string& identity,
                     const std::string& compositing =
                         "background=color background-color=0xff00ff00 ! video/x-raw,format=RGB",
                     int frames = G_MAXINT32) {
    Outcome result;
    GError* parse_error = nullptr;
    Owned<GstElement> pipeline(gst_parse_launch(
        ("filesrc location=\"" + (models / "samples" / "driver.mp4").string() +
         "\" ! qtdemux ! h264parse ! avdec_h264 ! identity eos-after=" + std::to_string(frames) +
         " ! videoconvert ! reenactcrop threads=1 post-messages=true ! "
         "reenactpose "
         "threads=1 ! reenactidentity identity-file=\"" +
         identity + "\" ! reenactgenerator threads=1 ! reenactcompositor " + compositing +
         " ! appsink name=out sync=false wait-on-eos=false")
            .c_str(),
        &parse_error));
    if (!pipeline || parse_error) {
      result.error = parse_error ? parse_error->message : "no pipeline";
      g_clear_error(&parse_error);
      return result;
    }
    Owned<GstElement> out(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    while (GstSample* sample = gst_app_sink_pull_sample(GST_APP_SINK(out.get()))) {
      if (result.frames++ % 5 == 0) {
        result.pictures.push_back(picture_of(gst_sample_get_buffer(sample), gst_sample_get_caps(sample)));
      }
      gst_sample_unref(sample);
    }
    GstBus* bus = gst_element_get_bus(pipeline.get());
    while (GstMessage* message = gst_bus_pop(bus)) {
      gboolean here = FALSE;
      if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR && result.error.empty()) {
        GError* error = nullptr;
        gst_message_parse_error(message, &error, nullptr);
        result.error = error->message;
        g_error_free(error);
      } else if (gst_message_has_name(message, "reenact-face") &&
                 gst_structure_get_boolean(gst_message_get_structure(message), "found", &here)) {
        result.found += here;
      }
      gst_message_unref(message);
    }
    gst_object_unref(bus);
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
    return result;
  }

  static double share_of_head(const cv::Mat& picture) {
    cv::Mat background;
    cv::inRange(picture, cv::Scalar(0, 255, 0), cv::Scalar(0, 255, 0), background);
    return 1 - double(cv::countNonZero(background)) / double(picture.total());
  }
};

TEST_F(ShippedModelsTest, DriveEveryIdentity) {
  const std::vector<std::string> files = identities();
  ASSERT_GE(files.size(), 2u);
  std::vector<Outcome> runs;
  for (const std::string& identity : files) {
    SCOPED_TRACE(identity);
    runs.push_back(run(identity));
    const Outcome& last = runs.back();
    ASSERT_EQ(last.error, "");
    ASSERT_GT(last.frames, 10);
    EXPECT_GE(last.found, last.frames * 0.95);
    double moved = 0;
    for (std::size_t i = 0; i < last.pictures.size(); ++i) {
      const double share = share_of_head(last.pictures[i]);
      EXPECT_GT(share, 0.05) << "picture " << i;
      EXPECT_LT(share, 0.999) << "picture " << i;
      if (i > 0)
        moved = std::max(moved, cv::norm(last.pictures[i], last.pictures[0], cv::NORM_L1) /
                                    double(last.pictures[i].total()));
    }
    EXPECT_GT(moved, 1) << "the head does not move";
  }
  const cv::Mat &one = runs[0].pictures[0], &other = runs[1].pictures[0];
  ASSERT_EQ(one.size(), other.size());
  EXPECT_GT(cv::norm(one, other, cv::NORM_L1) / double(one.total()), 3) << "both identities look the same";
}

/// Share of the pixels away from a head whose alpha is not 0.
double haze_of(const cv::Mat& rgba) {
  cv::Mat alpha, near;
  cv::extractChannel(rgba, alpha, 3);
  const int reach = 2 * (rgba.cols / 24) + 1;
  cv::dilate(alpha >= 128, near, cv::getStructuringElement(cv::MORPH_ELLIPSE, {reach, reach}));
  const cv::Mat away = near == 0;
  return double(cv::countNonZero(away & (alpha > 0))) / std::max(1, cv::countNonZero(away));
}

TEST_F(ShippedModelsTest, HardlyAnyHazeStaysAroundAHead) {
  for (const std::string& identity : identities()) {
    SCOPED_TRACE(identity);
    const auto haze_with = [&](const std::string& properties) {
      const Outcome outcome =
          run(identity, "background=transparent " + properties + " ! video/x-raw,format=RGBA", 12);
      EXPECT_EQ(outcome.error, "");
      EXPECT_FALSE(outcome.pictures.empty());
      double sum = 0;
      for (const cv::Mat& picture : outcome.pictures) sum += haze_of(picture);
      return sum / double(std::max<std::size_t>(1, outcome.pictures.size()));
    };
    const double without = haze_with("key-clip=0 mask-reach=0"), haze = haze_with("");
    EXPECT_LT(haze, 0.005);
    EXPECT_LT(haze, 0.2 * without);
    const std::string name = fs::path(identity).stem().string();
    RecordProperty(name + "_percent_without_clip", std::to_string(100 * without));
    RecordProperty(name + "_percent", std::to_string(100 * haze));
  }
}

/// The driver's poses on the sample clip, every fourth.
std::vector<std::vector<float>> sample_poses() {
  std::vector<std::vector<float>> poses;
  Owned<GstElement> pipeline(gst_parse_launch(
      ("filesrc location=\"" + (models / "samples" / "driver.mp4").string() +
       "\" ! qtdemux ! h264parse ! avdec_h264 ! videoconvert ! reenactcrop threads=1 ! reenactpose "
       "threads=1 ! other/tensors,num_tensors=1 ! appsink name=out sync=false wait-on-eos=false")
          .c_str(),
      nullptr));
  const Owned<GstElement> out(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  for (int i = 0; GstSample* sample = gst_app_sink_pull_sample(GST_APP_SINK(out.get())); ++i) {
    GstBuffer* buffer = gst_sample_get_buffer(sample);
    if (i % 4 == 0) {
      poses.emplace_back(gst_buffer_get_size(buffer) / sizeof(float));
      gst_buffer_extract(buffer, 0, poses.back().data(), gst_buffer_get_size(buffer));
    }
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  return poses;
}

double deviation(const std::vector<double>& values) {
  cv::Scalar mean, deviation;
  cv::meanStdDev(values, mean, deviation);
  return deviation[0];
}

TEST_F(ShippedModelsTest, TheRegionsOfADrawnHeadMoveAsFarAsTheirStrengthsSay) {
  EngineOptions one_thread;
  one_thread.threads = 1;
  const auto encoder = load_pose_encoder(models / "reenactor.safetensors", one_thread);
  const auto generator = load_generator(models / "reenactor.safetensors", one_thread);
  const auto head = load_landmark_head(models / "reenactor.safetensors");
  const auto identity = load_identity(models / "identities" / "alex.safetensors");
  ASSERT_TRUE(head);
  generator->set_identity(identity);
  const auto poses = sample_poses();
  ASSERT_GT(poses.size(), 20u);
  // How far mouth, turn and lids of the head that is drawn move, as the pose encoder sees it over gray.
  struct Motion {
    double mouth, turn, lids;
  };
  const auto drawn = [&](const RegionStrengths& strengths) {
    std::vector<double> mouth, turn, lids;
    for (const auto& pose : poses) {
      const cv::Mat rgba =
          generator->generate(with_region_strengths(*head, pose, identity->neutral_pose, strengths));
      cv::Mat rgb(rgba.size(), CV_8UC3, cv::Scalar::all(128));
      blend_layer({cv::Rect({}, rgba.size()), rgba}, rgb);
      std::vector<float> seen(std::size_t(encoder->embedding_size()));
      encoder->encode(rgb, seen);
      const FaceMeasures face = head->measure(seen);
      mouth.push_back(face.mouth);
      turn.push_back(face.turn);
      lids.push_back((face.left_lids + face.right_lids) / 2);
    }
    return Motion{deviation(mouth), deviation(turn), deviation(lids)};
  };
  const Motion as_driver = drawn({}), no_mouth = drawn({.mouth = 0}), no_bearing = drawn({.bearing = 0}),
               no_eyes = drawn({.eyes = 0}), wide = drawn({.mouth = 1.5});
  const auto tell = [&](const std::string& name, const Motion& motion) {
    RecordProperty(name + "_mouth_turn_lids", std::to_string(motion.mouth / as_driver.mouth) + " " +
                                                  std::to_string(motion.turn / as_driver.turn) + " " +
                                                  std::to_string(motion.lids / as_driver.lids));
  };
  tell("no_mouth", no_mouth);
  tell("no_bearing", no_bearing);
  tell("no_eyes", no_eyes);
  tell("one_and_a_half_mouth", wide);
  EXPECT_LT(no_mouth.mouth, 0.4 * as_driver.mouth);
  // The driver of this clip hardly turns: a fiftieth of the face's width is what is seen of it, half of that is noise.
  EXPECT_NEAR(no_mouth.turn, as_driver.turn, 0.015);
  EXPECT_LT(no_bearing.turn, 0.7 * as_driver.turn);
  EXPECT_NEAR(no_bearing.mouth / as_driver.mouth, 1, 0.25);
  EXPECT_LT(no_eyes.lids, 0.7 * as_driver.lids);
  EXPECT_NEAR(no_eyes.turn, as_driver.turn, 0.015);
  EXPECT_GT(wide.mouth, 1.15 * as_driver.mouth);
}

TEST_F(ShippedModelsTest, TheLandmarkHeadSeesFacesAtRestInTheRestingPoses) {
  const auto head = load_landmark_head(models / "reenactor.safetensors");
  ASSERT_TRUE(head);
  for (const std::string& file : identities()) {
    SCOPED_TRACE(file);
    const FaceMeasures face = head->measure(load_identity(file)->neutral_pose);
    for (const double lids : {face.left_lids, face.right_lids}) {
      EXPECT_GT(lids, 0.03);
      EXPECT_LT(lids, 0.07);
    }
    EXPECT_GT(face.mouth, -0.01);
    EXPECT_LT(face.mouth, 0.08);
    EXPECT_LT(std::abs(face.turn), 0.2);
    EXPECT_LT(std::abs(face.tilt), 0.1);
  }
}

}  // namespace
}  // namespace reenact
