// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/identity_evaluation.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "offline/contact_sheet.h"
#include "reenact/error.h"
#include "training/evaluate/statistics.h"
#include "training/recogniser/face_pairs.h"

namespace reenact::training {
namespace {

constexpr std::size_t identity_sheet_rows = 8;

/// Unit vector along the mean.
torch::Tensor center_of(const torch::Tensor& vectors) {
  return torch::nn::functional::normalize(vectors.mean(0, true)).squeeze(0);
}

std::vector<double> distances(const torch::Tensor& vectors, const torch::Tensor& center) {
  const auto all = (1 - torch::matmul(vectors, center)).clamp_min(0).to(torch::kDouble).contiguous();
  return {all.data_ptr<double>(), all.data_ptr<double>() + all.numel()};
}

double degrees(double distance) {
  return std::acos(std::clamp(1 - distance, -1.0, 1.0)) * 180 / std::numbers::pi;
}

/// Distances of drawn heads, gathered by somebody.
struct Distances {
  std::vector<double> identity, driver;

  void add(const std::vector<double>& to_identity, const std::vector<double>& to_driver) {
    identity.insert(identity.end(), to_identity.begin(), to_identity.end());
    driver.insert(driver.end(), to_driver.begin(), to_driver.end());
  }
  double nearer() const {
    double count = 0;
    for (std::size_t i = 0; i < identity.size(); ++i) count += identity[i] < driver[i];
    return identity.empty() ? 0 : count / static_cast<double>(identity.size());
  }
  std::vector<double> angles(const std::vector<double>& list) const {
    std::vector<double> result;
    for (const double distance : list) result.push_back(degrees(distance));
    return result;
  }
};

nlohmann::json summary(const Distances& all) {
  return {{"frames", all.identity.size()},
          {"distance_to_identity", mean_of(all.identity)},
          {"distance_to_driver", mean_of(all.driver)},
          {"nearer_to_identity", all.nearer()}};
}

}  // namespace

nlohmann::json verification_of(IResNet& recogniser, const std::vector<Driver>& drivers) {
  constexpr std::size_t step = 5, wanted_gap = 4;  // of the frames that are taken
  std::vector<HeadClip> clips;
  for (const auto& driver : drivers) {
    clips.push_back({driver.clip.id, driver.clip.person, {}});
    for (std::size_t i = 0; i < driver.clip.frames.size(); i += step)
      clips.back().frames.push_back(driver.clip.frames[i]);
  }
  std::size_t most_frames = 0;
  for (const auto& clip : clips) most_frames = std::max(most_frames, clip.frames.size());
  const std::size_t least_gap = std::clamp<std::size_t>(most_frames / 2, 1, wanted_gap);
  const auto faces = validation_faces(clips, recogniser->config().image_size);
  const auto vectors = describe_faces(recogniser, faces.faces);
  try {
    const auto figures = verify(vectors, vectors, faces.origins, least_gap);
    return {{"equal_error_rate", figures.equal_error_rate},
            {"area_under_curve", figures.area_under_curve},
            {"threshold_distance", 1 - figures.threshold}};
  } catch (const Error& error) {
    return {{"unknown", error.what()}};
  }
}

HeadReport evaluate_identity(DrivenHeads& heads, IResNet& recogniser, LandmarkNetwork& landmarks,
                             std::size_t frames) {
  const auto describe = [&](const std::vector<cv::Mat>& pictures) {
    return describe_heads(recogniser, landmarks, pictures);
  };
  HeadReport report;
  const auto& subjects = heads.subjects();
  std::vector<torch::Tensor> own;
  std::vector<double> spread;  // how far apart a person's own pictures lie
  std::vector<cv::Mat> first_row = {cv::Mat()};
  std::vector<std::string> titles = {"driver"};
  for (const auto& subject : subjects) {
    const auto vectors = describe(without_background(subject.pictures));
    own.push_back(center_of(vectors));
    spread.push_back(mean_of(distances(vectors, own.back())));
    first_row.push_back(subject.pictures.front().rgb);
    titles.push_back(subject.name);
  }

  std::vector<Distances> of_subject(subjects.size());
  std::vector<double> to_identity, to_driver, nearer, angle_to_identity, angle_to_driver;
  nlohmann::json of_drivers = nlohmann::json::array();
  std::vector<std::vector<cv::Mat>> rows;
  Distances all;
  for (const auto& driver : heads.drivers()) {
    const auto chosen = spread_indices(driver.clip.frames.size(), frames);
    std::vector<HeadFrame> of_clip;
    for (const std::size_t i : chosen) of_clip.push_back(driver.clip.frames[i]);
    const auto center = center_of(describe(without_background(of_clip)));
    std::vector<cv::Mat> row = {of_clip[of_clip.size() / 2].rgb};
    Distances of_driver;
    for (std::size_t s = 0; s < subjects.size(); ++s) {
      row.emplace_back();
      if (subjects[s].person == driver.clip.person) continue;
      const auto drawn = heads.draw(subjects[s], driver, chosen);
      row.back() = drawn[drawn.size() / 2];
      const auto vectors = describe(drawn);
      const auto identity = distances(vectors, own[s]), other = distances(vectors, center);
      of_subject[s].add(identity, other);
      of_driver.add(identity, other);
    }
    if (rows.size() < identity_sheet_rows) rows.push_back(row);
    if (of_driver.identity.empty()) continue;
    all.add(of_driver.identity, of_driver.driver);
    auto line = summary(of_driver);
    line["driver"] = driver.clip.id;
    of_drivers.push_back(line);
    to_identity.push_back(mean_of(of_driver.identity));
    to_driver.push_back(mean_of(of_driver.driver));
    nearer.push_back(of_driver.nearer());
    angle_to_identity.push_back(mean_of(of_driver.angles(of_driver.identity)));
    angle_to_driver.push_back(mean_of(of_driver.angles(of_driver.driver)));
  }
  if (to_identity.empty())
    throw Error(
        ErrorCode::invalid,
        "every clip of split val shows the only identity himself, wanted another driver or another identity");

  auto of_subjects = nlohmann::json::array();
  for (std::size_t s = 0; s < subjects.size(); ++s) {
    auto line = summary(of_subject[s]);
    line["identity"] = subjects[s].name;
    line["own_pictures"] = subjects[s].real ? "photographs" : "drawn at rest";
    line["own_spread"] = spread[s];
    of_subjects.push_back(line);
  }
  report.figures = {{"frames", all.identity.size()},
                    {"distance_to_identity", bootstrap_mean(to_identity)},
                    {"distance_to_driver", bootstrap_mean(to_driver)},
                    {"degrees_to_identity", bootstrap_mean(angle_to_identity)},
                    {"degrees_to_driver", bootstrap_mean(angle_to_driver)},
                    {"nearer_to_identity", bootstrap_mean(nearer)},
                    {"identities", of_subjects},
                    {"drivers", of_drivers},
                    {"recogniser", verification_of(recogniser, heads.strangers())}};
  rows.insert(rows.begin(), first_row);
  // The sheet takes its cells' size from the first picture.
  rows.front().front() = cv::Mat(first_row[1].size(), CV_8UC3, cv::Scalar::all(128));
  report.sheet = contact_sheet(rows, titles);
  return report;
}

}  // namespace reenact::training
