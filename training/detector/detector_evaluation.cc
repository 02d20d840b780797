// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/detector_evaluation.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <opencv2/imgproc.hpp>
#include <optional>

#include "reenact/s3fd_postprocess.h"

namespace reenact::training {
namespace {

constexpr float smallest_scored_face = 10;  // geometric mean of the sides, pixels

constexpr double turned_from[] = {30, 40, 50};  // degrees of yaw

struct ScoredDetection {
  float score;
  bool correct;
};

/// What was found in one picture: all above the lowest score that matters.
struct Look {
  std::vector<FaceBox> in_colours, without;

  /// Of a search with that threshold; `again`: without colours where nothing was found in them.
  std::vector<FaceBox> above(double threshold, bool again = true) const {
    const auto surer = [&](const std::vector<FaceBox>& all) {
      std::vector<FaceBox> some;
      std::copy_if(all.begin(), all.end(), std::back_inserter(some),
                   [&](const FaceBox& face) { return face.score > threshold; });
      return some;
    };
    auto found = surer(in_colours);
    return found.empty() && again ? surer(without) : found;
  }
};

/// A picture that has been looked at, and where its one face is.
struct SeenPicture {
  Look look;
  std::vector<FaceBox> faces;
  std::optional<double> yaw;
};

/// Looks at pictures once for all thresholds: what non-maximum suppression leaves above one of them does not depend on
/// what lies below.
class Looker {
 public:
  Looker(const FaceSearch& search, const DetectionSettings& settings) : search_(search), settings_(settings) {
    thresholds_ = settings.thresholds;
    thresholds_.push_back(settings.score_threshold);
    std::sort(thresholds_.begin(), thresholds_.end());
    thresholds_.erase(std::unique(thresholds_.begin(), thresholds_.end(),
                                  [](double a, double b) { return std::abs(a - b) < 1e-6; }),
                      thresholds_.end());
  }

  const std::vector<double>& thresholds() const { return thresholds_; }

  /// `picture` is reduced already.
  Look look(const cv::Mat& picture, double lowest, double highest) const {
    const auto score = static_cast<float>(lowest);
    Look look{search_(picture, score, settings_.iou_threshold), {}};
    if (look.above(highest, false).empty()) {
      cv::Mat grey;
      cv::cvtColor(picture, grey, cv::COLOR_RGB2GRAY);
      cv::cvtColor(grey, grey, cv::COLOR_GRAY2RGB);
      look.without = search_(grey, score, settings_.iou_threshold);
    }
    return look;
  }

  SeenPicture see(const FacePicture& original, std::optional<double> yaw = {}) const {
    const auto picture = reduced(original, settings_.detect_size);
    return {look(picture.rgb, thresholds_.front(), thresholds_.back()), picture.faces, yaw};
  }

 private:
  const FaceSearch& search_;
  DetectionSettings settings_;
  std::vector<double> thresholds_;
};

/// Pictures with one face each in which a detection matches it, and detections that match nothing.
struct FoundShare {
  int pictures = 0, found = 0, found_in_colours = 0, surplus = 0;
  double share() const { return pictures ? static_cast<double>(found) / pictures : 0; }

  void add(const SeenPicture& picture, double threshold, float match_iou) {
    const auto matches = [&](const FaceBox& face) {
      return intersection_over_union(face, picture.faces.at(0)) >= match_iou;
    };
    const auto all = picture.look.above(threshold), in_colours = picture.look.above(threshold, false);
    const auto matching = std::count_if(all.begin(), all.end(), matches);
    ++pictures;
    found += matching > 0;
    found_in_colours += std::any_of(in_colours.begin(), in_colours.end(), matches);
    surplus += static_cast<int>(all.size()) - static_cast<int>(matching);
  }
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

nlohmann::json report_of(const FoundShare& found) {
  return {{"frames", found.pictures},
          {"found", rounded(found.share())},
          {"found_in_colours",
           rounded(found.pictures ? static_cast<double>(found.found_in_colours) / found.pictures : 0)},
          {"surplus", found.surplus}};
}

/// All detections in labelled pictures, right or wrong, and how many faces there are.
struct LabelledPictures {
  std::vector<ScoredDetection> detections;
  int faces = 0, pictures = 0;

  DetectionScore at(double threshold) const {
    DetectionScore result;
    int found = 0, reported = 0;
    for (const auto& detection : detections) {
      if (!(detection.score > threshold)) continue;
      ++reported;
      found += detection.correct;
    }
    result.faces = faces;
    result.pictures = pictures;
    result.average_precision = area_under_curve(detections, faces);
    result.recall = static_cast<double>(found) / std::max(1, faces);
    result.precision = static_cast<double>(found) / std::max(1, reported);
    result.false_alarms = reported - found;
    return result;
  }
};

LabelledPictures look_at_labelled(const FaceSearch& search, std::span<const FacePicture> pictures,
                                  const DetectionSettings& settings) {
  LabelledPictures result;
  result.pictures = static_cast<int>(pictures.size());
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
      if (!unsure) result.detections.push_back({detection.score, best >= 0});
    }
  }
  return result;
}

/// What was seen in the clip frames.
struct SeenClip {
  std::string id;
  std::vector<SeenPicture> whole, crops;
};

nlohmann::json report_of_turned(std::span<const SeenPicture> pictures, double threshold, float match_iou) {
  auto report = nlohmann::json::object();
  for (const double degrees : turned_from) {
    FoundShare found;
    for (const auto& picture : pictures)
      if (picture.yaw && std::abs(*picture.yaw) >= degrees) found.add(picture, threshold, match_iou);
    report[std::to_string(static_cast<int>(degrees))] = report_of(found);
  }
  return report;
}

}  // namespace

DetectionScore score_pictures(const FaceSearch& search, std::span<const FacePicture> pictures,
                              const DetectionSettings& settings) {
  return look_at_labelled(search, pictures, settings).at(settings.score_threshold);
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
                                 int face_free_held_out, const DetectionSettings& settings,
                                 bool only_shippable) {
  const Looker looker(search, settings);
  std::vector<SeenClip> clips;
  std::vector<SeenPicture> whole_frames, unseen;
  auto alignment = nlohmann::json::object();
  for (const auto& clip : read_labelled_clips(data, "val", settings.detect_size)) {
    SeenClip seen{clip.id, {}, {}};
    for (std::size_t i = 0; i < clip.whole.size(); ++i)
      seen.whole.push_back(looker.see(clip.whole[i], clip.yaw[i]));
    for (std::size_t i = 0; i < clip.crops.size(); ++i)
      seen.crops.push_back(looker.see(clip.crops[i], clip.yaw[i]));
    whole_frames.insert(whole_frames.end(), seen.whole.begin(), seen.whole.end());
    alignment[clip.id] = {{"first_frame", clip.first_frame},
                          {"frame_step", clip.frame_step},
                          {"alignment_error", rounded(clip.alignment_error)}};
    clips.push_back(std::move(seen));
  }
  if (only_shippable)
    for (const auto& [picture, yaw] : read_turned_unseen_crops(data, turned_from[0]))
      unseen.push_back(looker.see(picture, yaw));
  std::vector<Look> face_free;
  for (const auto& picture : face_free_pictures(data / "detector", face_free_held_out, settings.detect_size))
    face_free.push_back(looker.see(picture).look);
  const auto labelled_pictures = read_face_pictures(data / "detector", {"val", false, settings.detect_size});
  const auto again = [&](const cv::Mat& rgb, float score, float) {
    return looker.look(rgb, score, score).above(score);
  };
  const auto labelled = look_at_labelled(again, labelled_pictures, settings);

  const auto at = [&](double threshold) {
    FoundShare whole, crops;
    auto of_clips = alignment;
    for (const auto& clip : clips) {
      FoundShare clip_whole, clip_crops;
      for (const auto& picture : clip.whole)
        for (auto* sum : {&whole, &clip_whole}) sum->add(picture, threshold, settings.match_iou);
      for (const auto& picture : clip.crops)
        for (auto* sum : {&crops, &clip_crops}) sum->add(picture, threshold, settings.match_iou);
      auto& report = of_clips[clip.id];
      report["whole"] = rounded(clip_whole.share());
      report["whole_in_colours"] = report_of(clip_whole)["found_in_colours"];
      report["crops"] = rounded(clip_crops.share());
    }
    const auto alarms = std::count_if(face_free.begin(), face_free.end(),
                                      [&](const Look& look) { return !look.above(threshold).empty(); });
    const auto score = labelled.at(threshold);
    nlohmann::json turned = {{"whole_frames", report_of_turned(whole_frames, threshold, settings.match_iou)}};
    if (only_shippable) turned["unseen_crops"] = report_of_turned(unseen, threshold, settings.match_iou);
    return nlohmann::json{{"score_threshold", rounded(threshold)},
                          {"whole_frames", report_of(whole)},
                          {"crops", report_of(crops)},
                          {"clips", of_clips},
                          {"turned", turned},
                          {"face_free", {{"pictures", face_free.size()}, {"with_false_alarm", alarms}}},
                          {"labelled_pictures",
                           {{"pictures", score.pictures},
                            {"faces", score.faces},
                            {"average_precision", rounded(score.average_precision)},
                            {"recall", rounded(score.recall)},
                            {"precision", rounded(score.precision)}}}};
  };
  auto report = at(settings.score_threshold);
  report["detect_size"] = settings.detect_size;
  report["thresholds"] = nlohmann::json::array();
  for (const double threshold : looker.thresholds()) report["thresholds"].push_back(at(threshold));
  return report;
}

}  // namespace reenact::training
