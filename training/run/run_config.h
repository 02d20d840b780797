// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace reenact::training {

/// The least value of a number that must be above 0.
inline constexpr double above_zero = std::numeric_limits<double>::denorm_min();

/// The configuration of one run: a TOML file and overrides from the command line.
///
/// Keys are dotted ("optimizer.learning_rate"). read() puts the override, else the file's value, into a
/// variable that holds the default, which stays where neither is given. A value of another type or outside the
/// given range throws Error (invalid) in one sentence: file and line, key, what was found, what was wanted.
/// Defaults are not checked. A whole number is accepted where any number will do.
class RunConfig {
 public:
  /// A file may build upon another: its top-level key `base` names that one, relative to its own folder, or
  /// several in a list, each counting over those before it; the file's own values count over all. `toml` may
  /// be empty: then only overrides and defaults count. Each override is "a.b=value"; the value is read as TOML and, where it is none, as text, so that
  /// quotes are not needed. Keys of the version before are read under their present names, with a warning in
  /// the log that names both. Throws Error: not_found, unreadable, invalid.
  explicit RunConfig(const std::filesystem::path& toml, const std::vector<std::string>& overrides = {});
  ~RunConfig();
  RunConfig(RunConfig&&) noexcept;
  RunConfig& operator=(RunConfig&&) noexcept;

  void read(const std::string& dotted_key, bool& value) const;
  void read(const std::string& dotted_key, int& value, int least = std::numeric_limits<int>::min(),
            int most = std::numeric_limits<int>::max()) const;
  void read(const std::string& dotted_key, std::int64_t& value,
            std::int64_t least = std::numeric_limits<std::int64_t>::min(),
            std::int64_t most = std::numeric_limits<std::int64_t>::max()) const;
  /// Not a number (NaN) is never in the range.
  void read(const std::string& dotted_key, double& value,
            double least = -std::numeric_limits<double>::infinity(),
            double most = std::numeric_limits<double>::infinity()) const;
  void read(const std::string& dotted_key, float& value,
            double least = -std::numeric_limits<double>::infinity(),
            double most = std::numeric_limits<double>::infinity()) const;
  void read(const std::string& dotted_key, std::string& value) const;
  void read(const std::string& dotted_key, std::filesystem::path& value) const;
  void read(const std::string& dotted_key, std::vector<std::string>& values) const;
  void read(const std::string& dotted_key, std::vector<double>& values) const;
  /// At least one whole number, each in the range.
  void read(const std::string& dotted_key, std::vector<int>& values, int least, int most) const;
  /// One of the names of a table, "float32" for kFloat and the like; `value` must be in the table.
  template <typename Value, std::size_t N>
  void read(const std::string& dotted_key, Value& value,
            const std::pair<const char*, Value> (&table)[N]) const {
    std::vector<std::string> names;
    std::size_t index = 0;
    for (std::size_t i = 0; i < N; ++i) {
      names.push_back(table[i].first);
      if (table[i].second == value) index = i;
    }
    value = table[read_choice(dotted_key, index, names)].second;
  }

  /// Whether file or overrides give the key.
  bool contains(const std::string& dotted_key) const;
  /// Throws Error (invalid) naming a key that was never read, with file and line. Call it after all read().
  void refuse_unknown_keys() const;
  /// The values of all keys read so far, defaults included, as a TOML document, for provenance:
  /// of absolute paths only the last part.
  std::string to_toml() const;
  const std::filesystem::path& path() const;

 private:
  /// Index of the name that is given, or `index`.
  std::size_t read_choice(const std::string& dotted_key, std::size_t index,
                          const std::vector<std::string>& names) const;

  struct Private;
  std::unique_ptr<Private> p_;
};

/// [run]: how long a run is and what it does when, in steps; it means the same in every command.
struct RunSchedule {
  std::int64_t steps = 10000;
  /// Each also at the last step; 0: never.
  std::int64_t validate_every = 500, sheet_every = 500, checkpoint_every = 500;
  int keep_checkpoints = 2;
};
/// Keys `run.steps`, `run.validate_every`, ... Throws Error (invalid).
void read_run_schedule(const RunConfig& file, RunSchedule& schedule);

}  // namespace reenact::training
