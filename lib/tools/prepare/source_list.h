// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace reenact::tools {

/// What becomes one clip of the data set: a video, or a folder of pictures of one person.
struct ClipSource {
  std::filesystem::path path;
  std::string name;    ///< path below the folder it was found in
  std::string id;      ///< of the clip, unique in its list; a file name
  std::string person;  ///< the folder right below the one that was given, else the clip's own name
  bool is_folder = false;
};

/// All videos and picture folders in `roots` and the folders below, ordered by root and name, so that every
/// process that is given the same roots sees the same list. A root may also be one video, picture or picture
/// folder; of a VoxCeleb2 tree it is the folder that holds the people. Ids and people begin with `prefix` and
/// a "-" if there is one; `excluded` (the output) is not looked into. Warns of files that are neither. Throws Error:
/// not_found for a root that is not there, unreadable for a folder.
std::vector<ClipSource> list_sources(const std::vector<std::filesystem::path>& roots,
                                     const std::string& prefix, const std::filesystem::path& excluded);

/// One of `count` equal shares of the sources.
struct Shard {
  int index = 1;  ///< 1..count
  int count = 1;
};
/// Parses "i/n". Throws Error (invalid).
Shard parse_shard(const std::string& text);
/// Every n-th of them, in order.
std::vector<ClipSource> sources_of_shard(const std::vector<ClipSource>& sources, const Shard& shard);

/// What tells a source from another, and that it changed: for a folder over all of its files.
struct SourceState {
  std::string origin;         ///< digest of its place in the file system
  std::uintmax_t bytes = 0;   ///< of the content
  std::int64_t modified = 0;  ///< newest change, seconds of the file system's clock
};
/// Throws Error (unreadable).
SourceState state_of(const ClipSource& source);

}  // namespace reenact::tools
