// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/pose_input.h"

#include <algorithm>
#include <string>

#include "reenact/error.h"
#include "reenact/pose_picture.h"
#include "training/data/mesh_to_68.h"
#include "training/data/picture_tensor.h"
#include "training/data/stickman.h"

namespace reenact::training {

cv::Rect2d shown_part(const ReenactorConfig& config) {
  if (config.architecture != "fsth") return {0, 0, 1, 1};
  return {0.1, 0.2, 0.8, 0.8};
}

HeadFrame cut_to(const HeadFrame& frame, const cv::Rect2d& part) {
  if (part == cv::Rect2d(0, 0, 1, 1)) return frame;
  const int side = frame.rgb.cols, cut = cvRound(part.width * side);
  const cv::Rect window(std::min(cvRound(part.x * side), side - cut),
                        std::min(cvRound(part.y * side), side - cut), cut, cut);
  HeadFrame result = frame;
  result.rgb = frame.rgb(window).clone();
  if (!frame.mask.empty()) result.mask = frame.mask(window).clone();
  const cv::Point2f corner(window.tl());
  for (auto& point : result.landmarks)
    point = (point * static_cast<float>(side) - corner) / static_cast<float>(cut);
  return result;
}

std::vector<cv::Point2f> points_68(const std::vector<cv::Point2f>& landmarks) {
  constexpr std::size_t count = 68;
  if (landmarks.size() == count) return landmarks;
  if (landmarks.empty())
    throw Error(ErrorCode::invalid,
                "a picture has no facial points, wanted some to be driven by: --landmarks "
                "names the network that finds them");
  return mesh_to_68(landmarks);
}

bool PoseInput::needs_landmarks() const {
  return config_.pose_source == "keypoints68" || config_.pose_source == "stickman";
}

cv::Mat PoseInput::seen(const cv::Mat& rgb) const {
  return pose_picture(rgb, config_);
}

torch::Tensor PoseInput::pose(const cv::Mat& seen, const std::vector<cv::Point2f>& landmarks,
                              const std::vector<float>& descriptor) const {
  if (config_.pose_source == "picture") return to_picture_tensor(seen, config_.pose_image_size());
  if (config_.pose_source == "stickman")
    return to_picture_tensor(draw_stickman(points_68(landmarks), config_.image_size), config_.image_size);
  const auto size = static_cast<std::size_t>(config_.pose_embedding_size);
  auto numbers = torch::empty({config_.pose_embedding_size});
  auto* next = numbers.data_ptr<float>();
  if (config_.pose_source == "keypoints68") {
    for (const auto& point : points_68(landmarks)) {
      *next++ = point.x - 0.5f;
      *next++ = point.y - 0.5f;
    }
    return numbers;
  }
  if (descriptor.size() != size)
    throw Error(ErrorCode::invalid, "a picture has a descriptor of " + std::to_string(descriptor.size()) +
                                        " numbers, wanted " + std::to_string(size));
  std::copy(descriptor.begin(), descriptor.end(), next);
  return numbers;
}

torch::Tensor PoseInput::pose(const HeadFrame& shown) const {
  return pose(seen(shown.rgb), shown.landmarks, shown.descriptor);
}

torch::Tensor PoseInput::identity(const cv::Mat& rgb, const std::vector<cv::Point2f>& landmarks) const {
  const auto picture = to_picture_tensor(rgb, config_.image_size);
  if (config_.identity_encoder != "conv_sum" || config_.pose_source != "stickman") return picture;
  return torch::cat({pose({}, landmarks, {}), picture});
}

}  // namespace reenact::training
