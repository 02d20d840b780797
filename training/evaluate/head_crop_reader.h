// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <opencv2/core.hpp>
#include <string>

#include "reenact/face_cropper.h"

namespace reenact::training {

/// A head crop and where it lies in its picture.
struct HeadCrop {
  cv::Mat rgb;        ///< RGB CV_8UC3 square, or empty when no face was found
  cv::Rect2d window;  ///< in pixels of the picture
};

/// Reads pictures from disk as head crops of 1.8 times the face box, as reenactcrop cuts them.
class HeadCropReader {
 public:
  HeadCropReader(const FaceCropperOptions& options, const EngineOptions& engine);
  /// Throws Error as read_rgb() does.
  HeadCrop read(const std::filesystem::path& picture);
  /// How it crops, to name what was measured with.
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  FaceCropper cropper_;
  double crop_scale_;
  bool already_cropped_;
  std::string fingerprint_;
};

}  // namespace reenact::training
