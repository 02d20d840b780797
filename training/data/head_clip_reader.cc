// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/head_clip_reader.h"

#include <spdlog/spdlog.h>

#include <cmath>
#include <cstdlib>
#include <opencv2/imgproc.hpp>

#include "media/clip_reader.h"
#include "media/picture_file.h"
#include "offline/table.h"
#include "reenact/crop.h"
#include "reenact/error.h"
#include "reenact/safetensors.h"

namespace reenact::training {
namespace {

/// Where a stored crop lies in the picture of training, all in pixels of the latter.
struct Placement {
  int size;    ///< side of the picture
  int inner;   ///< side of the stored crop in it
  int margin;  ///< from the picture's left and top edge to the crop's

  /// A crop of `crop_scale` times the face box, brought into the paper's framing of 1.8 times. Clips that
  /// were published cut tighter get the same reflected and faded rim that the elements give such a video.
  Placement(int size, const std::string& crop_scale) : size(size), inner(size), margin(0) {
    constexpr double framing = 1.8;
    const double scale = crop_scale.empty() ? framing : std::strtod(crop_scale.c_str(), nullptr);
    if (!(scale > 0.5 && scale < framing)) return;
    inner = static_cast<int>(std::lround(size * scale / framing));
    margin = (size - inner) / 2;
  }
  cv::Rect window() const { return {-margin, -margin, size, size}; }
};

/// Row `index` of `landmarks` [N, 478, 2] in pixels of a stored crop of side `side`.
std::vector<cv::Point2f> landmarks_of(const std::vector<float>& values, std::size_t index, float side,
                                      const Placement& placement) {
  constexpr std::size_t points = 478;
  std::vector<cv::Point2f> landmarks;
  if (values.size() < (index + 1) * points * 2) return landmarks;
  const float* row = values.data() + index * points * 2;
  const float scale = static_cast<float>(placement.inner) / side / static_cast<float>(placement.size);
  const float offset = static_cast<float>(placement.margin) / static_cast<float>(placement.size);
  for (std::size_t i = 0; i < points; ++i) {
    if (!std::isfinite(row[2 * i]) || !std::isfinite(row[2 * i + 1])) return {};
    landmarks.emplace_back(row[2 * i] * scale + offset, row[2 * i + 1] * scale + offset);
  }
  return landmarks;
}

cv::Mat resized(const cv::Mat& image, int size) {
  cv::Mat result;
  cv::resize(image, result, {size, size}, 0, 0, image.rows > size ? cv::INTER_AREA : cv::INTER_CUBIC);
  return result;
}

/// One of `step` frames at the size of training: RGB, or grey.
std::vector<cv::Mat> read_video(const std::filesystem::path& path, ClipColors colors, int size, int step,
                                int* side = nullptr) {
  constexpr int threads = 1;  // clips are read side by side
  std::vector<cv::Mat> frames;
  try {
    ClipReader clip(path, colors, threads);
    while (true) {
      const auto frame = clip.next();
      if (!frame) break;
      if (side) *side = frame->picture.cols;
      frames.push_back(resized(frame->picture, size));
      for (int i = 1; i < step; ++i) clip.skip();
    }
  } catch (const Error& error) {
    spdlog::warn("{}", error.what());
  }
  return frames;
}

}  // namespace

HeadClipReader::HeadClipReader(const std::filesystem::path& folder, int image_size,
                               const DatasetFilter& filter)
    : image_size_(image_size), frame_step_(filter.frame_step) {
  for (auto& row : read_table(folder / "clips.tsv")) {
    if (row["split"] != filter.split || (filter.only_shippable && row["ship"] != "yes")) continue;
    entries_.push_back({row["id"], row["person"], false, folder / "clips" / row["id"], row["crop_scale"], 0});
  }
  const auto table = folder / "stills.tsv";
  if (!filter.stills || filter.split != "train" || !std::filesystem::exists(table)) return;
  still_landmarks_ = SafetensorsFile(folder / "stills" / "labels.safetensors").at("landmarks").to_floats();
  std::size_t index = 0;
  for (auto& row : read_table(table))
    entries_.push_back(
        {"still-" + row["id"], row["person"], true, folder / "stills" / row["id"], "", index++});
}

std::shared_ptr<const HeadClip> HeadClipReader::read(const HeadClipEntry& entry) {
  auto clip = entry.still ? read_still(entry) : read_clip(entry);
  if (!clip) ++unreadable_;
  return clip;
}

std::shared_ptr<const HeadClip> HeadClipReader::read_clip(const HeadClipEntry& entry) const {
  int side = 256;
  const Placement placement(image_size_, entry.crop_scale);
  const auto pictures =
      read_video(entry.path / "rgb.mp4", ClipColors::rgb, placement.inner, frame_step_, &side);
  const auto masks = read_video(entry.path / "mask.mp4", ClipColors::grey, placement.inner, frame_step_);
  if (pictures.empty() || masks.size() != pictures.size()) {
    spdlog::warn("{}: {} pictures and {} masks could be decoded; left out", entry.path.string(),
                 pictures.size(), masks.size());
    return nullptr;
  }
  std::vector<float> landmarks;
  try {
    landmarks = SafetensorsFile(entry.path / "labels.safetensors").at("landmarks").to_floats();
  } catch (const Error& error) {
    spdlog::warn("{}; the clip is left out", error.what());
    return nullptr;
  }
  auto clip = std::make_shared<HeadClip>(HeadClip{entry.id, entry.person, {}});
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    HeadFrame frame;
    frame.rgb = pictures[i];
    frame.mask = masks[i];
    if (placement.margin > 0) {
      frame.rgb = crop_with_padding(frame.rgb, placement.window());
      frame.mask = crop_mask_with_padding(frame.mask, placement.window());
    }
    frame.landmarks = landmarks_of(landmarks, i * frame_step_, static_cast<float>(side), placement);
    clip->frames.push_back(std::move(frame));
  }
  return clip;
}

std::shared_ptr<const HeadClip> HeadClipReader::read_still(const HeadClipEntry& entry) const {
  cv::Mat picture, mask;
  try {
    picture = read_rgb(entry.path.string() + ".jpg");
    mask = read_grey(entry.path.string() + ".png");
  } catch (const Error& error) {
    spdlog::warn("{}; the portrait is left out", error.what());
    return nullptr;
  }
  HeadFrame frame;
  frame.rgb = resized(picture, image_size_);
  frame.mask = resized(mask, image_size_);
  frame.landmarks =
      landmarks_of(still_landmarks_, entry.row, static_cast<float>(picture.cols), {image_size_, ""});
  return std::make_shared<HeadClip>(HeadClip{entry.id, entry.person, {std::move(frame)}});
}

}  // namespace reenact::training
