// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <opencv2/core.hpp>
#include <vector>

namespace reenact {

/// A frame and the boxes of all faces in it, cut at its border.
struct AdversarialFrame {
  cv::Mat rgb;
  std::vector<cv::Rect> faces;
};

/// What may happen before a camera that makes it hard to keep somebody unrecognised, one scene of a video each.
enum class Scene {
  walks_in,        ///< somebody five times as wide walks in before the one who is followed
  crossing,        ///< two of the same size cross
  half_faces,      ///< faces half outside the frame
  cuts,            ///< another picture every few frames
  fast_motion,     ///< a face that moves by its own width from frame to frame
  hand,            ///< something of the color of skin wanders before the face
  mirror,          ///< the face and its mirror image
  pictures,        ///< many faces on the wall, small and large
  fills_the_frame  ///< a face larger than the frame
};
inline constexpr int scene_count = 9;

/// Draws such frames from cut-out portraits, the same for the same seed.
class AdversarialFrames {
 public:
  /// `stills`: folder of NNNN.jpg with masks NNNN.png; where it is not there faces are drawn.
  explicit AdversarialFrames(const std::filesystem::path& stills);

  /// Frame `number` of `count` of a scene.
  AdversarialFrame frame(Scene scene, int number, int count, cv::Size size, std::uint64_t seed) const;
  /// Number of portraits, the drawn ones among them.
  std::size_t people() const { return people_.size(); }

 private:
  struct Person {
    cv::Mat rgba;
    cv::Rect face;  // in rgba
  };
  static Person drawn(int number);
  /// Lays person over the frame so that the middle of the face comes to `center` and its box is `width` wide.
  void place(AdversarialFrame& frame, std::size_t person, cv::Point2d center, double width,
             bool mirrored = false) const;

  std::vector<Person> people_;
};

}  // namespace reenact
