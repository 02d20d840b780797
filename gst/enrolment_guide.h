// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <mutex>
#include <opencv2/core.hpp>

#include "stream/face_meta.h"

namespace reenact {

/// Leads whoever is enrolled live, by element messages: `reenact-enrol-countdown` (seconds) as each second before the first
/// picture begins, 0 when it is taken; `reenact-enrol-picture` (number, of, taken, score, sharpness, exposure, size,
/// timestamp) of each picture.
class EnrolmentGuide {
 public:
  struct Settings {
    guint countdown = 0;     ///< seconds before the first picture
    double least_score = 0;  ///< pictures below are not learned from, 0..1
  };

  /// A new enrolment of that many pictures, from any thread.
  void begin(guint pictures, const Settings& settings);
  /// Whether no picture is to be taken yet at `time`, of the crops' stream; tells of the seconds.
  bool counting_down(GstElement* element, GstClockTime time);
  /// Whether the picture (CV_8UC3 RGB) is good enough to be learned from; tells of it. `face` may be null.
  bool take(GstElement* element, const cv::Mat& rgb, const FaceMeta* face, GstClockTime time);

 private:
  std::mutex mutex_;
  Settings settings_;
  guint pictures_ = 0, taken_ = 0;
  gint64 told_ = -1;  // seconds that were told last; negative: none yet
  GstClockTime begun_ = GST_CLOCK_TIME_NONE;
};

}  // namespace reenact
