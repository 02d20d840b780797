// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/detection_pictures.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>

#include "media/picture_file.h"
#include "reenact/error.h"

namespace reenact::training {
namespace {

std::vector<FaceBox> boxes_of(const nlohmann::json& list) {
  std::vector<FaceBox> boxes;
  for (const auto& entry : list) {
    boxes.push_back({entry.at(0).get<float>(), entry.at(1).get<float>(), entry.at(2).get<float>(),
                     entry.at(3).get<float>(), entry.size() > 4 ? entry.at(4).get<float>() : 1.f});
  }
  return boxes;
}

}  // namespace

FacePicture reduced(FacePicture picture, int longer_side) {
  const int longest = std::max(picture.rgb.cols, picture.rgb.rows);
  if (longest <= longer_side) return picture;
  const double scale = static_cast<double>(longer_side) / longest;
  const cv::Size size(std::max(1, static_cast<int>(std::lround(picture.rgb.cols * scale))),
                      std::max(1, static_cast<int>(std::lround(picture.rgb.rows * scale))));
  cv::Mat small;
  cv::resize(picture.rgb, small, size, 0, 0, cv::INTER_AREA);
  const float x = static_cast<float>(size.width) / picture.rgb.cols;
  const float y = static_cast<float>(size.height) / picture.rgb.rows;
  picture.rgb = small;
  for (auto* boxes : {&picture.faces, &picture.ignored})
    for (auto& box : *boxes) box = {box.left * x, box.top * y, box.right * x, box.bottom * y, box.score};
  return picture;
}

std::vector<FacePicture> read_face_pictures(const std::filesystem::path& folder, const PictureFilter& filter,
                                            std::map<std::string, int>* sources) {
  const auto table = folder / "boxes.jsonl";
  std::ifstream file(table);
  if (!file) throw Error(ErrorCode::not_found, table.string() + ": the table of face boxes is not there");
  std::vector<FacePicture> pictures;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    try {
      const auto entry = nlohmann::json::parse(line);
      if (entry.at("split") != filter.split) continue;
      if (filter.only_shippable && entry.at("ship") != "yes") continue;
      FacePicture picture;
      picture.id = entry.at("id").get<std::string>();
      picture.faces = boxes_of(entry.at("faces"));
      picture.ignored = boxes_of(entry.at("ignore"));
      const auto path = folder / "images" / (picture.id + ".jpg");
      try {
        picture.rgb = read_rgb(path);
      } catch (const Error& error) {
        spdlog::warn("{}; left out", error.what());
        continue;
      }
      pictures.push_back(reduced(std::move(picture), filter.longer_side));
      if (sources) ++(*sources)[entry.value("source", "") + ": " + entry.value("licence_media", "")];
    } catch (const nlohmann::json::exception& error) {
      throw Error(ErrorCode::corrupt,
                  table.string() + ": line " + std::to_string(number) + ": " + error.what());
    }
  }
  if (pictures.empty())
    throw Error(ErrorCode::not_found, table.string() + ": has no picture of split " + filter.split);
  return pictures;
}

}  // namespace reenact::training
