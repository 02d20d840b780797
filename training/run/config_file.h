// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <toml++/toml.h>

#include <filesystem>
#include <string>

namespace reenact::training {

/// A TOML file over those that its key `base` names: one, or a list of which each lies over those before it; relative to its own
/// folder. Keys of the version before stand under their present names, with a warning in the log. Nodes remember file and line.
/// Throws Error: not_found, unreadable, invalid.
toml::table read_config_file(const std::filesystem::path& path);

/// What a key of the version before is called now, with a warning in the log that says where it was given; others as they are.
std::string present_key(const std::string& key, const std::string& where);

}  // namespace reenact::training
