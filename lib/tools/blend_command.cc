// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "media/picture_file.h"
#include "offline/command_line_options.h"
#include "reenact/engine.h"
#include "reenact/error.h"
#include "reenact/identity.h"
#include "reenact/model_file.h"
#include "tools/commands.h"

namespace reenact::tools {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::vector<std::string> parts;
  std::string model;
  fs::path output;
  std::string name, consent, licence;
  EngineOptions engine;
};

struct Part {
  fs::path path;
  double share;  ///< of the blend; all shares sum to 1
  std::shared_ptr<const Identity> identity;
};

/// "FILE:WEIGHT" or "FILE", which weighs 1. A file whose own name has a colon is found as it is.
std::pair<fs::path, double> parse_part(const std::string& text) {
  const auto colon = text.rfind(':');
  std::error_code error;
  if (colon == std::string::npos || fs::exists(text, error)) return {text, 1.0};
  const std::string digits = text.substr(colon + 1);
  std::size_t used = 0;
  double weight = 0;
  try {
    weight = std::stod(digits, &used);
  } catch (const std::exception&) {
    used = std::string::npos;
  }
  if (used != digits.size() || !std::isfinite(weight) || weight <= 0)
    throw Error(ErrorCode::invalid,
                "blend has the argument '" + text + "', wanted FILE or FILE:WEIGHT with a weight above 0");
  return {text.substr(0, colon), weight};
}

std::vector<Part> load_parts(const std::vector<std::string>& texts) {
  std::vector<Part> parts;
  double total = 0;
  for (const auto& text : texts) {
    const auto [path, weight] = parse_part(text);
    parts.push_back({path, weight, load_identity(path)});
    total += weight;
  }
  if (parts.size() < 2)
    throw Error(ErrorCode::invalid, "blend has the single part '" + parts.front().path.string() +
                                        "', wanted at least two: a blend of one is that person");
  const Part& first = parts.front();
  for (auto& part : parts) {
    part.share /= total;
    const auto size = part.identity->embedding.size(), wanted = first.identity->embedding.size();
    if (size != wanted)
      throw Error(ErrorCode::wrong_kind, "'" + part.path.string() + "' has an embedding of " +
                                             std::to_string(size) + " values, wanted " +
                                             std::to_string(wanted) + " as in '" + first.path.string() + "'");
    if (part.identity->personal_weights)
      throw Error(ErrorCode::wrong_kind,
                  "'" + part.path.string() +
                      "' holds weights of one person's own generator, which cannot be blended");
  }
  return parts;
}

/// The licence that all parts have.
std::string common_licence(const std::vector<Part>& parts) {
  const auto& first = parts.front();
  for (const auto& part : parts)
    if (part.identity->licence != first.identity->licence)
      throw Error(ErrorCode::invalid, "'" + part.path.string() + "' has the licence '" +
                                          part.identity->licence + "' and '" + first.path.string() + "' '" +
                                          first.identity->licence + "', wanted --licence for the blend");
  return first.identity->licence;
}

/// Mean of one vector of each part by share; empty where a part lacks it or has it in another size.
std::vector<float> weighted_mean(const std::vector<Part>& parts, std::vector<float> Identity::*vector) {
  const std::size_t size = (*parts.front().identity.*vector).size();
  std::vector<double> sum(size);
  for (const auto& part : parts) {
    const auto& values = *part.identity.*vector;
    if (values.size() != size) return {};
    for (std::size_t i = 0; i < size; ++i) sum[i] += part.share * values[i];
  }
  return {sum.begin(), sum.end()};
}

/// A head drawn in the blend's own resting pose.
cv::Mat draw_thumbnail(const Identity& identity, const Arguments& arguments) {
  auto generator = load_generator(find_model(arguments.model), arguments.engine);
  generator->set_identity(std::make_shared<const Identity>(identity));
  return without_alpha(generator->generate(identity.neutral_pose, AlphaMode::premultiplied));
}

/// What the file tells of its parts: how many, their shares and licences. No name of a person, clip or file, since the
/// blend is to show nobody real.
nlohmann::json provenance_of(const std::vector<Part>& parts) {
  auto list = nlohmann::json::array();
  for (const auto& part : parts) list.push_back({{"share", part.share}, {"licence", part.identity->licence}});
  return {{"blend_of", parts.size()}, {"parts", list}};
}

void run(const Arguments& arguments) {
  const auto parts = load_parts(arguments.parts);
  Identity blend;
  blend.name = arguments.name.empty() ? arguments.output.stem().string() : arguments.name;
  blend.consent = arguments.consent;
  blend.licence = arguments.licence.empty() ? common_licence(parts) : arguments.licence;
  blend.embedding = weighted_mean(parts, &Identity::embedding);
  blend.neutral_pose = weighted_mean(parts, &Identity::neutral_pose);
  if (blend.neutral_pose.empty())
    spdlog::warn("the parts have no resting pose that can be averaged: '{}' gets none, and no thumbnail",
                 arguments.output.string());
  else if (!arguments.model.empty())
    blend.thumbnail = draw_thumbnail(blend, arguments);
  if (!arguments.output.parent_path().empty()) {
    std::error_code error;
    fs::create_directories(arguments.output.parent_path(), error);
  }
  save_identity(arguments.output, blend, provenance_of(parts));
}

}  // namespace

CLI::App* add_blend_command(CLI::App& parent) {
  auto* command =
      parent.add_subcommand("blend", "Make an identity file of nobody real out of several identities");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("parts", arguments->parts, "Identity files, each with its weight; 1 without one")
      ->option_text("FILE[:WEIGHT] ...")
      ->required();
  command->add_option("--output", arguments->output, "Identity file to write")
      ->option_text("FILE")
      ->required();
  command->add_option("--name", arguments->name, "Name shown to people; the file's name without it");
  command
      ->add_option("--model", arguments->model,
                   "Reenactor model that draws the thumbnail; no thumbnail without it")
      ->option_text("FILE");
  command->add_option("--consent", arguments->consent, "Who agreed to what, in your own words");
  command->add_option("--licence,--license", arguments->licence,
                      "SPDX expression or a sentence; what all parts have without it");
  add_engine_options(*command, arguments->engine);
  command->callback([arguments] { run(*arguments); });
  return command;
}

}  // namespace reenact::tools
