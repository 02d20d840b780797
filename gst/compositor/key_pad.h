// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstaggregator.h>
#include <gst/video/video.h>

#include <memory>
#include <opencv2/core.hpp>

#include "base/glib.h"
#include "compositor/pixel_space.h"

namespace reenact {

/// The formats that a key is given out in: alpha as luma.
#define REENACT_KEY_FORMATS                                                                                            \
  "{ GRAY8, GRAY16_LE, GRAY16_BE, I420, YV12, NV12, NV21, Y42B, Y444, YUY2, UYVY, YVYU, v210, v216, UYVP, I420_10LE, " \
  "I420_10BE, I422_10LE, I422_10BE, Y444_10LE, Y444_10BE, P010_10LE, P010_10BE, I420_12LE, I422_12LE, Y444_12LE, "     \
  "P012_LE, P016_LE, Y210, Y410, AYUV, VUYA }"

/// The pad of reenactcompositor that gives out alpha as video of its own, one frame for each of the fill's and with its
/// times. All but the constructor is called in the thread that gives out the fill.
class KeyPad {
 public:
  KeyPad(GstAggregator* owner, GstPadTemplate* pad_template);
  GstPad* pad() const { return pad_.get(); }

  /// Gives out `alpha` (CV_8UC1, of the size of the fill) beside `fill`, of format `fill_info`. The key of a fill that
  /// nobody takes is no error.
  GstFlowReturn push(const cv::Mat& alpha, GstBuffer* fill, const GstVideoInfo& fill_info);
  /// Any event of the fill's stream: gaps, the end, flushes.
  void push_event(GstEvent* event);
  /// Begins a new stream with the next frame, as after READY.
  void reset();

 private:
  bool negotiate(const GstVideoInfo& fill_info);
  void begin_stream();

  GstAggregator* owner_;
  Owned<GstPad> pad_;
  bool begun_ = false, segment_sent_ = false;
  GstSegment segment_{};
  GstVideoInfo info_{}, fill_info_{};  // of width 0 until they are known
  std::unique_ptr<PixelSpace> space_;
};

}  // namespace reenact
