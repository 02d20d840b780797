// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/labelled_pictures.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "media/picture_file.h"
#include "offline/table.h"
#include "reenact/error.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

/// The paper's near-frontal and half-profile cameras, by the names of their folders.
const std::set<std::string> multipie_cameras = {"08_0", "13_0", "14_0", "05_1", "05_0", "04_1", "19_0"};

/// Expressions of Multi-PIE by session and recording.
const std::map<std::pair<std::string, std::string>, std::string>& multipie_expressions() {
  static const std::map<std::pair<std::string, std::string>, std::string> expressions = {
      {{"session01", "01"}, "neutral"}, {{"session02", "01"}, "neutral"},  {{"session03", "01"}, "neutral"},
      {{"session04", "01"}, "neutral"}, {{"session04", "02"}, "neutral"},  {{"session01", "02"}, "smile"},
      {{"session03", "02"}, "smile"},   {{"session02", "02"}, "surprise"}, {{"session02", "03"}, "squint"},
      {{"session03", "03"}, "disgust"}, {{"session04", "03"}, "scream"}};
  return expressions;
}

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> folders;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.is_directory()) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  return folders;
}

void read_multipie(const fs::path& folder, LabelledPictures& result) {
  const auto root = fs::is_directory(folder / "data") ? folder / "data" : folder;
  for (const auto& session : folders_in(root))
    for (const auto& subject : folders_in(session / "multiview"))
      for (const auto& recording : folders_in(subject)) {
        const auto expression =
            multipie_expressions().find({session.filename().string(), recording.filename().string()});
        if (expression == multipie_expressions().end()) continue;
        for (const auto& camera : folders_in(recording)) {
          const auto group = camera.filename().string();
          if (!multipie_cameras.count(group)) continue;
          for (const auto& file : fs::directory_iterator(camera)) {
            if (!is_still_picture(file.path())) continue;
            const auto person = subject.filename().string();
            const auto shot = session.filename().string() + "/" + recording.filename().string();
            result.pictures.push_back({file.path(),
                                       fs::relative(file.path(), root).generic_string(),
                                       {expression->second, group, person, shot}});
          }
        }
      }
}

void read_pairs(const fs::path& folder, LabelledPictures& result) {
  constexpr std::string_view neutral = "_03.jpg", smiling = "_08.jpg";
  std::map<std::string, int> found;
  for (auto& row : read_table(folder / "stills.tsv")) {
    const auto original = row["original_name"], person = row["person"];
    const bool smiles = original.ends_with(smiling);
    if (!smiles && !original.ends_with(neutral)) continue;
    found[person] |= smiles ? 2 : 1;
    result.pictures.push_back({folder / "stills" / (row["id"] + ".jpg"),
                               row["id"],
                               {smiles ? "smile" : "neutral", "front", person, original}});
  }
  std::erase_if(result.pictures,
                [&](const LabelledPicture& picture) { return found[picture.entry.person] != 3; });
  result.already_cropped = true;
}

void read_picture_table(const fs::path& table, LabelledPictures& result) {
  for (auto& row : read_table(table)) {
    if (row["file"].empty() || row["label"].empty())
      throw Error(ErrorCode::invalid,
                  "'" + table.string() +
                      "' has a line without file or label, wanted the columns file, label, "
                      "and where wanted group, person and shot");
    result.pictures.push_back({table.parent_path() / row["file"],
                               row["file"],
                               {row["label"], row["group"], row["person"], row["shot"]}});
    // A picture of nobody known is its own person, so that nothing else is left out with it.
    auto& entry = result.pictures.back().entry;
    if (entry.person.empty()) entry.person = "picture " + row["file"];
    if (entry.shot.empty()) entry.shot = row["file"];
  }
}

}  // namespace

LabelledPictures read_labelled_pictures(const fs::path& folder, const std::string& layout) {
  if (!fs::exists(folder))
    throw Error(ErrorCode::not_found,
                "'" + folder.string() + "' does not exist, wanted pictures of layout " + layout);
  LabelledPictures result;
  if (layout == "multipie")
    read_multipie(folder, result);
  else if (layout == "pairs")
    read_pairs(folder, result);
  else if (layout == "table")
    read_picture_table(folder, result);
  else
    throw Error(ErrorCode::invalid, "the layout is '" + layout + "', wanted multipie, pairs or table");
  if (result.pictures.size() < 2)
    throw Error(ErrorCode::invalid, "'" + folder.string() + "' has " +
                                        std::to_string(result.pictures.size()) + " pictures of layout " +
                                        layout + ", wanted at least two");
  std::stable_sort(result.pictures.begin(), result.pictures.end(),
                   [](const auto& a, const auto& b) { return a.name < b.name; });
  return result;
}

}  // namespace reenact::training
