// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/compared_systems_options.h"

#include "offline/command_line_options.h"
#include "reenact/model_file.h"
#include "training/evaluate/evaluate_commands.h"

namespace reenact::training {

void add_compared_systems_options(CLI::App& command, ComparedSystemsArguments& arguments) {
  command.add_option("--systems", arguments.systems, "TOML file with a table [[system]] for each")
      ->option_text("FILE")
      ->required();
  command
      .add_option("--data", arguments.data,
                  "Folder of people: clips.tsv, or the released scripts' images-cropped")
      ->option_text("FOLDER")
      ->required();
  command
      .add_option(
          "--output", arguments.output,
          "Folder for report.md, pictures, learned people and the cache; a later run goes on from there")
      ->option_text("FOLDER")
      ->required();
  command
      .add_option("--landmarks", arguments.landmarks,
                  "Landmark network, of `reenact-train landmarks` or imported")
      ->option_text("FILE")
      ->capture_default_str();
  command
      .add_option("--driving-landmarks", arguments.driving_landmarks,
                  "Network of a face mesh for systems that are driven by facial points; default: --landmarks")
      ->option_text("FILE");
  command
      .add_option("--point-detector", arguments.point_detector,
                  "Detector whose boxes a FAN looks at; without one the middle of the crop")
      ->option_text("FILE");
  command.add_option("--people", arguments.people, "At most so many people; 0: all")->capture_default_str();
  command.add_option("--frames", arguments.frames, "Frames to learn from, and as many to drive with")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--steps", arguments.steps, "Steps of fine-tuning; 0: none, the identity encoder alone")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--seed", arguments.seed, "Of the fine-tuning")->capture_default_str();
  add_engine_options(command, arguments.engine);
}

ComparedSystems load_compared(const ComparedSystemsArguments& arguments, bool consecutive) {
  use_threads(arguments.engine);
  ComparedSystems compared;
  const auto entries = read_systems(arguments.systems);
  compared.people = read_compared_people(arguments.data, arguments.people, arguments.frames, consecutive);
  LearningPlan plan;
  plan.steps = arguments.steps;
  plan.seed = arguments.seed;
  plan.device = arguments.engine.device;
  plan.landmarks =
      find_model(arguments.driving_landmarks.empty() ? arguments.landmarks : arguments.driving_landmarks);
  for (const auto& entry : entries)
    compared.systems.push_back(std::make_unique<LearnedHeads>(entry, plan, arguments.output / "people"));
  if (!std::filesystem::is_directory(arguments.data / "images-cropped"))
    compared.reasons.push_back("the people are not VoxCeleb2's");
  return compared;
}

}  // namespace reenact::training
