// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/described_pictures.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <span>

#include "reenact/error.h"
#include "training/evaluate/vector_cache.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t pictures_of_a_part = 100;

/// What tells the pictures of a part from others.
std::string identity_of_pictures(std::span<const fs::path> pictures) {
  std::string text;
  for (const auto& picture : pictures) {
    std::error_code ignored;
    text += picture.string() + " " + std::to_string(fs::file_size(picture, ignored)) + " " +
            std::to_string(fs::last_write_time(picture, ignored).time_since_epoch().count()) + "\n";
  }
  return text;
}

std::vector<HeadCrop> read_crops(std::span<const fs::path> pictures, HeadCropReader& reader) {
  std::vector<HeadCrop> crops;
  for (const auto& picture : pictures) {
    try {
      crops.push_back(reader.read(picture));
    } catch (const Error& error) {
      spdlog::warn("{}; the picture is left out", error.what());
      crops.emplace_back();
      crops.back().window.width = -1;
    }
  }
  return crops;
}

}  // namespace

DescribedPictures describe_pictures(const std::vector<fs::path>& pictures,
                                    const std::vector<std::unique_ptr<Describer>>& describers,
                                    HeadCropReader& reader, const fs::path& cache) {
  DescribedPictures result;
  result.vectors.resize(describers.size());
  for (std::size_t first = 0; first < pictures.size(); first += pictures_of_a_part) {
    const std::span part(&pictures[first], std::min(pictures_of_a_part, pictures.size() - first));
    const auto identity = identity_of_pictures(part) + reader.fingerprint();
    std::vector<HeadCrop> crops;  // only read when something is missing
    const auto read = [&] {
      if (crops.empty()) crops = read_crops(part, reader);
    };
    const auto windows = cached_vectors(cache, "windows " + identity, [&] {
      read();
      std::vector<std::vector<float>> rows;
      for (const auto& crop : crops)
        rows.push_back({static_cast<float>(crop.window.x), static_cast<float>(crop.window.y),
                        static_cast<float>(crop.window.width), static_cast<float>(crop.window.height)});
      return rows;
    });
    for (const auto& row : windows) {
      result.windows.emplace_back(row[0], row[1], row[2], row[3]);
      result.faceless += row[2] == 0;
      result.unreadable += row[2] < 0;
    }
    for (std::size_t d = 0; d < describers.size(); ++d) {
      const auto rows = cached_vectors(cache, describers[d]->fingerprint() + identity, [&] {
        read();
        std::vector<std::vector<float>> found;
        for (const auto& crop : crops)
          found.push_back(crop.rgb.empty() ? std::vector<float>() : describers[d]->describe(crop.rgb));
        return found;
      });
      result.vectors[d].insert(result.vectors[d].end(), rows.begin(), rows.end());
    }
    if (pictures.size() > pictures_of_a_part)
      spdlog::info("{} of {} pictures described", first + part.size(), pictures.size());
  }
  return result;
}

}  // namespace reenact::training
