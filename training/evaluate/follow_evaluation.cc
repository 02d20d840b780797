// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/follow_evaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <opencv2/imgproc.hpp>
#include <span>

#include "offline/contact_sheet.h"
#include "training/evaluate/statistics.h"

namespace reenact::training {
namespace {

constexpr std::size_t follow_sheet_rows = 8, sheet_frames = 3;

std::vector<double> column(const std::vector<std::vector<double>>& rows, std::size_t index) {
  std::vector<double> values;
  for (const auto& row : rows) values.push_back(row[index]);
  return values;
}

cv::Mat marked(const cv::Mat& rgb, const Mesh& mesh) {
  cv::Mat picture = rgb.clone();
  for (const auto& point : mesh)
    cv::circle(picture, point * static_cast<float>(rgb.cols), 1, cv::Scalar(80, 255, 80), cv::FILLED);
  return picture;
}

/// Error of the landmark network itself, in pixels of a 256 picture, on frames whose landmarks are known.
double network_error(std::span<const Driver> drivers, const std::vector<std::vector<Mesh>>& found) {
  std::vector<double> errors;
  for (std::size_t d = 0; d < found.size(); ++d)
    for (std::size_t i = 0; i < found[d].size(); ++i) {
      const auto& known = drivers[d].clip.frames[i].landmarks;
      double sum = 0;
      for (std::size_t k = 0; k < known.size(); ++k) sum += 256 * cv::norm(found[d][i][k] - known[k]);
      if (!known.empty()) errors.push_back(sum / static_cast<double>(known.size()));
    }
  return mean_of(errors);
}

/// Correlations of one movement over all pairs of clip and identity.
struct Movement {
  std::vector<double> values;
  std::vector<double> of_drivers;  ///< means
  double worst = std::numeric_limits<double>::max();
  std::string worst_clip;

  nlohmann::json figures() const {
    if (values.empty()) return {{"cases", 0}};
    nlohmann::json json = bootstrap_mean(of_drivers);
    json["median"] = median_of(values);
    json["worst"] = worst;
    json["worst_clip"] = worst_clip;
    json["cases"] = values.size();
    return json;
  }
};

}  // namespace

Following compare_movements(const std::vector<std::vector<double>>& driver,
                            const std::vector<std::vector<double>>& drawn) {
  Following result;
  const std::size_t groups = driver.empty() ? 0 : driver.front().size();
  std::vector<double> trembles;
  for (std::size_t g = 0; g < groups; ++g) {
    const auto first = column(driver, g), second = column(drawn, g);
    result.correlations.push_back(deviation_of(first) < expression_groups()[g].least_deviation
                                      ? std::numeric_limits<double>::quiet_NaN()
                                      : correlation_of(first, second));
    const double first_mean = mean_of(first), second_mean = mean_of(second);
    double difference = 0, moved = 0;
    for (std::size_t i = 0; i < first.size(); ++i) {
      difference += std::abs(first[i] - second[i]);
      moved += std::abs(first[i] - first_mean - second[i] + second_mean);
    }
    const auto shares = static_cast<double>(groups * first.size());
    result.difference += difference / shares;
    result.moved_difference += moved / shares;
    if (const double trembling = tremble_of(first); trembling >= least_tremble)
      trembles.push_back(tremble_of(second) / trembling);
  }
  if (!trembles.empty()) result.tremble = mean_of(trembles);
  return result;
}

HeadReport evaluate_follow(DrivenHeads& heads, LandmarkNetwork& landmarks, std::size_t frames) {
  const auto& groups = expression_groups();
  std::vector<Movement> movements(groups.size());
  std::vector<double> follow, differences, moved, trembles;
  std::vector<std::vector<Mesh>> found;
  std::vector<std::vector<cv::Mat>> rows;
  auto of_drivers = nlohmann::json::array();
  const auto& subjects = heads.subjects();
  std::vector<std::vector<double>> of_subjects(subjects.size());
  for (std::size_t d = 0; d < heads.drivers().size(); ++d) {
    const auto& driver = heads.drivers()[d];
    std::vector<std::size_t> chosen(frames == 0 ? driver.clip.frames.size()
                                                : std::min(frames, driver.clip.frames.size()));
    std::iota(chosen.begin(), chosen.end(), std::size_t{0});
    std::vector<cv::Mat> crops;
    for (const std::size_t i : chosen) crops.push_back(driver.clip.frames[i].rgb);
    found.push_back(find_landmarks(landmarks, crops));
    const auto driving = expression_measures(found.back());
    std::vector<std::vector<double>> correlations(groups.size());
    std::vector<double> driver_difference, driver_moved, driver_tremble;
    for (std::size_t s = 0; s < subjects.size(); ++s) {
      const auto drawn = heads.draw(subjects[s], driver, chosen);
      const auto meshes = find_landmarks(landmarks, drawn);
      const auto following = compare_movements(driving, expression_measures(meshes));
      for (std::size_t g = 0; g < groups.size(); ++g) {
        const double value = following.correlations[g];
        if (std::isnan(value)) continue;
        correlations[g].push_back(value);
        movements[g].values.push_back(value);
        of_subjects[s].push_back(value);
        if (value < movements[g].worst) {
          movements[g].worst = value;
          movements[g].worst_clip = driver.clip.id + " as " + subjects[s].name;
        }
      }
      driver_difference.push_back(following.difference);
      driver_moved.push_back(following.moved_difference);
      driver_tremble.push_back(following.tremble);
      // Clips and identities take turns on the sheet.
      if (rows.size() < follow_sheet_rows && s == d % subjects.size()) {
        std::vector<cv::Mat> row;
        for (const std::size_t i : spread_indices(drawn.size(), sheet_frames)) {
          row.push_back(marked(crops[i], found.back()[i]));
          row.push_back(marked(drawn[i], meshes[i]));
        }
        row.resize(2 * sheet_frames);
        rows.push_back(row);
      }
    }
    nlohmann::json line = {{"driver", driver.clip.id}, {"frames", chosen.size()}};
    std::vector<double> all;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      if (correlations[g].empty()) continue;
      const double mean = mean_of(correlations[g]);
      line[groups[g].name] = mean;
      movements[g].of_drivers.push_back(mean);
      all.push_back(mean);
    }
    if (!all.empty()) follow.push_back(mean_of(all));
    of_drivers.push_back(line);
    differences.push_back(mean_of(driver_difference));
    moved.push_back(mean_of(driver_moved));
    trembles.push_back(median_of(driver_tremble));
  }

  nlohmann::json correlation = nlohmann::json::object();
  for (std::size_t g = 0; g < groups.size(); ++g) correlation[groups[g].name] = movements[g].figures();
  auto identities = nlohmann::json::array();
  for (std::size_t s = 0; s < subjects.size(); ++s)
    identities.push_back({{"identity", subjects[s].name}, {"correlation", mean_of(of_subjects[s])}});
  HeadReport report;
  report.figures = {{"correlation", correlation},
                    {"expression_difference", bootstrap_mean(differences)},
                    {"moved_difference", bootstrap_mean(moved)},
                    {"tremble_over_driver", bootstrap_mean(trembles)},
                    {"identities", identities},
                    {"drivers", of_drivers},
                    {"landmarks", {{"error_in_256_pixels", network_error(heads.drivers(), found)}}}};
  if (!follow.empty()) report.figures["follow"] = bootstrap_mean(follow);
  std::vector<std::string> titles;
  for (std::size_t i = 0; i < sheet_frames; ++i) titles.insert(titles.end(), {"driver", "drawn"});
  report.sheet = contact_sheet(rows, titles);
  return report;
}

}  // namespace reenact::training
