// SPDX-License-Identifier: LGPL-2.1-or-later
#include "element_test.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>
#include <sstream>

#include "reenact/config.h"
#include "reenact/identity.h"
#include "reenact/model_file.h"
#include "reenact/safetensors.h"

namespace reenact {
namespace {

void write_model(const std::string& name, ModelKind kind, const JsonObject& config) {
  ModelInfo info;
  info.kind = kind;
  info.config = config;
  info.licence = "CC0-1.0";
  write_safetensors(ElementTest::folder() / name, {}, to_metadata(info));
}

void write_identity(const std::string& name, std::vector<float> embedding, std::vector<float> neutral_pose) {
  Identity identity;
  identity.name = std::filesystem::path(name).stem().string();
  identity.embedding = std::move(embedding);
  identity.neutral_pose = std::move(neutral_pose);
  save_identity(ElementTest::folder() / name, identity, {});
}

}  // namespace

ReenactorConfig fake_reenactor_config(int pose_size) {
  ReenactorConfig config;
  config.preset = "lite";
  config.image_size = test_image_size;
  config.num_channels = 8;
  config.max_channels = 16;
  config.identity_embedding_size = test_identity_size;
  config.pose_embedding_size = pose_size;
  return config;
}

std::filesystem::path ElementTest::folder() {
  return std::filesystem::temp_directory_path() / ("reenact-element-tests-" + std::to_string(::getpid()));
}

void ElementTest::SetUpTestSuite() {
  std::filesystem::create_directories(folder());
  ::setenv("REENACT_MODEL_PATH", folder().c_str(), 1);
  write_model("detector.safetensors", ModelKind::detector, to_json(DetectorConfig()));
  write_model("reenactor.safetensors", ModelKind::reenactor, to_json(fake_reenactor_config(test_pose_size)));
  write_model("wide.safetensors", ModelKind::reenactor, to_json(fake_reenactor_config(2 * test_pose_size)));
  std::vector<float> neutral(test_pose_size, 0.0f);
  neutral[0] = 0.25f;
  write_identity("red.safetensors", {1, 0, 0, 0}, neutral);
  write_identity("green.safetensors", {0, 1, 0, 0}, {});
  write_identity("long.safetensors", std::vector<float>(7, 0.5f), {});
}

void ElementTest::TearDownTestSuite() {
  std::filesystem::remove_all(folder());
}

ElementTest::ElementTest() : bus_(gst_bus_new()) {}

ElementTest::~ElementTest() {
  gst_bus_set_flushing(bus_, TRUE);
  gst_object_unref(bus_);
}

Owned<GstElement> ElementTest::make(const std::string& factory, const std::string& properties) {
  Owned<GstElement> element(gst_element_factory_make(factory.c_str(), nullptr));
  if (!element) {
    ADD_FAILURE() << "no element " << factory;
    return element;
  }
  gst_object_ref_sink(element.get());
  gst_element_set_bus(element.get(), bus_);
  // Only the fake backend answers for CUDA, so that no engine of the build itself is chosen.
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(element.get()), "device")) {
    g_object_set(element.get(), "device", "cuda", nullptr);
  }
  std::istringstream stream(properties);
  for (std::string assignment; stream >> assignment;) {
    const std::size_t equals = assignment.find('=');
    gst_util_set_object_arg(G_OBJECT(element.get()), assignment.substr(0, equals).c_str(),
                            assignment.substr(equals + 1).c_str());
  }
  return element;
}

Owned<GstMessage> ElementTest::message(GstMessageType type) {
  return Owned<GstMessage>(gst_bus_timed_pop_filtered(bus_, 2 * GST_SECOND, type));
}

std::string ElementTest::error_text(GQuark* domain, int* code) {
  Owned<GstMessage> error(gst_bus_pop_filtered(bus_, GST_MESSAGE_ERROR));
  if (!error) return "";
  GError* parsed = nullptr;
  gst_message_parse_error(error.get(), &parsed, nullptr);
  const std::string text = parsed->message;
  if (domain) *domain = parsed->domain;
  if (code) *code = parsed->code;
  g_error_free(parsed);
  return text;
}

cv::Mat scene(int width, int height, std::optional<cv::Rect> face) {
  cv::Mat picture(height, width, CV_8UC3, cv::Scalar(20, 60, 120));
  if (!face) return picture;
  cv::rectangle(picture, *face, fake_face_color, cv::FILLED);
  // Something for the tracker to hold on to.
  const cv::Size eye(face->width / 5, face->height / 6);
  for (const double x : {0.2, 0.6}) {
    const cv::Point corner(face->x + int(x * face->width), face->y + face->height / 4);
    cv::rectangle(picture, cv::Rect(corner, eye), fake_face_color - cv::Scalar(50, 20, 50), cv::FILLED);
  }
  return picture;
}

namespace {

std::string video_caps(const char* format, int width, int height) {
  return std::string("video/x-raw, format=(string)") + format + ", width=(int)" + std::to_string(width) +
         ", height=(int)" + std::to_string(height) + ", framerate=(fraction)25/1";
}

}  // namespace

GstVideoInfo info_of(cv::Size size) {
  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_RGB, guint(size.width), guint(size.height));
  return info;
}

std::string rgb_caps(int width, int height) {
  return video_caps("RGB", width, height);
}
std::string rgba_caps(int width, int height) {
  return video_caps("RGBA", width, height);
}

std::string pose_caps_string(int size) {
  return "other/tensors, format=(string)static, num_tensors=(int)1, types=(string)float32, "
         "dimensions=(string)" +
         std::to_string(size) + ":1:1:1, framerate=(fraction)25/1";
}

namespace {

void set_times(GstBuffer* buffer, int number) {
  GST_BUFFER_PTS(buffer) = frame_duration * GstClockTime(number);
  GST_BUFFER_DURATION(buffer) = frame_duration;
}

}  // namespace

GstBuffer* new_frame(const cv::Mat& picture, int number) {
  GstVideoInfo info;
  gst_video_info_set_format(&info, picture.channels() == 3 ? GST_VIDEO_FORMAT_RGB : GST_VIDEO_FORMAT_RGBA,
                            guint(picture.cols), guint(picture.rows));
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  GstVideoFrame frame;
  gst_video_frame_map(&frame, &info, buffer, GST_MAP_WRITE);
  picture.copyTo(cv::Mat(picture.rows, picture.cols, picture.type(), GST_VIDEO_FRAME_PLANE_DATA(&frame, 0),
                         GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0)));
  gst_video_frame_unmap(&frame);
  set_times(buffer, number);
  return buffer;
}

GstBuffer* new_pose(float value, int number, int size) {
  std::vector<float> pose(std::size_t(size), 0.0f);
  pose[0] = value;
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, pose.size() * sizeof(float), nullptr);
  gst_buffer_fill(buffer, 0, pose.data(), pose.size() * sizeof(float));
  set_times(buffer, number);
  return buffer;
}

cv::Mat picture_of(GstBuffer* buffer, const GstVideoInfo& info) {
  GstVideoFrame frame;
  if (!gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ)) return {};
  const int type = GST_VIDEO_INFO_FORMAT(&info) == GST_VIDEO_FORMAT_RGB ? CV_8UC3 : CV_8UC4;
  cv::Mat copy = cv::Mat(GST_VIDEO_FRAME_HEIGHT(&frame), GST_VIDEO_FRAME_WIDTH(&frame), type,
                         GST_VIDEO_FRAME_PLANE_DATA(&frame, 0), GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0))
                     .clone();
  gst_video_frame_unmap(&frame);
  return copy;
}

cv::Mat picture_of(GstBuffer* buffer, GstCaps* caps) {
  GstVideoInfo info;
  return gst_video_info_from_caps(&info, caps) ? picture_of(buffer, info) : cv::Mat();
}

float first_value(GstBuffer* pose) {
  float value = -1;
  gst_buffer_extract(pose, 0, &value, sizeof(value));
  return value;
}

int difference(const cv::Vec3b& a, const cv::Vec3b& b) {
  int largest = 0;
  for (int c = 0; c < 3; ++c) largest = std::max(largest, std::abs(int(a[c]) - int(b[c])));
  return largest;
}

int face_colored_pixels(const cv::Mat& rgb) {
  cv::Mat mask;
  cv::inRange(rgb, fake_face_color - cv::Scalar::all(60), fake_face_color + cv::Scalar::all(60), mask);
  return cv::countNonZero(mask);
}

}  // namespace reenact
