// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <optional>
#include <string>

#include "reenact/crop.h"
#include "reenact/engine.h"
#include "reenact/face_finder.h"

namespace reenact {

/// How a picture becomes a crop.
struct FaceCropperOptions {
  bool already_cropped = false;  ///< take pictures as they are
  /// Then the authors' data loader's second crop, which their models were trained with.
  bool loader_crop = false;
  std::string detector = "detector.safetensors";  ///< name for find_model()
  /// As the elements search, but in every picture and with boxes as detected (the authors' way): the next picture may
  /// show something else, so that nothing is kept or carried over.
  FaceFinder::Options finder{
      .detect_interval = 1, .keep_share = 1, .longest_carry = 0, .tracker = {.smoothing = 0}};
  double crop_scale = paper_crop_scale;
};

/// Finds the face in each picture and cuts the paper's window out (section 4.1), the offline twin of
/// `reenactcrop`.
class FaceCropper {
 public:
  /// Throws Error as find_model() and load_detector() do; needs no detector for pictures already cropped.
  FaceCropper(const FaceCropperOptions& options, const EngineOptions& engine);

  /// The face that crop() would cut out of the next picture, in its pixels; of pictures already cropped the
  /// middle one over crop_scale. Empty when none was found.
  std::optional<TrackedFace> find(const cv::Mat& rgb, double seconds);
  /// The window around `box`, a face that find() found in this picture: `size` x `size` RGB CV_8UC3.
  cv::Mat cut(const cv::Mat& rgb, const FaceBox& box, int size) const;
  /// Both: `size` x `size` RGB CV_8UC3, or an empty picture when no face was found.
  cv::Mat crop(const cv::Mat& rgb, int size, double seconds);
  /// Forgets the face followed so far; the next picture is of another source.
  void reset();

 private:
  FaceCropperOptions options_;
  std::optional<FaceFinder> finder_;  // empty for pictures already cropped
};

}  // namespace reenact
