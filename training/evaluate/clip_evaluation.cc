// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/clip_evaluation.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <opencv2/imgproc.hpp>

#include "offline/contact_sheet.h"
#include "offline/picture_metrics.h"
#include "offline/picture_source.h"
#include "reenact/error.h"
#include "training/evaluate/follow_evaluation.h"
#include "training/evaluate/statistics.h"

namespace reenact::training {
namespace {

constexpr int compared_side = 256;
constexpr std::size_t outer_corners[2] = {33, 263};  // of the eyes, in mediapipe's mesh

/// The window of a frame, whose rim goes on where the frame ends.
cv::Mat cut_out(const cv::Mat& frame, const FacePlacement& placement) {
  const double across = double(frame.cols) / placement.frame.width,
               down = double(frame.rows) / placement.frame.height;
  const cv::Rect window(int(std::lround(placement.crop.x * across)),
                        int(std::lround(placement.crop.y * down)),
                        std::max(1, int(std::lround(placement.crop.width * across))),
                        std::max(1, int(std::lround(placement.crop.height * down))));
  const int left = std::max(0, -window.x), top = std::max(0, -window.y);
  const int right = std::max(0, window.br().x - frame.cols), bottom = std::max(0, window.br().y - frame.rows);
  cv::Mat wide, crop;
  cv::copyMakeBorder(frame, wide, top, bottom, left, right, cv::BORDER_REPLICATE);
  cv::resize(wide(cv::Rect(window.x + left, window.y + top, window.width, window.height)), crop,
             {compared_side, compared_side}, 0, 0,
             window.width > compared_side ? cv::INTER_AREA : cv::INTER_LINEAR);
  return crop;
}

double mean_psnr(const std::vector<cv::Mat>& original, const std::vector<cv::Mat>& other) {
  std::vector<double> values;
  for (std::size_t i = 0; i < other.size(); ++i) values.push_back(psnr(original[i], other[i]));
  return mean_of(values);
}

struct Clip {
  std::vector<cv::Mat> crops;
  double seconds = 0;
};

Clip read_clip(const std::filesystem::path& path, const PoseTrack& track, std::size_t frames) {
  PictureSource source(path);
  Clip clip;
  while (frames == 0 || clip.crops.size() < frames) {
    const auto picture = source.next();
    if (!picture) break;
    if (clip.crops.size() >= track.placements.size())
      throw Error(ErrorCode::invalid, "'" + path.string() +
                                          "' has more frames than the pose track has poses, " +
                                          std::to_string(track.poses.size()));
    clip.crops.push_back(cut_out(picture->rgb, track.placements[clip.crops.size()]));
  }
  clip.seconds = double(clip.crops.size()) / source.frame_rate();
  return clip;
}

}  // namespace

MeshDistance compare_meshes(const std::vector<Mesh>& original, const std::vector<Mesh>& other) {
  MeshDistance distance;
  if (original.empty()) return distance;
  const std::size_t points = original.front().size();
  Mesh offset(points, cv::Point2f());
  for (std::size_t i = 0; i < original.size(); ++i)
    for (std::size_t k = 0; k < points; ++k)
      offset[k] += (other[i][k] - original[i][k]) / float(original.size());
  std::vector<double> whole, moved;
  for (std::size_t i = 0; i < original.size(); ++i) {
    const double eyes = cv::norm(original[i][outer_corners[1]] - original[i][outer_corners[0]]);
    if (!(eyes > 0)) continue;
    double sum = 0, moved_sum = 0;
    for (std::size_t k = 0; k < points; ++k) {
      const cv::Point2f apart = other[i][k] - original[i][k];
      sum += cv::norm(apart);
      moved_sum += cv::norm(apart - offset[k]);
    }
    whole.push_back(sum / (eyes * double(points)));
    moved.push_back(moved_sum / (eyes * double(points)));
  }
  if (whole.empty()) return distance;
  distance.mean = mean_of(whole);
  distance.moved = mean_of(moved);
  return distance;
}

HeadReport evaluate_clips(LandmarkNetwork& landmarks, const PoseTrack& track,
                          const std::filesystem::path& original,
                          const std::vector<std::filesystem::path>& others, std::size_t frames,
                          std::size_t sheet_rows) {
  if (track.placements.empty())
    throw Error(
        ErrorCode::invalid,
        "the pose track does not say where the faces lay, wanted one that reenactposesink or `reenact "
        "render --pose-track` wrote");
  const Clip first = read_clip(original, track, frames);
  const auto meshes = find_landmarks(landmarks, first.crops);
  const auto movements = expression_measures(meshes);
  const std::vector<std::size_t> shown = spread_indices(first.crops.size(), sheet_rows);
  std::vector<std::vector<cv::Mat>> rows;
  for (const std::size_t i : shown) rows.push_back({first.crops[i]});
  std::vector<std::string> titles = {original.stem().string()};

  HeadReport report;
  auto clips = nlohmann::json::array();
  for (const auto& path : others) {
    const Clip clip = read_clip(path, track, first.crops.size());
    const std::size_t count = clip.crops.size();
    const auto found = find_landmarks(landmarks, clip.crops);
    const std::vector<Mesh> compared(meshes.begin(), meshes.begin() + std::ptrdiff_t(count));
    const MeshDistance distance = compare_meshes(compared, found);
    const Following following = compare_movements(
        {movements.begin(), movements.begin() + std::ptrdiff_t(count)}, expression_measures(found));
    std::vector<double> correlations;
    for (const double value : following.correlations)
      if (!std::isnan(value)) correlations.push_back(value);
    const auto bytes = std::filesystem::file_size(path);
    nlohmann::json line = {{"clip", path.filename().string()},
                           {"frames", count},
                           {"landmark_error", distance.mean},
                           {"moved_landmark_error", distance.moved},
                           {"psnr", mean_psnr(first.crops, clip.crops)},
                           {"bytes", bytes},
                           {"kbit_per_second", double(bytes) * 8 / 1000 / clip.seconds}};
    if (!correlations.empty()) line["follow"] = mean_of(correlations);
    clips.push_back(line);
    titles.push_back(path.stem().string());
    for (std::size_t row = 0; row < rows.size(); ++row)
      rows[row].push_back(shown[row] < count ? clip.crops[shown[row]] : cv::Mat());
  }
  report.figures = {{"original", original.filename().string()}, {"clips", clips}};
  report.sheet = contact_sheet(rows, titles);
  return report;
}

}  // namespace reenact::training
