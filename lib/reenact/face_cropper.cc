// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/face_cropper.h"

#include <opencv2/imgproc.hpp>

#include "reenact/crop.h"
#include "reenact/model_file.h"

namespace reenact {

FaceCropper::FaceCropper(const FaceCropperOptions& options, const EngineOptions& engine) : options_(options) {
  if (options_.already_cropped) return;
  finder_.emplace(load_detector(find_model(options_.detector), engine));
  finder_->set_options(options_.finder);
}

std::optional<TrackedFace> FaceCropper::find(const cv::Mat& rgb, double seconds) {
  if (finder_) return finder_->find(rgb, seconds);
  const auto x = static_cast<float>(rgb.cols), y = static_cast<float>(rgb.rows);
  const auto share = static_cast<float>(1 / options_.crop_scale);
  const FaceBox middle{x * (1 - share) / 2, y * (1 - share) / 2, x * (1 + share) / 2, y * (1 + share) / 2, 1};
  return TrackedFace{middle, 1, false};
}

cv::Mat FaceCropper::cut(const cv::Mat& rgb, const FaceBox& box, int size) const {
  cv::Mat crop;
  if (!options_.already_cropped)
    crop = crop_face(rgb, box, size, options_.crop_scale);
  else if (rgb.size() == cv::Size(size, size))
    crop = rgb;
  else
    cv::resize(rgb, crop, {size, size}, 0, 0, rgb.rows > size ? cv::INTER_AREA : cv::INTER_CUBIC);
  return options_.loader_crop ? recrop_as_loader(crop, size) : crop;
}

cv::Mat FaceCropper::crop(const cv::Mat& rgb, int size, double seconds) {
  const auto face = find(rgb, seconds);
  return face ? cut(rgb, face->box, size) : cv::Mat();
}

void FaceCropper::reset() {
  if (finder_) finder_->reset();
}

}  // namespace reenact
