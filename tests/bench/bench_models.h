// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "reenact/model_file.h"

namespace reenact::bench {

/// A folder that goes away with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The preset of the detector and the segmenter beside that reenactor: the same, "paper" where `model` is a file.
std::string companions_of(const std::string& model);

/// The model to measure: `model` itself when it is a file, else networks of the preset `model` ("paper",
/// "lite", "live") with random weights, written into `folder`. Speed does not depend on the weights' values. The
/// reenactor has an identity encoder only where `with_identity_encoder` asks for it.
std::shared_ptr<const ModelFile> reenactor_for(const std::string& model, const std::filesystem::path& folder,
                                               bool with_identity_encoder = false);
std::shared_ptr<const ModelFile> detector_for(const std::string& model, const std::filesystem::path& folder);
/// A detector of that preset that takes every cell of its third scale for a face a quarter of a 320 pixel
/// picture wide, so that a pipeline of random networks has a face to follow; a file stays what it is.
std::shared_ptr<const ModelFile> credulous_detector_for(const std::string& model,
                                                        const std::filesystem::path& folder);
std::shared_ptr<const ModelFile> segmenter_for(const std::string& model, const std::filesystem::path& folder);

/// `count` vectors of normally distributed values, the same for the same seed.
std::vector<std::vector<float>> random_vectors(int count, int size, unsigned seed);

}  // namespace reenact::bench
