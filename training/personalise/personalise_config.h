// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

#include "training/data/augmentation.h"
#include "training/personalise/fine_tuning_options.h"
#include "training/run/run_config.h"

namespace reenact::training {

inline constexpr std::int64_t default_embedding_steps = 30;

/// [run]
struct PersonaliseSchedule {
  std::int64_t steps = 0;            ///< weight updates; 0: by the number of pictures, see iterations_for()
  std::int64_t embedding_steps = 0;  ///< before them, of the embedding alone
  int batch_size = 0;    ///< 0: as many as there are pictures, at most 8; `live` takes 2, `lite` 4
  int motion_batch = 2;  ///< poses of other people in each step
  std::int64_t validate_every = 10;  ///< `live`: 30
  bool keep_best = true;             ///< write the iteration that does best on held-out frames, else the last
  /// What a loss of motion weighs against the error on held-out frames when the best iteration is chosen.
  double motion_share = 1;
};

/// Everything `reenact-train personalise` reads from its TOML file.
struct PersonaliseConfig {
  FineTuningOptions tuning;         ///< [tuning] and [loss]
  AugmentationConfig augmentation;  ///< of the pose source, and the shift of both, as in meta-learning
  PersonaliseSchedule run;
};

/// Reads all keys, with the defaults of the reenactor's preset; `precision` where the file names none. Throws Error (invalid).
PersonaliseConfig read_personalise_config(const RunConfig& file, const std::string& preset,
                                          torch::ScalarType precision = torch::kFloat);

/// 125 for one picture rising to 230 for 30 and more, as the authors recommend; 60 to 100 for `live`, which learns at three
/// times their rate.
std::int64_t iterations_for(std::size_t pictures, const std::string& preset);

}  // namespace reenact::training
