// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace reenact {

/// Pictures side by side, one row of cells per element of `rows`, titles above the columns.
///
/// Pictures are RGB CV_8UC3 (or CV_8UC1) of any size and are scaled to the first picture's size; an empty
/// picture leaves its cell grey. Returns RGB CV_8UC3. Throws Error (invalid) when there is no picture at all.
cv::Mat contact_sheet(const std::vector<std::vector<cv::Mat>>& rows,
                      const std::vector<std::string>& column_titles);

/// Writes a picture (CV_8UC1, RGB CV_8UC3 or RGBA CV_8UC4) as PNG through a temporary file and a rename.
void write_png(const std::filesystem::path& path, const cv::Mat& rgb);

}  // namespace reenact
