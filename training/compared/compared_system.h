// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "training/data/head_clip.h"

namespace reenact::training {

/// What a compared system is made of and how it learns people.
struct ComparedSystemOptions {
  std::filesystem::path
      model;  ///< reenactor (ours, X2Face+, FAb-Net+, 3DMM+, FSTH, FSTH+) or warper (X2Face)
  std::filesystem::path personalise;  ///< TOML as `personalise` takes it; empty: the preset's defaults
  std::vector<std::string>
      overrides;  ///< "key=value" each, on top of it; with run.steps=N exactly N steps. The last step's averages count
  std::filesystem::path perceptual;  ///< networks of the content losses, kind perceptual; empty: none
  /// Network of kind landmarks, for systems that are driven by facial points; empty: frames must bring theirs.
  std::filesystem::path landmarks;
  /// What makes descriptors of facial points, kind expression, for systems that are driven by descriptors; empty: frames must
  /// bring theirs.
  std::filesystem::path expression;
  bool tune = true;  ///< false: learn() is the identity encoder alone
  torch::Device device = torch::kCPU;
  std::uint64_t seed = 0;
};

/// A system of the paper's comparison: it learns a person from pictures and draws them in the pose of a driver. Pictures are
/// head crops of 1.8 times the face box, RGB; frames without landmarks get them from options.landmarks where needed.
class ComparedSystem {
 public:
  virtual ~ComparedSystem() = default;
  /// Learns a person from pictures with masks and forgets the one before. X2Face keeps up to 8 of them, the others are
  /// fine-tuned. Throws Error (invalid) for no pictures, and for facial points that are wanted and not there.
  virtual void learn(const std::vector<HeadFrame>& pictures) = 0;
  /// The person learned, in the driver's pose: RGB CV_8UC3, image_size() square, on black where masked().
  virtual cv::Mat draw(const HeadFrame& driver) = 0;
  /// The pose descriptor of a picture, [d_p]. X2Face: the raw code of its driving network. Throws Error (unsupported) for
  /// FSTH, whose pose is a picture.
  virtual std::vector<float> descriptor(const HeadFrame& picture) = 0;
  /// Whether pictures of people come without their background. Not so: FSTH, X2Face and models trained without masks.
  virtual bool masked() const = 0;
  virtual int image_size() const = 0;
  /// The part of a crop that draw() shows, in shares of its side.
  virtual cv::Rect2d shown() const = 0;

  /// The person learned as an identity file, and back. Throw Error as save_identity() and ModelFile do.
  virtual void save(const std::filesystem::path& identity) const = 0;
  virtual void load(const std::filesystem::path& identity) = 0;
};

/// How people are learned, as TOML with the files that options.personalise is based on: what is told is what was read.
/// Throws Error as read_personalise_config() does.
std::string tuning_settings(const ComparedSystemOptions& options);

/// Throws Error: as ModelFile and read_personalise_config() do; wrong_kind for other kinds of model.
std::unique_ptr<ComparedSystem> load_compared_system(const ComparedSystemOptions& options);

}  // namespace reenact::training
