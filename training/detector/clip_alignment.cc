// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/clip_alignment.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <set>

#include "media/clip_reader.h"
#include "offline/table.h"
#include "reenact/error.h"
#include "training/detector/head_cutouts.h"

namespace reenact::training {
namespace {

constexpr int latest_start = 60;        // frames of the published clip before the first labelled one, at most
constexpr double labelled_rate = 12.5;  // frames a second
constexpr int thumbnail = 32;           // side of the pictures compared

struct Video {
  std::vector<cv::Mat> frames;  // RGB
  double rate = 0;
};

Video read_video(const std::filesystem::path& path, std::size_t most_frames) {
  ClipReader clip(path);
  Video video;
  video.rate = clip.frame_rate();
  while (video.frames.size() < most_frames) {
    const auto frame = clip.next();
    if (!frame) break;
    video.frames.push_back(frame->picture);
  }
  return video;
}

cv::Mat grey_thumbnail(const cv::Mat& rgb) {
  cv::Mat small, grey;
  cv::resize(rgb, small, {thumbnail, thumbnail}, 0, 0, cv::INTER_AREA);
  cv::cvtColor(small, grey, cv::COLOR_RGB2GRAY);
  return grey;
}

/// The window around a box as the crops show it, grey and small.
cv::Mat window_thumbnail(const cv::Mat& rgb, const FaceBox& box, double crop_scale) {
  const double side = std::max(box.width(), box.height()) * crop_scale;
  const double left = (box.left + box.right - side) / 2, top = (box.top + box.bottom - side) / 2;
  // Twice the size first: warping alone would skip pixels.
  const double step = side / (2 * thumbnail);
  const cv::Matx23d to_source(step, 0, left + step / 2 - 0.5, 0, step, top + step / 2 - 0.5);
  cv::Mat window, small, grey;
  cv::warpAffine(rgb, window, to_source, {2 * thumbnail, 2 * thumbnail},
                 cv::INTER_LINEAR | cv::WARP_INVERSE_MAP, cv::BORDER_REFLECT_101);
  return grey_thumbnail(window);
}

/// Finds first_frame and fills `whole`.
void align(LabelledClip& clip, const Video& video, const std::vector<FaceBox>& boxes, double crop_scale,
           int longer_side) {
  clip.frame_step = std::max(1, static_cast<int>(std::lround(video.rate / labelled_rate)));
  const int count = static_cast<int>(std::min(boxes.size(), clip.crops.size()));
  std::vector<cv::Mat> wanted;
  for (int i = 0; i < count; ++i) wanted.push_back(grey_thumbnail(clip.crops[i].rgb));
  const int frames = static_cast<int>(video.frames.size());
  double best = 1e9;
  for (int first = 0; first <= latest_start; ++first) {
    double sum = 0;
    int compared = 0;
    for (int i = 0; i < count; i += 4) {
      const int frame = first + i * clip.frame_step;
      if (frame >= frames) break;
      const auto window = window_thumbnail(video.frames[frame], boxes[i], crop_scale);
      sum += cv::norm(window, wanted[i], cv::NORM_L1) / (thumbnail * thumbnail);
      ++compared;
    }
    if (compared * 4 + 8 < count) break;  // the clip would end too early
    if (sum / compared < best) {
      best = sum / compared;
      clip.first_frame = first;
    }
  }
  clip.alignment_error = best;
  for (int i = 0; i < count; ++i) {
    const int frame = clip.first_frame + i * clip.frame_step;
    if (frame >= frames) break;
    clip.whole.push_back(reduced({clip.id, video.frames[frame], {boxes[i]}, {}}, longer_side));
  }
}

/// Crops, boxes and yaws of a row of clips.tsv.
LabelledClip read_crops(const std::filesystem::path& folder, const std::string& id, double crop_scale,
                        const std::vector<FaceBox>& boxes) {
  LabelledClip clip;
  clip.id = id;
  const auto clip_folder = folder / "clips" / id;
  const auto crops = read_video(clip_folder / "rgb.mp4", boxes.size());
  if (crops.frames.size() != boxes.size())
    throw Error(ErrorCode::corrupt,
                (clip_folder / "rgb.mp4").string() + ": has " + std::to_string(crops.frames.size()) +
                    " frames that can be decoded, but " + std::to_string(boxes.size()) + " are labelled");
  clip.yaw = read_clip_yaws(clip_folder);
  clip.yaw.resize(boxes.size());
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const auto box = face_box_of_crop(boxes[i], crop_scale, crops.frames[i].cols);
    clip.crops.push_back({id, crops.frames[i], {box}, {}});
  }
  return clip;
}

}  // namespace

std::vector<LabelledClip> read_labelled_clips(const std::filesystem::path& folder, const std::string& split,
                                              int longer_side) {
  std::vector<LabelledClip> clips;
  for (auto& row : read_table(folder / "clips.tsv")) {
    if (row["split"] != split) continue;
    const double crop_scale = std::stod(row["crop_scale"]);
    const auto boxes = read_clip_boxes(folder / "clips" / row["id"]);
    auto clip = read_crops(folder, row["id"], crop_scale, boxes);
    const auto published = folder / "drivers" / (clip.id + ".mp4");
    if (std::filesystem::exists(published)) {
      const auto video = read_video(published, latest_start + 3 * boxes.size());
      align(clip, video, boxes, crop_scale, longer_side);
      spdlog::debug("{}: crop i is frame {} + {} * i, mean difference {:.1f}", clip.id, clip.first_frame,
                    clip.frame_step, clip.alignment_error);
    }
    clips.push_back(std::move(clip));
  }
  if (clips.empty())
    throw Error(ErrorCode::not_found, (folder / "clips.tsv").string() + ": has no clip of split " + split);
  return clips;
}

std::vector<std::pair<FacePicture, double>> read_turned_unseen_crops(const std::filesystem::path& folder,
                                                                     double least_yaw) {
  auto rows = read_table(folder / "clips.tsv");
  std::set<std::string> seen_people;
  for (auto& row : rows)
    if (row["split"] == "train" && row["ship"] == "yes") seen_people.insert(row["person"]);
  std::vector<std::pair<FacePicture, double>> turned;
  for (auto& row : rows) {
    if (row["split"] != "train" || row["ship"] == "yes" || seen_people.count(row["person"])) continue;
    const auto clip_folder = folder / "clips" / row["id"];
    const auto is_turned = [&](const std::optional<double>& yaw) {
      return yaw && std::abs(*yaw) >= least_yaw;
    };
    const auto yaws = read_clip_yaws(clip_folder);
    if (std::none_of(yaws.begin(), yaws.end(), is_turned)) continue;
    const auto clip =
        read_crops(folder, row["id"], std::stod(row["crop_scale"]), read_clip_boxes(clip_folder));
    for (std::size_t i = 0; i < clip.crops.size(); ++i)
      if (is_turned(clip.yaw[i])) turned.emplace_back(clip.crops[i], *clip.yaw[i]);
  }
  return turned;
}

}  // namespace reenact::training
