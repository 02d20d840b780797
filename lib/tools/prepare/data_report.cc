// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/prepare/data_report.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <span>

#include "media/clip_reader.h"
#include "offline/atomic_file.h"
#include "offline/contact_sheet.h"
#include "offline/picture_source.h"
#include "reenact/error.h"

namespace reenact::tools {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t sheet_columns = 4, sheet_rows = 6;
constexpr int example_pixels = 128;

/// The middle picture of a clip of ours.
cv::Mat middle_picture(const fs::path& path, std::int64_t count) {
  ClipReader clip(path);
  for (std::int64_t i = 0; i < count / 2; ++i) clip.skip();
  const auto frame = clip.next();
  if (!frame) return {};
  cv::Mat rgb;
  cv::resize(frame->picture, rgb, {example_pixels, example_pixels}, 0, 0, cv::INTER_AREA);
  return rgb;
}

cv::Mat kept_sheet(const fs::path& folder, const std::vector<ClipRecord>& records) {
  std::vector<const ClipRecord*> clips;
  for (const auto& record : records)
    if (record.kept > 0) clips.push_back(&record);
  const std::size_t shown = std::min(clips.size(), sheet_columns * sheet_rows);
  std::vector<std::vector<cv::Mat>> rows;
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& record = *clips[i * clips.size() / shown];
    if (i % sheet_columns == 0) rows.emplace_back();
    for (const char* name : {"rgb.mp4", "mask.mp4"})
      rows.back().push_back(middle_picture(folder / "clips" / record.id / name, record.kept));
  }
  std::vector<std::string> titles;
  for (std::size_t i = 0; i < std::min(shown, sheet_columns); ++i)
    titles.insert(titles.end(), {"kept", "mask"});
  return rows.empty() ? cv::Mat() : contact_sheet(rows, titles);
}

/// A column for each reason, with examples of as many sources.
cv::Mat dropped_sheet(const fs::path& folder, const std::vector<ClipRecord>& records) {
  std::vector<std::vector<cv::Mat>> columns;
  std::vector<std::string> titles;
  std::size_t longest = 0;
  for (const std::string reason : drop_reason::all) {
    std::vector<fs::path> paths;
    for (const auto& record : records)
      for (const auto& file : record.files)
        if (file.path == example_name(record.id, reason)) paths.push_back(folder / file.path);
    if (paths.empty()) continue;
    titles.push_back(reason);
    columns.emplace_back();
    const auto shown = std::min(paths.size(), sheet_rows);
    for (std::size_t i = 0; i < shown; ++i)
      columns.back().push_back(read_rgb(paths[i * paths.size() / shown]));
    longest = std::max(longest, shown);
  }
  if (columns.empty()) return {};
  std::vector<std::vector<cv::Mat>> rows(longest, std::vector<cv::Mat>(columns.size()));
  for (std::size_t column = 0; column < columns.size(); ++column)
    for (std::size_t row = 0; row < columns[column].size(); ++row) rows[row][column] = columns[column][row];
  return contact_sheet(rows, titles);
}

std::string drawn(const Histogram& histogram, const std::string& unit) {
  constexpr std::int64_t longest_bar = 50;
  const auto& counts = histogram.counts();
  const auto& edges = histogram.edges();
  const auto most = std::max<std::int64_t>(1, *std::max_element(counts.begin(), counts.end()));
  std::string text = "```\n";
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto label =
        i < edges.size() ? fmt::format("below {}", edges[i]) : fmt::format("{} on", edges.back());
    const auto bar = (counts[i] * longest_bar + most - 1) / most;
    text += fmt::format("{:>12} {:<8} {:>9} {}\n", label, unit, counts[i], std::string(bar, '#'));
  }
  return text + "```\n\n";
}

double share(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? 100.0 * static_cast<double>(part) / static_cast<double>(whole) : 0;
}

}  // namespace

std::vector<std::string> write_data_report(const fs::path& folder, const std::vector<ClipRecord>& records,
                                           const DataTotals& totals, const std::string& settings) {
  std::map<std::string, std::int64_t> dropped, splits;
  Histogram face_size = face_size_histogram(), sharpness = sharpness_histogram();
  std::int64_t white = 0, empty = 0;
  for (const auto& record : records) {
    for (const auto& [reason, count] : record.dropped) dropped[reason] += count;
    face_size.add(record.face_size);
    sharpness.add(record.sharpness);
    white += record.kept > 0 && !record.segmented;
    empty += record.kept == 0 && record.error.empty();
    if (record.kept > 0) ++splits[record.split];
  }
  const auto kept_pictures = kept_sheet(folder, records), dropped_pictures = dropped_sheet(folder, records);

  std::string text = "# What was prepared\n\n" + settings + "\n\n";
  text += fmt::format(
      "| sources | clips | people | without a kept picture | failed |\n|---|---|---|---|---|\n"
      "| {} | {} | {} | {} | {} |\n\n",
      totals.sources, totals.clips, totals.people, empty, totals.failed);
  for (const auto& [split, count] : splits) text += fmt::format("- {} clips of split `{}`\n", count, split);
  if (white > 0)
    text += fmt::format(
        "- {} clips have **white masks**: there was no segmenter, everything counts as the person\n", white);
  text += fmt::format(
      "\n| pictures | count | % of those taken |\n|---|---|---|\n| read | {} | |\n| taken | {} | 100 |\n"
      "| kept | {} | {:.1f} |\n",
      totals.read, totals.taken, totals.kept, share(totals.kept, totals.taken));
  for (const char* reason : drop_reason::all)
    text += fmt::format("| dropped: {} | {} | {:.1f} |\n", reason, dropped[reason],
                        share(dropped[reason], totals.taken));
  text += "\n## Longer side of the faces found\n\n" + drawn(face_size, "pixels");
  text += "## Their sharpness (variance of the Laplacian at 128 pixels)\n\n" + drawn(sharpness, "");

  std::vector<std::string> written;
  const auto show = [&](const cv::Mat& picture, const std::string& title, const std::string& name) {
    std::error_code ignored;
    if (picture.empty()) {
      fs::remove(folder / name, ignored);
      return;
    }
    write_png(folder / name, picture);
    written.push_back(name);
    text += fmt::format("## {}\n\n![{}]({})\n\n", title, title, name);
  };
  show(kept_pictures, "Kept", "report-kept.png");
  show(dropped_pictures, "Dropped", "report-dropped.png");
  if (totals.failed > 0) {
    constexpr int most = 100;
    int listed = 0;
    text += "## Failed\n\n";
    for (const auto& record : records)
      if (!record.error.empty() && listed++ < most)
        text += "- `" + record.source + "`: " + record.error + "\n";
    if (totals.failed > most)
      text += fmt::format("- and {} more: see manifest.jsonl\n", totals.failed - most);
  }
  write_file_atomically(folder / "report.md", std::as_bytes(std::span(text)));
  written.push_back("report.md");
  return written;
}

}  // namespace reenact::tools
