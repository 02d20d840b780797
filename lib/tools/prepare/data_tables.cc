// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/prepare/data_tables.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <span>

#include "offline/atomic_file.h"
#include "offline/table.h"
#include "reenact/error.h"
#include "tools/prepare/data_report.h"

namespace reenact::tools {
namespace fs = std::filesystem;
namespace {

/// Held while the tables are made, so that of two shards that end together the later one sees the records of
/// both.
class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder) {
    const auto path = folder / records_folder / ".lock";
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0)
      throw Error(ErrorCode::unreadable, "cannot write '" + path.string() + "': " + std::strerror(errno));
    // A file system without locks has one writer less to fear than none at all.
    while (::flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~FolderLock() { ::close(descriptor_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_;
};

std::vector<ClipRecord> load_records(const fs::path& folder) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder / records_folder))
    if (entry.path().extension() == ".json") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<ClipRecord> records;
  for (const auto& path : paths)
    if (auto record = load_record(path))
      records.push_back(std::move(*record));
    else
      spdlog::warn("'{}' is no record of a clip; left out, and made again when its source is given",
                   path.string());
  return records;
}

void write_text(const fs::path& path, const std::string& text) {
  write_file_atomically(path, std::as_bytes(std::span(text)));
}

TableRow row_of(const ClipRecord& record) {
  return {{"id", record.id},
          {"person", record.person},
          {"split", record.split},
          {"ship", record.ship},
          {"frames", std::to_string(record.kept)},
          {"source_crop_px", std::to_string(record.crop_pixels)},
          {"crop_scale", fmt::format("{}", record.crop_scale)},
          {"source", record.source},
          {"licence_of_media", record.licence}};
}

void write_clip_table(const fs::path& folder, const std::vector<ClipRecord>& records) {
  std::vector<std::string> columns = {"id",         "person", "split",
                                      "ship",       "frames", "source_crop_px",
                                      "crop_scale", "source", "licence_of_media"};
  std::set<std::string> known;
  std::vector<TableRow> rows;
  for (const auto& record : records) known.insert(record.id);
  if (fs::exists(folder / "clips.tsv"))
    for (auto& row : read_table(folder / "clips.tsv")) {
      if (known.count(row["id"])) continue;
      for (const auto& [column, cell] : row)
        if (std::find(columns.begin(), columns.end(), column) == columns.end()) columns.push_back(column);
      rows.push_back(std::move(row));
    }
  for (const auto& record : records)
    if (record.kept > 0) rows.push_back(row_of(record));

  std::string text;
  const auto end_cell = [&text](std::string cell, bool last) {
    std::replace_if(
        cell.begin(), cell.end(), [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
    text += cell + (last ? "\n" : "\t");
  };
  for (const auto& column : columns) end_cell(column, &column == &columns.back());
  for (auto& row : rows)
    for (const auto& column : columns) end_cell(row[column], &column == &columns.back());
  write_text(folder / "clips.tsv", text);
}

}  // namespace

DataTotals write_data_tables(const fs::path& folder, const std::string& settings) {
  const FolderLock lock(folder);
  const auto records = load_records(folder);
  DataTotals totals;
  std::set<std::string> people;
  for (const auto& record : records) {
    ++totals.sources;
    totals.clips += record.kept > 0;
    totals.failed += !record.error.empty();
    totals.read += record.read;
    totals.taken += record.taken;
    totals.kept += record.kept;
    if (record.kept > 0) people.insert(record.person);
  }
  totals.people = static_cast<std::int64_t>(people.size());

  write_clip_table(folder, records);
  std::vector<std::string> written = {"clips.tsv"};
  for (const auto& name : write_data_report(folder, records, totals, settings)) written.push_back(name);

  std::string manifest;
  const auto line = [&manifest](const nlohmann::json& json) {
    manifest += json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  };
  for (const auto& record : records) line(to_json(record));
  nlohmann::json tables = nlohmann::json::array();
  for (const auto& name : written) tables.push_back(to_json(describe_file(folder, name)));
  line({{"tables", tables}});
  write_text(folder / "manifest.jsonl", manifest);
  return totals;
}

}  // namespace reenact::tools
