// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "reenact/export.h"

namespace reenact {

/// Expression and bearing of a face, whatever its size. Left and right are those of the picture.
struct FaceMeasures {
  double left_lids = 0, right_lids = 0;  ///< between the lids, a share of the face's height: open about 0.05
  double mouth = 0;  ///< between the inner edges of the lips, a share of the height: closed about 0
  double turn = 0;   ///< left cheek to nose less nose to right cheek, a share of the width: 0 from the front
  double nod = 0;    ///< forehead to nose less nose to chin, a share of the height: about 0.1 from the front
  double tilt = 0;   ///< radians from the horizontal to the line through the outer eye corners, clockwise
  double left_brow = 0, right_brow = 0;  ///< from brow to upper lid, a share of the height: about 0.1
  double mouth_width = 0;                ///< between the mouth's corners, a share of the width: about 0.35

  static constexpr int count = 9;
};

/// Whether lids and brows are each moved by themselves, or both sides' mean.
enum class FaceSides { apart, together };

/// `from` + `share` * (`to` - `from`), measure by measure.
REENACT_API FaceMeasures interpolated(const FaceMeasures& from, const FaceMeasures& to, double share);

/// The linear layer of a reenactor that reads a face mesh out of a pose embedding: it is learned beside the pose encoder
/// and says what the embedding means, in microseconds. Only the rows of the points measured here are kept.
class LandmarkHead {
 public:
  /// Points of mediapipe's face mesh with irises.
  static constexpr int point_count = 478;

  /// `weight` [2 * point_count, d_p], x and y of one point after the other, 0..1 of the picture's side, of embeddings
  /// divided by ten; `bias` [2 * point_count]. Throws Error (invalid) for other sizes and values that are not finite.
  REENACT_API LandmarkHead(std::span<const float> weight, std::span<const float> bias);

  int pose_embedding_size() const { return pose_size_; }
  /// `pose` [d_p]. Faces narrower or lower than a twentieth of the picture are measured as if they were that large.
  REENACT_API FaceMeasures measure(std::span<const float> pose) const;
  /// The pose nearest to `pose` (in the Euclidean sense, to first order) at which the measures are `wanted`; with
  /// FaceSides::together, at which the means of both sides are. People hardly move one side alone, so that the way to a
  /// measured difference, however small, is several times as long, and leads to poses that nobody takes.
  REENACT_API std::vector<float> with_measures(std::span<const float> pose, const FaceMeasures& wanted,
                                               FaceSides sides = FaceSides::apart) const;

 private:
  static constexpr int kept_points = 25;
  using Points = std::array<double, 2 * kept_points>;
  using Values = std::array<double, FaceMeasures::count>;

  static Values measure_points(const Points& points);
  static std::array<Points, FaceMeasures::count> slopes_at(const Points& points);
  Points points_at(std::span<const float> pose) const;
  void check(std::span<const float> pose) const;

  int pose_size_;
  std::vector<float> rows_;  // [2 * kept_points, d_p]
  std::vector<double>
      moved_;  // [2 * kept_points, 2 * kept_points], products of the rows: what a step along one moves
  Points bias_{};
};

/// The landmark head of a reenactor, or null when the file has none, as imported ones and those trained without landmarks.
/// Throws Error: not_found, unreadable or corrupt, wrong_kind for another kind of file and for a head that does not
/// fit the configuration.
REENACT_API std::shared_ptr<const LandmarkHead> load_landmark_head(const std::filesystem::path& reenactor);

}  // namespace reenact
