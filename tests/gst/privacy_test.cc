// SPDX-License-Identifier: LGPL-2.1-or-later
// Nobody before the camera is shown, whatever happens there: 500 adversarial frames through reenactcrop with the shipped
// detector and through every background of reenactcompositor but driver.
#include <filesystem>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "../support/shared_data.h"
#include "adversarial_frames.h"
#include "element_test.h"
#include "reenact/face_finder.h"
#include "stream/face_meta.h"

namespace reenact {
namespace {

namespace fs = std::filesystem;

constexpr int frames_wanted = 500, frames_a_scene = 28;
const cv::Scalar head_color{10, 220, 40, 255};

/// Edges of a face, with near ones brought to the size of far ones so that all count alike. Smoothed a little, or a ramp of
/// whole levels would count as edges.
double detail_of(const cv::Mat& rgb, const cv::Rect& face) {
  constexpr double side = 64;
  cv::Mat gray, edges;
  cv::cvtColor(rgb(face), gray, cv::COLOR_RGB2GRAY);
  gray.convertTo(gray, CV_32F);
  const double scale = side / std::max(face.width, face.height);
  if (scale < 1) cv::resize(gray, gray, {}, scale, scale, cv::INTER_AREA);
  cv::GaussianBlur(gray, gray, {0, 0}, 1);
  cv::Laplacian(gray, edges, CV_32F);
  return cv::norm(edges, cv::NORM_L1) / double(edges.total());
}

class PrivacyTest : public ::testing::Test {
 protected:
  struct Shot {
    AdversarialFrame truth;
    Owned<GstBuffer> crop;  // with the face meta that reenactcrop gave it
  };

  static void SetUpTestSuite() {
    const fs::path detector = fs::path(REENACT_SHIPPED_MODELS) / "detector.safetensors";
    if (!fs::exists(detector)) return;
    shots_ = new std::vector<Shot>;
    EngineOptions one_thread;
    one_thread.threads = 1;
    finder_ = new FaceFinder(load_detector(detector, one_thread));
    const AdversarialFrames frames(test::shared_file("data/stills"));
    const cv::Size sizes[] = {{320, 240}, {426, 240}, {240, 320}};
    for (int scene = 0; int(shots_->size()) < frames_wanted; ++scene) {
      const cv::Size size = sizes[scene % 3];
      Owned<GstElement> crop(gst_element_factory_make("reenactcrop", nullptr));
      gst_object_ref_sink(crop.get());
      gst_util_set_object_arg(G_OBJECT(crop.get()), "face-select", scene % 2 ? "index" : "track");
      g_object_set(crop.get(), "threads", 1, "size", 64, nullptr);
      Owned<GstHarness> h(gst_harness_new_with_element(crop.get(), "sink", "src"));
      gst_harness_set_src_caps_str(h.get(), rgb_caps(size.width, size.height).c_str());
      for (int i = 0; i < frames_a_scene && int(shots_->size()) < frames_wanted; ++i) {
        Shot shot;
        shot.truth = frames.frame(Scene(scene % scene_count), i, frames_a_scene, size, std::uint64_t(scene));
        shot.crop.reset(gst_harness_push_and_pull(h.get(), new_frame(shot.truth.rgb, i)));
        ASSERT_TRUE(shot.crop);
        shots_->push_back(std::move(shot));
      }
    }
  }
  static void TearDownTestSuite() {
    delete shots_;
    delete finder_;
    shots_ = nullptr;
    finder_ = nullptr;
  }
  void SetUp() override {
    if (!shots_) GTEST_SKIP() << "models/detector.safetensors is not there";
  }

  /// What comes out where the head of a shot is laid over that background: a plain green one, or none for `head` false.
  /// The driver's frame may be replaced, and the flags of the meta, both of which a broken stream can bring about.
  static cv::Mat composited(const Shot& shot, const std::string& properties, bool head = true,
                            const cv::Mat& other_frame = {}, std::optional<guint> flags = {},
                            bool gap = false) {
    Owned<GstElement> compositor(gst_parse_launch(("reenactcompositor " + properties).c_str(), nullptr));
    gst_object_ref_sink(compositor.get());
    Owned<GstHarness> h(gst_harness_new_with_element(compositor.get(), "sink", "src"));
    gst_harness_set_sink_caps_str(h.get(), "video/x-raw, format=(string){ RGB, RGBA }");
    constexpr int side = 32;
    gst_harness_set_src_caps_str(h.get(), rgba_caps(side, side).c_str());
    cv::Mat rgba(side, side, CV_8UC4, cv::Scalar::all(0));
    if (head)
      cv::ellipse(rgba, {side / 2, side / 2}, {side / 3, side / 2}, 0, 0, 360, head_color, cv::FILLED);
    GstBuffer* buffer = new_frame(rgba, 0);
    const FaceMeta* seen = get_face_meta(shot.crop.get());
    Owned<GstBuffer> frame(other_frame.empty() ? gst_buffer_ref(seen->frame) : new_frame(other_frame, 0));
    FaceMeta* meta = add_face_meta(buffer, frame.get(), &seen->frame_info);
    meta->box = seen->box;
    meta->crop = seen->crop;
    meta->flags = flags.value_or(seen->flags);
    meta->largest_face = seen->largest_face;
    if (gap) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_GAP);
    Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), buffer));
    if (!out) return {};
    Owned<GstCaps> caps(gst_pad_get_current_caps(h->sinkpad));
    return picture_of(out.get(), caps.get());
  }

  static std::vector<Shot>* shots_;
  static FaceFinder* finder_;
};
std::vector<PrivacyTest::Shot>* PrivacyTest::shots_ = nullptr;
FaceFinder* PrivacyTest::finder_ = nullptr;

TEST_F(PrivacyTest, ABlurredDriverKeepsNeitherAFaceNorItsDetail) {
  ASSERT_GE(shots_->size(), std::size_t(frames_wanted));
  int found_before = 0, found_after = 0, faces = 0;
  double worst = 0, sum = 0;
  for (const Shot& shot : *shots_) {
    const cv::Mat out = composited(shot, "background=blurred-driver opacity=0");
    ASSERT_EQ(out.size(), shot.truth.rgb.size());
    found_before += !finder_->search(shot.truth.rgb).empty();
    found_after += !finder_->search(out).empty();
    for (const cv::Rect& face : shot.truth.faces) {
      if (face.width < 16 || face.height < 16) continue;
      const double left = detail_of(out, face) / detail_of(shot.truth.rgb, face);
      worst = std::max(worst, left);
      sum += left;
      ++faces;
    }
  }
  EXPECT_GT(found_before, int(shots_->size()) / 2) << "there was something to hide";
  EXPECT_EQ(found_after, 0);
  EXPECT_LE(worst, 0.08);
  RecordProperty("frames_with_a_face_before", found_before);
  RecordProperty("largest_share_of_detail_left_in_percent", std::to_string(100 * worst));
  RecordProperty("mean_share_of_detail_left_in_percent", std::to_string(100 * sum / faces));
}

TEST_F(PrivacyTest, NoOtherBackgroundDependsOnTheDriversPictureAtAll) {
  const std::string image = (fs::temp_directory_path() / "reenact-privacy-background.png").string();
  cv::imwrite(image, cv::Mat(40, 40, CV_8UC3, cv::Scalar(200, 30, 90)));
  const std::string modes[] = {"background=pad", "background=color",
                               "background=image background-image=" + image, "background=transparent"};
  const std::optional<guint> flags[] = {std::nullopt, guint(face_missing), guint(face_missing | face_held),
                                        guint(face_detected)};
  cv::RNG random(3);
  for (std::size_t i = 0; i < shots_->size(); ++i) {
    const Shot& shot = (*shots_)[i];
    cv::Mat noise(shot.truth.rgb.size(), CV_8UC3);
    random.fill(noise, cv::RNG::UNIFORM, 0, 256);
    for (const std::string& mode : modes) {
      for (const bool gap : {false, true}) {
        const auto& flag = flags[(i + gap) % 4];
        const cv::Mat out = composited(shot, mode, true, {}, flag, gap);
        ASSERT_FALSE(out.empty());
        ASSERT_EQ(cv::norm(out, composited(shot, mode, true, noise, flag, gap), cv::NORM_INF), 0)
            << mode << ", frame " << i << ", gap " << gap;
      }
    }
  }
  fs::remove(image);
}

}  // namespace
}  // namespace reenact
