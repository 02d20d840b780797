// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/spdlog.h>

#include <memory>
#include <opencv2/core/utility.hpp>
#include <thread>

#include "offline/command_line_options.h"
#include "offline/stop_signal.h"
#include "reenact/model_file.h"
#include "tools/commands.h"
#include "tools/prepare/prepare_run.h"

namespace reenact::tools {
namespace {

constexpr const char* default_segmenter = "segmenter.safetensors";

struct Arguments {
  PrepareOptions options;
  std::string shard = "1/1", segmenter = default_segmenter;
  int jobs = 0;
};

/// Empty where there is none and none was asked for.
std::string segmenter_path(const std::string& name) {
  if (name == "none") return {};
  try {
    return find_model(name).string();
  } catch (const Error& error) {
    if (name != default_segmenter || error.code() != ErrorCode::not_found) throw;
    spdlog::warn("there is no {}: masks are white, so that everything counts as the person",
                 default_segmenter);
    return {};
  }
}

void run(const Arguments& arguments) {
  auto options = arguments.options;
  options.shard = parse_shard(arguments.shard);
  options.clip.segmenter = segmenter_path(arguments.segmenter);
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  options.jobs = arguments.jobs > 0 ? arguments.jobs : cores;
  // Threads within a picture and over pictures would only get into each other's way.
  if (options.jobs > 1 && options.clip.engine.threads == 0) options.clip.engine.threads = 1;
  if (options.clip.engine.threads > 0) cv::setNumThreads(options.clip.engine.threads);

  const StopSignal stop;
  const auto summary = prepare_data(options, [&stop] { return stop.requested(); });
  const auto& totals = summary.totals;
  spdlog::info(
      "{} sources made, {} were there, {} failed; '{}' now holds {} clips of {} people, {} of {} pictures",
      summary.made, summary.resumed, summary.failed, options.output.string(), totals.clips, totals.people,
      totals.kept, totals.taken);
  if (summary.stopped) spdlog::warn("stopped; the same command goes on from here");
  if (!options.ship)
    spdlog::info("trained on with --set data.only_shippable=false; --ship marks media with a free licence");
  if (totals.clips == 0 && !summary.stopped)
    throw Error(ErrorCode::invalid,
                "no clip could be made; '" + (options.output / "report.md").string() + "' tells why");
}

}  // namespace

CLI::App* add_prepare_command(CLI::App& parent) {
  auto* command = parent.add_subcommand(
      "prepare", "Makes training data of clips, folders of pictures, or a tree of them (VoxCeleb2)");
  auto arguments = std::make_shared<Arguments>();
  auto& options = arguments->options;
  auto& survey = options.clip.survey;
  command
      ->add_option(
          "sources", options.sources,
          "Clips, folders of pictures of one person, or folders that hold these; the folder right below "
          "one that is given names the person")
      ->required();
  command
      ->add_option("--output", options.output, "Folder of the data set; what it holds is kept and added to")
      ->option_text("DIR")
      ->required();
  command->add_option("--prefix", options.prefix, "Put before ids and people, to keep collections apart")
      ->option_text("NAME");
  command->add_option("--every", survey.every, "Take one of so many pictures")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command->add_option("--size", options.clip.size, "Side of the crops, pixels")
      ->check(CLI::Range(32, 2048))
      ->capture_default_str();
  command
      ->add_option("--least-face", survey.least_face, "Drop faces smaller than this, longer side in pixels")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--least-sharpness", survey.least_sharpness,
                   "Drop faces more blurred than this, variance of the Laplacian at 128 pixels")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--segmenter", arguments->segmenter,
                   "Segmenter model that draws the masks; \"none\", and where there is none: white masks")
      ->option_text("FILE")
      ->capture_default_str();
  command
      ->add_option("--validation-share", options.validation_share,
                   "Share of the people that becomes split val, 0 to 1")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_flag("--ship", options.ship, "The media's licence lets models trained on them be given away");
  command->add_option("--licence,--license", options.licence, "Licence of the media, for the table");
  command->add_option("--jobs", arguments->jobs, "Sources at a time; 0: as many as there are cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_option("--shard", arguments->shard, "Only the i-th of n equal parts, for several machines")
      ->option_text("i/n");
  add_cropper_options(*command, options.clip.cropper);
  add_engine_options(*command, options.clip.engine);
  command->callback([arguments] { run(*arguments); });
  return command;
}

}  // namespace reenact::tools
