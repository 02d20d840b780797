// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/prepare/source_list.h"

#include <glib.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <set>

#include "media/picture_file.h"
#include "offline/sha256.h"
#include "reenact/error.h"

namespace reenact::tools {
namespace fs = std::filesystem;
namespace {

template <std::size_t N>
bool ends_as(const fs::path& path, const std::array<const char*, N>& endings) {
  return std::find(endings.begin(), endings.end(), lower_extension(path)) != endings.end();
}

bool is_video(const fs::path& path) {
  static constexpr std::array endings = {".mp4", ".mkv",  ".webm", ".avi", ".mov", ".m4v",
                                         ".mpg", ".mpeg", ".ts",   ".flv", ".wmv", ".3gp",
                                         ".ogv", ".dv",   ".m2ts", ".mts", ".mxf", ".vob"};
  return ends_as(path, endings);
}

bool is_picture(const fs::path& path) {
  // Those that no decoder is installed for are named when they are read.
  static constexpr std::array endings = {".jpg",  ".jpeg", ".png",  ".bmp",  ".webp", ".tif",
                                         ".tiff", ".ppm",  ".heic", ".heif", ".avif"};
  return ends_as(path, endings);
}

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with('.');
}

/// Fit for file names, tables and JSON: letters, digits, "+._-" and other than ASCII stay.
std::string cleaned(std::string text) {
  const bool utf8 = g_utf8_validate(text.data(), static_cast<gssize>(text.size()), nullptr);
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 || !utf8) && !std::isalnum(byte) && c != '+' && c != '.' && c != '_' && c != '-')
      c = '_';
  }
  return text;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : "-") + cleaned(part);
  return text;
}

fs::path absolute_path(const fs::path& path) {
  std::error_code error;
  const auto whole = fs::weakly_canonical(path, error);
  return error ? path : whole;
}

class Listing {
 public:
  Listing(const std::string& prefix, const fs::path& excluded)
      : prefix_(prefix), excluded_(excluded.empty() ? fs::path() : absolute_path(excluded)) {}

  void add_root(const fs::path& given) {
    // Without "." and a last "/", so that the root has a name.
    root_ = absolute_path(given);
    if (!fs::exists(root_))
      throw Error(ErrorCode::not_found, "found no clip or folder '" + given.string() + "'");
    if (fs::is_directory(root_))
      walk(root_);
    else
      add(root_, false);
  }
  std::vector<ClipSource> take() { return std::move(sources_); }
  void name_what_is_left_out() const {
    if (others_ > 0)
      spdlog::warn("{} of the files are neither clips nor pictures and left out, '{}' among them", others_,
                   first_other_.string());
  }

 private:
  void walk(const fs::path& folder) {
    std::vector<fs::path> folders, videos;
    bool has_pictures = false;
    std::error_code error;
    for (fs::directory_iterator entries(folder, error), end; !error && entries != end;
         entries.increment(error)) {
      const auto& entry = *entries;
      std::error_code ignored;
      if (is_hidden(entry.path())) continue;
      if (entry.is_directory(ignored)) {
        if (absolute_path(entry.path()) != excluded_) folders.push_back(entry.path());
      } else if (is_video(entry.path())) {
        videos.push_back(entry.path());
      } else if (is_picture(entry.path())) {
        has_pictures = true;
      } else if (others_++ == 0 || entry.path() < first_other_) {
        first_other_ = entry.path();
      }
    }
    if (error)
      throw Error(ErrorCode::unreadable,
                  "cannot list the folder '" + folder.string() + "': " + error.message());
    std::sort(folders.begin(), folders.end());
    std::sort(videos.begin(), videos.end());
    if (has_pictures) add(folder, true);
    for (const auto& video : videos) add(video, false);
    for (const auto& below : folders) walk(below);
  }

  void add(const fs::path& path, bool is_folder) {
    ClipSource source{path, {}, {}, {}, is_folder};
    std::vector<std::string> parts;
    if (path != root_)
      for (const auto& part : path.lexically_relative(root_)) parts.push_back(part.string());
    else
      parts.push_back(root_.filename().string());
    source.name = path == root_ ? parts[0] : path.lexically_relative(root_).generic_string();
    if (!is_folder) parts.back() = fs::path(parts.back()).stem().string();
    source.person = joined({parts[0]});
    source.id = joined(parts);
    if (!prefix_.empty()) {
      source.id = cleaned(prefix_) + "-" + source.id;
      source.person = cleaned(prefix_) + "-" + source.person;
    }
    constexpr std::size_t longest_id = 200;  // a file name takes 255 bytes
    if (source.id.size() > longest_id || !ids_.insert(source.id).second) {
      source.id = source.id.substr(0, longest_id);
      source.id += "-" + sha256_of_text(path.string()).substr(0, 8);
      if (!ids_.insert(source.id).second) return;  // the very same path, given twice
    }
    sources_.push_back(std::move(source));
  }

  std::string prefix_;
  fs::path excluded_, root_, first_other_;
  std::size_t others_ = 0;
  std::set<std::string> ids_;
  std::vector<ClipSource> sources_;
};

}  // namespace

std::vector<ClipSource> list_sources(const std::vector<fs::path>& roots, const std::string& prefix,
                                     const fs::path& excluded) {
  Listing listing(prefix, excluded);
  std::set<fs::path> seen;
  for (const auto& root : roots)
    if (seen.insert(absolute_path(root)).second) listing.add_root(root);
  listing.name_what_is_left_out();
  return listing.take();
}

Shard parse_shard(const std::string& text) {
  Shard shard;
  const char* const end = text.data() + text.size();
  const auto index = std::from_chars(text.data(), end, shard.index);
  if (index.ec == std::errc() && index.ptr != end && *index.ptr == '/') {
    const auto count = std::from_chars(index.ptr + 1, end, shard.count);
    if (count.ec == std::errc() && count.ptr == end && shard.index >= 1 && shard.index <= shard.count)
      return shard;
  }
  throw Error(ErrorCode::invalid, "--shard has the argument '" + text + "', wanted i/n with i from 1 to n");
}

std::vector<ClipSource> sources_of_shard(const std::vector<ClipSource>& sources, const Shard& shard) {
  std::vector<ClipSource> chosen;
  for (auto i = static_cast<std::size_t>(shard.index - 1); i < sources.size();
       i += static_cast<std::size_t>(shard.count))
    chosen.push_back(sources[i]);
  return chosen;
}

SourceState state_of(const ClipSource& source) {
  SourceState state;
  state.origin = sha256_of_text(absolute_path(source.path).string()).substr(0, 16);
  const auto count = [&state](const fs::path& file) {
    state.bytes += fs::file_size(file);
    state.modified = std::max<std::int64_t>(
        state.modified, std::chrono::duration_cast<std::chrono::seconds>(
                            std::chrono::file_clock::to_sys(fs::last_write_time(file)).time_since_epoch())
                            .count());
  };
  try {
    if (!source.is_folder) count(source.path);
    if (source.is_folder)
      for (const auto& entry : fs::directory_iterator(source.path))
        if (entry.is_regular_file() && is_picture(entry.path())) count(entry.path());
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorCode::unreadable,
                "cannot read '" + source.path.string() + "': " + error.code().message());
  }
  return state;
}

}  // namespace reenact::tools
