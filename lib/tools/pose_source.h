// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>
#include <optional>
#include <vector>

#include "reenact/engine.h"
#include "reenact/face_cropper.h"
#include "reenact/pose_track.h"

namespace reenact::tools {

/// Poses one after the other, from a recorded track or from pictures.
class PoseSource {
 public:
  struct Frame {
    std::vector<float>
        pose;  ///< [d_p], that of the frame before while no face is found; empty before the first face
    std::int64_t timestamp = 0;  ///< nanoseconds since the start
    cv::Mat crop;       ///< RGB CV_8UC3 that the pose was read from; empty for a track and without a face
    bool held = false;  ///< no face in this very picture
    unsigned face = 0;  ///< grows by one when another face is followed; 0 for a track
    std::optional<FacePlacement> placement;  ///< empty before the first face and where a track has none
  };
  virtual ~PoseSource() = default;
  /// Empty after the last frame.
  virtual std::optional<Frame> next() = 0;
  virtual double frame_rate() const = 0;
};

/// Opens pose tracks, and pictures, folders of pictures and clips by way of a model's pose encoder, which is loaded with
/// the detector for the first that needs it and shared by all.
class PoseSources {
 public:
  PoseSources(std::filesystem::path model, const FaceCropperOptions& cropper, const EngineOptions& engine)
      : model_(std::move(model)), cropper_options_(cropper), engine_(engine) {}

  /// A file `.safetensors` is a track. The source must not outlive this object, nor be used after the next open(): they
  /// share the face that is followed. Throws Error as loading does.
  std::unique_ptr<PoseSource> open(const std::filesystem::path& driver);

 private:
  std::filesystem::path model_;
  FaceCropperOptions cropper_options_;
  EngineOptions engine_;
  std::unique_ptr<PoseEncoder> encoder_;
  std::unique_ptr<FaceCropper> cropper_;
};

}  // namespace reenact::tools
