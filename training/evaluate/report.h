// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "training/evaluate/statistics.h"

namespace reenact::training {

/// Said of every figure that a network or data of ours measured in place of the paper's.
inline constexpr const char* not_comparable = "not comparable";

/// A report in Markdown: what was measured beside what the paper says.
class Report {
 public:
  explicit Report(const std::string& title) : text_("# " + title + "\n") {}
  Report& paragraph(const std::string& words);
  /// `rows` have as many cells as `columns`.
  Report& table(const std::vector<std::string>& columns, const std::vector<std::vector<std::string>>& rows);
  /// As a file of that name in `folder`, which is made.
  void write(const std::filesystem::path& folder, const std::string& name = "report.md") const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// "0.123 (0.101 to 0.150)".
std::string in_words(const Interval& interval, int digits);
/// With so many digits behind the point.
std::string in_words(double value, int digits);
/// Joins the reasons why figures are not comparable to a sentence; empty when there is none.
std::string why_not_comparable(const std::vector<std::string>& reasons);

/// One line of JSON on standard output.
void print_line(const nlohmann::json& line);

}  // namespace reenact::training
