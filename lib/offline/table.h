// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace reenact {

/// One line of a table, cells by the names of their columns.
using TableRow = std::map<std::string, std::string>;

/// Reads a table of tab-separated values whose first line names the columns; missing cells are empty.
/// Throws Error (not_found) naming the file.
std::vector<TableRow> read_table(const std::filesystem::path& path);

}  // namespace reenact
