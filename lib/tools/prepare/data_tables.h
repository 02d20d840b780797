// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/prepare/clip_record.h"

namespace reenact::tools {

/// Counts over a whole data set.
struct DataTotals {
  std::int64_t sources = 0, clips = 0, failed = 0, people = 0;
  std::int64_t read = 0, taken = 0, kept = 0;
};

/// Puts clips.tsv, report.md with its pictures and manifest.jsonl together from the records of all runs on
/// this folder, those of other shards included. Rows of clips.tsv that no record stands for stay. One process
/// at a time; another waits. Throws Error naming the file that cannot be written.
DataTotals write_data_tables(const std::filesystem::path& folder, const std::string& settings);

}  // namespace reenact::tools
