// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/report.h"

#include <spdlog/fmt/fmt.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <span>

#include "offline/atomic_file.h"

namespace reenact::training {
namespace {

std::string table_row(const std::vector<std::string>& cells) {
  std::string row = "|";
  for (const auto& cell : cells) row += " " + cell + " |";
  return row + "\n";
}

}  // namespace

Report& Report::paragraph(const std::string& words) {
  if (!words.empty()) text_ += "\n" + words + "\n";
  return *this;
}

Report& Report::table(const std::vector<std::string>& columns,
                      const std::vector<std::vector<std::string>>& rows) {
  text_ += "\n" + table_row(columns) + table_row(std::vector<std::string>(columns.size(), "---"));
  for (const auto& row : rows) text_ += table_row(row);
  return *this;
}

void Report::write(const std::filesystem::path& folder, const std::string& name) const {
  write_file_atomically(folder / name, std::as_bytes(std::span(text_)));
}

std::string in_words(const Interval& interval, int digits) {
  return fmt::format("{:.{}f} ({:.{}f} to {:.{}f})", interval.mean, digits, interval.low, digits,
                     interval.high, digits);
}

std::string in_words(double value, int digits) {
  return fmt::format("{:.{}f}", value, digits);
}

std::string why_not_comparable(const std::vector<std::string>& reasons) {
  if (reasons.empty()) return "";
  std::string words = std::string("Figures here are ") + not_comparable + " with the paper's: ";
  for (std::size_t i = 0; i < reasons.size(); ++i) words += (i == 0 ? "" : "; ") + reasons[i];
  return words + ".";
}

void print_line(const nlohmann::json& line) {
  std::puts(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

}  // namespace reenact::training
