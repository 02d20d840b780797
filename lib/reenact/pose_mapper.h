// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reenact/export.h"
#include "reenact/landmark_head.h"
#include "reenact/reference_finder.h"

namespace reenact {

/// What a driver's pose means for the identity's head.
enum class PoseMode {
  absolute,  ///< the head takes the driver's pose
  relative,  ///< the head moves from its own resting pose as the driver moves from a reference
  automatic  ///< expression and bearing are the driver's, the face's proportions the identity's
};

/// Turns the driver's pose into the one the identity's head takes. With `rest`, the identity's neutral pose:
///
///     absolute  rest + strength * (pose - rest)
///     relative  rest + strength * (pose - reference)
///
/// The reference is the driver's pose when set_reference() was asked for, at first the first one seen; an identity without
/// a neutral pose rests there.
///
/// Automatic needs no reference to be asked for. What the landmark head measures of the driver, lids, mouth and bearing,
/// the drawn head shows as it is. Of all else in the pose it shows how it differs from the driver's running mean
/// (ReferenceFinder), so that the driver's proportions go with the mean; and of that three fifths, since faces that turn
/// and speak show the encoder somewhat other proportions:
///
///     rest + strength * 0.6 * (pose - mean), then moved the shortest way to where the head measures
///     (measures of rest) + strength * (measures of pose - measures of rest)
///
/// Brows and the mouth's width are proportions of a face as well: what the mean measures there is exchanged for what the
/// identity does at rest, of the brows' height all but a quarter or so. Each is moved beyond the aim, up to three times as
/// far, since the head that is drawn moves less far than the measures. Lids and brows move as the mean of both sides.
///
/// Without a landmark head, or for an identity without a neutral pose, it is relative with the mean as reference.
/// set_reference() holds the mean at a pose until another face comes.
class PoseMapper {
 public:
  /// That of the reenactor whose poses are mapped; may be null.
  void set_landmark_head(std::shared_ptr<const LandmarkHead> head) { head_ = std::move(head); }
  /// The next pose becomes the reference.
  void set_reference() { take_reference_ = true; }
  /// Forgets the driver. The landmark head stays.
  REENACT_API void reset();
  /// The result is valid until the next call. `neutral_pose` is ignored unless it is as long as `pose`. `sighting` is what
  /// automatic needs; the default is a steady stream of one face.
  REENACT_API std::span<const float> map(std::span<const float> pose, std::span<const float> neutral_pose,
                                         PoseMode mode, double strength, const Sighting& sighting = {});

 private:
  std::shared_ptr<const LandmarkHead> head_;
  ReferenceFinder finder_;
  bool take_reference_ = true;
  std::vector<float> reference_, mapped_;
};

}  // namespace reenact
