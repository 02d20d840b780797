// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/keypoint_pictures.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "offline/table.h"
#include "reenact/error.h"
#include "reenact/safetensors.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> lines_of(const fs::path& path) {
  std::ifstream file(path);
  if (!file)
    throw Error(ErrorCode::not_found,
                "'" + path.string() + "' cannot be read, wanted a list of MAFL and CelebA");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back()))) line.pop_back();
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

/// `name lx ly rx ry nx ny mlx mly mrx mry` behind a count and a header.
std::map<std::string, FivePoints> celeba_points(const fs::path& path) {
  std::map<std::string, FivePoints> points;
  const auto lines = lines_of(path);
  for (std::size_t i = 2; i < lines.size(); ++i) {
    std::istringstream words(lines[i]);
    std::string name;
    FivePoints five;
    words >> name;
    for (auto& point : five) words >> point.x >> point.y;
    if (!words)
      throw Error(ErrorCode::corrupt, "'" + path.string() + "' has the line '" + lines[i].substr(0, 60) +
                                          "', wanted a name and ten numbers");
    points[name] = five;
  }
  return points;
}

void read_mafl(const fs::path& folder, bool aligned, KeypointPictures& result) {
  const auto points = celeba_points(
      folder / "Anno" / (aligned ? "list_landmarks_align_celeba.txt" : "list_landmarks_celeba.txt"));
  const auto pictures = folder / "Img" / (aligned ? "img_align_celeba" : "img_celeba");
  const auto read = [&](const char* list, std::vector<KeypointPicture>& into) {
    const auto path = folder / "MAFL" / list;
    for (const auto& name : lines_of(path)) {
      const auto found = points.find(name);
      if (found == points.end())
        throw Error(ErrorCode::corrupt,
                    "'" + path.string() + "' names '" + name + "', of which the annotation knows no points");
      into.push_back({pictures / name, found->second});
    }
  };
  read("training.txt", result.training);
  read("testing.txt", result.test);
}

void read_stills(const fs::path& folder, std::uint64_t seed, KeypointPictures& result) {
  constexpr std::size_t mesh_points = 478, test_share = 5;
  const auto rows = read_table(folder / "stills.tsv");
  const auto values = SafetensorsFile(folder / "stills" / "labels.safetensors").at("landmarks").to_floats();
  std::set<std::string> names;
  for (auto row : rows) names.insert(row["person"]);
  std::vector<std::string> people(names.begin(), names.end());
  std::mt19937_64 random(seed);
  std::shuffle(people.begin(), people.end(), random);
  const std::set<std::string> tested(
      people.begin(), people.begin() + static_cast<std::ptrdiff_t>(people.size() / test_share));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto row = rows[i];
    if (values.size() < (i + 1) * mesh_points * 2) break;
    std::vector<cv::Point2f> mesh;
    for (std::size_t k = 0; k < mesh_points; ++k)
      mesh.emplace_back(values[(i * mesh_points + k) * 2], values[(i * mesh_points + k) * 2 + 1]);
    if (!std::isfinite(mesh.front().x)) continue;
    auto& into = tested.count(row["person"]) ? result.test : result.training;
    into.push_back({folder / "stills" / (row["id"] + ".jpg"), five_points(mesh)});
  }
  result.already_cropped = true;
}

}  // namespace

KeypointPictures read_keypoint_pictures(const fs::path& folder, const std::string& layout,
                                        std::uint64_t seed) {
  KeypointPictures result;
  if (layout == "mafl" || layout == "mafl-wild")
    read_mafl(folder, layout == "mafl", result);
  else if (layout == "stills")
    read_stills(folder, seed, result);
  else
    throw Error(ErrorCode::invalid, "the layout is '" + layout + "', wanted mafl, mafl-wild or stills");
  if (result.training.empty() || result.test.empty())
    throw Error(ErrorCode::invalid, "'" + folder.string() + "' has " +
                                        std::to_string(result.training.size()) +
                                        " pictures to learn from and " + std::to_string(result.test.size()) +
                                        " to test on, wanted some of both");
  return result;
}

}  // namespace reenact::training
