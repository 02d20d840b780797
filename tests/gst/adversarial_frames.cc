// SPDX-License-Identifier: LGPL-2.1-or-later
#include "adversarial_frames.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

namespace reenact {
namespace {

namespace fs = std::filesystem;

constexpr int portraits_wanted = 24;
constexpr int drawn_people = 6;

/// The face in a portrait whose mask shows head and shoulders: the middle of its upper part. Good enough to say where
/// somebody could be recognised.
cv::Rect face_in(const cv::Mat& mask) {
  const cv::Mat person = mask > 127;
  std::vector<int> widths;
  int top = -1;
  for (int y = 0; y < person.rows; ++y) {
    const int width = cv::countNonZero(person.row(y));
    if (top < 0 && width > person.cols / 20) top = y;
    if (top >= 0) widths.push_back(width);
  }
  if (widths.size() < 20) return {};
  const int side = *std::max_element(widths.begin(), widths.begin() + long(widths.size() / 3));
  const cv::Moments moments =
      cv::moments(person(cv::Rect(0, top, person.cols, std::min(side, person.rows - top))), true);
  if (moments.m00 <= 0) return {};
  const int center = int(moments.m10 / moments.m00);
  return cv::Rect(center - side * 2 / 5, top + side / 5, side * 4 / 5, side) &
         cv::Rect(0, 0, mask.cols, mask.rows);
}

cv::Scalar random_color(cv::RNG& random) {
  return {double(random.uniform(30, 225)), double(random.uniform(30, 225)), double(random.uniform(30, 225))};
}

/// A room: two walls, some boxes and noise, so that a detail filter has something to find everywhere.
cv::Mat room(cv::Size size, cv::RNG& random) {
  cv::Mat picture(size, CV_8UC3, random_color(random));
  cv::rectangle(picture, cv::Rect(0, size.height * 2 / 3, size.width, size.height), random_color(random),
                cv::FILLED);
  for (int i = 0; i < 8; ++i) {
    const cv::Point corner(random.uniform(0, size.width), random.uniform(0, size.height));
    cv::rectangle(
        picture,
        cv::Rect(corner, cv::Size(random.uniform(8, size.width / 4), random.uniform(8, size.height / 4))),
        random_color(random), cv::FILLED);
  }
  cv::Mat noise(size, CV_8UC3);
  random.fill(noise, cv::RNG::UNIFORM, 0, 12);
  return picture + noise;
}

}  // namespace

AdversarialFrames::Person AdversarialFrames::drawn(int number) {
  cv::RNG random(std::uint64_t(number) * 7919 + 1);
  constexpr int side = 256;
  cv::Mat rgb(side, side, CV_8UC3, cv::Scalar(90, 60, 40)), mask(side, side, CV_8UC1, cv::Scalar(0));
  const cv::Scalar skin(random.uniform(150, 235), random.uniform(110, 180), random.uniform(90, 150));
  const cv::Scalar hair(random.uniform(20, 120), random.uniform(15, 90), random.uniform(10, 70));
  const auto oval = [](cv::Mat& on, cv::Point at, cv::Size axes, const cv::Scalar& color) {
    cv::ellipse(on, at, axes, 0, 0, 360, color, cv::FILLED, cv::LINE_AA);
  };
  oval(rgb, {128, 105}, {82, 92}, hair);
  oval(mask, {128, 105}, {82, 92}, cv::Scalar(255));
  oval(rgb, {128, 250}, {110, 60}, random_color(random));
  oval(mask, {128, 250}, {110, 60}, cv::Scalar(255));
  oval(rgb, {128, 128}, {66, 86}, skin);
  oval(mask, {128, 128}, {66, 86}, cv::Scalar(255));
  for (const int x : {100, 156}) {
    oval(rgb, {x, 112}, {15, 8}, cv::Scalar(245, 245, 245));
    oval(rgb, {x, 112}, {7, 7}, cv::Scalar(40, 50, 60));
    cv::line(rgb, {x - 18, 94}, {x + 18, 92}, hair, 6, cv::LINE_AA);
  }
  cv::line(rgb, {128, 118}, {122, 150}, skin * 0.75, 5, cv::LINE_AA);
  oval(rgb, {128, 178}, {26, 9}, cv::Scalar(170, 60, 70));
  cv::line(rgb, {104, 178}, {152, 178}, cv::Scalar(90, 20, 30), 2, cv::LINE_AA);
  Person person;
  cv::merge(std::vector<cv::Mat>{rgb, mask}, person.rgba);
  person.face = {62, 70, 132, 144};
  return person;
}

AdversarialFrames::AdversarialFrames(const fs::path& stills) {
  for (int number = 0; !stills.empty() && int(people_.size()) < portraits_wanted && number < 400;
       number += 7) {
    char name[16];
    std::snprintf(name, sizeof(name), "%04d", number);
    cv::Mat bgr = cv::imread((stills / name).string() + ".jpg", cv::IMREAD_COLOR);
    cv::Mat mask = cv::imread((stills / name).string() + ".png", cv::IMREAD_GRAYSCALE);
    if (bgr.empty() || mask.empty()) continue;
    if (mask.size() != bgr.size()) cv::resize(mask, mask, bgr.size());
    Person person;
    person.face = face_in(mask);
    if (person.face.width < 60) continue;
    cv::Mat rgb;
    cv::cvtColor(bgr, rgb, cv::COLOR_BGR2RGB);
    std::vector<cv::Mat> channels;
    cv::split(rgb, channels);
    channels.push_back(mask);
    cv::merge(channels, person.rgba);
    people_.push_back(person);
  }
  for (int number = 0; number < drawn_people; ++number) people_.push_back(drawn(number));
}

void AdversarialFrames::place(AdversarialFrame& frame, std::size_t index, cv::Point2d center, double width,
                              bool mirrored) const {
  const Person& person = people_[index % people_.size()];
  const double scale = width / person.face.width;
  const cv::Point2d middle(person.face.x + person.face.width / 2.0, person.face.y + person.face.height / 2.0);
  const double across = mirrored ? -scale : scale;
  const cv::Matx23d to_frame(across, 0, center.x - across * middle.x, 0, scale, center.y - scale * middle.y);
  cv::Mat reduced;
  if (scale < 0.5) cv::blur(person.rgba, reduced, cv::Size(int(1 / scale) | 1, int(1 / scale) | 1));
  const cv::Mat& source = reduced.empty() ? person.rgba : reduced;
  cv::Mat warped;
  cv::warpAffine(source, warped, to_frame, frame.rgb.size(), cv::INTER_LINEAR, cv::BORDER_CONSTANT,
                 cv::Scalar::all(0));
  for (int y = 0; y < warped.rows; ++y) {
    const auto* above = warped.ptr<cv::Vec4b>(y);
    auto* below = frame.rgb.ptr<cv::Vec3b>(y);
    for (int x = 0; x < warped.cols; ++x)
      for (int c = 0; c < 3; ++c)
        below[x][c] =
            cv::saturate_cast<uchar>((above[x][c] * above[x][3] + below[x][c] * (255 - above[x][3])) / 255);
  }
  const double height = width * person.face.height / person.face.width;
  const cv::Rect box =
      cv::Rect(int(center.x - width / 2), int(center.y - height / 2), int(width), int(height)) &
      cv::Rect({}, frame.rgb.size());
  if (box.area() > 0) frame.faces.push_back(box);
}

AdversarialFrame AdversarialFrames::frame(Scene scene, int number, int count, cv::Size size,
                                          std::uint64_t seed) const {
  cv::RNG random(seed * 1000003 + std::uint64_t(scene) * 101 + 5);
  const double w = size.width, h = size.height, time = double(number) / std::max(1, count - 1);
  const auto who = [&random] { return std::size_t(random.uniform(0, 1 << 16)); };
  const std::size_t one = who(), other = who();
  AdversarialFrame frame;
  if (scene == Scene::cuts) random.state += std::uint64_t(number / 4) * 7777777;
  frame.rgb = room(size, random);
  switch (scene) {
    case Scene::walks_in:
      place(frame, one, {w * 0.2, h * 0.4}, h * 0.12);
      place(frame, other, {w * (1.4 - 0.9 * time), h * 0.5}, h * 0.6);
      break;
    case Scene::crossing:
      place(frame, one, {w * (0.1 + 0.8 * time), h * 0.45}, h * 0.3);
      place(frame, other, {w * (0.9 - 0.8 * time), h * 0.5}, h * 0.3);
      break;
    case Scene::half_faces:
      place(frame, one, {w * 0.02, h * (0.3 + 0.4 * time)}, h * 0.4);
      place(frame, other, {w * (0.4 + 0.3 * time), h * 1.0}, h * 0.45);
      break;
    case Scene::cuts:
      place(frame, who(), {w * random.uniform(0.2, 0.8), h * random.uniform(0.3, 0.7)},
            h * random.uniform(0.1, 0.7));
      break;
    case Scene::fast_motion:
      place(frame, one, {w * (0.5 + 0.45 * std::sin(number * 1.3)), h * (0.5 + 0.3 * std::cos(number * 0.9))},
            h * 0.3);
      break;
    case Scene::hand:
      place(frame, one, {w * 0.5, h * 0.45}, h * 0.35);
      cv::ellipse(frame.rgb, cv::Point(int(w * (0.3 + 0.4 * time)), int(h * 0.5)),
                  cv::Size(int(h * 0.1), int(h * 0.17)), 20, 0, 360, cv::Scalar(205, 160, 135), cv::FILLED,
                  cv::LINE_AA);
      break;
    case Scene::mirror:
      place(frame, one, {w * (0.3 + 0.05 * time), h * 0.5}, h * 0.35);
      place(frame, one, {w * (0.75 - 0.05 * time), h * 0.45}, h * 0.28, true);
      break;
    case Scene::pictures:
      for (int i = 0; i < 6; ++i)
        place(frame, who(), {w * (0.1 + 0.16 * i), h * (i % 2 ? 0.25 : 0.7)}, h * (0.08 + 0.04 * i));
      place(frame, one, {w * (0.4 + 0.2 * time), h * 0.5}, h * 0.25);
      break;
    case Scene::fills_the_frame:
      place(frame, one, {w * (0.45 + 0.1 * time), h * 0.5}, h * (0.7 + 0.7 * time));
      break;
  }
  return frame;
}

}  // namespace reenact
