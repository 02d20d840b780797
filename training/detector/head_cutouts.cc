// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/head_cutouts.h"

#include <algorithm>
#include <map>

#include "offline/table.h"
#include "reenact/error.h"
#include "reenact/safetensors.h"

namespace reenact::training {

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

std::vector<HeadCutout> head_cutouts(const std::filesystem::path& folder, const std::vector<HeadClip>& clips,
                                     int frame_step) {
  std::map<std::string, double> crop_scales;
  for (auto& row : read_table(folder / "clips.tsv")) crop_scales[row["id"]] = std::stod(row["crop_scale"]);
  std::vector<HeadCutout> heads;
  for (const auto& clip : clips) {
    const auto crop_scale = crop_scales.find(clip.id);
    const auto boxes = crop_scale == crop_scales.end() ? std::vector<FaceBox>{}
                                                       : read_clip_boxes(folder / "clips" / clip.id);
    for (std::size_t i = 0; i < clip.frames.size(); ++i) {
      const auto& frame = clip.frames[i];
      const std::size_t row = i * frame_step;
      if (row < boxes.size())
        heads.push_back({frame.rgb, frame.mask,
                         face_box_of_crop(boxes[row], crop_scale->second, frame.rgb.cols), clip.person});
      else if (!frame.landmarks.empty())
        heads.push_back(
            {frame.rgb, frame.mask, face_box_of_landmarks(frame.landmarks, frame.rgb.cols), clip.person});
    }
  }
  return heads;
}

}  // namespace reenact::training
