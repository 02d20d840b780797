// SPDX-License-Identifier: LGPL-2.1-or-later
#include "compositor/background_painter.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "media/picture_file.h"
#include "reenact/driver_blur.h"
#include "reenact/error.h"
#include "reenact/placement.h"

namespace reenact {
namespace {

cv::Scalar rgb_of(guint argb) {
  return {double((argb >> 16) & 0xff), double((argb >> 8) & 0xff), double(argb & 0xff)};
}

int interpolation_for(cv::Size from, cv::Size to) {
  return from.width > to.width ? cv::INTER_AREA : cv::INTER_LINEAR;
}

}  // namespace

void BackgroundPainter::set_image(const std::filesystem::path& path) {
  cv::Mat image;
  if (!path.empty()) {
    if (!std::filesystem::exists(path))
      throw Error(ErrorCode::not_found, "'" + path.string() + "', the background image, is not there");
    image = read_rgb(path);
  }
  const std::scoped_lock lock(image_mutex_);
  image_ = image;
}

bool BackgroundPainter::has_image() const {
  const std::scoped_lock lock(image_mutex_);
  return !image_.empty();
}

void BackgroundPainter::set_space(const std::shared_ptr<const PixelSpace>& space) {
  if (space == space_) return;
  space_ = space;
  pad_picture_.release();
  scaled_.release();
  scaled_from_.release();
}

void BackgroundPainter::set_pad_frame(GstBuffer* frame, const GstVideoInfo& info) {
  pad_frame_.reset(frame ? gst_buffer_ref(frame) : nullptr);
  pad_info_ = info;
  pad_picture_.release();
}

void BackgroundPainter::reset() {
  pad_frame_.reset();
  pad_picture_.release();
  for (Source* source : {&pad_source_, &driver_source_}) {
    source->rgb.reset();
    source->space.reset();
    source->pixels.release();
  }
  scaled_.release();
  scaled_from_.release();
}

void BackgroundPainter::paint(const CompositorSettings& settings, const FaceMeta* face, cv::Mat& picture) {
  if (settings.background == BackgroundMode::transparent && picture.channels() == 4) {
    picture.setTo(space_ ? space_->color(cv::Scalar::all(0), 0) : cv::Scalar::all(0));
  } else if (space_ || picture.channels() == 3) {
    paint_opaque(settings, face, picture);
  } else {
    rgb_.create(picture.size(), CV_8UC3);
    paint_opaque(settings, face, rgb_);
    cv::cvtColor(rgb_, picture, cv::COLOR_RGB2RGBA);
  }
}

template <typename Use>
void BackgroundPainter::read(Source& source, GstBuffer* frame, const GstVideoInfo& info, const Use& use) {
  const bool premultiplied = GST_VIDEO_INFO_FLAG_IS_SET(&info, GST_VIDEO_FLAG_PREMULTIPLIED_ALPHA);
  if (!space_ || premultiplied) {
    if (!source.rgb.reads(info))
      source.rgb.configure(info, GST_VIDEO_INFO_WIDTH(&info), GST_VIDEO_INFO_HEIGHT(&info));
    const RgbPicture picture = source.rgb.read(frame);
    use(space_ ? space_->from_srgb(picture.mat()) : picture.mat());
    return;
  }
  if (!source.space || !gst_video_info_is_equal(&source.space->info(), &info))
    source.space = std::make_shared<PixelSpace>(info);
  MappedFrame mapped(info, frame, GST_MAP_READ);
  source.space->unpack(mapped, source.pixels);
  cv::Mat pixels = source.pixels;
  if (GST_VIDEO_INFO_HAS_ALPHA(&info)) {
    const cv::Mat above = pixels;
    pixels = cv::Mat(above.size(), above.type(), source.space->color(cv::Scalar::all(level_behind_alpha)));
    lay_over(above, pixels);
  }
  use(space_->from(*source.space, pixels));
}

void BackgroundPainter::paint_opaque(const CompositorSettings& settings, const FaceMeta* face,
                                     cv::Mat& picture) {
  switch (settings.background) {
    case BackgroundMode::pad:
      if (!pad_frame_) break;
      if (pad_picture_.empty())
        read(pad_source_, pad_frame_.get(), pad_info_,
             [this](const cv::Mat& frame) { frame.copyTo(pad_picture_); });
      cover(pad_picture_, picture);
      return;
    case BackgroundMode::image: {
      const std::scoped_lock lock(image_mutex_);
      if (image_.empty()) break;
      if (scaled_.size() != picture.size() || scaled_.type() != picture.type() ||
          scaled_from_.data != image_.data) {
        cv::Mat rgb(picture.size(), CV_8UC3);
        cover(image_, rgb);
        scaled_ = space_ ? space_->from_srgb(rgb) : rgb;
        scaled_from_ = image_;
      }
      scaled_.copyTo(picture);
      return;
    }
    case BackgroundMode::blurred_driver:
    case BackgroundMode::driver:
      if (!paint_driver(face, settings.background == BackgroundMode::blurred_driver, picture)) break;
      return;
    case BackgroundMode::color:
    case BackgroundMode::color_by_old_name:
    case BackgroundMode::transparent:
      break;
  }
  const cv::Scalar color = rgb_of(settings.background_color);
  picture.setTo(space_ ? space_->color(color) : color);
}

bool BackgroundPainter::paint_driver(const FaceMeta* face, bool blurred, cv::Mat& picture) {
  if (!face || !face->frame || frame_size(*face).empty()) return false;
  read(driver_source_, face->frame, face->frame_info, [&](const cv::Mat& frame) {
    cv::Mat shown = frame;
    if (blurred) {
      shown = frame.clone();  // which may be the driver's own
      blur_driver(shown, largest_face(*face));
    }
    cv::resize(shown, picture, picture.size(), 0, 0, interpolation_for(shown.size(), picture.size()));
  });
  return true;
}

}  // namespace reenact
