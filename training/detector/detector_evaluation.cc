// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/detector_evaluation.h"

#include <algorithm>
#include <cmath>

#include "reenact/s3fd_postprocess.h"

namespace reenact::training {
namespace {

constexpr float smallest_scored_face = 10;  // geometric mean of the sides, pixels

struct ScoredDetection {
  float score;
  bool correct;
};

bool is_tiny(const FaceBox& face) {
  return face.width() * face.height() < smallest_scored_face * smallest_scored_face;
}

float share_covered(const FaceBox& box, const FaceBox& by) {
  const float width = std::min(box.right, by.right) - std::max(box.left, by.left);
  const float height = std::min(box.bottom, by.bottom) - std::max(box.top, by.top);
  return width > 0 && height > 0 ? width * height / (box.width() * box.height()) : 0;
}

/// Area under the precision-recall curve with precision made monotonous.
double area_under_curve(std::vector<ScoredDetection> detections, int faces) {
  std::stable_sort(detections.begin(), detections.end(),
                   [](const auto& a, const auto& b) { return a.score > b.score; });
  std::vector<double> recall, precision;
  int correct = 0;
  for (std::size_t i = 0; i < detections.size(); ++i) {
    correct += detections[i].correct;
    recall.push_back(static_cast<double>(correct) / std::max(1, faces));
    precision.push_back(static_cast<double>(correct) / static_cast<double>(i + 1));
  }
  double area = 0, best = 0, previous = recall.empty() ? 0 : recall.back();
  for (std::size_t i = detections.size(); i-- > 0;) {
    area += best * (previous - recall[i]);
    previous = recall[i];
    best = std::max(best, precision[i]);
  }
  return area + best * previous;
}

double rounded(double value) {
  return std::round(value * 1e4) / 1e4;
}

}  // namespace

DetectionScore score_pictures(const FaceSearch& search, std::span<const FacePicture> pictures,
                              const DetectionSettings& settings) {
  DetectionScore result;
  std::vector<ScoredDetection> scored;
  int found = 0, reported = 0;
  for (const auto& original : pictures) {
    const auto picture = reduced(original, settings.detect_size);
    std::vector<bool> taken(picture.faces.size(), false);
    for (const auto& face : picture.faces) result.faces += !is_tiny(face);
    for (const auto& detection : search(picture.rgb, 0.05f, settings.iou_threshold)) {
      int best = -1;
      float best_overlap = settings.match_iou;
      for (std::size_t i = 0; i < picture.faces.size(); ++i) {
        const float overlap = intersection_over_union(detection, picture.faces[i]);
        if (overlap >= best_overlap && !taken[i]) {
          best_overlap = overlap;
          best = static_cast<int>(i);
        }
      }
      if (best >= 0) taken[best] = true;
      const bool unsure = best >= 0 ? is_tiny(picture.faces[best])
                                    : is_tiny(detection) ||
                                          std::any_of(picture.ignored.begin(), picture.ignored.end(),
                                                      [&](const FaceBox& box) {
                                                        return share_covered(detection, box) > 0.5f ||
                                                               intersection_over_union(detection, box) > 0.3f;
                                                      });
      if (unsure) continue;
      scored.push_back({detection.score, best >= 0});
      if (detection.score <= settings.score_threshold) continue;
      ++reported;
      found += best >= 0;
    }
  }
  result.pictures = static_cast<int>(pictures.size());
  result.average_precision = area_under_curve(scored, result.faces);
  result.recall = static_cast<double>(found) / std::max(1, result.faces);
  result.precision = static_cast<double>(found) / std::max(1, reported);
  result.false_alarms = reported - found;
  return result;
}

FoundShare count_found(const FaceSearch& search, std::span<const FacePicture> pictures,
                       const DetectionSettings& settings) {
  FoundShare result;
  for (const auto& original : pictures) {
    const auto picture = reduced(original, settings.detect_size);
    bool found = false;
    for (const auto& detection : search(picture.rgb, settings.score_threshold, settings.iou_threshold)) {
      const bool matches = intersection_over_union(detection, picture.faces.at(0)) >= settings.match_iou;
      found |= matches;
      result.surplus += !matches;
    }
    ++result.pictures;
    result.found += found;
  }
  return result;
}

int count_with_detection(const FaceSearch& search, std::span<const FacePicture> pictures,
                         const DetectionSettings& settings) {
  return static_cast<int>(std::count_if(pictures.begin(), pictures.end(), [&](const FacePicture& picture) {
    const auto scaled = reduced(picture, settings.detect_size);
    return !search(scaled.rgb, settings.score_threshold, settings.iou_threshold).empty();
  }));
}

std::vector<FacePicture> take_held_out(std::vector<FacePicture>& pictures, int count) {
  std::vector<std::size_t> face_free;
  for (std::size_t i = 0; i < pictures.size(); ++i)
    if (pictures[i].has_no_face()) face_free.push_back(i);
  const auto wanted = std::min<std::size_t>(std::max(0, count), face_free.size());
  std::vector<FacePicture> taken;
  std::vector<bool> gone(pictures.size(), false);
  for (std::size_t k = 0; k < wanted; ++k) {
    const auto index = face_free[k * face_free.size() / wanted];
    gone[index] = true;
    taken.push_back(pictures[index]);
  }
  std::vector<FacePicture> kept;
  for (std::size_t i = 0; i < pictures.size(); ++i)
    if (!gone[i]) kept.push_back(std::move(pictures[i]));
  pictures = std::move(kept);
  return taken;
}

std::vector<FacePicture> face_free_pictures(const std::filesystem::path& folder, int held_out,
                                            int longer_side) {
  auto pictures = read_face_pictures(folder, {"val", false, longer_side});
  std::erase_if(pictures, [](const FacePicture& picture) { return !picture.has_no_face(); });
  auto training = read_face_pictures(folder, {"train", true, longer_side});
  for (auto& picture : take_held_out(training, held_out)) pictures.push_back(std::move(picture));
  return pictures;
}

nlohmann::json evaluate_detector(const FaceSearch& search, const std::filesystem::path& data,
                                 int face_free_held_out, const DetectionSettings& settings) {
  nlohmann::json clips_report = nlohmann::json::object();
  FoundShare whole, crops;
  for (const auto& clip : read_labelled_clips(data, "val", settings.detect_size)) {
    const auto of_whole = count_found(search, clip.whole, settings);
    const auto of_crops = count_found(search, clip.crops, settings);
    for (const auto& [sum, part] : {std::pair{&whole, &of_whole}, std::pair{&crops, &of_crops}}) {
      sum->pictures += part->pictures;
      sum->found += part->found;
      sum->surplus += part->surplus;
    }
    clips_report[clip.id] = {{"whole", rounded(of_whole.share())},
                             {"crops", rounded(of_crops.share())},
                             {"first_frame", clip.first_frame},
                             {"frame_step", clip.frame_step},
                             {"alignment_error", rounded(clip.alignment_error)}};
  }
  const auto face_free = face_free_pictures(data / "detector", face_free_held_out, settings.detect_size);
  const auto labelled = read_face_pictures(data / "detector", {"val", false, settings.detect_size});
  const auto score = score_pictures(search, labelled, settings);
  const auto share = [](const FoundShare& found) {
    return nlohmann::json{
        {"frames", found.pictures}, {"found", rounded(found.share())}, {"surplus", found.surplus}};
  };
  return {{"detect_size", settings.detect_size},
          {"score_threshold", settings.score_threshold},
          {"whole_frames", share(whole)},
          {"crops", share(crops)},
          {"clips", clips_report},
          {"face_free",
           {{"pictures", face_free.size()},
            {"with_false_alarm", count_with_detection(search, face_free, settings)}}},
          {"labelled_pictures",
           {{"pictures", score.pictures},
            {"faces", score.faces},
            {"average_precision", rounded(score.average_precision)},
            {"recall", rounded(score.recall)},
            {"precision", rounded(score.precision)}}}};
}

}  // namespace reenact::training
