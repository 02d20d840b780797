// SPDX-License-Identifier: LGPL-2.1-or-later
#include "offline/contact_sheet.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "media/png_codec.h"
#include "offline/atomic_file.h"
#include "reenact/error.h"

namespace reenact {
namespace {

constexpr int gap = 2;
constexpr int title_height = 18;
const cv::Scalar background(96, 96, 96);

cv::Mat as_rgb(const cv::Mat& picture, cv::Size size) {
  cv::Mat rgb = picture;
  if (picture.channels() == 1) cv::cvtColor(picture, rgb, cv::COLOR_GRAY2RGB);
  if (rgb.type() != CV_8UC3)
    throw Error(ErrorCode::invalid, "cannot put a picture of " + std::to_string(picture.channels()) +
                                        " channels on a contact sheet, wanted 8-bit grey or RGB");
  if (rgb.size() != size)
    cv::resize(rgb, rgb, size, 0, 0, rgb.rows > size.height ? cv::INTER_AREA : cv::INTER_LINEAR);
  return rgb;
}

void draw_title(cv::Mat sheet, const std::string& title) {
  constexpr int font = cv::FONT_HERSHEY_SIMPLEX;
  double scale = 0.42;
  const int width = cv::getTextSize(title, font, scale, 1, nullptr).width;
  if (width > sheet.cols) scale *= static_cast<double>(sheet.cols) / width;
  cv::putText(sheet, title, {1, title_height - 5}, font, scale, cv::Scalar(255, 255, 255), 1, cv::LINE_AA);
}

}  // namespace

cv::Mat contact_sheet(const std::vector<std::vector<cv::Mat>>& rows,
                      const std::vector<std::string>& column_titles) {
  cv::Size cell;
  std::size_t columns = column_titles.size();
  for (const auto& row : rows) {
    columns = std::max(columns, row.size());
    for (const auto& picture : row)
      if (cell.empty()) cell = picture.size();
  }
  if (cell.empty()) throw Error(ErrorCode::invalid, "cannot make a contact sheet without a picture");

  const int top = column_titles.empty() ? 0 : title_height;
  const int count = static_cast<int>(rows.size());
  cv::Mat sheet(top + count * (cell.height + gap) - gap, static_cast<int>(columns) * (cell.width + gap) - gap,
                CV_8UC3, background);
  for (std::size_t column = 0; column < column_titles.size(); ++column)
    draw_title(sheet(cv::Rect(static_cast<int>(column) * (cell.width + gap), 0, cell.width, top)),
               column_titles[column]);
  for (std::size_t row = 0; row < rows.size(); ++row)
    for (std::size_t column = 0; column < rows[row].size(); ++column) {
      if (rows[row][column].empty()) continue;
      const cv::Point corner(static_cast<int>(column) * (cell.width + gap),
                             top + static_cast<int>(row) * (cell.height + gap));
      as_rgb(rows[row][column], cell).copyTo(sheet(cv::Rect(corner, cell)));
    }
  return sheet;
}

void write_png(const std::filesystem::path& path, const cv::Mat& rgb) {
  write_file_atomically(path, encode_png(rgb));
}

}  // namespace reenact
