// SPDX-License-Identifier: LGPL-2.1-or-later
#include "compositor/head_painter.h"

#include <algorithm>
#include <sstream>

#include "base/rehearsal.h"
#include "reenact/placement.h"
#include "stream/face_meta.h"
#include "stream/video_frame.h"

namespace reenact {

void HeadPainter::set_output(const GstVideoInfo& info) {
  space_ = std::make_shared<PixelSpace>(info);
  output_ = info;
  last_.reset();
}

void HeadPainter::reset() {
  background_.reset();
  compositor_.reset();
  space_.reset();
  last_.reset();
}

/// Whether pictures are painted as RGB of 8 bits, which is fastest, and not in the output's own components.
bool HeadPainter::paints_rgb(const CompositorSettings& settings) const {
  const GstVideoFormat format = GST_VIDEO_INFO_FORMAT(&output_);
  if (space_->has_own_colors()) return false;
  if (format == GST_VIDEO_FORMAT_RGBA) return settings.alpha_mode == AlphaMode::straight;
  return format == GST_VIDEO_FORMAT_RGB && settings.background != BackgroundMode::transparent;
}

/// The head of a frame, ready to be laid over the output; nothing where there is none. `behind` is what it will cover, as
/// Compositor::prepare() takes it, for a place in the output.
template <typename Behind>
HeadLayer HeadPainter::head_layer(const CompositorSettings& settings, const GstVideoInfo& head_info,
                                  GstBuffer* head, const cv::Size& output, const Behind& behind) {
  if (is_faceless(head)) {
    compositor_.reset();
    return {};
  }
  const FaceMeta* face = get_face_meta(head);
  MappedFrame mapped(head_info, head, GST_MAP_READ);
  const cv::Mat rgba = mapped.mat(CV_8UC4);
  const cv::Rect place = head_rectangle(settings.placement, rgba.size(), face ? face->crop : cv::Rect(),
                                        face ? frame_size(*face) : cv::Size(), output);
  const cv::Rect visible = place & cv::Rect({}, output);
  const bool matched = settings.mask.color_match && !visible.empty();
  return compositor_.prepare(rgba, place, settings.mask, output, matched ? behind(visible) : cv::Mat());
}

HeadLayer HeadPainter::draw_rgb(const CompositorSettings& settings, const GstVideoInfo& head_info,
                                GstBuffer* head, cv::Mat picture) {
  background_.set_space(nullptr);
  background_.paint(settings, get_face_meta(head), picture);
  HeadLayer layer = head_layer(settings, head_info, head, picture.size(),
                               [&](const cv::Rect& place) { return cv::Mat(picture(place)); });
  if (!layer.place.empty()) blend_layer(layer, picture);
  return layer;
}

HeadLayer HeadPainter::draw_in_space(const CompositorSettings& settings, const GstVideoInfo& head_info,
                                     GstBuffer* head) {
  const bool transparent = settings.background == BackgroundMode::transparent;
  background_.set_space(space_);
  pixels_.create(GST_VIDEO_INFO_HEIGHT(&output_), GST_VIDEO_INFO_WIDTH(&output_), space_->type());
  background_.paint(settings, get_face_meta(head), pixels_);
  HeadLayer layer = head_layer(settings, head_info, head, pixels_.size(),
                               [&](const cv::Rect& place) { return space_->to_rgb(pixels_(place)); });
  if (!layer.place.empty()) lay_over(space_->from_srgb(layer.rgba), pixels_(layer.place));
  if (transparent && settings.alpha_mode == AlphaMode::premultiplied) space_->premultiply(pixels_);
  return layer;
}

/// What stands behind a head alone; where that is the driver's own picture, background-color.
void HeadPainter::draw_without_head(CompositorSettings settings, bool black, MappedFrame& target) {
  if (settings.shows_driver()) settings.background = BackgroundMode::color;
  if (black && settings.background != BackgroundMode::transparent) {
    settings.background = BackgroundMode::color;
    settings.background_color = 0xff000000;
  }
  compositor_.reset();
  background_.set_space(space_);
  pixels_.create(GST_VIDEO_INFO_HEIGHT(&output_), GST_VIDEO_INFO_WIDTH(&output_), space_->type());
  background_.paint(settings, nullptr, pixels_);
  space_->pack(pixels_, target);
}

HeadLayer HeadPainter::draw_panic(const CompositorSettings& settings, MappedFrame& target) {
  if (settings.panic_shows == PanicShow::freeze && last_) {
    MappedFrame last(output_, last_.get(), GST_MAP_READ);
    gst_video_frame_copy(target.get(), last.get());
    return last_layer_;
  }
  draw_without_head(settings, settings.panic_shows == PanicShow::black, target);
  return {};
}

/// Remembers a picture that may be frozen.
void HeadPainter::keep(const CompositorSettings& settings, const HeadLayer& layer, MappedFrame& target) {
  if (settings.panic_shows != PanicShow::freeze || settings.shows_driver()) {
    last_.reset();
    return;
  }
  if (!last_) last_.reset(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&output_), nullptr));
  MappedFrame copy(output_, last_.get(), GST_MAP_WRITE);
  gst_video_frame_copy(copy.get(), target.get());
  last_layer_.place = layer.place;
  layer.rgba.copyTo(last_layer_.rgba);
}

HeadLayer HeadPainter::draw(const CompositorSettings& settings, const GstVideoInfo& head_info,
                            GstBuffer* head, GstBuffer* out) {
  MappedFrame target(output_, out, GST_MAP_READWRITE);
  if (settings.panic) return draw_panic(settings, target);
  const FaceMeta* face = get_face_meta(head);
  HeadLayer layer;
  if (face && (face->flags & face_blackout))
    draw_without_head(settings, /*black=*/true, target);
  else
    layer = draw_with_head(settings, head_info, head, target);
  keep(settings, layer, target);
  return layer;
}

HeadLayer HeadPainter::draw_with_head(const CompositorSettings& settings, const GstVideoInfo& head_info,
                                      GstBuffer* head, MappedFrame& target) {
  if (paints_rgb(settings)) {
    const bool alpha = GST_VIDEO_INFO_HAS_ALPHA(&output_);
    return draw_rgb(settings, head_info, head, target.mat(alpha ? CV_8UC4 : CV_8UC3));
  }
  HeadLayer layer = draw_in_space(settings, head_info, head);
  space_->pack(pixels_, target);
  return layer;
}

cv::Mat HeadPainter::key_of(const HeadLayer& layer) const {
  cv::Mat key(GST_VIDEO_INFO_HEIGHT(&output_), GST_VIDEO_INFO_WIDTH(&output_), CV_8UC1, cv::Scalar(0));
  if (!layer.place.empty()) cv::extractChannel(layer.rgba, key(layer.place), 3);
  return key;
}

GstClockTime HeadPainter::rehearse(MaskOptions mask, const GstVideoInfo& head_info) const {
  mask.opacity = 1;  // a head that is faded in costs as much a moment later
  const cv::Mat head(GST_VIDEO_INFO_HEIGHT(&head_info), GST_VIDEO_INFO_WIDTH(&head_info), CV_8UC4,
                     cv::Scalar(120, 110, 100, 200));
  cv::Mat picture(GST_VIDEO_INFO_HEIGHT(&output_), GST_VIDEO_INFO_WIDTH(&output_), CV_8UC4);
  const int side = std::min(picture.rows, picture.cols);
  const cv::Rect place((picture.cols - side) / 2, (picture.rows - side) / 2, side, side);
  Compositor compositor;
  const auto paint = [&] {
    picture.setTo(cv::Scalar::all(255));
    compositor.blend(head, place, mask, picture);
  };
  std::ostringstream what;
  what << "compositor lays " << head.cols << "x" << head.rows << " over " << picture.cols << "x"
       << picture.rows << ", mask " << mask.clip << " " << mask.gain << " " << mask.reach << " " << mask.erode
       << " " << mask.feather << " " << mask.fade << " " << mask.decontaminate << " " << mask.smoothing << " "
       << mask.color_match;
  return rehearsed_time(what.str(), {}, paint, {.runs = 3});
}

}  // namespace reenact
