// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/small_face_dataset.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>
#include <stdexcept>
#include <vector>

#include "reenact/safetensors.h"

namespace reenact::test {
namespace {

constexpr int frames = 12, crop_side = 128, landmark_count = 478;
constexpr double crop_scale = 1.8, face_aspect = 0.75;

/// An oval with eyes and a mouth on a striped ground; `box` is its bounding box.
cv::Mat draw_face(cv::Size size, const cv::Rect2d& box, const cv::Scalar& skin) {
  cv::Mat bgr(size, CV_8UC3, cv::Scalar(120, 90, 60));
  for (int x = 0; x < size.width; x += 12)
    cv::line(bgr, {x, 0}, {x, size.height}, cv::Scalar(60, 120, 90), 3);
  const cv::Point center(static_cast<int>(box.x + box.width / 2), static_cast<int>(box.y + box.height / 2));
  const cv::Size axes(static_cast<int>(box.width / 2), static_cast<int>(box.height / 2));
  cv::ellipse(bgr, center, axes, 0, 0, 360, skin, cv::FILLED);
  for (const int side : {-1, 1})
    cv::circle(bgr, {center.x + side * axes.width / 2, center.y - axes.height / 4}, axes.width / 6,
               cv::Scalar(30, 30, 30), cv::FILLED);
  cv::line(bgr, {center.x - axes.width / 2, center.y + axes.height / 2},
           {center.x + axes.width / 2, center.y + axes.height / 2}, cv::Scalar(40, 40, 160), 3);
  return bgr;
}

template <typename Values>
TensorView view_of(const Values& values, std::vector<std::int64_t> shape) {
  return {DataType::f32, std::move(shape), std::as_bytes(std::span(values))};
}

/// Landmarks evenly along the ellipse of a face box in a crop, pixels.
void append_landmarks(std::vector<float>& values, const cv::Rect2d& box) {
  for (int i = 0; i < landmark_count; ++i) {
    const double angle = 2 * CV_PI * i / landmark_count;
    values.push_back(static_cast<float>(box.x + box.width / 2 * (1 + std::cos(angle))));
    values.push_back(static_cast<float>(box.y + box.height / 2 * (1 + std::sin(angle))));
  }
}

cv::Rect2d crop_face_box() {
  const double height = crop_side / crop_scale, width = height * face_aspect;
  return {(crop_side - width) / 2, (crop_side - height) / 2, width, height};
}

void write_video(const std::filesystem::path& path, double rate, const std::vector<cv::Mat>& pictures) {
  cv::VideoWriter writer(path.string(), cv::VideoWriter::fourcc('m', 'p', '4', 'v'), rate,
                         pictures[0].size());
  if (!writer.isOpened()) throw std::runtime_error("this OpenCV cannot write " + path.string());
  for (const auto& picture : pictures) writer.write(picture);
}

cv::Mat crop_mask() {
  cv::Mat mask(crop_side, crop_side, CV_8UC1, cv::Scalar(0));
  const auto box = crop_face_box();
  cv::ellipse(mask, {crop_side / 2, crop_side / 2},
              {static_cast<int>(box.width / 2), static_cast<int>(box.height / 2)}, 0, 0, 360, cv::Scalar(255),
              cv::FILLED);
  return mask;
}

/// A face that wanders through 160 x 120 frames of 25 a second, and its crops.
void write_clip(const std::filesystem::path& folder, const std::string& id, bool published,
                bool other_look = false) {
  std::vector<cv::Mat> whole, crops, masks;
  std::vector<float> boxes, landmarks;
  for (int i = 0; i < small_dataset_first_frame + 2 * frames; ++i) {
    const double height = 40, width = height * face_aspect;
    const cv::Rect2d box(50 + 20 * std::sin(i * 0.45), 35 + 12 * std::cos(i * 0.8), width, height);
    const cv::Scalar skin =
        other_look ? cv::Scalar(60 + 2 * i, 90, 110 + 3 * i) : cv::Scalar(150 + 3 * i, 180, 220 - 4 * i);
    whole.push_back(draw_face({160, 120}, box, skin));
    const int labelled = i - small_dataset_first_frame;
    if (labelled < 0 || labelled % 2 != 0) continue;
    for (const double edge : {box.x, box.y, box.br().x, box.br().y, 1.0})
      boxes.push_back(static_cast<float>(edge));
    // The same window of the frame, enlarged.
    const double side = height * crop_scale, step = side / crop_side;
    const cv::Matx23d window(step, 0, box.x + width / 2 - side / 2, 0, step, box.y + height / 2 - side / 2);
    cv::Mat crop, mask;
    cv::warpAffine(whole.back(), crop, window, {crop_side, crop_side},
                   cv::INTER_LINEAR | cv::WARP_INVERSE_MAP, cv::BORDER_REFLECT_101);
    crops.push_back(crop);
    cv::cvtColor(crop_mask(), mask, cv::COLOR_GRAY2BGR);
    masks.push_back(mask);
    append_landmarks(landmarks, crop_face_box());
  }
  const auto clip = folder / "clips" / id;
  std::filesystem::create_directories(clip);
  write_video(clip / "rgb.mp4", 12.5, crops);
  write_video(clip / "mask.mp4", 12.5, masks);
  const auto count = static_cast<std::int64_t>(crops.size());
  write_safetensors(
      clip / "labels.safetensors",
      {{"boxes", view_of(boxes, {count, 5})}, {"landmarks", view_of(landmarks, {count, 478, 2})}}, {});
  if (published) write_video(folder / "drivers" / (id + ".mp4"), 25, whole);
}

void write_pictures(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder / "images");
  std::ofstream table(folder / "boxes.jsonl");
  for (int i = 0; i < 9; ++i) {
    const bool with_face = i % 3 != 2;
    const cv::Rect2d box(20 + 6 * i, 15 + 2 * i, 36, 48);
    const cv::Mat picture = with_face ? draw_face({140, 110}, box, cv::Scalar(140, 170, 200 + 5 * i))
                                      : cv::Mat(110, 140, CV_8UC3, cv::Scalar(30 * i, 90, 120));
    const auto id = "p" + std::to_string(i);
    cv::imwrite((folder / "images" / (id + ".jpg")).string(), picture);
    auto faces = nlohmann::json::array();
    if (with_face) faces.push_back({box.x, box.y, box.br().x, box.br().y, 0.99});
    table << nlohmann::json{{"id", id},
                            {"faces", faces},
                            {"ignore", nlohmann::json::array()},
                            {"split", i < 6 ? "train" : "val"},
                            {"ship", "yes"},
                            {"source", "drawn"},
                            {"licence_media", "CC0"}}
                 .dump()
          << "\n";
  }
}

void write_stills(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder / "stills");
  std::ofstream table(folder / "stills.tsv");
  table << "id\tperson\tsource\tlicence\toriginal_name\n";
  std::vector<float> landmarks;
  for (int i = 0; i < 2; ++i) {
    const auto stem = (folder / "stills" / ("000" + std::to_string(i))).string();
    cv::imwrite(stem + ".jpg",
                draw_face({crop_side, crop_side}, crop_face_box(), cv::Scalar(90 + 60 * i, 160, 230)));
    cv::imwrite(stem + ".png", crop_mask());
    append_landmarks(landmarks, crop_face_box());
    table << "000" << i << "\tstill-" << i << "\tdrawn\tCC0\tnone\n";
  }
  write_safetensors(folder / "stills" / "labels.safetensors",
                    {{"landmarks", view_of(landmarks, {2, 478, 2})}}, {});
}

}  // namespace

void write_small_face_dataset(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder / "drivers");
  write_pictures(folder / "detector");
  write_stills(folder);
  std::ofstream table(folder / "clips.tsv");
  table << "id\tperson\tsplit\tship\tframes\tsource_crop_px\tcrop_scale\tsource\tlicence_of_source\tlicence_"
           "of_media\n";
  table << "c0\tp0\ttrain\tyes\t12\t72\t1.8\tdrawn\tCC0\tCC0\n";
  table << "c1\tp1\tval\tyes\t12\t72\t1.8\tdrawn\tCC0\tCC0\n";
  table.close();
  write_clip(folder, "c0", false);
  write_clip(folder, "c1", true);
}

void add_small_clip(const std::filesystem::path& folder, const std::string& id, const std::string& person,
                    const std::string& split) {
  std::ofstream(folder / "clips.tsv", std::ios::app)
      << id << "\t" << person << "\t" << split << "\tyes\t12\t72\t1.8\tdrawn\tCC0\tCC0\n";
  write_clip(folder, id, false, /*other_look=*/true);
}

}  // namespace reenact::test
