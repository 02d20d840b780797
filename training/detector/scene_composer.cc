// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/scene_composer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <opencv2/imgproc.hpp>

#include "reenact/error.h"

namespace reenact::training {
namespace {

constexpr double tiny_face = 8;  // geometric mean of the sides in pixels under which nobody can tell

cv::Scalar any_colour(Random& random) {
  return {uniform(random, 0, 255), uniform(random, 0, 255), uniform(random, 0, 255)};
}

double size_of(const FaceBox& box) {
  return std::sqrt(std::max(0.f, box.width()) * std::max(0.f, box.height()));
}

FaceBox clipped(const FaceBox& box, int size) {
  const float limit = static_cast<float>(size);
  return {std::clamp(box.left, 0.f, limit), std::clamp(box.top, 0.f, limit),
          std::clamp(box.right, 0.f, limit), std::clamp(box.bottom, 0.f, limit), box.score};
}

double area(const FaceBox& box) {
  return std::max(0.f, box.width()) * std::max(0.f, box.height());
}

/// Adds a box to the faces when most of it can be seen, to the ignored ones when only a part can.
void add_box(Scene& scene, const FaceBox& box, bool sure) {
  const auto visible = clipped(box, scene.rgb.cols);
  const double share = area(visible) / std::max(1e-6, area(box));
  if (share < 0.15) return;
  const bool clear = sure && share > 0.55 && size_of(visible) >= tiny_face;
  (clear ? scene.faces : scene.ignored).push_back(visible);
}

/// The part of `source` under a square window of side `side` at (x, y) scaled to `size`; `outside` elsewhere.
cv::Mat window_of(const cv::Mat& source, double x, double y, double side, int size, const cv::Mat& outside) {
  cv::Mat result = outside;
  const double scale = size / side;
  const auto to_target = [&](double position, double origin) {
    return std::clamp(static_cast<int>(std::lround((position - origin) * scale)), 0, size);
  };
  const cv::Rect target(cv::Point(to_target(0, x), to_target(0, y)),
                        cv::Point(to_target(source.cols, x), to_target(source.rows, y)));
  if (target.empty()) return result;
  const auto inside = [&](double position, double origin, int limit) {
    return std::clamp(static_cast<int>(std::lround(origin + position / scale)), 0, limit);
  };
  const cv::Rect region(
      cv::Point(inside(target.x, x, source.cols), inside(target.y, y, source.rows)),
      cv::Point(inside(target.br().x, x, source.cols), inside(target.br().y, y, source.rows)));
  if (region.empty()) return result;
  cv::resize(source(region), result(target), target.size(), 0, 0,
             scale < 1 ? cv::INTER_AREA : cv::INTER_LINEAR);
  return result;
}

FaceBox moved(const FaceBox& box, double x, double y, double scale) {
  const auto map = [&](float position, double origin) {
    return static_cast<float>((position - origin) * scale);
  };
  return {map(box.left, x), map(box.top, y), map(box.right, x), map(box.bottom, y), box.score};
}

void mirror(Scene& scene) {
  cv::flip(scene.rgb, scene.rgb, 1);
  const float width = static_cast<float>(scene.rgb.cols);
  for (auto* boxes : {&scene.faces, &scene.ignored}) {
    for (auto& box : *boxes) {
      const float left = box.left;
      box.left = width - box.right;
      box.right = width - left;
    }
  }
}

/// Lays a patch over up to a third of a face, as a hand or a microphone would.
void occlude(cv::Mat& rgb, const FaceBox& face, Random& random) {
  const double width = face.width() * uniform(random, 0.2, 0.6),
               height = face.height() * uniform(random, 0.2, 0.5);
  const cv::Point2d center(uniform(random, face.left, face.right), uniform(random, face.top, face.bottom));
  const cv::RotatedRect patch(center, cv::Size2f(static_cast<float>(width), static_cast<float>(height)),
                              static_cast<float>(uniform(random, 0, 180)));
  if (happens(random, 0.5)) {
    cv::ellipse(rgb, patch, any_colour(random), cv::FILLED, cv::LINE_AA);
    return;
  }
  cv::Point2f corners[4];
  patch.points(corners);
  std::vector<cv::Point> polygon(corners, corners + 4);
  cv::fillConvexPoly(rgb, polygon, any_colour(random), cv::LINE_AA);
}

}  // namespace

SceneComposer::SceneComposer(const std::vector<FacePicture>& pictures, const std::vector<HeadCutout>& heads,
                             SceneOptions options)
    : options_(options) {
  for (const auto& picture : pictures) {
    if (!picture.faces.empty())
      photographs_.push_back(&picture);
    else if (picture.has_no_face())
      backgrounds_.push_back(&picture);
  }
  std::map<std::string, std::size_t> person_index;
  for (const auto& head : heads) {
    const auto [entry, added] = person_index.try_emplace(head.person, heads_.size());
    if (added) heads_.emplace_back();
    heads_[entry->second].push_back(&head);
  }
  if (photographs_.empty() || heads_.empty())
    throw Error(ErrorCode::invalid, "scenes need at least one picture with a face and one head");
}

const HeadCutout& SceneComposer::draw_head(Random& random) const {
  return *pick(pick(heads_, random), random);
}

double SceneComposer::draw_face_size(int size, Random& random) const {
  const double largest = options_.largest_face_share * size;
  if (happens(random, 0.5)) return uniform(random, 0.25 * size, largest);
  return std::exp(uniform(random, std::log(options_.smallest_face), std::log(largest)));
}

Scene SceneComposer::draw(int size, Random& random) const {
  const double shares[] = {options_.photographs, options_.portraits, options_.collages, options_.empty};
  const auto kind = std::discrete_distribution<int>(std::begin(shares), std::end(shares))(random);
  Scene scene = kind == 0   ? photograph(*pick(photographs_, random), size, random)
                : kind == 1 ? portrait(size, random)
                : kind == 2 ? collage(size, random)
                            : Scene{background(size, random), {}, {}};
  for (const auto& face : scene.faces)
    if (happens(random, options_.occlusion)) occlude(scene.rgb, face, random);
  if (happens(random, 0.5)) mirror(scene);
  degrade(scene.rgb, options_.degradation, random);
  return scene;
}

Scene SceneComposer::photograph(const FacePicture& picture, int size, Random& random) const {
  const auto& face = pick(picture.faces, random);
  // Small faces are not blown up beyond what a camera would show, large pictures not shrunk to nothing.
  const double scale = std::clamp(draw_face_size(size, random) / std::max(1.0, size_of(face)), 0.15, 3.0);
  const double side = size / scale;
  // The face lies anywhere in the window; now and then its edge cuts it.
  const double spare_x = side - face.width(), spare_y = side - face.height(), margin = 0.15;
  const double x = face.left - uniform(random, std::min(0.0, spare_x), std::max(0.0, spare_x)) +
                   uniform(random, -margin, margin) * face.width();
  const double y = face.top - uniform(random, std::min(0.0, spare_y), std::max(0.0, spare_y)) +
                   uniform(random, -margin, margin) * face.height();
  Scene scene;
  const cv::Mat outside =
      happens(random, 0.7) ? cv::Mat(size, size, CV_8UC3, any_colour(random)) : background(size, random);
  scene.rgb = window_of(picture.rgb, x, y, side, size, outside);
  for (const auto& box : picture.faces) add_box(scene, moved(box, x, y, scale), true);
  for (const auto& box : picture.ignored) add_box(scene, moved(box, x, y, scale), false);
  return scene;
}

Scene SceneComposer::portrait(int size, Random& random) const {
  const auto& head = draw_head(random);
  FacePicture picture;
  picture.rgb = head.rgb;
  picture.faces = {head.face};
  return photograph(picture, size, random);
}

cv::Mat SceneComposer::background(int size, Random& random) const {
  cv::Mat rgb(size, size, CV_8UC3, any_colour(random));
  const double kind = uniform(random, 0, 1);
  if (kind < 0.75 && !backgrounds_.empty()) {
    const auto& source = pick(backgrounds_, random)->rgb;
    const double shorter = std::min(source.cols, source.rows);
    const double side = shorter * std::exp(uniform(random, std::log(0.25), std::log(1.3)));
    const double x = uniform(random, std::min(0.0, source.cols - side), std::max(0.0, source.cols - side));
    const double y = uniform(random, std::min(0.0, source.rows - side), std::max(0.0, source.rows - side));
    rgb = window_of(source, x, y, side, size, rgb);
    if (happens(random, 0.3)) cv::rotate(rgb, rgb, static_cast<int>(uniform(random, 0, 2.999)));
  } else if (kind < 0.9) {  // soft gradients and blobs
    cv::Mat coarse(2 + static_cast<int>(uniform(random, 0, 8)), 2 + static_cast<int>(uniform(random, 0, 8)),
                   CV_8UC3);
    cv::RNG generator(random());
    generator.fill(coarse, cv::RNG::UNIFORM, 0, 256);
    cv::resize(coarse, rgb, rgb.size(), 0, 0, happens(random, 0.7) ? cv::INTER_CUBIC : cv::INTER_NEAREST);
  } else if (kind < 0.95) {
    cv::RNG generator(random());
    generator.fill(rgb, cv::RNG::UNIFORM, 0, 256);
  }
  return rgb;
}

Scene SceneComposer::collage(int size, Random& random) const {
  Scene scene;
  scene.rgb = background(size, random);
  const int heads = 1 + static_cast<int>(uniform(random, 0, options_.most_heads) * uniform(random, 0, 1));
  std::vector<double> face_sizes;
  for (int i = 0; i < heads; ++i) face_sizes.push_back(draw_face_size(size, random) / (heads > 1 ? 1.6 : 1));
  // Those in front are larger, and small ones must stay visible.
  std::sort(face_sizes.rbegin(), face_sizes.rend());
  for (const double face_size : face_sizes) paste_head(scene, face_size, random);
  return scene;
}

void SceneComposer::paste_head(Scene& scene, double face_size, Random& random) const {
  const auto& head = draw_head(random);
  const auto box = head.face;
  const double scale = std::max(0.04, face_size / std::max(1.0, size_of(box)));
  const double angle = happens(random, 0.5) ? uniform(random, -25, 25) : 0;
  const int size = scene.rgb.cols, source = head.rgb.cols;
  cv::Mat rgb = head.rgb, mask = head.mask;
  double remaining = scale;
  if (scale < 1) {  // shrink first, warping does not average
    const int small = std::max(4, static_cast<int>(std::lround(source * scale)));
    cv::resize(head.rgb, rgb, {small, small}, 0, 0, cv::INTER_AREA);
    cv::resize(head.mask, mask, {small, small}, 0, 0, cv::INTER_AREA);
    remaining = scale * source / small;
  }
  const cv::Point2d face_center((box.left + box.right) / 2, (box.top + box.bottom) / 2);
  for (int attempt = 0; attempt < 6; ++attempt) {
    const cv::Point2d target(uniform(random, 0, size), uniform(random, 0, size));
    const FaceBox placed{static_cast<float>(target.x - box.width() * scale / 2),
                         static_cast<float>(target.y - box.height() * scale / 2),
                         static_cast<float>(target.x + box.width() * scale / 2),
                         static_cast<float>(target.y + box.height() * scale / 2), 1};
    const double reach = 0.5 * source * scale;
    const cv::Rect2d covered(target.x - reach, target.y - reach, 2 * reach, 2 * reach);
    const bool hides_another = std::any_of(scene.faces.begin(), scene.faces.end(), [&](const FaceBox& face) {
      const cv::Rect2d other(face.left, face.top, face.width(), face.height());
      return (covered & other).area() > 0.15 * other.area();
    });
    const bool outside = area(clipped(placed, size)) < 0.7 * area(placed);
    if (hides_another || (outside && attempt < 5)) continue;

    const double shrunk = static_cast<double>(rgb.cols) / source;
    cv::Mat transform = cv::getRotationMatrix2D(cv::Point2f(face_center * shrunk), angle, remaining);
    transform.at<double>(0, 2) += target.x - face_center.x * shrunk;
    transform.at<double>(1, 2) += target.y - face_center.y * shrunk;
    const auto bounds =
        cv::Rect(cv::Point(static_cast<int>(covered.x - reach), static_cast<int>(covered.y - reach)),
                 cv::Size(static_cast<int>(4 * reach) + 2, static_cast<int>(4 * reach) + 2)) &
        cv::Rect(0, 0, size, size);
    if (bounds.empty()) return;
    transform.at<double>(0, 2) -= bounds.x;
    transform.at<double>(1, 2) -= bounds.y;
    cv::Mat warped, alpha, blended = scene.rgb(bounds);
    cv::warpAffine(rgb, warped, transform, bounds.size(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
    cv::warpAffine(mask, alpha, transform, bounds.size(), cv::INTER_LINEAR, cv::BORDER_CONSTANT, 0);
    for (int y = 0; y < bounds.height; ++y) {
      auto* under = blended.ptr<cv::Vec3b>(y);
      const auto* over = warped.ptr<cv::Vec3b>(y);
      const auto* share = alpha.ptr<uchar>(y);
      for (int x = 0; x < bounds.width; ++x)
        for (int c = 0; c < 3; ++c)
          under[x][c] =
              static_cast<uchar>((under[x][c] * (255 - share[x]) + over[x][c] * share[x] + 127) / 255);
    }
    add_box(scene, placed, true);
    return;
  }
}

}  // namespace reenact::training
