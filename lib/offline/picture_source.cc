// SPDX-License-Identifier: LGPL-2.1-or-later
#include "offline/picture_source.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>

#include "media/clip_reader.h"
#include "reenact/error.h"

namespace reenact {
namespace fs = std::filesystem;
namespace {

/// The pictures of a folder by name; warns of other files.
std::vector<fs::path> pictures_in(const fs::path& folder) {
  std::vector<fs::path> pictures, others;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    if (!picture_format(entry.path()).empty())
      pictures.push_back(entry.path());
    else if (!entry.path().filename().string().starts_with('.'))
      others.push_back(entry.path());
  }
  std::sort(pictures.begin(), pictures.end());
  if (!others.empty()) {
    const auto first = *std::min_element(others.begin(), others.end());
    spdlog::warn("{} of the files in '{}' are no pictures and left out, '{}' among them", others.size(),
                 folder.string(), first.filename().string());
  }
  return pictures;
}

}  // namespace

PictureSource::PictureSource(const fs::path& path) : path_(path) {
  if (!fs::exists(path))
    throw Error(ErrorCode::not_found, "found no picture or clip '" + path.string() + "'");
  if (fs::is_directory(path)) {
    images_ = pictures_in(path);
    if (images_.empty())
      throw Error(ErrorCode::not_found, "the folder '" + path.string() + "' holds no pictures");
  } else if (is_still_picture(path)) {
    images_.push_back(path);
  } else {
    clip_ = std::make_unique<ClipReader>(path);
    frame_rate_ = clip_->frame_rate();
  }
}

PictureSource::~PictureSource() = default;

std::optional<PictureSource::Picture> PictureSource::next() {
  if (!clip_) {
    if (index_ >= std::ssize(images_)) return {};
    const auto timestamp = std::llround(static_cast<double>(index_) * 1e9 / frame_rate_);
    return Picture{read_rgb(images_[static_cast<std::size_t>(index_++)]), timestamp};
  }
  auto frame = clip_->next();
  if (frame) return Picture{frame->picture, frame->timestamp};
  warn_of_damage();
  return {};
}

bool PictureSource::skip() {
  if (!clip_) return next().has_value();
  if (clip_->skip()) return true;
  warn_of_damage();
  return false;
}

void PictureSource::warn_of_damage() const {
  if (const auto problems = clip_->problems(); !problems.empty())
    spdlog::warn("'{}' is damaged: {}", path_.string(), problems);
}

std::int64_t PictureSource::count() const {
  return clip_ ? clip_->count() : std::ssize(images_);
}

std::vector<cv::Mat> spread_pictures(const fs::path& path, int wanted, std::vector<std::int64_t>* numbers) {
  PictureSource source(path);
  // Containers may claim too many pictures or none; a wrong count only makes the spread less even.
  const double interval = std::max(1.0, static_cast<double>(source.count()) / wanted);
  std::vector<cv::Mat> pictures;
  std::optional<Error> first;
  for (std::int64_t index = 0; std::ssize(pictures) < wanted; ++index) {
    const bool used =
        static_cast<double>(index) >= interval * (static_cast<double>(pictures.size()) + 0.5) - 0.5;
    cv::Mat rgb;
    try {
      if (!used) {
        if (!source.skip()) break;
        continue;
      }
      const auto picture = source.next();
      if (!picture) break;
      rgb = picture->rgb;
    } catch (const Error& error) {
      if (!fs::is_directory(path)) throw;
      spdlog::warn("left out: {}", error.what());
      if (!first) first = error;
    }
    if (!used) continue;
    pictures.push_back(rgb);
    if (numbers) numbers->push_back(index);
  }
  if (first && std::all_of(pictures.begin(), pictures.end(), [](const cv::Mat& rgb) { return rgb.empty(); }))
    throw *first;
  return pictures;
}

std::vector<cv::Mat> SpreadReader::read(const fs::path& path, int wanted,
                                        std::vector<std::int64_t>* numbers) {
  try {
    auto pictures = spread_pictures(path, wanted, numbers);
    any_ = true;
    return pictures;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) throw;
    spdlog::warn("left out: {}", error.what());
    if (!first_) first_ = error;
    return {};
  }
}

void SpreadReader::require_one() const {
  if (first_ && !any_) throw *first_;
}

}  // namespace reenact
