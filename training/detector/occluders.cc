// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/occluders.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace reenact::training {
namespace {

cv::Scalar brighter(const cv::Scalar& colour, double factor) {
  const auto tone = [&](int channel) { return std::clamp(colour[channel] * factor, 0.0, 255.0); };
  return {tone(0), tone(1), tone(2)};
}

/// From pale to dark.
cv::Scalar any_skin(Random& random) {
  const double dark = uniform(random, 0, 1);
  return brighter({232 - 165 * dark, 190 - 142 * dark, 165 - 130 * dark}, uniform(random, 0.8, 1.1));
}

cv::Scalar any_paint(Random& random) {
  return {uniform(random, 0, 255), uniform(random, 0, 255), uniform(random, 0, 255)};
}

cv::Scalar dark_paint(Random& random) {
  const double grey = uniform(random, 5, 70);
  return {grey + uniform(random, -5, 15), grey + uniform(random, -5, 15), grey + uniform(random, -5, 15)};
}

/// A thing on a canvas that a face box fills from 0 to 1 along both sides.
struct Canvas {
  cv::Mat colour;      // CV_8UC3
  cv::Mat mask;        // CV_8UC1
  cv::Point2d origin;  // of the face box, pixels of the canvas
  cv::Size2d face;     // of the face box, pixels

  cv::Point at(double x, double y) const {
    return {static_cast<int>(std::lround(origin.x + x * face.width)),
            static_cast<int>(std::lround(origin.y + y * face.height))};
  }
  /// A length in shares of the face's width.
  int length(double share) const { return std::max(1, static_cast<int>(std::lround(share * face.width))); }

  void ellipse(const cv::Point2d& center, const cv::Size2d& radii, double degrees, const cv::Scalar& tone) {
    for (auto* plane : {&colour, &mask})
      cv::ellipse(*plane, at(center.x, center.y), {length(radii.width), length(radii.height)}, degrees, 0,
                  360, plane == &mask ? cv::Scalar::all(255) : tone, cv::FILLED, cv::LINE_AA);
  }
  /// With round ends.
  void bar(const cv::Point2d& from, const cv::Point2d& to, double thickness, const cv::Scalar& tone) {
    for (auto* plane : {&colour, &mask})
      cv::line(*plane, at(from.x, from.y), at(to.x, to.y), plane == &mask ? cv::Scalar::all(255) : tone,
               length(thickness), cv::LINE_AA);
  }
  void polygon(const std::vector<cv::Point2d>& corners, const cv::Scalar& tone) {
    std::vector<std::vector<cv::Point>> points(1);
    for (const auto& corner : corners) points[0].push_back(at(corner.x, corner.y));
    for (auto* plane : {&colour, &mask})
      cv::fillPoly(*plane, points, plane == &mask ? cv::Scalar::all(255) : tone, cv::LINE_AA);
  }
};

/// A palm with fingers that lie beside each other, somewhat spread.
void draw_hand(Canvas& canvas, const cv::Scalar& skin, Random& random) {
  const cv::Point2d palm(uniform(random, -0.1, 1.1), uniform(random, 0.75, 1.25));
  const cv::Point2d aim(uniform(random, 0.2, 0.8), uniform(random, 0.35, 0.85));
  const double direction = std::atan2(aim.y - palm.y, aim.x - palm.x) + uniform(random, -0.3, 0.3);
  const double thickness = uniform(random, 0.1, 0.17), reach = uniform(random, 0.35, 0.75);
  const double spread = uniform(random, 0.02, 0.25);
  const int fingers = uniform_int(random, 1, 4);
  canvas.ellipse(palm, {uniform(random, 0.2, 0.32), uniform(random, 0.18, 0.28)}, uniform(random, 0, 180),
                 skin);
  for (int i = 0; i < fingers; ++i) {
    const double place = i - (fingers - 1) / 2.0, angle = direction + spread * place;
    const cv::Point2d root(palm.x - std::sin(direction) * place * thickness,
                           palm.y + std::cos(direction) * place * thickness);
    const double length = reach * uniform(random, 0.8, 1.1);
    canvas.bar(root, {root.x + std::cos(angle) * length, root.y + std::sin(angle) * length}, thickness,
               brighter(skin, uniform(random, 0.78, 1.1)));
  }
  const bool sleeve = happens(random, 0.4);
  canvas.bar(palm, {palm.x + uniform(random, -0.5, 0.5), palm.y + 1}, uniform(random, 0.25, 0.4),
             sleeve ? any_paint(random) : brighter(skin, 0.92));
}

void draw_microphone(Canvas& canvas, Random& random) {
  const cv::Point2d head(uniform(random, 0.15, 0.85), uniform(random, 0.65, 1.05));
  const double radius = uniform(random, 0.1, 0.24);
  const cv::Point2d end(head.x + uniform(random, -0.8, 0.8), head.y + uniform(random, 0.5, 1.2));
  canvas.bar(head, end, radius * uniform(random, 0.4, 1.3), dark_paint(random));
  const auto tone = happens(random, 0.75) ? dark_paint(random) : any_paint(random);
  canvas.ellipse(head, {radius, radius * uniform(random, 0.9, 1.5)}, uniform(random, 0, 180), tone);
  canvas.ellipse({head.x - radius / 3, head.y - radius / 3}, {radius / 3, radius / 3}, 0,
                 brighter(tone, 1.5));
}

void draw_mask(Canvas& canvas, Random& random) {
  const double bridge = uniform(random, 0.44, 0.58), side = bridge + uniform(random, 0, 0.14);
  const cv::Scalar tones[] = {{235, 235, 235}, {140, 185, 220}, {30, 30, 34}, any_paint(random)};
  const auto tone = brighter(tones[uniform_int(random, 0, 3)], uniform(random, 0.7, 1.05));
  canvas.polygon({{-0.04, side},
                  {0.3, bridge + 0.03},
                  {0.5, bridge},
                  {0.7, bridge + 0.03},
                  {1.04, side},
                  {0.97, 0.82},
                  {0.72, 1.03},
                  {0.5, 1.06},
                  {0.28, 1.03},
                  {0.03, 0.82}},
                 tone);
  const double fold = uniform(random, 0.65, 0.85);
  canvas.bar({0.1, fold}, {0.9, fold + uniform(random, -0.04, 0.04)}, 0.02, brighter(tone, 0.8));
}

void draw_cup(Canvas& canvas, Random& random) {
  const cv::Point2d rim(uniform(random, 0.25, 0.75), uniform(random, 0.6, 0.85));
  const double radius = uniform(random, 0.18, 0.34), height = uniform(random, 0.45, 0.8);
  const double lean = uniform(random, -0.15, 0.15);
  const auto tone = any_paint(random);
  const double foot = radius * uniform(random, 0.6, 1);
  canvas.polygon({{rim.x - radius, rim.y},
                  {rim.x + radius, rim.y},
                  {rim.x + lean + foot, rim.y + height},
                  {rim.x + lean - foot, rim.y + height}},
                 tone);
  canvas.ellipse(rim, {radius, radius * 0.3}, 0, brighter(tone, uniform(random, 0.5, 1.2)));
}

void draw_glasses(Canvas& canvas, Random& random) {
  const auto tone = dark_paint(random);
  const double y = uniform(random, 0.34, 0.44), width = uniform(random, 0.14, 0.22);
  for (const double x : {0.29, 0.71})
    canvas.ellipse({x, y}, {width, width * uniform(random, 0.6, 1)}, 0, tone);
  canvas.bar({0, y}, {1, y}, 0.03, tone);
}

void draw_patch(Canvas& canvas, Random& random) {
  const cv::Point2d center(uniform(random, 0, 1), uniform(random, 0, 1));
  const cv::Size2d radii(uniform(random, 0.1, 0.4), uniform(random, 0.1, 0.35));
  const double degrees = uniform(random, 0, 180);
  const auto tone = any_paint(random);
  if (happens(random, 0.5)) return canvas.ellipse(center, radii, degrees, tone);
  const cv::RotatedRect patch(
      cv::Point2f(center),
      cv::Size2f(static_cast<float>(2 * radii.width), static_cast<float>(2 * radii.height)),
      static_cast<float>(degrees));
  cv::Point2f corners[4];
  patch.points(corners);
  canvas.polygon({corners, corners + 4}, tone);
}

/// Lays a window of a picture on the colours, light and dark as they were.
void add_texture(cv::Mat& colour, const FacePicture& picture, Random& random) {
  const int shorter = std::min(picture.rgb.cols, picture.rgb.rows);
  const int side = std::clamp(static_cast<int>(shorter * uniform(random, 0.1, 0.8)), 1, shorter);
  const cv::Rect window(uniform_int(random, 0, picture.rgb.cols - side),
                        uniform_int(random, 0, picture.rgb.rows - side), side, side);
  cv::Mat texture;
  cv::resize(picture.rgb(window), texture, colour.size(), 0, 0, cv::INTER_LINEAR);
  const double share = uniform(random, 0.2, 0.9);
  cv::addWeighted(colour, 1 - share, texture, share, 0, colour);
}

/// Brighter on one side than on the other.
void add_shading(cv::Mat& colour, Random& random) {
  const double left = uniform(random, 0.55, 1.2), right = uniform(random, 0.55, 1.2);
  for (int x = 0; x < colour.cols; ++x) {
    cv::Mat column = colour.col(x);
    column.convertTo(column, CV_8UC3, left + (right - left) * x / colour.cols);
  }
}

}  // namespace

void lay_over(const cv::Mat& over, const cv::Mat& mask, cv::Mat& under) {
  for (int y = 0; y < under.rows; ++y) {
    auto* pixel = under.ptr<cv::Vec3b>(y);
    const auto* thing = over.ptr<cv::Vec3b>(y);
    const auto* share = mask.ptr<uchar>(y);
    for (int x = 0; x < under.cols; ++x)
      for (int c = 0; c < 3; ++c)
        pixel[x][c] =
            static_cast<uchar>((pixel[x][c] * (255 - share[x]) + thing[x][c] * share[x] + 127) / 255);
  }
}

double occlude(cv::Mat& rgb, const FaceBox& face, const std::vector<const FacePicture*>& textures,
               const OcclusionOptions& options, Random& random) {
  constexpr int attempts = 4;
  const double size = std::max(face.width(), face.height()), margin = 0.4 * size;
  const cv::Rect picture({}, rgb.size());
  const cv::Rect region =
      cv::Rect(
          cv::Point(static_cast<int>(face.left - margin), static_cast<int>(face.top - margin)),
          cv::Point(static_cast<int>(face.right + margin) + 1, static_cast<int>(face.bottom + margin) + 1)) &
      picture;
  const cv::Rect inner = cv::Rect(cv::Point(static_cast<int>(face.left), static_cast<int>(face.top)),
                                  cv::Point(static_cast<int>(face.right), static_cast<int>(face.bottom))) &
                         picture;
  if (region.empty() || inner.empty()) return 0;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    Canvas canvas;
    canvas.origin = {face.left - region.x, face.top - region.y};
    canvas.face = cv::Size2d(face.width(), face.height());
    canvas.mask = cv::Mat(region.size(), CV_8UC1, cv::Scalar(0));
    canvas.colour = cv::Mat(region.size(), CV_8UC3, cv::Scalar::all(90));
    const double kind = uniform(random, 0, 1);
    if (kind < 0.35) {
      // Mostly the person's own hand.
      const cv::Rect cheeks = cv::Rect(inner.x + inner.width / 4, inner.y + inner.height / 3,
                                       std::max(1, inner.width / 2), std::max(1, inner.height / 3)) &
                              picture;
      const auto skin = happens(random, 0.7) ? brighter(cv::mean(rgb(cheeks)), uniform(random, 0.85, 1.2))
                                             : any_skin(random);
      draw_hand(canvas, skin, random);
    } else if (kind < 0.55) {
      draw_microphone(canvas, random);
    } else if (kind < 0.68) {
      draw_mask(canvas, random);
    } else if (kind < 0.8) {
      draw_cup(canvas, random);
    } else if (kind < 0.88) {
      draw_glasses(canvas, random);
    } else {
      draw_patch(canvas, random);
    }
    const double cover =
        cv::countNonZero(canvas.mask(inner - region.tl())) / static_cast<double>(inner.area());
    if (cover > options.largest_cover) continue;
    if (!textures.empty() && happens(random, options.textured))
      add_texture(canvas.colour, *pick(textures, random), random);
    add_shading(canvas.colour, random);
    if (size > 40) cv::GaussianBlur(canvas.mask, canvas.mask, {}, 0.008 * size);
    cv::Mat under = rgb(region);
    lay_over(canvas.colour, canvas.mask, under);
    return cover;
  }
  return 0;
}

}  // namespace reenact::training
