// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/systems_file.h"

#include <toml++/toml.h>
#include <algorithm>
#include <optional>
#include <sstream>

#include "reenact/error.h"
#include "reenact/model_file.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse_systems(const fs::path& file, const std::string& found, const std::string& wanted) {
  throw Error(ErrorCode::invalid, "'" + file.string() + "' " + found + ", wanted " + wanted);
}

std::string text_of(const fs::path& file, const toml::table& table, const char* key, bool required) {
  const auto* node = table.get(key);
  if (!node && !required) return "";
  const auto value = node ? node->value<std::string>() : std::optional<std::string>();
  if (!value || value->empty())
    refuse_systems(file, std::string("has a system without ") + key, "text under " + std::string(key));
  return *value;
}

SystemEntry read_system(const fs::path& file, const toml::table& table) {
  for (const auto& [key, value] : table)
    if (const auto name = std::string(key.str()); name != "name" && name != "model" &&
                                                  name != "personalise" && name != "set" &&
                                                  name != "perceptual" && name != "expression")
      refuse_systems(file, "has the key " + name + " in a system",
                     "name, model, personalise, set, perceptual and expression alone");
  const auto folder = file.parent_path();
  SystemEntry system;
  system.name = text_of(file, table, "name", true);
  const auto model = text_of(file, table, "model", true);
  system.model = fs::exists(folder / model) ? folder / model : find_model(model);
  if (const auto tuning = text_of(file, table, "personalise", false); !tuning.empty()) {
    system.personalise = folder / tuning;
    if (!fs::exists(system.personalise))
      throw Error(ErrorCode::not_found, "'" + system.personalise.string() + "' does not exist, which '" +
                                            file.string() + "' names");
  }
  const auto found = [&](const char* key) {
    const auto name = text_of(file, table, key, false);
    if (name.empty()) return fs::path();
    return fs::exists(folder / name) ? folder / name : find_model(name);
  };
  system.perceptual = found("perceptual");
  system.expression = found("expression");
  if (const auto* set = table.get("set")) {
    const auto* list = set->as_array();
    if (!list) refuse_systems(file, "has no list under set of " + system.name, "[\"key=value\", ...]");
    for (const auto& entry : *list) {
      const auto text = entry.value<std::string>();
      if (!text)
        refuse_systems(file, "has something else than text under set of " + system.name, "\"key=value\"");
      system.overrides.push_back(*text);
    }
  }
  return system;
}

}  // namespace

std::vector<SystemEntry> read_systems(const fs::path& file) {
  if (!fs::exists(file))
    throw Error(ErrorCode::not_found,
                "'" + file.string() + "' does not exist, wanted a TOML file of systems");
  toml::table document;
  try {
    document = toml::parse_file(file.string());
  } catch (const toml::parse_error& error) {
    std::ostringstream words;
    words << "is no TOML at line " << error.source().begin.line << ": " << error.description();
    refuse_systems(file, words.str(), "tables [[system]]");
  }
  for (const auto& [key, value] : document)
    if (key.str() != "system")
      refuse_systems(file, "has the key " + std::string(key.str()), "tables [[system]]");
  const auto* list = document.get("system") ? document.get("system")->as_array() : nullptr;
  std::vector<SystemEntry> systems;
  if (list)
    for (const auto& entry : *list) {
      if (!entry.is_table()) refuse_systems(file, "has a system that is no table", "[[system]]");
      systems.push_back(read_system(file, *entry.as_table()));
      const auto& name = systems.back().name;
      if (std::count_if(systems.begin(), systems.end(),
                        [&](const auto& other) { return other.name == name; }) > 1)
        refuse_systems(file, "has two systems called " + name, "one of each name");
    }
  if (systems.empty()) refuse_systems(file, "has no system", "at least one table [[system]]");
  return systems;
}

}  // namespace reenact::training
