// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/picture_score.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "reenact/crop.h"
#include "reenact/error.h"

namespace reenact {
namespace {

constexpr double full_height = 128;  // pixels of a face from which more add nothing
constexpr int measured_side = 96;    // of the face, when its edges are measured
constexpr double sharp_deviation =
    14;  // levels of the Laplacian of a face in focus, at that size: portraits have 12 to 34
constexpr double dark = 25, dim = 70, bright = 190, burnt = 240;  // levels of the mean

}  // namespace

double PictureScore::total() const {
  return std::min({sharpness, exposure, size});
}

PictureScore score_picture(const cv::Mat& crop, double face_height) {
  if (crop.empty() || crop.type() != CV_8UC3)
    throw Error(ErrorCode::invalid, "a picture to be scored is not an 8-bit RGB picture");
  // The face itself, without hair and background.
  const int side = std::min(crop.cols, crop.rows);
  const int face = std::max(1, static_cast<int>(std::lround(side / paper_crop_scale)));
  const cv::Rect middle((crop.cols - face) / 2, (crop.rows - face) / 2, face, face);
  cv::Mat gray, small, edges;
  cv::cvtColor(crop(middle), gray, cv::COLOR_RGB2GRAY);
  cv::resize(gray, small, {measured_side, measured_side}, 0, 0,
             face > measured_side ? cv::INTER_AREA : cv::INTER_LINEAR);
  cv::Laplacian(small, edges, CV_32F);
  cv::Scalar mean, deviation, level, contrast;
  cv::meanStdDev(edges, mean, deviation);
  cv::meanStdDev(small, level, contrast);

  PictureScore score;
  score.sharpness = std::min(1.0, deviation[0] / sharp_deviation);
  score.exposure =
      std::clamp(std::min((level[0] - dark) / (dim - dark), (burnt - level[0]) / (burnt - bright)), 0.0, 1.0);
  score.size = std::clamp((face_height > 0 ? face_height : face) / full_height, 0.0, 1.0);
  return score;
}

}  // namespace reenact
