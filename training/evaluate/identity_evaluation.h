// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>

#include "training/evaluate/driven_heads.h"
#include "training/evaluate/face_measures.h"

namespace reenact::training {

/// What is found of drawn heads: one line of JSON and a picture to look at.
struct HeadReport {
  nlohmann::json figures;
  cv::Mat sheet;
};

/// How much the drawn heads are the person's: their distance to the identity's own pictures and to the driver, in the
/// recogniser's vectors. Distances are 1 - cosine to the unit vector along the mean of the pictures' vectors. People who
/// drive themselves are left out. `frames` of each clip, spread evenly; 0: all. Intervals by resampling the drivers.
/// Throws Error (invalid) when nobody drives anybody else.
HeadReport evaluate_identity(DrivenHeads& heads, IResNet& recogniser, LandmarkNetwork& landmarks,
                             std::size_t frames);

/// Errors of the recogniser itself on the people of split val.
nlohmann::json verification_of(IResNet& recogniser, const std::vector<Driver>& drivers);

}  // namespace reenact::training
