// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/config_file.h"

#include <spdlog/spdlog.h>

#include <fstream>
#include <iterator>
#include <utility>

#include "reenact/error.h"

namespace reenact::training {
namespace {

toml::table read_toml(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path))
    throw Error(ErrorCode::not_found, "found no configuration file '" + path.string() + "'");
  std::ifstream stream(path, std::ios::binary);
  if (!stream.is_open() || !std::filesystem::is_regular_file(path))
    throw Error(ErrorCode::unreadable, "cannot read the configuration file '" + path.string() + "'");
  const std::string document{std::istreambuf_iterator<char>(stream), {}};
  try {
    return toml::parse(document, path.string());
  } catch (const toml::parse_error& error) {
    throw Error(ErrorCode::invalid, "'" + path.string() + "' line " +
                                        std::to_string(error.source().begin.line) +
                                        " is not TOML: " + std::string(error.description()));
  }
}

/// Keys of version 0.1 and what they are called now; read for one more version.
constexpr std::pair<const char*, const char*> former_keys[] = {
    {"training.steps", "run.steps"},
    {"training.validation_every", "run.validate_every"},
    {"training.sheet_every", "run.sheet_every"},
    {"training.checkpoint_every", "run.checkpoint_every"},
    {"training.keep_checkpoints", "run.keep_checkpoints"},
    {"run.iterations", "run.steps"},
};

void warn_of_former_key(const std::string& where, const std::string& former, const std::string& present) {
  spdlog::warn("{} gives '{}', which is '{}' now; the next version will not know the old name", where, former,
               present);
}

std::pair<std::string, std::string> section_and_name(const std::string& dotted_key) {
  const auto dot = dotted_key.find('.');
  return {dotted_key.substr(0, dot), dotted_key.substr(dot + 1)};
}

/// Brings values with a former key under the present one, unless the file gives that as well.
void rename_former_keys(toml::table& root, const std::filesystem::path& path) {
  for (const auto& [former, present] : former_keys) {
    const auto [old_section, old_name] = section_and_name(former);
    const auto [new_section, new_name] = section_and_name(present);
    auto* section = root.get_as<toml::table>(old_section);
    toml::node* node = section ? section->get(old_name) : nullptr;
    if (!node || root.at_path(present)) continue;
    warn_of_former_key("'" + path.string() + "' line " + std::to_string(node->source().begin.line), former,
                       present);
    root.insert(new_section, toml::table{});
    if (auto* target = root.get_as<toml::table>(new_section)) {
      target->insert(new_name, std::move(*node));  // moved nodes remember their line, copied ones do not
      section->erase(old_name);
    }
  }
}

/// Puts the values of `upper` in place of, or beside, those of `lower`.
void lay_over(toml::table& lower, toml::table&& upper) {
  for (auto&& [key, node] : upper) {
    auto* inner = lower.get_as<toml::table>(key);
    if (inner && node.is_table())
      lay_over(*inner, std::move(*node.as_table()));
    else
      lower.insert_or_assign(key, std::move(node));  // moved nodes remember their line, copied ones do not
  }
}

/// The file over the one that its key `base` names, if it has one, or over several, each over those before it.
toml::table read_with_base(const std::filesystem::path& path, int depth = 0) {
  auto table = read_toml(path);
  rename_former_keys(table, path);  // before another file is laid over it with the same key's present name
  if (!table.contains("base")) return table;
  if (depth > 8)
    throw Error(ErrorCode::invalid,
                "'" + path.string() + "' builds upon itself or upon too many other files");
  toml::table result;
  const auto lay_file = [&](const toml::node& name) {
    const auto base = name.value<std::string>();
    if (!base)
      throw Error(
          ErrorCode::invalid,
          "'" + path.string() + "': base is neither a file's name nor a list of such, wanted one of them");
    lay_over(result, read_with_base(path.parent_path() / *base, depth + 1));
  };
  if (const auto* list = table["base"].as_array())
    for (const auto& name : *list) lay_file(name);
  else
    lay_file(*table.get("base"));
  table.erase("base");
  lay_over(result, std::move(table));
  return result;
}

}  // namespace

toml::table read_config_file(const std::filesystem::path& path) {
  return read_with_base(path);
}

std::string present_key(const std::string& key, const std::string& where) {
  for (const auto& [former, present] : former_keys)
    if (key == former) {
      warn_of_former_key(where, former, present);
      return present;
    }
  return key;
}

}  // namespace reenact::training
