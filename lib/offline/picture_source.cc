// SPDX-License-Identifier: LGPL-2.1-or-later
#include "offline/picture_source.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "reenact/error.h"

namespace reenact {
namespace fs = std::filesystem;

cv::Mat read_rgb(const fs::path& path) {
  if (!fs::exists(path)) throw Error(ErrorCode::not_found, "found no picture '" + path.string() + "'");
  cv::Mat picture;
  try {
    picture = cv::imread(path.string(), cv::IMREAD_COLOR);
  } catch (const cv::Exception&) {
    // e.g. a header that claims more pixels than OpenCV accepts; the same message as for any other damage
  }
  if (picture.empty())
    throw Error(ErrorCode::unreadable,
                "cannot read '" + path.string() + "', wanted a picture that OpenCV decodes");
  cv::cvtColor(picture, picture, cv::COLOR_BGR2RGB);
  return picture;
}

PictureSource::PictureSource(const fs::path& path) : path_(path) {
  if (!fs::exists(path))
    throw Error(ErrorCode::not_found, "found no picture or clip '" + path.string() + "'");
  if (fs::is_directory(path)) {
    for (const auto& entry : fs::directory_iterator(path))
      if (entry.is_regular_file() && cv::haveImageReader(entry.path().string()))
        images_.push_back(entry.path());
    std::sort(images_.begin(), images_.end());
    if (images_.empty())
      throw Error(ErrorCode::not_found, "the folder '" + path.string() + "' holds no pictures");
  } else if (cv::haveImageReader(path.string())) {
    images_.push_back(path);
  } else if (clip_.open(path.string(), cv::CAP_FFMPEG)) {
    const double rate = clip_.get(cv::CAP_PROP_FPS);
    if (std::isfinite(rate) && rate > 0 && rate < 1000) frame_rate_ = rate;
  } else {
    throw Error(ErrorCode::unreadable,
                "cannot read '" + path.string() + "', wanted a picture, a folder of pictures or a clip");
  }
}

std::optional<PictureSource::Picture> PictureSource::next() {
  cv::Mat rgb;
  if (!images_.empty()) {
    if (index_ >= static_cast<std::int64_t>(images_.size())) return {};
    rgb = read_rgb(images_[static_cast<std::size_t>(index_++)]);
  } else {
    cv::Mat bgr;
    if (!clip_.read(bgr) || bgr.empty()) {
      if (index_ == 0)
        throw Error(ErrorCode::unreadable, "'" + path_.string() + "' is a clip without a picture");
      return {};
    }
    ++index_;
    cv::cvtColor(bgr, rgb, cv::COLOR_BGR2RGB);
  }
  const auto timestamp = std::llround(static_cast<double>(index_ - 1) * 1e9 / frame_rate_);
  return Picture{rgb, timestamp};
}

std::int64_t PictureSource::count() const {
  if (!images_.empty()) return static_cast<std::int64_t>(images_.size());
  const double count = clip_.get(cv::CAP_PROP_FRAME_COUNT);
  return std::isfinite(count) && count > 0 && count < 1e9 ? std::llround(count) : 0;
}

std::vector<cv::Mat> spread_pictures(const fs::path& path, int wanted) {
  PictureSource source(path);
  // Containers may claim too many pictures or none; a wrong count only makes the spread less even.
  const double interval = std::max(1.0, static_cast<double>(source.count()) / wanted);
  std::vector<cv::Mat> pictures;
  std::int64_t index = 0;
  while (auto picture = source.next()) {
    if (static_cast<double>(index++) >= interval * (static_cast<double>(pictures.size()) + 0.5) - 0.5)
      pictures.push_back(picture->rgb);
    if (static_cast<int>(pictures.size()) == wanted) break;
  }
  return pictures;
}

}  // namespace reenact
