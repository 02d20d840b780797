// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>
#include <span>
#include <string>
#include <vector>

#include "reenact/engine.h"
#include "reenact/identity.h"
#include "reenact/landmark_head.h"
#include "reenact/pose_mapper.h"
#include "training/data/head_clip.h"

namespace reenact::training {

/// A clip that drives heads.
struct Driver {
  HeadClip clip;
  std::vector<std::vector<float>> poses;  ///< of every frame
};

/// Whose head is drawn.
struct Subject {
  std::string name;
  std::string person;  ///< in the tables of the data; empty for nobody there, as for a blend
  std::shared_ptr<const Identity> identity;
  /// Pictures of the person himself: real ones with their masks, or the head at rest as the generator draws it.
  std::vector<HeadFrame> pictures;
  bool real = false;  ///< they are photographs
};

/// What the commands that measure drawn heads are told about what to draw.
struct DrivenHeadsOptions {
  std::filesystem::path model = "reenactor.safetensors", data;
  std::vector<std::string> identities;  ///< identity files, "FILE" or "FILE=PERSON"
  int learn = 0;                        ///< so many people of split val become identities, each by one frame
  PoseMode mode = PoseMode::automatic;
  int drivers = 0;  ///< at most so many clips of split val; 0: all
  EngineOptions engine;
};

/// Draws identities driven by the clips of split val, with the code of the elements and of `render`: pose encoder, pose
/// mapper, generator; nothing is smoothed.
class DrivenHeads {
 public:
  /// Reads the clips, their poses and the identities. Throws Error as loading does, invalid when there is no identity.
  explicit DrivenHeads(const DrivenHeadsOptions& options);

  /// The clips that drive.
  std::span<const Driver> drivers() const { return {drivers_.data(), driving_}; }
  /// All clips of split val.
  const std::vector<Driver>& strangers() const { return drivers_; }
  const std::vector<Subject>& subjects() const { return subjects_; }
  /// Heads over black, RGB CV_8UC3, for these frames of a driver's clip, in ascending order.
  std::vector<cv::Mat> draw(const Subject& subject, const Driver& driver,
                            const std::vector<std::size_t>& frames);
  std::string active_engine() const {
    return generator_->active_engine() + " on " + generator_->active_device();
  }

 private:
  void read_drivers(const DrivenHeadsOptions& options);
  void add_file(const std::string& text, const DrivenHeadsOptions& options);
  void learn(const Driver& driver);
  cv::Mat head_of(const std::vector<float>& pose);

  PoseMode mode_;
  std::shared_ptr<const LandmarkHead> landmark_head_;  ///< of the reenactor, or null
  std::unique_ptr<PoseEncoder> pose_encoder_;
  std::unique_ptr<Generator> generator_;
  std::unique_ptr<IdentityEncoder> identity_encoder_;  ///< when people are learned
  std::vector<Driver> drivers_;
  std::size_t driving_ = 0;  ///< so many of them
  std::vector<Subject> subjects_;
};

/// `wanted` indices spread evenly over `count`, or all of them; 0: all.
std::vector<std::size_t> spread_indices(std::size_t count, std::size_t wanted);

}  // namespace reenact::training
