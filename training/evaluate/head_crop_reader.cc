// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/head_crop_reader.h"

#include "media/picture_file.h"
#include "offline/sha256.h"
#include "reenact/model_file.h"

namespace reenact::training {
namespace {

constexpr int head_crop_side = 256;

std::string cropping_in_words(const FaceCropperOptions& options) {
  if (options.already_cropped) return options.loader_crop ? "crops, cropped as the loader does" : "crops";
  return "faces of " + sha256_of_file(find_model(options.detector)) + " times " +
         std::to_string(options.crop_scale) + (options.loader_crop ? ", cropped as the loader does" : "");
}

}  // namespace

HeadCropReader::HeadCropReader(const FaceCropperOptions& options, const EngineOptions& engine)
    : cropper_(options, engine),
      crop_scale_(options.crop_scale),
      already_cropped_(options.already_cropped),
      fingerprint_(cropping_in_words(options)) {}

HeadCrop HeadCropReader::read(const std::filesystem::path& path) {
  const auto picture = read_rgb(path);
  cropper_.reset();
  const auto face = cropper_.find(picture, 0);
  if (!face) return {};
  HeadCrop crop;
  crop.rgb = cropper_.cut(picture, face->box, head_crop_side);
  crop.window = already_cropped_ ? cv::Rect2d(0, 0, picture.cols, picture.rows)
                                 : cv::Rect2d(crop_window(face->box, crop_scale_));
  return crop;
}

}  // namespace reenact::training
