// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything an application may do from its own threads while buffers flow. Meant for ThreadSanitizer too, see
// thread_sanitizer.cc:
//     meson setup build-tsan -Db_sanitize=thread -Db_lundef=false -Dtorch=disabled -Dcpu_backend=disabled
//     meson test -C build-tsan 'elements under stress'
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "element_test.h"

namespace reenact {
namespace {

class StressTest : public ElementTest {
 protected:
  static constexpr int frames = 200;

  void SetUp() override {
    GError* error = nullptr;
    // The fake networks answer for CUDA only.
    pipeline_.reset(gst_parse_launch(
        ("appsrc name=in format=time block=true max-buffers=2 caps=\"" + rgb_caps(160, 120) +
         "\" ! reenactcrop name=crop device=cuda ! tee name=t ! queue ! reenactpose name=pose device=cuda ! "
         "reenactidentity name=identity device=cuda identity-file=red.safetensors ! "
         "reenactgenerator name=generator device=cuda ! reenactcompositor name=compositor ! appsink name=out "
         "sync=false t. ! queue ! identity.crops "
         "videotestsrc ! video/x-raw,format=RGB,width=64,height=48,framerate=25/1 ! compositor.background")
            .c_str(),
        &error));
    ASSERT_TRUE(pipeline_ && !error) << (error ? error->message : "");
    for (const char* name : {"in", "crop", "pose", "identity", "generator", "compositor", "out"})
      elements_[name].reset(gst_bin_get_by_name(GST_BIN(pipeline_.get()), name));
    ASSERT_NE(gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  }
  void TearDown() override {
    if (pipeline_) gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  }
  GstElement* element(const char* name) { return elements_.at(name).get(); }

  /// Repeats `what` with 0, 1, 2, ... on a thread of its own until the stream has ended.
  void meanwhile(std::function<void(int)> what) {
    threads_.emplace_back([this, what = std::move(what)] {
      for (int turn = 0; !ended_; ++turn) {
        what(turn);
        std::this_thread::yield();
      }
    });
  }
  /// Pushes the frames and takes the pictures; returns how many came.
  int run() {
    std::thread pusher([this] {
      for (int i = 0; i < frames; ++i) {
        // The face comes, moves and goes.
        const cv::Rect face(40 + i % 50, 40, 30, 36);
        gst_app_src_push_buffer(GST_APP_SRC(element("in")),
                                new_frame(i % 40 < 30 ? scene(160, 120, face) : scene(160, 120), i));
      }
      gst_app_src_end_of_stream(GST_APP_SRC(element("in")));
    });
    int pictures = 0;
    while (GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(element("out")), 30 * GST_SECOND)) {
      gst_sample_unref(sample);
      ++pictures;
    }
    ended_ = true;
    pusher.join();
    for (std::thread& thread : threads_) thread.join();
    return pictures;
  }
  std::string pipeline_error() {
    Owned<GstBus> bus(gst_element_get_bus(pipeline_.get()));
    Owned<GstMessage> message(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
    if (!message) return "";
    GError* error = nullptr;
    gst_message_parse_error(message.get(), &error, nullptr);
    const std::string text = error->message;
    g_error_free(error);
    return text;
  }

  Owned<GstElement> pipeline_;
  std::map<std::string, Owned<GstElement>> elements_;
  std::atomic<bool> ended_ = false;
  std::vector<std::thread> threads_;
};

TEST_F(StressTest, PropertiesIdentitiesAndEnrolmentsChangeWhileBuffersFlow) {
  meanwhile([this](int turn) {
    g_object_set(element("crop"), "crop-scale", 1.5 + turn % 5 * 0.1, "smoothing", turn % 2 * 0.5, "no-face",
                 turn % 2 * 2, "detect-interval", 1 + turn % 4, "post-messages", turn % 2, nullptr);
    g_object_set(element("generator"), "pose-mode", turn % 3, "pose-strength", turn % 3 * 0.5, nullptr);
    g_signal_emit_by_name(element("generator"), "set-reference");
  });
  meanwhile([this](int turn) {
    // All but transparent, which renegotiates; that is the next test.
    g_object_set(element("compositor"), "background", turn % 5, "background-color", guint(turn), "opacity",
                 0.5, "mask-smoothing", 0.5, "placement", turn % 3, "placement-x", turn % 20, nullptr);
  });
  meanwhile([this](int turn) {
    g_object_set(element("identity"), "identity-file", turn % 2 ? "green.safetensors" : "red.safetensors",
                 nullptr);
    gboolean begun = FALSE;
    g_signal_emit_by_name(element("identity"), "enrol", 1 + turn % 3, nullptr, &begun);
  });
  meanwhile([this](int) {
    for (const char* name : {"crop", "pose", "identity", "generator"}) {
      gchar *device = nullptr, *model = nullptr;
      g_object_get(element(name), "active-device", &device, "model-file", &model, nullptr);
      EXPECT_STRNE(model, nullptr);
      g_free(device);
      g_free(model);
    }
    Owned<GstQuery> latency(gst_query_new_latency());
    gst_element_query(pipeline_.get(), latency.get());
  });
  EXPECT_EQ(run(), frames);
  EXPECT_EQ(pipeline_error(), "");
}

TEST_F(StressTest, OutputChangesItsFormatWhileBuffersFlow) {
  meanwhile([this](int turn) {
    g_object_set(element("compositor"), "background", turn % 2 ? 5 : 0, nullptr);
    g_usleep(2000);
  });
  meanwhile([this](int turn) {
    g_object_set(element("crop"), "size", turn % 2 ? 64 : 0, nullptr);
    g_usleep(2000);
  });
  EXPECT_EQ(run(), frames);
  EXPECT_EQ(pipeline_error(), "");
}

}  // namespace
}  // namespace reenact
