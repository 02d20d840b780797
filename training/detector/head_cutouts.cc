// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/head_cutouts.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>

#include "offline/table.h"
#include "reenact/error.h"
#include "reenact/safetensors.h"
#include "training/data/parallel.h"
#include "training/detector/face_turn.h"

namespace reenact::training {
namespace {

constexpr int head_side = 256;

/// The heads of one clip, read with all its frames, or of one still. `boxes` and `crop_scale` are those of a clip.
std::vector<HeadCutout> cutouts_of(const HeadClip& clip, const std::vector<FaceBox>& boxes, double crop_scale,
                                   const HeadChoice& choice) {
  std::vector<HeadCutout> heads;
  for (std::size_t i = 0; i < clip.frames.size(); ++i) {
    const auto& frame = clip.frames[i];
    const auto yaw = yaw_of(frame.landmarks);
    const bool turned = yaw && std::abs(*yaw) >= choice.turned_from;
    if (i % choice.frame_step != 0 && !(turned && i % choice.turned_frame_step == 0)) continue;
    HeadCutout head{frame.rgb, frame.mask, {}, clip.person, yaw};
    if (yaw) head.nose_tip = frame.landmarks[1] * head_side;
    if (i < boxes.size())
      head.face = face_box_of_crop(boxes[i], crop_scale, head_side);
    else if (!frame.landmarks.empty())
      head.face = face_box_of_landmarks(frame.landmarks, head_side);
    else
      continue;
    heads.push_back(std::move(head));
  }
  return heads;
}

}  // namespace

std::vector<FaceBox> read_clip_boxes(const std::filesystem::path& clip_folder) {
  const auto path = clip_folder / "labels.safetensors";
  const SafetensorsFile labels(path);
  const auto& tensor = labels.at("boxes");
  if (tensor.shape.size() != 2 || tensor.shape[1] < 4)
    throw Error(ErrorCode::wrong_kind, path.string() + ": boxes is not a tensor of four or five columns");
  const auto values = tensor.to_floats();
  std::vector<FaceBox> boxes;
  for (std::int64_t i = 0; i < tensor.shape[0]; ++i) {
    const float* row = values.data() + i * tensor.shape[1];
    boxes.push_back({row[0], row[1], row[2], row[3], 1});
  }
  return boxes;
}

std::vector<std::optional<double>> read_clip_yaws(const std::filesystem::path& clip_folder) {
  const auto path = clip_folder / "labels.safetensors";
  const SafetensorsFile labels(path);
  const auto& tensor = labels.at("landmarks");
  if (tensor.shape.size() != 3 || tensor.shape[2] != 2)
    throw Error(ErrorCode::wrong_kind,
                path.string() + ": landmarks is not a tensor of frames, points and two coordinates");
  const auto values = tensor.to_floats();
  const auto points = static_cast<std::size_t>(tensor.shape[1]);
  std::vector<std::optional<double>> yaws;
  for (std::size_t frame = 0; frame < static_cast<std::size_t>(tensor.shape[0]); ++frame) {
    std::vector<cv::Point2f> landmarks;
    for (std::size_t i = 0; i < points; ++i) {
      const float* point = values.data() + 2 * (frame * points + i);
      landmarks.emplace_back(point[0], point[1]);
    }
    const auto yaw = yaw_of(landmarks);
    yaws.push_back(yaw && std::isfinite(*yaw) ? yaw : std::nullopt);
  }
  return yaws;
}

FaceBox face_box_of_crop(const FaceBox& labelled, double crop_scale, double side) {
  const double scale = side / (std::max(labelled.width(), labelled.height()) * crop_scale);
  const auto middle = static_cast<float>(side / 2);
  const auto width = static_cast<float>(labelled.width() * scale / 2);
  const auto height = static_cast<float>(labelled.height() * scale / 2);
  return {middle - width, middle - height, middle + width, middle + height, 1};
}

FaceBox face_box_of_landmarks(const std::vector<cv::Point2f>& landmarks, double side) {
  const auto [left, right] = std::minmax_element(landmarks.begin(), landmarks.end(),
                                                 [](const auto& a, const auto& b) { return a.x < b.x; });
  const auto [top, bottom] = std::minmax_element(landmarks.begin(), landmarks.end(),
                                                 [](const auto& a, const auto& b) { return a.y < b.y; });
  // The face mesh ends below the hair line; the share is the median over 300 pictures that have both labels.
  constexpr float forehead = 0.136f;
  const auto scale = static_cast<float>(side);
  return {left->x * scale, (top->y - forehead * (bottom->y - top->y)) * scale, right->x * scale,
          bottom->y * scale, 1};
}

HeadCutouts read_head_cutouts(const std::filesystem::path& folder, bool only_shippable,
                              const HeadChoice& choice) {
  std::map<std::string, double> crop_scales;
  for (auto& row : read_table(folder / "clips.tsv")) crop_scales[row["id"]] = std::stod(row["crop_scale"]);
  HeadClipReader reader(folder, head_side, {"train", only_shippable, true, 1});
  const auto& entries = reader.entries();
  std::vector<std::vector<HeadCutout>> found(entries.size());
  for_each_in_parallel(entries.size(), [&](std::size_t i) {
    const auto clip = reader.read(entries[i]);
    if (!clip) return;
    const auto crop_scale = crop_scales.find(entries[i].id);
    found[i] =
        crop_scale == crop_scales.end()
            ? cutouts_of(*clip, {}, 0, choice)
            : cutouts_of(*clip, read_clip_boxes(folder / "clips" / clip->id),
                         // The reader gives clips that were cut tighter a rim up to the paper's framing.
                         std::max(crop_scale->second, paper_crop_scale), choice);
  });
  HeadCutouts result;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!found[i].empty()) ++(entries[i].still ? result.stills : result.clips);
    std::move(found[i].begin(), found[i].end(), std::back_inserter(result.heads));
  }
  if (result.heads.empty())
    throw Error(ErrorCode::not_found, folder.string() + ": no head of split train could be read");
  return result;
}

}  // namespace reenact::training
