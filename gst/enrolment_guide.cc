// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enrolment_guide.h"

#include <algorithm>

#include "reenact/picture_score.h"

namespace reenact {
namespace {

void post(GstElement* element, GstStructure* structure) {
  gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), structure));
}

}  // namespace

void EnrolmentGuide::begin(guint pictures, const Settings& settings) {
  const std::scoped_lock lock(mutex_);
  settings_ = settings;
  pictures_ = pictures;
  taken_ = 0;
  told_ = -1;
  begun_ = GST_CLOCK_TIME_NONE;
}

bool EnrolmentGuide::counting_down(GstElement* element, GstClockTime time) {
  gint64 seconds = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (settings_.countdown == 0 || told_ == 0) return false;
    // Crops without times are counted by the clock on the wall.
    if (!GST_CLOCK_TIME_IS_VALID(time)) time = GstClockTime(g_get_monotonic_time()) * GST_USECOND;
    if (!GST_CLOCK_TIME_IS_VALID(begun_) || time < begun_) begun_ = time;
    const auto passed = gint64((time - begun_) / GST_SECOND);
    seconds = std::max<gint64>(0, gint64(settings_.countdown) - passed);
    if (seconds == told_) return true;
    told_ = seconds;
  }
  post(element,
       gst_structure_new("reenact-enrol-countdown", "seconds", G_TYPE_UINT, guint(seconds), nullptr));
  return seconds > 0;
}

bool EnrolmentGuide::take(GstElement* element, const cv::Mat& rgb, const FaceMeta* face, GstClockTime time) {
  const PictureScore score = score_picture(rgb, face ? double(face->box.height()) : 0);
  bool taken = false;
  guint number = 0, of = 0;
  {
    const std::scoped_lock lock(mutex_);
    taken = score.total() >= settings_.least_score;
    taken_ += taken;
    number = taken_;
    of = pictures_;
  }
  post(element, gst_structure_new("reenact-enrol-picture", "number", G_TYPE_UINT, number, "of", G_TYPE_UINT,
                                  of, "taken", G_TYPE_BOOLEAN, gboolean(taken), "score", G_TYPE_DOUBLE,
                                  score.total(), "sharpness", G_TYPE_DOUBLE, score.sharpness, "exposure",
                                  G_TYPE_DOUBLE, score.exposure, "size", G_TYPE_DOUBLE, score.size,
                                  "timestamp", G_TYPE_UINT64, time, nullptr));
  return taken;
}

}  // namespace reenact
