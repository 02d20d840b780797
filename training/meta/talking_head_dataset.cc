// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/meta/talking_head_dataset.h"

#include <spdlog/spdlog.h>

#include <cmath>
#include <cstdlib>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>

#include "reenact/crop.h"
#include "reenact/error.h"
#include "reenact/safetensors.h"
#include "training/support/table.h"

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

std::vector<cv::Mat> read_video(const std::filesystem::path& path, int size, int step, int* side = nullptr) {
  cv::VideoCapture capture(path.string());
  std::vector<cv::Mat> frames;
  cv::Mat frame;
  for (int index = 0; capture.read(frame); ++index) {
    if (side) *side = frame.cols;
    if (index % step == 0) frames.push_back(resized(frame, size));
  }
  return frames;
}

}  // namespace

TalkingHeadDataset::TalkingHeadDataset(const std::filesystem::path& folder, int image_size,
                                       const DatasetFilter& filter) {
  load_clips(folder, image_size, filter);
  if (filter.stills && filter.split == "train") load_stills(folder, image_size);
  if (clips_.empty())
    throw Error(ErrorCode::not_found,
                folder.string() + ": no clip of split " + filter.split + " could be read");
}

void TalkingHeadDataset::load_clips(const std::filesystem::path& folder, int image_size,
                                    const DatasetFilter& filter) {
  for (auto& row : read_table(folder / "clips.tsv")) {
    if (row["split"] != filter.split || (filter.only_shippable && row["ship"] != "yes")) continue;
    const auto clip_folder = folder / "clips" / row["id"];
    int side = 256;
    const Placement placement(image_size, row["crop_scale"]);
    const auto pictures = read_video(clip_folder / "rgb.mp4", placement.inner, filter.frame_step, &side);
    const auto masks = read_video(clip_folder / "mask.mp4", placement.inner, filter.frame_step);
    if (pictures.empty() || masks.size() != pictures.size()) {
      spdlog::warn("{}: {} pictures and {} masks could be decoded; left out", clip_folder.string(),
                   pictures.size(), masks.size());
      ++unreadable_;
      continue;
    }
    std::vector<float> landmarks;
    try {
      landmarks = SafetensorsFile(clip_folder / "labels.safetensors").at("landmarks").to_floats();
    } catch (const Error& error) {
      spdlog::warn("{}; the clip is left out", error.what());
      ++unreadable_;
      continue;
    }
    HeadClip clip{row["id"], row["person"], {}};
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      HeadFrame frame;
      cv::cvtColor(pictures[i], frame.rgb, cv::COLOR_BGR2RGB);
      cv::extractChannel(masks[i], frame.mask, 0);
      if (placement.margin > 0) {
        frame.rgb = crop_with_padding(frame.rgb, placement.window());
        frame.mask = crop_mask_with_padding(frame.mask, placement.window());
      }
      frame.landmarks = landmarks_of(landmarks, i * filter.frame_step, static_cast<float>(side), placement);
      clip.frames.push_back(std::move(frame));
    }
    clips_.push_back(std::move(clip));
  }
}

void TalkingHeadDataset::load_stills(const std::filesystem::path& folder, int image_size) {
  const auto table = folder / "stills.tsv";
  if (!std::filesystem::exists(table)) return;
  const SafetensorsFile labels(folder / "stills" / "labels.safetensors");
  const auto landmarks = labels.at("landmarks").to_floats();
  std::size_t index = 0;
  for (auto& row : read_table(table)) {
    const auto stem = folder / "stills" / row["id"];
    const auto picture = cv::imread(stem.string() + ".jpg", cv::IMREAD_COLOR);
    const auto mask = cv::imread(stem.string() + ".png", cv::IMREAD_GRAYSCALE);
    const auto position = index++;
    if (picture.empty() || mask.empty()) {
      spdlog::warn("{}: the picture or its mask could not be decoded; left out", stem.string());
      ++unreadable_;
      continue;
    }
    HeadFrame frame;
    cv::cvtColor(resized(picture, image_size), frame.rgb, cv::COLOR_BGR2RGB);
    frame.mask = resized(mask, image_size);
    frame.landmarks = landmarks_of(landmarks, position, static_cast<float>(picture.cols), {image_size, ""});
    clips_.push_back({"still-" + row["id"], row["person"], {std::move(frame)}});
  }
}

std::size_t TalkingHeadDataset::frame_count() const {
  std::size_t count = 0;
  for (const auto& clip : clips_) count += clip.frames.size();
  return count;
}

}  // namespace reenact::training
