// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "reenact/face_cropper.h"
#include "tools/prepare/clip_record.h"

namespace reenact::tools {

/// Which pictures of a source become a clip.
struct SurveyOptions {
  int every = 1;                ///< takes one of so many pictures
  double least_face = 40;       ///< longer side of the face box, pixels
  double least_sharpness = 20;  ///< see face_sharpness()
};

/// Variance of the Laplacian (Pech-Pacheco et al., ICPR 2000) of a face, grey levels squared: of the part of
/// `box` that lies in the picture, scaled to 128 pixels on the longer side, so that faces of all sizes
/// compare. 0 for a box outside.
double face_sharpness(const cv::Mat& rgb, const FaceBox& box);

/// One picture that stays.
struct SurveyedFrame {
  std::int64_t index = 0;  ///< among all pictures of the source, those that cannot be read included
  FaceBox box;
};

struct Survey {
  std::vector<SurveyedFrame> frames;
  double frame_rate = 25;  ///< of the source
  std::map<std::string, cv::Mat>
      examples;  ///< of dropped pictures, one for each reason, RGB of `example_size` square
};
inline constexpr int example_size = 128;

/// Calls `use(index, rgb, seconds)` for one of `every` pictures until it returns false; counts `read`, `taken` and
/// unreadable pictures of a folder in `record`, and warns of these, unless it is null. Returns the frame rate. Throws Error
/// (not_found, unreadable) for a source without a picture.
double for_each_picture(const ClipSource& source, int every, ClipRecord* record,
                        const std::function<bool(std::int64_t, const cv::Mat&, double)>& use);

/// Looks at a source and counts in `record` what it found. Of a video only the face followed longest stays;
/// the pictures of a folder may have been taken far apart and show their largest face. Stops early when
/// `stopped()`.
Survey survey_source(const ClipSource& source, FaceCropper& cropper, const SurveyOptions& options,
                     ClipRecord& record, const std::function<bool()>& stopped);

}  // namespace reenact::tools
