// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "reenact/error.h"
#include "reenact/model_file.h"
#include "training/commands.h"
#include "training/data/descriptor_file.h"
#include "training/data/frame_descriptors.h"
#include "training/data/head_clip_reader.h"
#include "training/data/landmark_expression.h"
#include "training/data/parallel.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

// Landmarks of clips that were published cut tighter are placed by whole pixels of it.
constexpr int described_side = 256;

struct DescribeArguments {
  fs::path data, fit, by, output;
  bool any_licence = false;
  std::string licence;
};

/// The faces of a data folder that have landmarks.
struct LabelledFaces {
  std::vector<std::string> names;  // "<clip>/<frame>"
  std::vector<LandmarkExpression::Face> landmarks;
  std::vector<std::int64_t> people;
  std::vector<bool> learned_from;
};

/// Ids of the clips and stills that models learn from.
std::set<std::string> ids_to_learn_from(const fs::path& folder, bool any_licence) {
  std::set<std::string> ids;
  const HeadClipReader reader(folder, described_side, {"train", !any_licence, true, 1});
  for (const auto& entry : reader.entries()) ids.insert(entry.id);
  return ids;
}

LabelledFaces read_faces(const DescribeArguments& arguments) {
  const auto learned_from = ids_to_learn_from(arguments.data, arguments.any_licence);
  std::map<std::string, std::int64_t> people;
  LabelledFaces faces;
  for (const char* split : {"train", "val"}) {
    HeadClipReader reader(arguments.data, described_side, {split, false, true, 1});
    const auto& entries = reader.entries();
    std::vector<std::vector<LandmarkExpression::Face>> landmarks(entries.size());
    for_each_in_parallel(entries.size(), [&](std::size_t i) {
      if (const auto clip = reader.read(entries[i]))
        for (const auto& frame : clip->frames) landmarks[i].push_back(frame.landmarks);
    });
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const auto number = static_cast<std::int64_t>(people.size());
      const auto person = people.emplace(entries[i].person, number).first->second;
      for (std::size_t frame = 0; frame < landmarks[i].size(); ++frame) {
        if (landmarks[i][frame].empty()) continue;
        faces.names.push_back(frame_name(entries[i].id, frame));
        faces.landmarks.push_back(std::move(landmarks[i][frame]));
        faces.people.push_back(person);
        faces.learned_from.push_back(learned_from.count(entries[i].id) > 0);
      }
    }
  }
  if (faces.names.empty())
    throw Error(ErrorCode::invalid,
                "'" + arguments.data.string() + "' has no frame with landmarks, wanted some to describe");
  return faces;
}

LandmarkExpression fit_expression(const DescribeArguments& arguments, const LabelledFaces& faces) {
  std::vector<LandmarkExpression::Face> landmarks;
  std::vector<std::int64_t> people;
  for (std::size_t i = 0; i < faces.names.size(); ++i) {
    if (!faces.learned_from[i]) continue;
    landmarks.push_back(faces.landmarks[i]);
    people.push_back(faces.people[i]);
  }
  if (landmarks.empty())
    throw Error(ErrorCode::invalid, "'" + arguments.data.string() +
                                        "' has no frame of split train with landmarks to learn from, wanted "
                                        "some, or --any-licence");
  auto expression = LandmarkExpression::fit(landmarks, people);
  ModelInfo info;
  info.licence = arguments.licence;
  info.provenance = nlohmann::json{{"command", "reenact-train describe"}, {"frames", landmarks.size()}};
  if (!arguments.fit.parent_path().empty()) fs::create_directories(arguments.fit.parent_path());
  expression.write(arguments.fit, info);
  spdlog::info("wrote {}, made of {} frames", arguments.fit.string(), landmarks.size());
  return expression;
}

void describe(const DescribeArguments& arguments) {
  if (arguments.fit.empty() == arguments.by.empty())
    throw Error(
        ErrorCode::invalid,
        "what describes faces is not told, wanted either --fit or --by to name a file of kind expression");
  std::unique_ptr<LandmarkExpression> expression;
  if (!arguments.by.empty())
    expression = std::make_unique<LandmarkExpression>(find_model(arguments.by.string()));
  const auto faces = read_faces(arguments);
  if (!expression) expression = std::make_unique<LandmarkExpression>(fit_expression(arguments, faces));
  const auto rows = expression->describe(faces.landmarks);
  DescriptorFile file;
  file.scale = expression->scale();
  for (std::size_t i = 0; i < rows.size(); ++i) file.vectors[faces.names[i]] = rows[i];
  ModelInfo info;
  info.licence = arguments.licence;
  info.config = JsonObject(R"({"source":"landmarks68"})");
  info.provenance = nlohmann::json{
      {"command", "reenact-train describe"},
      {"expression", (arguments.by.empty() ? arguments.fit : arguments.by).filename().string()}};
  if (!arguments.output.parent_path().empty()) fs::create_directories(arguments.output.parent_path());
  write_descriptor_file(arguments.output, file, info);
  spdlog::info("wrote {}, {} frames", arguments.output.string(), rows.size());
}

}  // namespace

CLI::App* add_describe_command(CLI::App& parent) {
  auto* command = parent.add_subcommand(
      "describe",
      "Describe a data folder's frames by rotation and expression of their landmarks, for 3DMM+ without a "
      "morphable model");
  auto a = std::make_shared<DescribeArguments>();
  command->add_option("data", a->data, "Data folder with clips.tsv")->option_text("FOLDER")->required();
  command
      ->add_option("--fit", a->fit,
                   "File of kind expression to write, learned from the frames of split train")
      ->option_text("FILE");
  command->add_option("--by", a->by, "File of kind expression to describe by")->option_text("FILE");
  command->add_option("--output", a->output, "Descriptors file to write")->option_text("FILE")->required();
  command->add_flag("--any-licence,--any-license", a->any_licence,
                    "Learn from rows too that models to be shipped do not learn from");
  command->add_option("--licence,--license", a->licence,
                      "SPDX expression or a sentence, kept in the files written");
  command->callback([a] { describe(*a); });
  return command;
}

}  // namespace reenact::training
