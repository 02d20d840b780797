// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "reenact/engine.h"
#include "torch/networks/fan.h"
#include "torch/networks/iresnet.h"
#include "torch/networks/landmark_network.h"
#include "training/data/face_alignment.h"
#include "training/evaluate/reenactment_errors.h"

namespace reenact::training {

/// Where the points of a face lie in a head crop, in pixels of one of 256.
struct MeasuredFace {
  FacePointList points;  ///< 68, or none where no face was found
  FivePoints five{};     ///< that a face is aligned by
  bool found() const { return !points.empty(); }
};

/// Side of the pictures that faces are measured in; others are scaled.
inline constexpr int measured_side = 256;

/// Finds the points of faces in head crops by a model of kind `landmarks`: a FAN, or our face mesh network with the mesh
/// brought to 68 points.
class FacePointFinder {
 public:
  /// A FAN looks at the box that the detector of this name finds, without one at the middle of the crop that was 1.8 times the
  /// box; the mesh network needs none. Throws Error as loading does.
  FacePointFinder(const std::string& model, const std::string& detector, const EngineOptions& engine);

  /// Of square pictures, RGB CV_8UC3 of any size.
  std::vector<MeasuredFace> find(const std::vector<cv::Mat>& pictures);
  /// The network that the paper measured with, or one of its kind, not our stand-in.
  bool published() const { return !fan_.is_empty(); }
  /// What it was told and the model's content, to name what was measured with.
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  std::vector<FaceBox> boxes_of(const std::vector<cv::Mat>& pictures);

  Fan fan_ = nullptr;
  LandmarkNetwork mesh_ = nullptr;
  std::unique_ptr<Detector> detector_;
  std::string fingerprint_;
};

/// Describes faces in head crops by a model of kind `recogniser`.
class FaceRecogniser {
 public:
  FaceRecogniser(const std::string& model, const EngineOptions& engine);

  /// Unit vectors, one a picture, aligned by its face's points; where no face was found the middle of the crop as the released
  /// script cuts it.
  std::vector<std::vector<float>> describe(const std::vector<cv::Mat>& pictures,
                                           const std::vector<MeasuredFace>& faces);
  /// As large as a network that was published.
  bool published() const;
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  IResNet network_ = nullptr;
  std::string fingerprint_;
};

}  // namespace reenact::training
