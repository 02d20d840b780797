// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/scene_composer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <opencv2/imgproc.hpp>
#include <optional>

#include "reenact/error.h"
#include "reenact/safetensors.h"
#include "training/detector/face_turn.h"

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

/// As large and as high as a face, anywhere in a picture.
FaceBox any_box(double face_size, int size, Random& random) {
  const double width = 0.85 * face_size, height = face_size / 0.85;
  const double left = uniform(random, -width / 4, size - 0.75 * width),
               top = uniform(random, -height / 4, size - 0.75 * height);
  return {static_cast<float>(left), static_cast<float>(top), static_cast<float>(left + width),
          static_cast<float>(top + height), 1};
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

/// Takes faces that too little or too much light has wiped out for unsure ones.
void ignore_unseen(Scene& scene) {
  constexpr double least_deviation = 5;  // of the grey values
  const cv::Rect picture({}, scene.rgb.size());
  std::vector<FaceBox> seen;
  for (const auto& face : scene.faces) {
    const auto region = cv::Rect(cv::Point(static_cast<int>(face.left), static_cast<int>(face.top)),
                                 cv::Point(static_cast<int>(face.right), static_cast<int>(face.bottom))) &
                        picture;
    cv::Mat grey, mean, deviation;
    if (!region.empty()) {
      cv::cvtColor(scene.rgb(region), grey, cv::COLOR_RGB2GRAY);
      cv::meanStdDev(grey, mean, deviation);
    }
    const bool clear = !region.empty() && deviation.at<double>(0) >= least_deviation;
    (clear ? seen : scene.ignored).push_back(face);
  }
  scene.faces = std::move(seen);
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

/// A head about to be pasted, at its size in the scene or, where it will be enlarged, at its own.
struct LooseHead {
  cv::Mat rgb, mask;
  FaceBox face;            // pixels of `rgb`
  double enlargement = 1;  // that is left to do
};

/// Shrinks first: warping does not average.
LooseHead loosened(const HeadCutout& head, double scale) {
  LooseHead loose{head.rgb, head.mask, head.face, scale};
  if (scale >= 1) return loose;
  const int side = head.rgb.cols, small = std::max(4, static_cast<int>(std::lround(side * scale)));
  loose.rgb = loose.mask = cv::Mat();
  cv::resize(head.rgb, loose.rgb, {small, small}, 0, 0, cv::INTER_AREA);
  cv::resize(head.mask, loose.mask, {small, small}, 0, 0, cv::INTER_AREA);
  const double share = static_cast<double>(small) / side;
  loose.face = moved(head.face, 0, 0, share);
  loose.enlargement = scale / share;
  return loose;
}

/// The upright box around a face that fills its box as an ellipse does, after a rotation; centred at `target`.
FaceBox rotated_box(const FaceBox& face, double enlargement, double degrees, const cv::Point2d& target) {
  const double angle = degrees * CV_PI / 180, width = face.width() * enlargement / 2,
               height = face.height() * enlargement / 2;
  const double x = std::hypot(width * std::cos(angle), height * std::sin(angle));
  const double y = std::hypot(width * std::sin(angle), height * std::cos(angle));
  return {static_cast<float>(target.x - x), static_cast<float>(target.y - y),
          static_cast<float>(target.x + x), static_cast<float>(target.y + y), 1};
}

/// Where on a scene a head lands: the middle of its face, as a rule where no other face is hidden by it.
struct Landing {
  cv::Point2d middle;
  double degrees;
};

/// Blends a head into the picture.
void paste(const LooseHead& head, const Landing& landing, cv::Mat& scene) {
  const cv::Point2f middle((head.face.left + head.face.right) / 2, (head.face.top + head.face.bottom) / 2);
  cv::Mat transform = cv::getRotationMatrix2D(middle, landing.degrees, head.enlargement);
  transform.at<double>(0, 2) += landing.middle.x - middle.x;
  transform.at<double>(1, 2) += landing.middle.y - middle.y;
  const double reach = head.rgb.cols * head.enlargement;
  const cv::Rect bounds =
      cv::Rect(
          cv::Point(static_cast<int>(landing.middle.x - reach), static_cast<int>(landing.middle.y - reach)),
          cv::Size(static_cast<int>(2 * reach) + 2, static_cast<int>(2 * reach) + 2)) &
      cv::Rect({}, scene.size());
  if (bounds.empty()) return;
  transform.at<double>(0, 2) -= bounds.x;
  transform.at<double>(1, 2) -= bounds.y;
  cv::Mat warped, alpha, under = scene(bounds);
  cv::warpAffine(head.rgb, warped, transform, bounds.size(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  cv::warpAffine(head.mask, alpha, transform, bounds.size(), cv::INTER_LINEAR, cv::BORDER_CONSTANT, 0);
  lay_over(warped, alpha, under);
}

/// A place for a face of that box (around the origin) and a head that reaches so far; nothing where all places tried
/// would hide another face.
std::optional<cv::Point2d> place_for(const Scene& scene, const FaceBox& box, double reach, Random& random) {
  constexpr int attempts = 6;
  const int size = scene.rgb.cols;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const cv::Point2d target(uniform(random, 0, size), uniform(random, 0, size));
    const FaceBox placed = moved(box, -target.x, -target.y, 1);
    const cv::Rect2d covered(target.x - reach, target.y - reach, 2 * reach, 2 * reach);
    const bool hides_another = std::any_of(scene.faces.begin(), scene.faces.end(), [&](const FaceBox& face) {
      const cv::Rect2d other(face.left, face.top, face.width(), face.height());
      return (covered & other).area() > 0.15 * other.area();
    });
    const bool outside = area(clipped(placed, size)) < 0.7 * area(placed);
    if (!hides_another && (!outside || attempt + 1 == attempts)) return target;
  }
  return std::nullopt;
}

/// How much further a head is turned: the way it looks already, or either way.
double draw_turn(const HeadCutout& head, double largest, Random& random) {
  constexpr double profile = 75;  // degrees beyond which nothing of the face would be left
  const double most = std::min(largest, profile - std::abs(*head.yaw));
  if (most <= 0) return 0;
  const double degrees = uniform(random, most / 3, most);
  const bool right = std::abs(*head.yaw) < 8 ? happens(random, 0.5) : *head.yaw > 0;
  return right ? degrees : -degrees;
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
  std::map<std::string, std::vector<const HeadCutout*>> of_person, turned_of_person;
  for (const auto& head : heads) {
    of_person[head.person].push_back(&head);
    if (head.yaw && std::abs(*head.yaw) >= options_.turned_from)
      turned_of_person[head.person].push_back(&head);
  }
  for (auto& [person, all] : of_person) heads_.push_back(std::move(all));
  for (auto& [person, all] : turned_of_person) turned_heads_.push_back(std::move(all));
  if (photographs_.empty() || heads_.empty())
    throw Error(ErrorCode::invalid, "scenes need at least one picture with a face and one head");
}

const HeadCutout& SceneComposer::draw_head(Random& random) const {
  const bool turned = !turned_heads_.empty() && happens(random, options_.turned_share);
  return *pick(pick(turned ? turned_heads_ : heads_, random), random);
}

double SceneComposer::draw_face_size(int size, Random& random) const {
  const double largest = options_.largest_face_share * size;
  if (happens(random, 0.5)) return uniform(random, 0.25 * size, largest);
  return std::exp(uniform(random, std::log(options_.smallest_face), std::log(largest)));
}

Scene SceneComposer::draw(int size, Random& random) const {
  const double shares[] = {options_.photographs, options_.portraits, options_.collages, options_.faceless,
                           options_.empty};
  const auto kind = std::discrete_distribution<int>(std::begin(shares), std::end(shares))(random);
  Scene scene = kind == 0   ? photograph(*pick(photographs_, random), size, random)
                : kind == 1 ? portrait(size, random)
                : kind == 2 ? collage(size, true, random)
                : kind == 3 ? collage(size, false, random)
                            : Scene{background(size, random), {}, {}};
  // Things and shades lie in scenes without faces too, so that they do not come to mean one.
  auto places = scene.faces;
  if (places.empty()) places.push_back(any_box(draw_face_size(size, random), size, random));
  for (const auto& face : places) {
    if (happens(random, options_.light.shade)) shade_face(scene.rgb, face, options_.light, random);
    if (happens(random, options_.occlusion.probability))
      occlude(scene.rgb, face, backgrounds_, options_.occlusion, random);
  }
  if (happens(random, 0.5)) mirror(scene);
  if (relight(scene.rgb, options_.light, random)) ignore_unseen(scene);
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

cv::Mat SceneComposer::window_beside_a_face(int size, Random& random) const {
  const cv::Mat plain(size, size, CV_8UC3, any_colour(random));
  if (happens(random, 0.5)) {
    constexpr int attempts = 8;
    const auto& picture = *pick(photographs_, random);
    const double width = picture.rgb.cols, height = picture.rgb.rows, shorter = std::min(width, height);
    for (int attempt = 0; attempt < attempts; ++attempt) {
      const double side = uniform(random, options_.narrowest_window, 0.6) * shorter;
      const double x = uniform(random, 0, width - side), y = uniform(random, 0, height - side);
      const auto touches = [&](const FaceBox& face) {
        const double margin = 0.15 * size_of(face);
        return face.left - margin < x + side && face.right + margin > x && face.top - margin < y + side &&
               face.bottom + margin > y;
      };
      if (std::none_of(picture.faces.begin(), picture.faces.end(), touches) &&
          std::none_of(picture.ignored.begin(), picture.ignored.end(), touches))
        return window_of(picture.rgb, x, y, side, size, plain);
    }
    return plain;
  }
  const auto& head = draw_head(random);
  const double width = head.rgb.cols, height = head.rgb.rows, gap = 0.08 * head.face.height();
  // Clothes below the chin more often than what is above the head.
  const bool below = happens(random, 0.75);
  const double top = below ? std::min(height, head.face.bottom + gap) : 0;
  const double bottom = below ? height : std::max(0.0, head.face.top - 2 * gap);
  const double most = bottom - top;
  if (most < 12) return plain;
  const double side = uniform(random, 0.5, 1) * most;
  return window_of(head.rgb, uniform(random, 0, width - side), uniform(random, top, bottom - side), side,
                   size, plain);
}

cv::Mat SceneComposer::background(int size, Random& random) const {
  cv::Mat rgb(size, size, CV_8UC3, any_colour(random));
  if (happens(random, options_.texture)) return window_beside_a_face(size, random);
  const double kind = uniform(random, 0, 1);
  if (kind < 0.82 && !backgrounds_.empty()) {
    const auto& source = pick(backgrounds_, random)->rgb;
    const double shorter = std::min(source.cols, source.rows);
    const double side =
        shorter * std::exp(uniform(random, std::log(options_.narrowest_window), std::log(1.3)));
    const double x = uniform(random, std::min(0.0, source.cols - side), std::max(0.0, source.cols - side));
    const double y = uniform(random, std::min(0.0, source.rows - side), std::max(0.0, source.rows - side));
    rgb = window_of(source, x, y, side, size, rgb);
    if (happens(random, 0.3)) cv::rotate(rgb, rgb, static_cast<int>(uniform(random, 0, 2.999)));
  } else if (kind < 0.92) {  // soft gradients and blobs
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

Scene SceneComposer::collage(int size, bool with_faces, Random& random) const {
  Scene scene;
  scene.rgb = background(size, random);
  const int heads = 1 + static_cast<int>(uniform(random, 0, options_.most_heads) * uniform(random, 0, 1));
  std::vector<double> face_sizes;
  for (int i = 0; i < heads; ++i) face_sizes.push_back(draw_face_size(size, random) / (heads > 1 ? 1.6 : 1));
  // Those in front are larger, and small ones must stay visible.
  std::sort(face_sizes.rbegin(), face_sizes.rend());
  for (const double face_size : face_sizes) {
    const auto& cutout = draw_head(random);
    const double scale = std::max(0.04, face_size / std::max(1.0, size_of(cutout.face)));
    auto head = loosened(cutout, scale);
    if (cutout.yaw && happens(random, options_.turn)) {
      const float shrunk = static_cast<float>(head.rgb.cols) / static_cast<float>(cutout.rgb.cols);
      auto other = turned(head.rgb, head.mask, head.face, cutout.nose_tip * shrunk,
                          draw_turn(cutout, options_.largest_turn, random));
      head.rgb = other.rgb;
      head.mask = other.mask;
      head.face = other.face;
    }
    if (!with_faces) hide_face(head.rgb, head.mask, head.face, random);
    const double degrees = happens(random, 0.5) ? uniform(random, -options_.rotation, options_.rotation) : 0;
    const double reach = 0.5 * head.rgb.cols * head.enlargement;
    const auto place = place_for(scene, rotated_box(head.face, head.enlargement, degrees, {}), reach, random);
    if (!place) continue;
    paste(head, {*place, degrees}, scene.rgb);
    if (with_faces) add_box(scene, rotated_box(head.face, head.enlargement, degrees, *place), true);
  }
  return scene;
}

void SceneComposer::hide_face(cv::Mat& rgb, cv::Mat& mask, const FaceBox& face, Random& random) const {
  const cv::Point2d middle((face.left + face.right) / 2, (face.top + face.bottom) / 2);
  cv::Mat hidden(rgb.size(), CV_8UC1, cv::Scalar(0));
  const double margin = uniform(random, 1.15, 1.35);
  cv::ellipse(hidden,
              cv::RotatedRect(middle,
                              cv::Size2f(static_cast<float>(face.width() * margin),
                                         static_cast<float>(face.height() * margin)),
                              0),
              cv::Scalar(255), cv::FILLED, cv::LINE_AA);
  cv::GaussianBlur(hidden, hidden, {}, std::max(0.4, 0.03 * face.width()));
  if (happens(random, 0.3)) {  // what is behind shows through
    cv::Mat kept = mask.clone();
    for (int y = 0; y < mask.rows; ++y)
      for (int x = 0; x < mask.cols; ++x)
        kept.at<uchar>(y, x) =
            static_cast<uchar>(kept.at<uchar>(y, x) * (255 - hidden.at<uchar>(y, x)) / 255);
    mask = kept;
    return;
  }
  cv::Mat cover;
  if (happens(random, 0.5)) {  // hair, as from behind: the strip above the face, stretched
    const int bottom = std::clamp(static_cast<int>(face.top + 0.1f * face.height()), 2, rgb.rows);
    const int top = std::max(0, bottom - std::max(2, static_cast<int>(0.25 * face.height())));
    const int left = std::clamp(static_cast<int>(face.left), 0, rgb.cols - 2);
    const int right = std::clamp(static_cast<int>(face.right), left + 2, rgb.cols);
    cv::resize(rgb(cv::Range(top, bottom), cv::Range(left, right)), cover, rgb.size(), 0, 0,
               cv::INTER_LINEAR);
  } else {
    cover = background(rgb.cols, random);
  }
  cv::Mat painted = rgb.clone();
  lay_over(cover, hidden, painted);
  rgb = painted;
}

}  // namespace reenact::training
