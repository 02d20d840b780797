// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "training/data/face_alignment.h"

namespace reenact::training {

/// A picture whose eyes, nose and corners of the mouth are known.
struct KeypointPicture {
  std::filesystem::path file;
  FivePoints points{};  ///< in pixels of the picture; eyes and corners on the left of the picture first
};
struct KeypointPictures {
  std::vector<KeypointPicture> training, test;
  bool already_cropped = false;  ///< they are head crops of 1.8 times the face box
};

/// Reads a data set for keypoint regression:
///
/// - "mafl": CelebA with the lists of MAFL: `MAFL/training.txt`, `MAFL/testing.txt`, `Anno/list_landmarks_align_celeba.txt`,
///   `Img/img_align_celeba/`; "mafl-wild": the same with `Anno/list_landmarks_celeba.txt` and `Img/img_celeba/`;
/// - "stills": the portraits of a data folder of ours, their points from the face mesh, a fifth of the people to test on,
///   chosen by `seed`; nobody is in both.
///
/// Throws Error: not_found, corrupt, and invalid for another layout and for a set without pictures of both kinds.
KeypointPictures read_keypoint_pictures(const std::filesystem::path& folder, const std::string& layout,
                                        std::uint64_t seed);

}  // namespace reenact::training
