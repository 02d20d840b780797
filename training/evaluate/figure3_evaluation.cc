// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/figure3_evaluation.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <opencv2/imgproc.hpp>

#include "media/clip_reader.h"
#include "media/clip_writer.h"
#include "reenact/error.h"
#include "training/evaluate/vector_cache.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;
using Rows = std::vector<std::vector<float>>;

/// Points of faces as rows of numbers, empty where no face was found.
Rows rows_of(const std::vector<MeasuredFace>& faces) {
  Rows rows;
  for (const auto& face : faces) {
    rows.emplace_back();
    for (const auto& point : face.points) rows.back().insert(rows.back().end(), {point.x, point.y});
  }
  return rows;
}

FacePointList points_of(const std::vector<float>& row) {
  FacePointList points;
  for (std::size_t i = 0; i + 1 < row.size(); i += 2) points.emplace_back(row[i], row[i + 1]);
  return points;
}

/// The mean of all faces that were found, which stands for one that was not.
FacePointList mean_points(const std::vector<Rows>& all) {
  FacePointList mean;
  float count = 0;
  for (const auto& rows : all)
    for (const auto& row : rows) {
      const auto points = points_of(row);
      if (points.empty()) continue;
      if (mean.empty()) mean.resize(points.size());
      for (std::size_t i = 0; i < points.size(); ++i) mean[i] += points[i];
      ++count;
    }
  for (auto& point : mean) point /= std::max(1.0f, count);
  return mean;
}

/// Everything that is computed of a system, by way of the cache.
class Figure3Measurement {
 public:
  Figure3Measurement(LearnedHeads& heads, FacePointFinder& finder, FaceRecogniser& recogniser,
                     const Figure3Options& options)
      : heads_(heads), finder_(finder), recogniser_(recogniser), options_(options) {}

  Rows reference(const ComparedPerson& person) {
    return cached_vectors(options_.cache, key("reference", person, person), [&] {
      const auto pictures = heads_.shown(person.identity, heads_.masked());
      return recogniser_.describe(pictures, finder_.find(pictures));
    });
  }
  Rows drawn_vectors(const ComparedPerson& person, const ComparedPerson& driver) {
    return cached_vectors(options_.cache, key("heads", person, driver), [&] {
      const auto drawn = draw(person, driver);
      return recogniser_.describe(drawn, finder_.find(drawn));
    });
  }
  Rows driver_points(const ComparedPerson& person) {
    return cached_vectors(options_.cache, key("driver points", person, person),
                          [&] { return rows_of(finder_.find(heads_.shown(person.driver, false))); });
  }
  Rows drawn_points(const ComparedPerson& person) {
    return cached_vectors(options_.cache, key("drawn points", person, person),
                          [&] { return rows_of(finder_.find(draw(person, person))); });
  }

 private:
  std::vector<cv::Mat> draw(const ComparedPerson& person, const ComparedPerson& driver) {
    auto drawn = heads_.draw(person, driver.driver);
    if (options_.through_video) {
      auto shown = heads_.shown(driver.driver, false);
      compress_as_video(shown, drawn);
    }
    return drawn;
  }
  std::string key(const char* what, const ComparedPerson& person, const ComparedPerson& driver) {
    return std::string(what) + " " + heads_.fingerprint() + " " + content(person) + " " + content(driver) +
           " " + finder_.fingerprint() + " " + recogniser_.fingerprint() +
           (options_.through_video ? " video" : "");
  }
  const std::string& content(const ComparedPerson& person) {
    auto& text = contents_[person.name];
    if (text.empty()) text = fingerprint_of(person.identity) + fingerprint_of(person.driver);
    return text;
  }

  LearnedHeads& heads_;
  FacePointFinder& finder_;
  FaceRecogniser& recogniser_;
  const Figure3Options& options_;
  std::map<std::string, std::string> contents_;
};

}  // namespace

void compress_as_video(std::vector<cv::Mat>& driver, std::vector<cv::Mat>& drawn) {
  constexpr int side = measured_side;
  constexpr double rate = 25;
  constexpr std::int64_t frame_time = 40'000'000;
  const auto path = fs::temp_directory_path() / ("reenact-figure3-" + std::to_string(::getpid()) + ".mp4");
  {
    ClipWriter writer(path, rate);
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      cv::Mat both(side, 2 * side, CV_8UC3);
      cv::resize(driver[i], both(cv::Rect(0, 0, side, side)), {side, side}, 0, 0, cv::INTER_AREA);
      cv::resize(drawn[i], both(cv::Rect(side, 0, side, side)), {side, side}, 0, 0, cv::INTER_CUBIC);
      writer.add(both, static_cast<std::int64_t>(i) * frame_time);
    }
    writer.finish();
  }
  ClipReader reader(path);
  std::size_t count = 0;
  while (auto frame = reader.next()) {
    if (count == drawn.size()) break;
    driver[count] = frame->picture(cv::Rect(0, 0, side, side)).clone();
    drawn[count++] = frame->picture(cv::Rect(side, 0, side, side)).clone();
  }
  std::error_code ignored;
  fs::remove(path, ignored);
  if (count != drawn.size())
    throw Error(ErrorCode::unreadable, "a clip of " + std::to_string(drawn.size()) +
                                           " frames came back with " + std::to_string(count));
}

Figure3Point measure_figure3(LearnedHeads& heads, const std::vector<ComparedPerson>& people,
                             FacePointFinder& finder, FaceRecogniser& recogniser,
                             const Figure3Options& options) {
  Figure3Measurement measurement(heads, finder, recogniser, options);
  Figure3Point point;
  point.name = heads.name();
  std::vector<Rows> driver_points;
  for (const auto& person : people) driver_points.push_back(measurement.driver_points(person));
  const auto mean_face = mean_points(driver_points);
  std::vector<double> dots, fitted;
  for (std::size_t k = 0; k < people.size(); ++k) {
    const auto& person = people[k];
    const auto reference = measurement.reference(person);
    std::vector<double> csims, person_dots, poses, person_fitted;
    for (std::size_t i = 0; i < people.size(); ++i) {
      if (i == k) continue;
      point.pairs_of_one_person += people[i].person == person.person;
      const auto drawn = measurement.drawn_vectors(person, people[i]);
      const auto error = identity_error(reference, drawn);
      csims.push_back(error.csim);
      person_dots.push_back(error.dot);
      point.heads += drawn.size();
    }
    const auto drawn = measurement.drawn_points(person);
    for (std::size_t j = 0; j < drawn.size(); ++j) {
      const auto wanted = points_of(driver_points[k][j]);
      if (wanted.empty()) continue;
      point.faceless += drawn[j].empty();
      const auto found = drawn[j].empty() ? mean_face : points_of(drawn[j]);
      poses.push_back(pose_error(wanted, found));
      person_fitted.push_back(pose_error(wanted, fitted_points(wanted, found)));
    }
    point.heads += drawn.size();
    point.identities.push_back(mean_of(csims));
    dots.push_back(mean_of(person_dots));
    if (poses.empty())
      throw Error(ErrorCode::invalid, "no face was found on the driver frames of " + person.name +
                                          ", wanted at least one to compare points with");
    point.poses.push_back(mean_of(poses));
    fitted.push_back(mean_of(person_fitted));
  }
  point.identity = bootstrap_mean(point.identities);
  point.identity_dot = bootstrap_mean(dots);
  point.pose = bootstrap_mean(point.poses);
  point.pose_fitted = bootstrap_mean(fitted);
  return point;
}

}  // namespace reenact::training
