// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/face_turn.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace reenact::training {
namespace {

/// Points of mediapipe's face mesh.
constexpr std::size_t nose_tip_point = 1, left_cheek = 234, right_cheek = 454, left_eye = 33, right_eye = 263;
constexpr double nose_over_cheek = 1.29;  // depth of the nose tip before the cheeks over half their distance

/// Depth of the face's surface in half widths of it, 0 where the picture is flat.
class FaceSurface {
 public:
  FaceSurface(const FaceBox& face, const cv::Point2f& nose_tip)
      : center_x_((face.left + face.right) / 2),
        center_y_((face.top + face.bottom) / 2),
        half_width_(face.width() / 2),
        height_(face.height()),
        nose_(nose_tip) {}

  double half_width() const { return half_width_; }
  double center_x() const { return center_x_; }
  double depth(double x, double y) const {
    const double across = (x - center_x_) / half_width_, down = (y - center_y_) / height_;
    if (std::abs(across) >= 1) return 0;
    // The skull rounds off above the forehead; the neck lies far behind the chin.
    const double above = std::clamp((down + 0.95) / 0.5, 0.0, 1.0),
                 below = std::clamp((0.66 - down) / 0.2, 0.0, 1.0);
    const double head = std::sqrt(1 - across * across) * std::sin(above * CV_PI / 2) * std::sqrt(below);
    const double nose_across = (x - nose_.x) / (0.22 * half_width_),
                 nose_down = (y - nose_.y) / (0.1 * height_);
    const double nose = 0.29 * std::exp(-(nose_across * nose_across + nose_down * nose_down) / 2);
    return head + nose;
  }

 private:
  double center_x_, center_y_, half_width_, height_;
  cv::Point2f nose_;
};

FaceBox mirrored(const FaceBox& box, int width) {
  const auto edge = static_cast<float>(width);
  return {edge - box.right, box.top, edge - box.left, box.bottom, box.score};
}

/// Towards the right edge.
TurnedHead turned_right(const cv::Mat& rgb, const cv::Mat& mask, const FaceBox& face,
                        const cv::Point2f& nose_tip, double angle) {
  const FaceSurface surface(face, nose_tip);
  const double cosine = std::cos(angle), sine = std::sin(angle);
  cv::Mat source_x(rgb.size(), CV_32F), source_y(rgb.size(), CV_32F);
  double outline = -1e9;
  for (int y = 0; y < rgb.rows; ++y) {
    auto* from_x = source_x.ptr<float>(y);
    auto* from_y = source_y.ptr<float>(y);
    std::fill(from_y, from_y + rgb.cols, static_cast<float>(y));
    const bool on_face = y >= face.top && y <= face.bottom;
    int target = 0;
    double previous = -1e9;
    // Looked at from the front, what lies farther left hides what the turn moved to the same place.
    for (int x = 0; x < rgb.cols && target < rgb.cols; ++x) {
      const double moved = surface.center_x() + (x - surface.center_x()) * cosine +
                           surface.half_width() * surface.depth(x, y) * sine;
      if (on_face && x >= face.left && x <= face.right) outline = std::max(outline, moved);
      if (moved <= previous) continue;
      for (; target < rgb.cols && target <= moved; ++target) {
        const double share = x == 0 ? 1 : (target - previous) / (moved - previous);
        from_x[target] = static_cast<float>(x == 0 ? 0 : x - 1 + std::clamp(share, 0.0, 1.0));
      }
      previous = moved;
    }
    for (; target < rgb.cols; ++target) from_x[target] = static_cast<float>(rgb.cols);  // nothing is there
  }
  TurnedHead head;
  cv::remap(rgb, head.rgb, source_x, source_y, cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  cv::remap(mask, head.mask, source_x, source_y, cv::INTER_LINEAR, cv::BORDER_CONSTANT, 0);
  head.face = face;
  head.face.left = static_cast<float>(surface.center_x() - surface.half_width() * cosine);
  head.face.right = static_cast<float>(std::max(outline, head.face.left + 1.0));
  return head;
}

}  // namespace

std::optional<double> yaw_of(const std::vector<cv::Point2f>& landmarks) {
  if (landmarks.size() <= right_cheek) return std::nullopt;
  const cv::Point2f eyes = landmarks[right_eye] - landmarks[left_eye];
  const double length = std::hypot(eyes.x, eyes.y);
  if (!(length > 0)) return std::nullopt;
  const auto across = [&](std::size_t from, std::size_t to) {
    const cv::Point2f way = landmarks[to] - landmarks[from];
    return (way.x * eyes.x + way.y * eyes.y) / length;
  };
  const double width = std::abs(across(left_cheek, right_cheek));
  const double difference = across(left_cheek, nose_tip_point) - across(nose_tip_point, right_cheek);
  if (!(width > 0)) return std::nullopt;
  return std::atan(difference / width / nose_over_cheek) * 180 / CV_PI;
}

TurnedHead turned(const cv::Mat& rgb, const cv::Mat& mask, const FaceBox& face, const cv::Point2f& nose_tip,
                  double degrees) {
  const double angle = std::clamp(std::abs(degrees), 0.0, 80.0) * CV_PI / 180;
  if (degrees >= 0) return turned_right(rgb, mask, face, nose_tip, angle);
  cv::Mat other_rgb, other_mask;
  cv::flip(rgb, other_rgb, 1);
  cv::flip(mask, other_mask, 1);
  const auto width = static_cast<float>(rgb.cols);
  auto head =
      turned_right(other_rgb, other_mask, mirrored(face, rgb.cols), {width - nose_tip.x, nose_tip.y}, angle);
  cv::flip(head.rgb, head.rgb, 1);
  cv::flip(head.mask, head.mask, 1);
  head.face = mirrored(head.face, rgb.cols);
  return head;
}

}  // namespace reenact::training
