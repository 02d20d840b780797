// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/prepare/source_list.h"

namespace reenact::tools {

/// Why a picture of a source is not in the clip; these are the keys of `dropped`.
namespace drop_reason {
inline constexpr const char* unreadable = "unreadable";
inline constexpr const char* no_face = "no_face";
inline constexpr const char* small_face = "small_face";
inline constexpr const char* blurred = "blurred";
inline constexpr const char* other_face = "other_face";  ///< not the face followed longest
inline constexpr std::array all = {unreadable, no_face, small_face, blurred, other_face};
}  // namespace drop_reason

/// Counts of values between edges; the first and the last class are open.
class Histogram {
 public:
  explicit Histogram(std::vector<double> edges) : edges_(std::move(edges)), counts_(edges_.size() + 1) {}
  void add(double value);
  void add(const Histogram& other);
  const std::vector<double>& edges() const { return edges_; }
  const std::vector<std::int64_t>& counts() const { return counts_; }
  /// Takes counts from a file; ignores those of other classes.
  void set(const std::vector<std::int64_t>& counts);

 private:
  std::vector<double> edges_;
  std::vector<std::int64_t> counts_;
};
/// Classes of the longer side of face boxes, pixels, and of their sharpness.
Histogram face_size_histogram();
Histogram sharpness_histogram();

/// One file of the data set.
struct WrittenFile {
  std::string path;  ///< below the folder of the data set
  std::uintmax_t bytes = 0;
  std::string sha256;
};
WrittenFile describe_file(const std::filesystem::path& folder, const std::string& path);

/// What became of one source: a line of the manifest, and a file of its own from which a run knows what is
/// done.
struct ClipRecord {
  std::string id, person, source;
  SourceState state;
  std::string settings;                         ///< digest of everything that decides on the pictures
  std::string split, ship, licence;             ///< columns of clips.tsv
  std::int64_t read = 0, taken = 0, kept = 0;   ///< pictures of the source, 1 of N of them, those in the clip
  std::map<std::string, std::int64_t> dropped;  ///< by reason
  Histogram face_size = face_size_histogram(), sharpness = sharpness_histogram();  ///< of all faces found
  int crop_pixels = 0;  ///< median side of the window in the source
  double crop_scale = 1.8;
  bool segmented = false;  ///< else the masks are white
  std::vector<WrittenFile> files;
  std::string error;  ///< one sentence; empty when all went well

  /// Whether every file is there with its content.
  bool is_whole(const std::filesystem::path& folder) const;
};

nlohmann::json to_json(const ClipRecord& record);
nlohmann::json to_json(const WrittenFile& file);

/// Where records lie below the folder of the data set.
inline constexpr const char* records_folder = "records";
std::filesystem::path record_path(const std::filesystem::path& folder, const std::string& id);
/// Below the folder of the data set: a picture that was dropped for this reason.
std::string example_name(const std::string& id, const std::string& reason);
/// Empty when there is none, or none that can be understood.
std::optional<ClipRecord> load_record(const std::filesystem::path& path);
void save_record(const std::filesystem::path& folder, const ClipRecord& record);

}  // namespace reenact::tools
