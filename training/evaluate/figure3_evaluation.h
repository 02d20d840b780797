// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "training/evaluate/learned_heads.h"
#include "training/evaluate/measured_faces.h"
#include "training/evaluate/statistics.h"

namespace reenact::training {

/// Where a system stands in the plane of figure 3, with 95 % intervals by resampling the people.
struct Figure3Point {
  std::string name;
  Interval identity;                      ///< I_T by csim, as the paper's formula says
  Interval identity_dot;                  ///< I_T by the plain product, as the released script computes
  Interval pose;                          ///< P_T
  Interval pose_fitted;                   ///< P_T after a fit of scale and shift in each frame
  std::vector<double> identities, poses;  ///< by person
  std::size_t pairs_of_one_person =
      0;  ///< person and driver of two videos of one, counted in I_T as in the paper
  std::size_t heads = 0, faceless = 0;  ///< drawn heads that were measured, and those without a face
};

/// How figure 3 is measured.
struct Figure3Options {
  bool through_video =
      false;  ///< measure after compression in a clip of driver and head, as the released script does
  std::filesystem::path cache;
};

/// I_T: every person is driven by the driver frames of all others, heads are compared with the mean of the person's own
/// pictures. P_T: everybody is driven by his own driver frames, which were not learned from; points of the drawn head against
/// those of the driver, both in the system's own crop. Where no face is found on a drawn head its points are the mean of all
/// drivers'. What a network found of a pair is kept in the cache.
Figure3Point measure_figure3(LearnedHeads& heads, const std::vector<ComparedPerson>& people,
                             FacePointFinder& finder, FaceRecogniser& recogniser,
                             const Figure3Options& options);

/// Pictures as they come back from a clip that shows `driver` on the left and `drawn` on the right, each 256 square.
void compress_as_video(std::vector<cv::Mat>& driver, std::vector<cv::Mat>& drawn);

}  // namespace reenact::training
