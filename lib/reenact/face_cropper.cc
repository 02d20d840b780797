// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/commands/face_cropper.h"

#include <opencv2/imgproc.hpp>

#include "reenact/crop.h"
#include "reenact/model_file.h"

namespace reenact::training {

void add_cropper_options(CLI::App& command, FaceCropperOptions& options) {
  command.add_flag("--already-cropped", options.already_cropped,
                   "The pictures are crops of a head in the paper's framing; look for no face");
  command.add_flag(
      "--loader-crop", options.loader_crop,
      "Then crop once more as the authors' data loader does, for models imported from their code");
  command.add_option("--detector", options.detector, "Detector model that finds the face")
      ->option_text("FILE")
      ->capture_default_str();
  command
      .add_option("--detect-size", options.finder.detect_size,
                  "Longer side in pixels of the copy on which faces are looked for; 0: the picture itself")
      ->check(CLI::Range(0, 8192))
      ->capture_default_str();
  command
      .add_option("--score-threshold", options.finder.score_threshold, "Least probability of a face, 0 to 1")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      .add_option("--crop-scale", options.crop_scale, "Side of the crop over the longer side of the face box")
      ->check(CLI::Range(0.5, 10.0))
      ->capture_default_str();
}

void add_following_options(CLI::App& command, FaceCropperOptions& options) {
  command
      .add_option("--detect-interval", options.finder.detect_interval,
                  "Frames from one detection to the next while a face is followed; it is tracked in between")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command
      .add_option("--smoothing", options.finder.tracker.smoothing,
                  "How steady the crop is held: 0 as detected, 1 steadiest")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
}

FaceCropper::FaceCropper(const FaceCropperOptions& options, const EngineOptions& engine) : options_(options) {
  if (options_.already_cropped) return;
  finder_.emplace(load_detector(find_model(options_.detector), engine));
  finder_->set_options(options_.finder);
}

std::optional<FaceTracker::State> FaceCropper::find(const cv::Mat& rgb, double seconds) {
  if (finder_) return finder_->find(rgb, seconds);
  const auto x = static_cast<float>(rgb.cols), y = static_cast<float>(rgb.rows);
  const auto share = static_cast<float>(1 / options_.crop_scale);
  const FaceBox middle{x * (1 - share) / 2, y * (1 - share) / 2, x * (1 + share) / 2, y * (1 + share) / 2, 1};
  return FaceTracker::State{middle, 1, false};
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

}  // namespace reenact::training
