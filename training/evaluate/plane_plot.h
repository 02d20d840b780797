// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "training/evaluate/statistics.h"

namespace reenact::training {

/// A way to draw heads, as a point in the plane of identity and motion.
struct PlanePoint {
  std::string label;
  Interval identity;  ///< distance to the identity's own pictures
  Interval follow;    ///< 1 - correlation with the driver, mean over the movements, or an error of the pose
};

/// What stands at the axes.
struct PlaneTitles {
  std::string identity = "distance to the identity (1 - cosine)", follow = "not followed (1 - correlation)";
};

/// One point for each label that has both a line of `evaluate identity` and one of `evaluate follow`, in the order of the
/// first; of several lines of a kind and label the last counts. Throws Error (invalid) when a line is neither, or no label has
/// both.
std::vector<PlanePoint> plane_points(const std::vector<nlohmann::json>& lines);

/// The points with their intervals as an SVG document; better is to the left and below.
std::string plane_plot(const std::vector<PlanePoint>& points, const PlaneTitles& titles = {});

}  // namespace reenact::training
