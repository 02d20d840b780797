// SPDX-License-Identifier: LGPL-2.1-or-later
#include "offline/table.h"

#include <fstream>
#include <sstream>

#include "reenact/error.h"

namespace reenact {

std::vector<TableRow> read_table(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw Error(ErrorCode::not_found, path.string() + ": the table is not there");
  const auto cells_of = [](std::string line) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    std::vector<std::string> cells;
    std::istringstream stream(line);
    for (std::string cell; std::getline(stream, cell, '\t');) cells.push_back(cell);
    return cells;
  };
  std::string line;
  std::getline(file, line);
  const auto names = cells_of(line);
  std::vector<TableRow> rows;
  while (std::getline(file, line)) {
    const auto cells = cells_of(line);
    TableRow row;
    for (std::size_t i = 0; i < names.size(); ++i) row[names[i]] = i < cells.size() ? cells[i] : "";
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace reenact
