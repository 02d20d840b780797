// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/prepare/clip_record.h"

#include <algorithm>
#include <fstream>
#include <span>

#include "offline/atomic_file.h"
#include "offline/sha256.h"
#include "reenact/error.h"

namespace reenact::tools {
namespace fs = std::filesystem;

void Histogram::add(double value) {
  ++counts_[static_cast<std::size_t>(std::upper_bound(edges_.begin(), edges_.end(), value) - edges_.begin())];
}

void Histogram::add(const Histogram& other) {
  for (std::size_t i = 0; i < counts_.size() && i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
}

void Histogram::set(const std::vector<std::int64_t>& counts) {
  if (counts.size() == counts_.size()) counts_ = counts;
}

Histogram face_size_histogram() {
  return Histogram({16, 32, 48, 64, 96, 128, 192, 256, 384, 512});
}

Histogram sharpness_histogram() {
  return Histogram({5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560});
}

WrittenFile describe_file(const fs::path& folder, const std::string& path) {
  const auto whole = folder / path;
  std::error_code error;
  const auto bytes = fs::file_size(whole, error);
  if (error) throw Error(ErrorCode::unreadable, "cannot read '" + whole.string() + "': " + error.message());
  return {path, bytes, sha256_of_file(whole)};
}

bool ClipRecord::is_whole(const fs::path& folder) const {
  return std::all_of(files.begin(), files.end(), [&](const WrittenFile& file) {
    std::error_code error;
    const auto path = folder / file.path;
    // The size first: it costs nothing.
    if (fs::file_size(path, error) != file.bytes || error) return false;
    try {
      return sha256_of_file(path) == file.sha256;
    } catch (const Error&) {
      return false;
    }
  });
}

nlohmann::json to_json(const WrittenFile& file) {
  return {{"path", file.path}, {"bytes", file.bytes}, {"sha256", file.sha256}};
}

nlohmann::json to_json(const ClipRecord& record) {
  nlohmann::json json = {
      {"id", record.id},
      {"person", record.person},
      {"source", record.source},
      {"origin", record.state.origin},
      {"bytes", record.state.bytes},
      {"modified", record.state.modified},
      {"settings", record.settings},
      {"split", record.split},
      {"ship", record.ship},
      {"licence", record.licence},
      {"pictures", {{"read", record.read}, {"taken", record.taken}, {"kept", record.kept}}},
      {"dropped", record.dropped},
      {"face_size", record.face_size.counts()},
      {"sharpness", record.sharpness.counts()},
      {"crop_pixels", record.crop_pixels},
      {"crop_scale", record.crop_scale},
      {"segmented", record.segmented},
      {"files", nlohmann::json::array()}};
  for (const auto& file : record.files) json["files"].push_back(to_json(file));
  if (!record.error.empty()) json["error"] = record.error;
  return json;
}

fs::path record_path(const fs::path& folder, const std::string& id) {
  return folder / records_folder / (id + ".json");
}

std::string example_name(const std::string& id, const std::string& reason) {
  return std::string(records_folder) + "/" + id + "." + reason + ".jpg";
}

std::optional<ClipRecord> load_record(const fs::path& path) {
  std::ifstream stream(path);
  if (!stream) return {};
  try {
    const auto json = nlohmann::json::parse(stream);
    ClipRecord record;
    record.id = json.at("id");
    record.person = json.at("person");
    record.source = json.at("source");
    record.state = {json.at("origin"), json.at("bytes"), json.at("modified")};
    record.settings = json.at("settings");
    record.split = json.at("split");
    record.ship = json.at("ship");
    record.licence = json.at("licence");
    const auto& pictures = json.at("pictures");
    record.read = pictures.at("read");
    record.taken = pictures.at("taken");
    record.kept = pictures.at("kept");
    record.dropped = json.at("dropped").get<std::map<std::string, std::int64_t>>();
    record.face_size.set(json.at("face_size"));
    record.sharpness.set(json.at("sharpness"));
    record.crop_pixels = json.at("crop_pixels");
    record.crop_scale = json.at("crop_scale");
    record.segmented = json.at("segmented");
    for (const auto& file : json.at("files"))
      record.files.push_back({file.at("path"), file.at("bytes"), file.at("sha256")});
    record.error = json.value("error", "");
    if (record.id != path.stem().string()) return {};
    return record;
  } catch (const nlohmann::json::exception&) {
    return {};
  }
}

void save_record(const fs::path& folder, const ClipRecord& record) {
  // A name that is no UTF-8 is no reason to fail.
  const auto text = to_json(record).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  write_file_atomically(record_path(folder, record.id), std::as_bytes(std::span(text)));
}

}  // namespace reenact::tools
