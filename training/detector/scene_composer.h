// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>
#include <random>
#include <vector>

#include "training/data/picture_degradation.h"
#include "training/data/picture_light.h"
#include "training/detector/detection_pictures.h"
#include "training/detector/head_cutouts.h"
#include "training/detector/occluders.h"

namespace reenact::training {

/// How training pictures are put together. The shares need not add up to one.
struct SceneOptions {
  double photographs = 0.4;  ///< share of windows of pictures with labelled faces
  double portraits = 0.2;    ///< share of windows of head crops, backgrounds as they were
  double collages = 0.28;    ///< share of heads cut out by their masks and laid over other backgrounds
  double empty = 0.12;       ///< share of backgrounds without any face
  double faceless = 0.1;  ///< share of heads whose faces are hidden or painted over: there is nothing to find
  int most_heads = 4;     ///< of a collage
  double smallest_face = 12,
         largest_face_share = 0.9;  ///< geometric mean of the sides; pixels, of the picture
  double turned_share = 0.3;        ///< of the heads drawn are of frames turned by `turned_from` at least
  double turned_from = 25;          ///< degrees of yaw
  double turn = 0.35;               ///< probability that a pasted head is turned further
  double largest_turn = 45;         ///< by so many degrees at most, where it looked at the viewer
  double rotation = 45;             ///< in the plane, every second pasted head by so many degrees at most
  double narrowest_window = 0.12;   ///< of a background, as a share of its shorter side
  double texture = 0.2;  ///< probability that a background is what lies beside a face: clothes, hair, a room
  OcclusionOptions occlusion;
  LightOptions light;
  DegradationOptions degradation;
};

/// A training picture.
struct Scene {
  cv::Mat rgb;  ///< CV_8UC3, square
  std::vector<FaceBox> faces, ignored;
};

/// Draws training pictures for the detector from labelled pictures and from heads with masks.
class SceneComposer {
 public:
  /// `pictures` with faces serve as photographs, those without as backgrounds. Both lists must outlive the
  /// object.
  SceneComposer(const std::vector<FacePicture>& pictures, const std::vector<HeadCutout>& heads,
                SceneOptions options);
  /// A picture of `size` pixels square. Same state of `random`, same picture.
  Scene draw(int size, std::mt19937_64& random) const;

 private:
  Scene photograph(const FacePicture& picture, int size, std::mt19937_64& random) const;
  Scene portrait(int size, std::mt19937_64& random) const;
  Scene collage(int size, bool with_faces, std::mt19937_64& random) const;
  void hide_face(cv::Mat& rgb, cv::Mat& mask, const FaceBox& face, std::mt19937_64& random) const;
  cv::Mat background(int size, std::mt19937_64& random) const;
  cv::Mat window_beside_a_face(int size, std::mt19937_64& random) const;
  double draw_face_size(int size, std::mt19937_64& random) const;
  const HeadCutout& draw_head(std::mt19937_64& random) const;

  SceneOptions options_;
  std::vector<const FacePicture*> photographs_, backgrounds_;
  // One entry a person, so that long clips do not dominate.
  std::vector<std::vector<const HeadCutout*>> heads_, turned_heads_;
};

}  // namespace reenact::training
