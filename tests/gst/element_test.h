// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/check/gstharness.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>
#include <optional>
#include <string>

#include "base/glib.h"
#include "fake_colors.h"
#include "reenact/config.h"

namespace reenact {

template <>
struct Unref<GstHarness> {
  void operator()(GstHarness* harness) const { gst_harness_teardown(harness); }
};

/// Sizes of the fake networks.
inline constexpr int test_image_size = 32, test_pose_size = 8, test_identity_size = 4;
inline constexpr GstClockTime frame_duration = GST_SECOND / 25;

/// Of a reenactor that the fake backend takes.
ReenactorConfig fake_reenactor_config(int pose_size = test_pose_size);

/// Models of the fake backend in a folder of their own, which REENACT_MODEL_PATH names: detector.safetensors,
/// reenactor.safetensors, wide.safetensors (poses twice as long), red.safetensors and green.safetensors
/// (identities whose heads have full red, or full green), long.safetensors (an identity that fits no
/// reenactor).
class ElementTest : public ::testing::Test {
 public:
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  static std::filesystem::path folder();

 protected:
  ElementTest();
  ~ElementTest() override;

  /// A new element whose messages go to bus(), with "name=value ..." set on it. Its networks are those of the
  /// fake backend.
  Owned<GstElement> make(const std::string& factory, const std::string& properties = "");
  GstBus* bus() { return bus_; }
  /// The next message of that type within two seconds, or null.
  Owned<GstMessage> message(GstMessageType type);
  /// The error that is on the bus; "" when there is none.
  std::string error_text(GQuark* domain = nullptr, int* code = nullptr);

 private:
  GstBus* bus_;
};

/// A blue picture, with a face in it if `face` is given.
cv::Mat scene(int width, int height, std::optional<cv::Rect> face = {});
/// Format of RGB pictures of that size.
GstVideoInfo info_of(cv::Size size);
std::string rgb_caps(int width, int height);
std::string rgba_caps(int width, int height);
std::string pose_caps_string(int size = test_pose_size);
/// The frame with that number, 25 a second, of the picture (RGB or RGBA).
GstBuffer* new_frame(const cv::Mat& picture, int number);
/// The pose with that number whose first value is `value`, the others 0.
GstBuffer* new_pose(float value, int number, int size = test_pose_size);
/// What is in a frame of RGB or RGBA, copied.
cv::Mat picture_of(GstBuffer* buffer, const GstVideoInfo& info);
cv::Mat picture_of(GstBuffer* buffer, GstCaps* caps);
float first_value(GstBuffer* pose);

/// Largest difference of a channel between two colours.
int difference(const cv::Vec3b& a, const cv::Vec3b& b);
/// Pixels of an RGB picture within 60 levels of the driver's face colour.
int face_colored_pixels(const cv::Mat& rgb);

}  // namespace reenact
