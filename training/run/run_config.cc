// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/run_config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "offline/edit_distance.h"
#include "reenact/error.h"
#include "training/run/config_file.h"

namespace reenact::training {
namespace {

std::vector<std::string> split(const std::string& dotted_key) {
  std::vector<std::string> parts;
  std::istringstream stream(dotted_key);
  for (std::string part; std::getline(stream, part, '.');) parts.push_back(part);
  return parts;
}

bool is_utf8(const std::string& text) {
  try {
    return !nlohmann::json(text).dump().empty();
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

/// The value read as TOML, or as text where it is none.
toml::table parse_value(const std::string& value) {
  try {
    return toml::parse("value = " + value);
  } catch (const toml::parse_error&) {
    return toml::table{{"value", value}};
  }
}

std::string describe(const toml::node& node) {
  std::ostringstream text;
  text << node.type();
  return text.str();
}

template <typename Value>
void insert(toml::table& root, const std::vector<std::string>& parts, Value&& value) {
  toml::table* table = &root;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    table->insert(parts[i], toml::table{});
    table = table->get_as<toml::table>(parts[i]);
    if (!table) return;  // only reached when a parent was itself asked for as a value
  }
  table->insert_or_assign(parts.back(), std::forward<Value>(value));
}

/// The shortest digits that read back as the same number, without an exponent where people write none; toml++
/// itself prints 0.2 as 0.20000000000000001.
std::string shortest(double value) {
  char digits[64];
  const double size = std::abs(value);
  const auto format = size >= 1e-4 && size < 1e15 ? std::chars_format::fixed : std::chars_format::general;
  const auto end = std::to_chars(digits, digits + sizeof digits, value, format).ptr;
  std::string text(digits, end);
  return !std::isfinite(value) || text.find_first_of(".e") != std::string::npos ? text : text + ".0";
}

std::string shortest(std::int64_t value) {
  return std::to_string(value);
}

/// "a whole number from 1 to 4096", "a number above 0".
template <typename Number>
std::string describe_range(Number least, Number most) {
  using Limits = std::numeric_limits<Number>;
  const std::string kind = std::is_integral_v<Number> ? "a whole number" : "a number";
  const bool below = most != (Limits::has_infinity ? Limits::infinity() : Limits::max());
  const bool above = least != (Limits::has_infinity ? -Limits::infinity() : Limits::lowest());
  if (std::is_floating_point_v<Number> && least == static_cast<Number>(above_zero))
    return kind + " above 0" + (below ? " and at most " + shortest(most) : "");
  if (above && below) return kind + " from " + shortest(least) + " to " + shortest(most);
  if (above) return kind + " of at least " + shortest(least);
  if (below) return kind + " of at most " + shortest(most);
  return kind;
}

/// An absolute path tells where somebody keeps their files; its last part is what provenance needs.
std::string without_folder(const std::string& text) {
  const auto path = std::filesystem::path(text).lexically_normal();
  if (!path.is_absolute()) return text;
  return path.has_filename() ? path.filename() : path.parent_path().filename();
}

/// On one line whatever is in it: the library's own form of several lines cannot hold three quotes.
void write_text(std::ostream& out, const std::string& text) {
  const bool is_plain = std::none_of(text.begin(), text.end(), [](char character) {
    const auto code = static_cast<unsigned char>(character);
    return character == '\'' || code < 0x20 || code == 0x7f;
  });
  if (is_plain) {
    out << '\'' << text << '\'';
    return;
  }
  out << '"';
  for (const char character : text) {
    const auto code = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      out << '\\' << character;
    } else if (character == '\n') {
      out << "\\n";
    } else if (code < 0x20 || code == 0x7f) {
      constexpr const char* digits = "0123456789ABCDEF";
      out << "\\u00" << digits[code >> 4] << digits[code & 15];
    } else {
      out << character;
    }
  }
  out << '"';
}

void write_value(std::ostream& out, const toml::node& node) {
  if (const auto* text = node.as_string()) {
    write_text(out, without_folder(text->get()));
  } else if (const auto* number = node.as_floating_point()) {
    out << shortest(number->get());
  } else if (const auto* array = node.as_array()) {
    const char* separator = "[";
    for (const auto& element : *array) {
      out << separator;
      write_value(out, element);
      separator = ", ";
    }
    out << (array->empty() ? "[]" : "]");
  } else {
    node.visit([&out](const auto& value) { out << value; });
  }
}

/// Values first, then the tables inside.
void write_table(std::ostream& out, const toml::table& table, const std::string& prefix) {
  for (const auto& [key, node] : table) {
    if (node.is_table()) continue;
    out << key.str() << " = ";
    write_value(out, node);
    out << '\n';
  }
  for (const auto& [key, node] : table)
    if (const auto* inner = node.as_table()) {
      out << "\n[" << prefix << key.str() << "]\n";
      write_table(out, *inner, prefix + std::string(key.str()) + ".");
    }
}

}  // namespace

struct RunConfig::Private {
  std::filesystem::path path;
  toml::table root;
  std::vector<std::string> overridden;
  // What was asked for, by dotted key, with the value given out.
  std::map<std::string, toml::table> asked;

  const toml::node* find(const std::string& dotted_key) const {
    const toml::node* node = &root;
    for (const auto& part : split(dotted_key)) {
      const auto* table = node->as_table();
      node = table ? table->get(part) : nullptr;
      if (!node) return nullptr;
    }
    return node;
  }

  /// "'meta.toml' line 12" or "--set optimizer.beta".
  std::string where(const std::string& dotted_key, const toml::node& node) const {
    for (const auto& key : overridden)
      if (dotted_key == key || dotted_key.starts_with(key + ".")) return "--set " + key;
    std::ostringstream text;
    // A value may stand in a file that this one builds upon.
    text << "'" << (node.source().path ? *node.source().path : path.string()) << "' line "
         << node.source().begin.line;
    return text.str();
  }

  [[noreturn]] void refuse(const std::string& key, const toml::node& node, const std::string& found,
                           const std::string& wanted) const {
    throw Error(ErrorCode::invalid,
                where(key, node) + " gives '" + key + "' as " + found + ", wanted " + wanted);
  }
  /// Names the type alone.
  [[noreturn]] void refuse(const std::string& key, const toml::node& node, const std::string& wanted) const {
    refuse(key, node, describe(node), wanted);
  }

  void override_with(const std::string& assignment) {
    const auto equals = assignment.find('=');
    const auto key = present_key(assignment.substr(0, equals), "--set");
    if (equals == std::string::npos || key.empty() || key.front() == '.' || key.back() == '.' ||
        key.find("..") != std::string::npos)
      throw Error(ErrorCode::invalid, "--set has the argument '" + assignment + "', wanted key=value");
    // What is written of a run could not be read again, and its checkpoints could not be written.
    if (!is_utf8(assignment))
      throw Error(ErrorCode::invalid, "--set has an argument that is not UTF-8, wanted key=value");
    const auto parts = split(key);
    toml::table* table = &root;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      table->insert(parts[i], toml::table{});
      auto* inner = table->get_as<toml::table>(parts[i]);
      if (!inner)
        throw Error(ErrorCode::invalid, "--set " + key + " does not fit '" + path.string() + "', where '" +
                                            parts[i] + "' is a value and no table");
      table = inner;
    }
    const auto value = parse_value(assignment.substr(equals + 1));
    table->insert_or_assign(parts.back(), *value.get("value"));
    overridden.push_back(key);
  }

  void collect_unknown(const toml::table& table, const std::string& prefix,
                       std::vector<std::pair<std::string, const toml::node*>>& unknown) const {
    for (const auto& [key, node] : table) {
      const std::string dotted = prefix + std::string(key.str());
      if (asked.count(dotted)) continue;
      if (const auto* inner = node.as_table())
        collect_unknown(*inner, dotted + ".", unknown);
      else
        unknown.emplace_back(dotted, &node);
    }
  }

  template <typename Value>
  void record(const std::string& key, const Value& value) {
    asked[key] = toml::table{{"value", value}};
  }

  template <typename Value>
  void record_list(const std::string& key, const std::vector<Value>& values) {
    toml::array array;
    for (const auto& value : values) array.push_back(value);
    record(key, array);
  }

  /// A number of the file in its range, else the default. toml++ knows whole numbers and others.
  template <typename Number>
  void read_number(const std::string& key, Number& value, Number least, Number most) {
    constexpr bool whole = std::is_integral_v<Number>;
    if (const toml::node* node = find(key)) {
      const auto wanted = describe_range(least, most);
      if (!(whole ? node->is_integer() : node->is_number())) refuse(key, *node, wanted);
      const auto found = *node->value<Number>();
      if (!(found >= least && found <= most)) refuse(key, *node, shortest(found), wanted);
      value = found;
    }
    record(key, value);
  }

  template <typename Value>
  void read_list(const std::string& key, std::vector<Value>& values, const std::string& wanted) {
    if (const toml::node* node = find(key)) {
      const auto* array = node->as_array();
      if (!array) refuse(key, *node, wanted);
      std::vector<Value> found;
      for (const auto& element : *array) {
        const auto value = element.value<Value>();
        if (!value || (std::is_same_v<Value, std::string> != element.is_string()) || element.is_boolean())
          refuse(key, element, wanted);
        found.push_back(*value);
      }
      values = found;
    }
    record_list(key, values);
  }
};

RunConfig::RunConfig(const std::filesystem::path& toml, const std::vector<std::string>& overrides)
    : p_(std::make_unique<Private>()) {
  p_->path = toml;
  if (!toml.empty()) p_->root = read_config_file(toml);
  for (const auto& assignment : overrides) p_->override_with(assignment);
}

RunConfig::~RunConfig() = default;
RunConfig::RunConfig(RunConfig&&) noexcept = default;
RunConfig& RunConfig::operator=(RunConfig&&) noexcept = default;

void RunConfig::read(const std::string& dotted_key, bool& value) const {
  if (const toml::node* node = p_->find(dotted_key)) {
    if (!node->is_boolean()) p_->refuse(dotted_key, *node, "true or false");
    value = *node->value<bool>();
  }
  p_->record(dotted_key, value);
}

void RunConfig::read(const std::string& dotted_key, std::int64_t& value, std::int64_t least,
                     std::int64_t most) const {
  p_->read_number(dotted_key, value, least, most);
}

void RunConfig::read(const std::string& dotted_key, int& value, int least, int most) const {
  std::int64_t wide = value;
  read(dotted_key, wide, least, most);
  value = static_cast<int>(wide);
}

void RunConfig::read(const std::string& dotted_key, double& value, double least, double most) const {
  p_->read_number(dotted_key, value, least, most);
}

void RunConfig::read(const std::string& dotted_key, float& value, double least, double most) const {
  double wide = value;
  read(dotted_key, wide, least, most);
  value = static_cast<float>(wide);
}

void RunConfig::read(const std::string& dotted_key, std::string& value) const {
  if (const toml::node* node = p_->find(dotted_key)) {
    if (!node->is_string()) p_->refuse(dotted_key, *node, "text");
    value = *node->value<std::string>();
  }
  p_->record(dotted_key, value);
}

void RunConfig::read(const std::string& dotted_key, std::filesystem::path& value) const {
  auto text = value.string();
  read(dotted_key, text);
  value = text;
}

void RunConfig::read(const std::string& dotted_key, std::vector<std::string>& values) const {
  p_->read_list(dotted_key, values, "a list of texts");
}

void RunConfig::read(const std::string& dotted_key, std::vector<double>& values) const {
  p_->read_list(dotted_key, values, "a list of numbers");
}

void RunConfig::read(const std::string& dotted_key, std::vector<int>& values, int least, int most) const {
  // The provenance of models has these lists with decimal points, and can be read back as a configuration.
  std::vector<double> numbers(values.begin(), values.end());
  const auto wanted =
      "a list of one or more whole numbers from " + std::to_string(least) + " to " + std::to_string(most);
  p_->read_list(dotted_key, numbers, wanted);
  const auto fits = [&](double number) {
    return number >= least && number <= most && number == std::trunc(number);
  };
  if (numbers.empty() || !std::all_of(numbers.begin(), numbers.end(), fits)) {
    std::ostringstream found;
    for (const double number : numbers) found << (found.tellp() > 0 ? ", " : "") << number;
    const toml::node* node = p_->find(dotted_key);
    if (node) p_->refuse(dotted_key, *node, "[" + found.str() + "]", wanted);
  }
  values.assign(numbers.begin(), numbers.end());
}

std::size_t RunConfig::read_choice(const std::string& dotted_key, std::size_t index,
                                   const std::vector<std::string>& names) const {
  auto name = names.at(index);
  read(dotted_key, name);
  const auto chosen = std::find(names.begin(), names.end(), name);
  if (chosen != names.end()) return static_cast<std::size_t>(chosen - names.begin());
  std::string wanted;
  for (std::size_t i = 0; i < names.size(); ++i)
    wanted += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  p_->refuse(dotted_key, *p_->find(dotted_key), "\"" + name + "\"", wanted);
}

bool RunConfig::contains(const std::string& dotted_key) const {
  return p_->find(dotted_key) != nullptr;
}

void RunConfig::refuse_unknown_keys() const {
  std::vector<std::pair<std::string, const toml::node*>> unknown;
  p_->collect_unknown(p_->root, "", unknown);
  if (unknown.empty()) return;
  const auto& [key, node] = unknown.front();
  std::string hint;
  std::size_t shortest = std::max<std::size_t>(3, key.size() / 3);
  for (const auto& [known, value] : p_->asked)
    if (const auto distance = edit_distance(key, known); distance < shortest) {
      shortest = distance;
      hint = ", which is unknown; did you mean '" + known + "'?";
    }
  throw Error(ErrorCode::invalid, p_->where(key, *node) + " has the key '" + key + "'" +
                                      (hint.empty() ? ", which is unknown" : hint));
}

std::string RunConfig::to_toml() const {
  toml::table resolved;
  for (const auto& [key, value] : p_->asked) insert(resolved, split(key), *value.get("value"));
  std::ostringstream text;
  write_table(text, resolved, "");
  return text.str();
}

const std::filesystem::path& RunConfig::path() const {
  return p_->path;
}

void read_run_schedule(const RunConfig& file, RunSchedule& schedule) {
  file.read("run.steps", schedule.steps, 1);
  file.read("run.validate_every", schedule.validate_every, 0);
  file.read("run.sheet_every", schedule.sheet_every, 0);
  file.read("run.checkpoint_every", schedule.checkpoint_every, 0);
  file.read("run.keep_checkpoints", schedule.keep_checkpoints, 1);
}

}  // namespace reenact::training
