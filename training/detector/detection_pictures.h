// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <map>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "reenact/crop.h"

namespace reenact::training {

/// A picture with its face boxes in pixels of `rgb`.
struct FacePicture {
  std::string id;
  cv::Mat rgb;  ///< CV_8UC3
  std::vector<FaceBox> faces;
  std::vector<FaceBox> ignored;  ///< where it is unsure whether there is a face
  bool has_no_face() const { return faces.empty() && ignored.empty(); }
};

/// Which pictures of boxes.jsonl are taken.
struct PictureFilter {
  std::string split = "train";
  bool only_shippable = true;  ///< lines whose `ship` is "yes"
  int longer_side = 384;       ///< larger pictures are reduced to this, pixels
};

/// Reads `boxes.jsonl` and `images/<id>.jpg` of a folder. Each line: `id`, `faces` and `ignore` as
/// [x1, y1, x2, y2, score] in pixels, `split`, `ship`, `source`, `licence_media`.
/// Throws Error (not_found, corrupt) naming the file; pictures that cannot be decoded are named in the log.
/// `sources`, if given, counts the pictures of each source and licence.
std::vector<FacePicture> read_face_pictures(const std::filesystem::path& folder, const PictureFilter& filter,
                                            std::map<std::string, int>* sources = nullptr);

/// Scaled down so that the longer side is at most `longer_side`; boxes too.
FacePicture reduced(FacePicture picture, int longer_side);

}  // namespace reenact::training
