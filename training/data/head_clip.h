// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace reenact::training {

/// One picture of a person: an already cropped head with its mask.
struct HeadFrame {
  cv::Mat rgb;                         ///< CV_8UC3, image_size square
  cv::Mat mask;                        ///< CV_8UC1, 255 = person
  std::vector<cv::Point2f> landmarks;  ///< mediapipe face mesh, 0..1 of the side; empty where none was found
  std::vector<float> descriptor;       ///< of a model whose pose_source is "vector"; else empty
};

/// The frames of one clip, or the single frame of a still picture.
struct HeadClip {
  std::string id, person;
  std::vector<HeadFrame> frames;
  bool is_still() const { return frames.size() == 1; }
};

/// What a table tells of a clip or still picture.
struct HeadClipEntry {
  std::string id, person;  ///< the id of a still begins with "still-"
  bool still = false;
  std::filesystem::path path;  ///< the clip's folder; of a still its files without their endings
  std::string crop_scale;      ///< side of a clip's crops over the face box, empty: the paper's
  std::size_t row = 0;         ///< of a still in the table and in its labels
};

}  // namespace reenact::training
