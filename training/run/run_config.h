// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace reenact::training {

/// The configuration of one run: a TOML file and overrides from the command line.
///
/// Keys are dotted ("optimizer.learning_rate"). Each getter returns the override, else the file's value, else
/// the fallback, and throws Error (invalid) with file and line when the value has another type. An integer is
/// accepted where a number is asked for.
class RunConfig {
 public:
  /// A file may build upon another: its top-level key `base` names that one, relative to its own folder, and
  /// its values count before those of the other. `toml` may be empty: then only overrides and fallbacks
  /// count. Each override is "a.b=value"; the value is read as TOML and, where it is none, as text, so that
  /// quotes are not needed. Throws Error: not_found, unreadable, invalid.
  explicit RunConfig(const std::filesystem::path& toml, const std::vector<std::string>& overrides = {});
  ~RunConfig();
  RunConfig(RunConfig&&) noexcept;
  RunConfig& operator=(RunConfig&&) noexcept;

  double number(const std::string& dotted_key, double fallback) const;
  std::int64_t integer(const std::string& dotted_key, std::int64_t fallback) const;
  bool boolean(const std::string& dotted_key, bool fallback) const;
  std::string text(const std::string& dotted_key, const std::string& fallback) const;
  std::vector<std::string> texts(const std::string& dotted_key,
                                 const std::vector<std::string>& fallback) const;
  std::vector<double> numbers(const std::string& dotted_key, const std::vector<double>& fallback) const;

  /// Whether file or overrides give the key.
  bool contains(const std::string& dotted_key) const;
  /// Throws Error (invalid) naming a key that no getter ever asked for, with file and line. Call it after all
  /// getters.
  void refuse_unknown_keys() const;
  /// The values of all keys asked for so far, fallbacks included, as a TOML document, for provenance:
  /// of absolute paths only the last part.
  std::string to_toml() const;
  const std::filesystem::path& path() const;

 private:
  struct Private;
  std::unique_ptr<Private> p_;
};

}  // namespace reenact::training
