// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/rehearsal.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <system_error>
#include <vector>

namespace reenact {
namespace {

namespace fs = std::filesystem;

// Nobody's frame takes longer; a file that says so is damaged.
constexpr guint64 longest = 60 * G_USEC_PER_SEC;

struct Free {
  void operator()(gchar* text) const { g_free(text); }
};
using Text = std::unique_ptr<gchar, Free>;

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 1);
  return "unknown";
}

/// One line that says what was measured and where.
std::string key_of(const std::string& engine, const fs::path& model) {
  std::error_code error;
  const auto size = fs::file_size(model, error);
  const auto changed = fs::last_write_time(model, error).time_since_epoch().count();
  const char* isa = std::getenv("ONEDNN_MAX_CPU_ISA");
  std::ostringstream key;
  key << REENACT_VERSION << "; " << engine << "; " << fs::absolute(model, error).string() << " of " << size
      << " bytes, " << changed << "; " << processor() << ", " << g_get_num_processors() << " cores, "
      << (isa ? isa : "");
  std::string line = key.str();
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

fs::path file_of(const std::string& key, const fs::path& folder) {
  const Text sum(g_compute_checksum_for_string(G_CHECKSUM_SHA256, key.c_str(), gssize(key.size())));
  return (folder.empty() ? fs::path(g_get_user_cache_dir()) / "reenact" / "timing" : folder) / sum.get();
}

std::optional<GstClockTime> remembered(const std::string& key, const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  guint64 microseconds = 0;
  if (!std::getline(file, line) || line != key || !(file >> microseconds)) return {};
  if (microseconds == 0 || microseconds > longest) return {};
  return microseconds * GST_USECOND;
}

void remember(const std::string& key, GstClockTime time, const fs::path& path) {
  const std::string text = key + "\n" + std::to_string(time / GST_USECOND) + "\n";
  // Written aside and renamed: whoever reads meanwhile sees the old file or the new one.
  if (g_mkdir_with_parents(path.parent_path().c_str(), 0700) == 0)
    g_file_set_contents(path.c_str(), text.c_str(), gssize(text.size()), nullptr);
}

GstClockTime time_of(const std::function<void()>& frame) {
  const gint64 begin = g_get_monotonic_time();
  frame();
  return std::max<GstClockTime>(1, GstClockTime(g_get_monotonic_time() - begin)) * GST_USECOND;
}

}  // namespace

GstClockTime rehearsed_time(const std::string& engine, const fs::path& model,
                            const std::function<void()>& frame, const RehearsalOptions& options) {
  const std::string key = key_of(engine, model);
  const fs::path path = file_of(key, options.folder);
  const auto known = remembered(key, path);
  const GstClockTime warm_up = time_of(frame);
  if (known && warm_up >= *known / 4 * 3) return *known;
  std::vector<GstClockTime> times(std::size_t(std::max(2, options.runs)));
  for (GstClockTime& time : times) time = time_of(frame);
  // The longest may have been a hiccup of the machine.
  std::nth_element(times.begin(), times.end() - 2, times.end());
  const GstClockTime time = *(times.end() - 2);
  remember(key, time, path);
  return time;
}

}  // namespace reenact
