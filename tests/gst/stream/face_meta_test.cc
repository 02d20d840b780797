// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream/face_meta.h"

#include "element_test.h"

namespace reenact {
namespace {

/// Whether metas come through stock elements.
class FaceMetaTest : public ElementTest {};

TEST_F(FaceMetaTest, SurvivesConversionScalingQueueAndTee) {
  Owned<GstHarness> h(gst_harness_new_parse(
      "videoconvert ! video/x-raw,format=I420 ! videoscale ! video/x-raw,width=64,height=32 ! queue ! tee ! "
      "queue ! "
      "videoconvert ! video/x-raw,format=RGBA ! identity ! videobalance saturation=0.5"));
  gst_harness_set_src_caps_str(h.get(), rgb_caps(128, 128).c_str());
  GstBuffer* buffer = new_frame(scene(128, 128), 0);
  GstBuffer* frame = gst_buffer_new();
  const GstVideoInfo info = info_of({640, 480});
  FaceMeta* meta = add_face_meta(buffer, frame, &info);
  meta->box = {100, 80, 180, 170, 0.75f};
  meta->crop = {60, 40, 160, 160};
  meta->track_id = 5;
  meta->flags = face_detected;
  add_region_of_interest(buffer, *meta, meta->crop, 128, 128);
  Owned<GstBuffer> out(gst_harness_push_and_pull(h.get(), buffer));
  ASSERT_TRUE(out);
  ASSERT_EQ(gst_buffer_get_n_meta(out.get(), face_meta_api_get_type()), 1u);
  const FaceMeta* left = get_face_meta(out.get());
  EXPECT_EQ(left->frame, frame);
  EXPECT_EQ(frame_size(*left), cv::Size(640, 480));
  EXPECT_EQ(left->box.right, 180);
  EXPECT_EQ(left->box.score, 0.75f);
  EXPECT_EQ(left->crop, cv::Rect(60, 40, 160, 160)) << "in the driver's frame, however the crop was scaled";
  EXPECT_EQ(left->track_id, 5u);
  EXPECT_EQ(left->flags, guint(face_detected));
  const auto* region = gst_buffer_get_video_region_of_interest_meta(out.get());
  ASSERT_TRUE(region);
  EXPECT_EQ(region->w, 32u)
      << "the region is in the picture that carries it: 64 pixels wide, scaled by a half";
  EXPECT_EQ(region->h, 18u) << "72 pixels high, scaled by a quarter";
  gst_buffer_unref(frame);
}

TEST_F(FaceMetaTest, RegionOfAFaceOutOfSightIsLeftOut) {
  Owned<GstBuffer> buffer(gst_buffer_new());
  FaceMeta* meta = add_face_meta(buffer.get(), nullptr, nullptr);
  meta->box = {300, 10, 320, 30, 1};
  add_region_of_interest(buffer.get(), *meta, cv::Rect(0, 0, 100, 100), 64, 64);
  EXPECT_FALSE(gst_buffer_get_video_region_of_interest_meta(buffer.get()));
}

}  // namespace
}  // namespace reenact
