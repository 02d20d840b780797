// SPDX-License-Identifier: LGPL-2.1-or-later
#include "compositor/background_painter.h"

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

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

void BackgroundPainter::load_image(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorCode::not_found, "'" + path.string() + "', the background image, is not there");
  }
  cv::Mat image;
  try {
    image = cv::imread(path.string(), cv::IMREAD_COLOR);
  } catch (const cv::Exception&) {
    image.release();
  }
  if (image.empty()) {
    throw Error(ErrorCode::corrupt,
                "'" + path.string() + "', the background image, is not a picture that OpenCV reads");
  }
  cv::cvtColor(image, image, cv::COLOR_BGR2RGB);
  const std::scoped_lock lock(image_mutex_);
  image_ = image;
}

void BackgroundPainter::clear_image() {
  const std::scoped_lock lock(image_mutex_);
  image_.release();
}

bool BackgroundPainter::has_image() const {
  const std::scoped_lock lock(image_mutex_);
  return !image_.empty();
}

void BackgroundPainter::set_pad_format(const GstVideoInfo& info) {
  pad_reader_.configure(info, GST_VIDEO_INFO_WIDTH(&info), GST_VIDEO_INFO_HEIGHT(&info));
}

void BackgroundPainter::set_pad_frame(GstBuffer* frame) {
  if (!frame || !pad_reader_.configured()) {
    pad_picture_.release();
    return;
  }
  pad_reader_.read(frame).mat().copyTo(pad_picture_);
}

void BackgroundPainter::reset() {
  pad_picture_.release();
  pad_reader_.reset();
  driver_reader_.reset();
  scaled_.release();
  scaled_from_.release();
}

void BackgroundPainter::paint(const CompositorSettings& settings, const FaceMeta* face, cv::Mat& picture) {
  if (picture.channels() == 3) {
    paint_rgb(settings, face, picture);
  } else if (settings.background == BackgroundMode::transparent) {
    picture.setTo(cv::Scalar::all(0));
  } else {
    rgb_.create(picture.size(), CV_8UC3);
    paint_rgb(settings, face, rgb_);
    cv::cvtColor(rgb_, picture, cv::COLOR_RGB2RGBA);
  }
}

void BackgroundPainter::paint_rgb(const CompositorSettings& settings, const FaceMeta* face, cv::Mat& rgb) {
  switch (settings.background) {
    case BackgroundMode::pad:
      if (pad_picture_.empty()) break;
      cover(pad_picture_, rgb);
      return;
    case BackgroundMode::image: {
      const std::scoped_lock lock(image_mutex_);
      if (image_.empty()) break;
      if (scaled_.size() != rgb.size() || scaled_from_.data != image_.data) {
        scaled_.create(rgb.size(), CV_8UC3);
        cover(image_, scaled_);
        scaled_from_ = image_;
      }
      scaled_.copyTo(rgb);
      return;
    }
    case BackgroundMode::blurred_driver:
    case BackgroundMode::driver:
      if (!paint_driver(face, settings.background == BackgroundMode::blurred_driver, rgb)) break;
      return;
    case BackgroundMode::color:
    case BackgroundMode::color_by_old_name:
    case BackgroundMode::transparent:
      break;
  }
  rgb.setTo(rgb_of(settings.background_color));
}

bool BackgroundPainter::paint_driver(const FaceMeta* face, bool blurred, cv::Mat& rgb) {
  if (!face || !face->frame || frame_size(*face).empty()) return false;
  if (!driver_reader_.reads(face->frame_info)) {
    driver_reader_.configure(face->frame_info, frame_size(*face).width, frame_size(*face).height);
  }
  const RgbPicture frame = driver_reader_.read(face->frame);
  if (!blurred) {
    cv::resize(frame.mat(), rgb, rgb.size(), 0, 0, interpolation_for(frame.mat().size(), rgb.size()));
    return true;
  }
  cv::Mat hidden = frame.mat().clone();
  blur_driver(hidden, largest_face(*face));
  cv::resize(hidden, rgb, rgb.size(), 0, 0, interpolation_for(hidden.size(), rgb.size()));
  return true;
}

}  // namespace reenact
