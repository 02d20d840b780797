// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>
#include <vector>

#include "reenact/export.h"
#include "reenact/landmark_head.h"

namespace reenact {

/// When a pose was seen, and of whom.
struct Sighting {
  double seconds = -1;  ///< of running time; negative: nobody knows, about a thirtieth after the one before
  unsigned face = 0;    ///< another number: another person's, or the same one's after a while away
  bool held = false;    ///< the pose of a frame before, since no face was seen
};

/// Finds the pose that a driver's motion is counted from while he moves: a running mean of his poses, since no single
/// one can be trusted to show him at rest.
///
/// The first pose starts it, its eyes opened and its mouth closed by the landmark head. Later ones pull at it for the time they last, against a start that counts for half a second
/// and a past of which the last twenty seconds count: quickly at first, then slowly. Poses that show a mouth open, closed
/// eyes or a face turned away pull less, as the landmark head tells; without one all pull alike. What is given out
/// follows the mean within about a second and never jumps, not even when another face takes over, whose mean starts
/// anew.
class ReferenceFinder {
 public:
  REENACT_API void reset();
  /// The next pose is the reference, whatever comes after it, until another face does. The reference glides there too.
  void hold() { hold_wanted_ = true; }
  /// The reference after one more pose [d_p] of the driver; the same as before when a value of it is not finite. Valid
  /// until the next call. Never empty unless `pose` is. `head` may be null and is ignored when it does not fit.
  REENACT_API std::span<const float> update(std::span<const float> pose, const Sighting& sighting,
                                            const LandmarkHead* head);

 private:
  void start(std::span<const float> pose, const LandmarkHead* head = nullptr);

  std::vector<double> mean_;
  std::vector<float> reference_;
  double weight_ = 0;  // of the mean, seconds
  bool hold_wanted_ = false, held_ = false;
  double seconds_ = -1;
  unsigned face_ = 0;
};

}  // namespace reenact
