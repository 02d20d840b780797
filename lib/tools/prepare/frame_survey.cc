// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/prepare/frame_survey.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "offline/picture_source.h"
#include "reenact/error.h"

namespace reenact::tools {
namespace {

struct Candidate {
  SurveyedFrame frame;
  unsigned track = 0;
};

/// The whole picture, made square by grey bars.
cv::Mat reduced(const cv::Mat& rgb, int size) {
  const double scale = static_cast<double>(size) / std::max(rgb.cols, rgb.rows);
  cv::Mat small, square;
  cv::resize(rgb, small, {std::max(1, cvRound(rgb.cols * scale)), std::max(1, cvRound(rgb.rows * scale))}, 0,
             0, cv::INTER_AREA);
  const int top = (size - small.rows) / 2, left = (size - small.cols) / 2;
  cv::copyMakeBorder(small, square, top, size - small.rows - top, left, size - small.cols - left,
                     cv::BORDER_CONSTANT, cv::Scalar::all(96));
  return square;
}

unsigned longest_track(const std::vector<Candidate>& candidates) {
  std::map<unsigned, std::size_t> lengths;
  for (const auto& candidate : candidates) ++lengths[candidate.track];
  const auto longest = std::max_element(lengths.begin(), lengths.end(),
                                        [](const auto& a, const auto& b) { return a.second < b.second; });
  return longest == lengths.end() ? 0 : longest->first;
}

}  // namespace

double face_sharpness(const cv::Mat& rgb, const FaceBox& box) {
  constexpr double side = 128;
  const cv::Rect2d face(box.left, box.top, box.width(), box.height());
  const cv::Rect inside = cv::Rect(face & cv::Rect2d(0, 0, rgb.cols, rgb.rows));
  if (inside.empty()) return 0;
  const double scale = side / std::max(box.width(), box.height());
  cv::Mat grey, laplacian;
  cv::cvtColor(rgb(inside), grey, cv::COLOR_RGB2GRAY);
  cv::resize(grey, grey,
             {std::max(1, cvRound(inside.width * scale)), std::max(1, cvRound(inside.height * scale))}, 0, 0,
             scale < 1 ? cv::INTER_AREA : cv::INTER_CUBIC);
  cv::Laplacian(grey, laplacian, CV_32F);
  cv::Scalar mean, deviation;
  cv::meanStdDev(laplacian, mean, deviation);
  return deviation[0] * deviation[0];
}

double for_each_picture(const ClipSource& source, int every, ClipRecord* record,
                        const std::function<bool(std::int64_t, const cv::Mat&, double)>& use) {
  PictureSource pictures(source.path);
  std::int64_t read = 0, taken = 0;
  for (std::int64_t index = 0;; ++index) {
    std::optional<PictureSource::Picture> picture;
    try {
      if (index % every != 0) {
        if (!pictures.skip()) break;
        ++read;
        continue;
      }
      picture = pictures.next();
    } catch (const Error& error) {
      if (!source.is_folder) throw;
      ++read;
      if (record) {
        ++record->dropped[drop_reason::unreadable];
        spdlog::warn("left out: {}", error.what());
      }
      continue;
    }
    if (!picture) break;
    ++read;
    ++taken;
    if (!use(index, picture->rgb, static_cast<double>(picture->timestamp) / 1e9)) break;
  }
  if (record) {
    record->read = read;
    record->taken = taken;
  }
  return pictures.frame_rate();
}

Survey survey_source(const ClipSource& source, FaceCropper& cropper, const SurveyOptions& options,
                     ClipRecord& record, const std::function<bool()>& stopped) {
  Survey survey;
  std::vector<Candidate> candidates;
  std::map<unsigned, cv::Mat> first_of_track;
  std::vector<int> sides;
  cropper.reset();
  const auto drop = [&](const char* reason, const cv::Mat& example) {
    ++record.dropped[reason];
    if (auto& stored = survey.examples[reason]; stored.empty()) stored = example.clone();
  };
  survey.frame_rate = for_each_picture(
      source, options.every, &record, [&](std::int64_t index, const cv::Mat& rgb, double seconds) {
        if (source.is_folder) cropper.reset();
        const auto face = cropper.find(rgb, seconds);
        if (!face) {
          drop(drop_reason::no_face, reduced(rgb, example_size));
          return !stopped();
        }
        const double size = std::max(face->box.width(), face->box.height());
        const double sharpness = face_sharpness(rgb, face->box);
        record.face_size.add(size);
        record.sharpness.add(sharpness);
        if (size < options.least_face) {
          drop(drop_reason::small_face, cropper.cut(rgb, face->box, example_size));
        } else if (sharpness < options.least_sharpness) {
          drop(drop_reason::blurred, cropper.cut(rgb, face->box, example_size));
        } else {
          const unsigned track = source.is_folder ? 1 : face->track_id;
          candidates.push_back({{index, face->box}, track});
          if (auto& first = first_of_track[track]; first.empty())
            first = cropper.cut(rgb, face->box, example_size).clone();
        }
        return !stopped();
      });
  const auto followed = longest_track(candidates);
  for (const auto& candidate : candidates)
    if (candidate.track == followed)
      survey.frames.push_back(candidate.frame);
    else
      drop(drop_reason::other_face, first_of_track[candidate.track]);
  return survey;
}

}  // namespace reenact::tools
