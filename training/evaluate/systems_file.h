// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace reenact::training {

/// A system that is compared, as a table `[[system]]` of a TOML file tells.
struct SystemEntry {
  std::string name;                    ///< in reports and plots; of one system alone
  std::filesystem::path model;         ///< reenactor or warper
  std::filesystem::path personalise;   ///< configuration of the fine-tuning; empty: the preset's defaults
  std::vector<std::string> overrides;  ///< "key=value" each, on top of it
  std::filesystem::path perceptual;    ///< networks of the content losses; empty: none
  std::filesystem::path expression;    ///< what makes descriptors of facial points; empty: none
};

/// Reads `name`, `model`, `personalise`, `set`, `perceptual` and `expression` of each `[[system]]`; files are relative to the TOML file, or
/// models by find_model(). Throws Error: not_found, and invalid naming what is missing, unknown or there twice.
std::vector<SystemEntry> read_systems(const std::filesystem::path& toml);

}  // namespace reenact::training
