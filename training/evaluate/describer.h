// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "reenact/engine.h"

namespace reenact::training {

/// Turns head crops into vectors.
class Describer {
 public:
  virtual ~Describer() = default;
  /// Of a crop of 1.8 times the face box, RGB CV_8UC3 square.
  virtual std::vector<float> describe(const cv::Mat& crop) = 0;
  const std::string& name() const { return name_; }
  /// The same only for the same network and use of it.
  const std::string& fingerprint() const { return fingerprint_; }

 protected:
  Describer(std::string name, std::string fingerprint)
      : name_(std::move(name)), fingerprint_(std::move(fingerprint)) {}

 private:
  std::string name_, fingerprint_;
};

/// Pose descriptors of a reenactor: its own encoder's, or a frozen foreign one's that it holds.
std::unique_ptr<Describer> pose_describer(const std::string& model, const EngineOptions& engine);
/// Identity embeddings of a reenactor, each of a single picture.
std::unique_ptr<Describer> identity_describer(const std::string& model, const EngineOptions& engine);
/// By the kind of the model: pose descriptors of a reenactor, 136 coordinates of a landmark network (in shares of the crop
/// minus a half), vectors of a recogniser, which needs `landmarks` to align by. Throws Error (wrong_kind) for others.
std::unique_ptr<Describer> describer_of(const std::string& model, const std::string& landmarks,
                                        const EngineOptions& engine);

}  // namespace reenact::training
