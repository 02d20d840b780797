// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/compared_people.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "media/picture_file.h"
#include "reenact/error.h"
#include "training/data/clips_in_memory.h"
#include "training/evaluate/driven_heads.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

constexpr int compared_crop_side = 256;

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) entries.push_back(entry.path());
  std::sort(entries.begin(), entries.end());
  return entries;
}

cv::Mat at_compared_size(const cv::Mat& picture) {
  cv::Mat result;
  cv::resize(picture, result, {compared_crop_side, compared_crop_side}, 0, 0, cv::INTER_AREA);
  return result;
}

/// The mask of a frame under another folder, whatever kind of picture it is.
cv::Mat mask_of(const fs::path& folder, const fs::path& frame) {
  for (const char* extension : {".png", ".jpg"}) {
    const auto path = folder / (frame.stem().string() + extension);
    if (fs::exists(path)) return at_compared_size(read_grey(path));
  }
  throw Error(ErrorCode::not_found, "'" + folder.string() + "' has no mask of '" + frame.filename().string() +
                                        "', wanted a picture of the same name");
}

std::vector<HeadFrame> read_frames(const fs::path& pictures, const fs::path& masks, std::size_t wanted) {
  std::vector<HeadFrame> frames;
  for (const auto& path : sorted_entries(pictures)) {
    if (frames.size() == wanted) break;
    if (!is_still_picture(path)) continue;
    frames.push_back({at_compared_size(read_rgb(path)), mask_of(masks, path), {}, {}});
  }
  return frames;
}

std::vector<ComparedPerson> read_authors_people(const fs::path& folder, std::size_t count,
                                                std::size_t frames) {
  std::vector<ComparedPerson> people;
  const auto pictures = folder / "images-cropped", masks = folder / "segmentation-cropped";
  for (const auto& id : sorted_entries(pictures))
    for (const auto& video : sorted_entries(id)) {
      if (count > 0 && people.size() == count) return people;
      const auto mask = masks / id.filename() / video.filename();
      ComparedPerson person{id.filename().string() + "/" + video.filename().string(), id.filename().string(),
                            read_frames(video / "identity", mask / "identity", frames),
                            read_frames(video / "driver", mask / "driver", frames), false};
      if (person.identity.size() < frames || person.driver.size() < frames) {
        spdlog::warn("{} has {} and {} frames, not {}; left out", video.string(), person.identity.size(),
                     person.driver.size(), frames);
        continue;
      }
      people.push_back(std::move(person));
    }
  return people;
}

std::vector<HeadFrame> frames_at(const HeadClip& clip, std::size_t first,
                                 const std::vector<std::size_t>& indices) {
  std::vector<HeadFrame> frames;
  for (const std::size_t i : indices) frames.push_back(clip.frames[first + i]);
  return frames;
}

std::vector<ComparedPerson> read_people_of_clips(const fs::path& folder, std::size_t count,
                                                 std::size_t frames, bool consecutive) {
  std::vector<ComparedPerson> people;
  const ClipsInMemory data(folder, compared_crop_side, {"val", false, false, 1});
  for (const auto& clip : data.clips()) {
    if (count > 0 && people.size() == count) break;
    const std::size_t half = clip.frames.size() / 2, rest = clip.frames.size() - half;
    if (half < frames) {
      spdlog::info("{} has {} frames, not {}; left out", clip.id, clip.frames.size(), 2 * frames);
      continue;
    }
    auto driving = spread_indices(rest, frames);
    if (consecutive)
      for (std::size_t i = 0; i < driving.size(); ++i) driving[i] = i;
    people.push_back({clip.id, clip.person, frames_at(clip, 0, spread_indices(half, frames)),
                      frames_at(clip, half, driving), consecutive});
  }
  return people;
}

}  // namespace

std::vector<ComparedPerson> read_compared_people(const fs::path& folder, std::size_t count,
                                                 std::size_t frames, bool consecutive) {
  if (!fs::is_directory(folder))
    throw Error(ErrorCode::not_found,
                "'" + folder.string() + "' is no folder, wanted one with videos of people");
  const bool authors = fs::is_directory(folder / "images-cropped"), ours = fs::exists(folder / "clips.tsv");
  if (!authors && !ours)
    throw Error(ErrorCode::invalid,
                "'" + folder.string() +
                    "' has neither images-cropped nor clips.tsv, wanted people in one of the two layouts");
  if (consecutive && !ours)
    throw Error(ErrorCode::invalid,
                "'" + folder.string() +
                    "' has single frames, wanted a data folder with clips, whose frames follow each other");
  auto people = ours ? read_people_of_clips(folder, count, frames, consecutive)
                     : read_authors_people(folder, count, frames);
  if (people.size() < 2)
    throw Error(ErrorCode::invalid, "'" + folder.string() + "' has " + std::to_string(people.size()) +
                                        " people with " + std::to_string(2 * frames) +
                                        " frames, wanted two at least, to drive each other");
  return people;
}

}  // namespace reenact::training
