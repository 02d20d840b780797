// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <memory>
#include <opencv2/core.hpp>

#include "base/glib.h"
#include "compositor/background_painter.h"
#include "compositor/pixel_space.h"
#include "compositor/settings.h"
#include "reenact/compositor.h"
#include "stream/video_frame.h"

namespace reenact {

/// Draws what the compositor gives out: a background and a head over it, in the output's own format.
class HeadPainter {
 public:
  BackgroundPainter& background() { return background_; }
  const BackgroundPainter& background() const { return background_; }
  /// Of the pictures from here on. Throws Error (unsupported) for a format that has no PixelSpace.
  void set_output(const GstVideoInfo& info);
  const GstVideoInfo& output() const { return output_; }
  /// What comes next is another head: nothing of the one before smooths its mask.
  void forget_head() { compositor_.reset(); }
  void reset();

  /// Draws a buffer of heads of `head_info` into `out`; returns the head as it was laid over, nothing where there is
  /// none. Throws Error (unreadable) for buffers that cannot be mapped.
  HeadLayer draw(const CompositorSettings& settings, const GstVideoInfo& head_info, GstBuffer* head,
                 GstBuffer* out);
  /// Alpha of a head over all of the output, CV_8UC1.
  cv::Mat key_of(const HeadLayer& layer) const;
  /// What a head of `head_info` costs to lay over an output; the background comes on top.
  GstClockTime rehearse(MaskOptions mask, const GstVideoInfo& head_info) const;

 private:
  bool paints_rgb(const CompositorSettings& settings) const;
  template <typename Behind>
  HeadLayer head_layer(const CompositorSettings& settings, const GstVideoInfo& head_info, GstBuffer* head,
                       const cv::Size& output, const Behind& behind);
  HeadLayer draw_rgb(const CompositorSettings& settings, const GstVideoInfo& head_info, GstBuffer* head,
                     cv::Mat picture);
  HeadLayer draw_in_space(const CompositorSettings& settings, const GstVideoInfo& head_info, GstBuffer* head);
  HeadLayer draw_with_head(const CompositorSettings& settings, const GstVideoInfo& head_info, GstBuffer* head,
                           MappedFrame& target);
  void draw_without_head(CompositorSettings settings, bool black, MappedFrame& target);
  HeadLayer draw_panic(const CompositorSettings& settings, MappedFrame& target);
  void keep(const CompositorSettings& settings, const HeadLayer& layer, MappedFrame& target);

  BackgroundPainter background_;
  Compositor compositor_;
  GstVideoInfo output_{};
  std::shared_ptr<const PixelSpace> space_;  // of the output
  cv::Mat pixels_;                           // kept, so that frames allocate nothing
  // The last picture and where its head was, for panic-shows=freeze; null where it showed something of the driver.
  Owned<GstBuffer> last_;
  HeadLayer last_layer_;
};

}  // namespace reenact
