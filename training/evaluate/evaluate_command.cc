// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/spdlog.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "offline/atomic_file.h"
#include "offline/command_line_options.h"
#include "offline/contact_sheet.h"
#include "reenact/error.h"
#include "torch/device.h"
#include "training/commands.h"
#include "training/evaluate/clip_evaluation.h"
#include "training/evaluate/evaluate_commands.h"
#include "training/evaluate/follow_evaluation.h"
#include "training/evaluate/identity_evaluation.h"
#include "training/evaluate/plane_plot.h"
#include "training/evaluate/report.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

struct EvaluationArguments {
  DrivenHeadsOptions heads;
  std::string recogniser = "recogniser.safetensors", landmarks = "landmarks.safetensors";
  std::string pose_mode = "auto", label;
  fs::path output;
  std::size_t frames = 0;
};

struct PlaneArguments {
  std::vector<fs::path> lines;
  fs::path output;
};

DrivenHeads heads_of(EvaluationArguments& arguments) {
  static const std::map<std::string, PoseMode> modes = {
      {"absolute", PoseMode::absolute}, {"relative", PoseMode::relative}, {"auto", PoseMode::automatic}};
  const auto mode = modes.find(arguments.pose_mode);
  if (mode == modes.end())
    throw Error(ErrorCode::invalid,
                "--pose-mode is '" + arguments.pose_mode + "', wanted absolute, relative or auto");
  arguments.heads.mode = mode->second;
  use_threads(arguments.heads.engine);
  return DrivenHeads(arguments.heads);
}

/// One line of JSON on stdout and the sheet in the output folder.
void give_out(const HeadReport& report, const char* command, const EvaluationArguments& arguments,
              const DrivenHeads& heads, const char* sheet) {
  nlohmann::json line = report.figures;
  line["command"] = command;
  line["label"] = arguments.label.empty() ? arguments.heads.model.stem().string() + " " + arguments.pose_mode
                                          : arguments.label;
  line["model"] = arguments.heads.model.filename().string();
  line["pose_mode"] = arguments.pose_mode;
  line["engine"] = heads.active_engine();
  if (!arguments.output.empty()) {
    fs::create_directories(arguments.output);
    write_png(arguments.output / sheet, report.sheet);
  }
  print_line(line);
}

void run_identity(EvaluationArguments& arguments) {
  const auto device = device_from(arguments.heads.engine.device);
  auto recogniser = load_recogniser(arguments.recogniser, device);
  auto landmarks = load_landmark_network(arguments.landmarks, device);
  auto heads = heads_of(arguments);
  const auto report = evaluate_identity(heads, recogniser, landmarks, arguments.frames);
  give_out(report, "evaluate identity", arguments, heads, "identity.png");
  const auto& figures = report.figures;
  spdlog::info(
      "nearer to the identity than to the driver in {:.1f} % of {} heads, distances {:.3f} and {:.3f}",
      100 * figures["nearer_to_identity"]["mean"].get<double>(), figures["frames"].get<int>(),
      figures["distance_to_identity"]["mean"].get<double>(),
      figures["distance_to_driver"]["mean"].get<double>());
}

void run_follow(EvaluationArguments& arguments) {
  auto landmarks = load_landmark_network(arguments.landmarks, device_from(arguments.heads.engine.device));
  auto heads = heads_of(arguments);
  const auto report = evaluate_follow(heads, landmarks, arguments.frames);
  give_out(report, "evaluate follow", arguments, heads, "follow.png");
  if (report.figures.contains("follow"))
    spdlog::info("correlation with the driver {:.3f}, mean over the movements",
                 report.figures["follow"]["mean"].get<double>());
}

struct ClipsArguments {
  fs::path original, poses, sheet;
  std::vector<fs::path> others;
  std::string landmarks = "landmarks.safetensors";
  EngineOptions engine;
  std::size_t frames = 0, sheet_rows = 3;
};

void run_clips(const ClipsArguments& arguments) {
  use_threads(arguments.engine);
  auto landmarks = load_landmark_network(arguments.landmarks, device_from(arguments.engine.device));
  const auto report = evaluate_clips(landmarks, load_pose_track(arguments.poses), arguments.original,
                                     arguments.others, arguments.frames, arguments.sheet_rows);
  if (!arguments.sheet.empty()) write_png(arguments.sheet, report.sheet);
  for (nlohmann::json line : report.figures["clips"]) {
    line["command"] = "evaluate clips";
    line["original"] = report.figures["original"];
    print_line(line);
  }
}

void run_plane(const PlaneArguments& arguments) {
  std::vector<nlohmann::json> lines;
  for (const auto& path : arguments.lines) {
    std::ifstream file(path);
    if (!file)
      throw Error(ErrorCode::not_found, "'" + path.string() + "' cannot be read, wanted lines of JSON");
    for (std::string text; std::getline(file, text);) {
      if (text.empty()) continue;
      auto line = nlohmann::json::parse(text, nullptr, false);
      if (line.is_discarded())
        throw Error(ErrorCode::corrupt,
                    "'" + path.string() + "' has the line '" + text.substr(0, 60) +
                        "', wanted JSON that `evaluate identity` or `evaluate follow` printed");
      lines.push_back(std::move(line));
    }
  }
  const auto points = plane_points(lines);
  const auto svg = plane_plot(points);
  write_file_atomically(arguments.output, std::as_bytes(std::span(svg)));
  spdlog::info("{} points in {}", points.size(), arguments.output.string());
}

void add_head_options(CLI::App& command, EvaluationArguments& arguments) {
  command.add_option("--model", arguments.heads.model, "Reenactor that draws")
      ->option_text("FILE")
      ->capture_default_str();
  command.add_option("--landmarks", arguments.landmarks, "Landmark network, of `reenact-train landmarks`")
      ->option_text("FILE")
      ->capture_default_str();
  command.add_option("--data", arguments.heads.data, "Data folder; the clips of its split val drive")
      ->option_text("FOLDER")
      ->required();
  command
      .add_option(
          "--identity", arguments.heads.identities,
          "Identity files; FILE=PERSON for one made of somebody of split val, else the identity's own picture "
          "is what the model draws at rest")
      ->option_text("FILE[=PERSON] ...");
  command
      .add_option("--learn", arguments.heads.learn,
                  "So many people of split val become identities too, each by one frame")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      .add_option("--pose-mode", arguments.pose_mode, "absolute, relative or auto, as the elements take it")
      ->capture_default_str();
  command.add_option("--drivers", arguments.heads.drivers, "At most so many clips; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--label", arguments.label,
                     "Name of the point in the plane; model and pose mode without it");
  command.add_option("--output", arguments.output, "Folder for a contact sheet")->option_text("FOLDER");
  add_engine_options(command, arguments.heads.engine);
}

}  // namespace

void use_threads(const EngineOptions& engine) {
  if (engine.threads > 0) at::set_num_threads(engine.threads);
}

CLI::App* add_evaluate_command(CLI::App& parent) {
  auto* command =
      parent.add_subcommand("evaluate", "Measures drawn heads: whose they are and how well they follow");
  command->require_subcommand(1);

  auto* identity = command->add_subcommand(
      "identity", "Distance of drawn heads to the identity and to the driver; prints one line of JSON");
  auto of_identity = std::make_shared<EvaluationArguments>();
  of_identity->frames = 16;
  add_head_options(*identity, *of_identity);
  identity
      ->add_option("--recogniser", of_identity->recogniser, "Face recogniser, of `reenact-train recogniser`")
      ->option_text("FILE")
      ->capture_default_str();
  identity->add_option("--frames", of_identity->frames, "Frames of each clip, spread evenly; 0: all")
      ->capture_default_str();
  identity->callback([of_identity] { run_identity(*of_identity); });

  auto* follow = command->add_subcommand(
      "follow", "Correlation of drawn heads with the driver, movement by movement; prints one line of JSON");
  auto of_follow = std::make_shared<EvaluationArguments>();
  add_head_options(*follow, *of_follow);
  follow->add_option("--frames", of_follow->frames, "Frames of each clip from its start; 0: all")
      ->capture_default_str();
  follow->callback([of_follow] { run_follow(*of_follow); });

  auto* clips = command->add_subcommand(
      "clips",
      "How far landmarks move in clips that were coded or drawn from another; prints a line of JSON a clip");
  auto of_clips = std::make_shared<ClipsArguments>();
  clips->add_option("original", of_clips->original, "The clip they show")->option_text("CLIP")->required();
  clips->add_option("others", of_clips->others, "Clips of the same frames")
      ->option_text("CLIP ...")
      ->required();
  clips->add_option("--poses", of_clips->poses, "Pose track of the original, for the windows of its faces")
      ->option_text("FILE")
      ->required();
  clips->add_option("--landmarks", of_clips->landmarks, "Landmark network, of `reenact-train landmarks`")
      ->option_text("FILE")
      ->capture_default_str();
  clips->add_option("--frames", of_clips->frames, "Frames from the start; 0: all")->capture_default_str();
  clips->add_option("--sheet", of_clips->sheet, "PNG with the faces side by side")->option_text("FILE");
  clips->add_option("--sheet-rows", of_clips->sheet_rows, "Frames on the sheet, spread evenly")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_engine_options(*clips, of_clips->engine);
  clips->callback([of_clips] { run_clips(*of_clips); });

  auto* plane =
      command->add_subcommand("plane", "Plot of identity against motion from the lines of the other two");
  auto of_plane = std::make_shared<PlaneArguments>();
  plane->add_option("lines", of_plane->lines, "Files with such lines")->option_text("FILE ...")->required();
  plane->add_option("--output", of_plane->output, "SVG file to write")->option_text("FILE")->required();
  plane->callback([of_plane] { run_plane(*of_plane); });

  add_figure3_command(*command);
  add_retrieval_command(*command);
  add_keypoints_command(*command);
  add_interpolate_command(*command);
  add_smoothness_command(*command);
  return command;
}

}  // namespace reenact::training
