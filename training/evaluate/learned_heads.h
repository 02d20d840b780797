// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "training/compared/compared_system.h"
#include "training/evaluate/compared_people.h"
#include "training/evaluate/systems_file.h"

namespace reenact::training {

/// How people are learned, alike for all systems.
struct LearningPlan {
  int steps = 600;  ///< of fine-tuning; 0: the identity encoder alone
  std::uint64_t seed = 0;
  std::string device = "cpu";
  std::filesystem::path landmarks;  ///< of systems that are driven by points
};

/// A system and the people it has learned, each of whom is kept in a file and read from there by later runs.
class LearnedHeads {
 public:
  /// Throws Error as load_compared_system() does.
  LearnedHeads(const SystemEntry& entry, const LearningPlan& plan, const std::filesystem::path& folder);
  /// Of a system at hand; `fingerprint` must tell it from all others.
  LearnedHeads(std::string name, std::string fingerprint, std::unique_ptr<ComparedSystem> system,
               std::filesystem::path folder);

  /// The person's heads, one for each driver's frame: RGB, over black where the system is masked.
  std::vector<cv::Mat> draw(const ComparedPerson& person, const std::vector<HeadFrame>& driver);
  /// What the system shows of these frames: its part of the crop, without background for `masked`.
  std::vector<cv::Mat> shown(const std::vector<HeadFrame>& frames, bool masked) const;
  const std::string& name() const { return name_; }
  bool masked() const { return system_->masked(); }
  /// The same only for the same model, configuration, steps and seed.
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  void bring(const ComparedPerson& person);

  std::string name_, fingerprint_, current_;
  std::filesystem::path folder_;
  std::unique_ptr<ComparedSystem> system_;
};

/// What tells frames from others: the hash of their pixels.
std::string fingerprint_of(const std::vector<HeadFrame>& frames);

}  // namespace reenact::training
