// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>
#include <vector>

namespace reenact::training {

/// Points of a face in the order of the 300-W annotation, pixels.
using FacePointList = std::vector<cv::Point2f>;

/// Mean distance of `found` from `wanted`, in shares of the distance between the outer corners of `wanted`'s eyes (points 36
/// and 45, at least 0.01 pixels). Throws Error (invalid) unless both have 68 points.
double pose_error(const FacePointList& wanted, const FacePointList& found);

/// `found` scaled and shifted to lie nearest to `wanted` by least squares, without turning it.
FacePointList fitted_points(const FacePointList& wanted, const FacePointList& found);

/// How far drawn heads are from a person, in a recogniser's vectors: 1 - similarity, mean over the heads.
struct IdentityError {
  double csim = 0;  ///< over the length of the person's mean vector, as the paper's formula says
  double dot = 0;   ///< the plain product with the mean, as the released script computes
};
/// `reference`: unit vectors of the person's own pictures; `drawn`: unit vectors of the heads. Throws Error (invalid) when one
/// of them has none.
IdentityError identity_error(const std::vector<std::vector<float>>& reference,
                             const std::vector<std::vector<float>>& drawn);

/// Root of the mean square of second differences of the points of consecutive frames, in shares of the mean distance between
/// the outer corners of the eyes: what trembles, not what moves. 0 for fewer than three frames.
double point_tremble(const std::vector<FacePointList>& frames);

}  // namespace reenact::training
