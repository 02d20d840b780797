// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "tools/prepare/data_tables.h"

namespace reenact::tools {

/// Writes report.md: what was kept and dropped and why, histograms of face size and sharpness, the sources
/// that failed, and contact sheets of kept crops with their masks and of dropped pictures. `settings` are
/// words for people. Returns the names of the files written.
std::vector<std::string> write_data_report(const std::filesystem::path& folder,
                                           const std::vector<ClipRecord>& records, const DataTotals& totals,
                                           const std::string& settings);

}  // namespace reenact::tools
