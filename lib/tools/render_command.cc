// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "media/picture_file.h"
#include "offline/command_line_options.h"
#include "offline/picture_sink.h"
#include "offline/picture_source.h"
#include "reenact/compositor.h"
#include "reenact/engine.h"
#include "reenact/error.h"
#include "reenact/face_cropper.h"
#include "reenact/identity.h"
#include "reenact/landmark_head.h"
#include "reenact/model_file.h"
#include "reenact/pose_mapper.h"
#include "reenact/pose_track.h"
#include "tools/commands.h"
#include "tools/pose_source.h"

namespace reenact::tools {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string model = "reenactor.safetensors", identity;
  fs::path driver, output, pose_track;
  std::string background = "black", licence;
  PoseMode pose_mode = PoseMode::automatic;
  bool side_by_side = false;
  std::int64_t every = 1, limit = 0;
  FaceCropperOptions cropper;
  EngineOptions engine;

  Arguments() { cropper.finder = FaceFinder::Options(); }  // as reenactcrop follows a face
};

/// What stands behind the head.
class Background {
 public:
  /// "black", "transparent", a color "R,G,B" or an image file.
  Background(const std::string& text, int size) : transparent_(text == "transparent") {
    if (text == "black" || transparent_) return;
    if (const auto color = parse_color(text))
      picture_ = cv::Mat(size, size, CV_8UC3, *color);
    else
      cv::resize(read_rgb(text), picture_, {size, size}, 0, 0, cv::INTER_AREA);
  }

  /// The generator's picture for `pose` over this background: RGB, or straight RGBA when transparent.
  cv::Mat draw(Generator& generator, std::span<const float> pose) {
    if (transparent_) return generator.generate(pose, AlphaMode::straight).clone();
    if (!picture_.empty()) {
      cv::Mat result = picture_.clone();
      compositor_.blend(generator.generate(pose, AlphaMode::straight), {0, 0, result.cols, result.rows}, {},
                        result);
      return result;
    }
    // Black needs no compositing: the premultiplied colours are the authors' picture to the grey level.
    return without_alpha(generator.generate(pose, AlphaMode::premultiplied));
  }

  /// What is shown when there is no head.
  cv::Mat empty(int size) const {
    if (transparent_) return cv::Mat(size, size, CV_8UC4, cv::Scalar::all(0));
    return picture_.empty() ? cv::Mat(size, size, CV_8UC3, cv::Scalar::all(0)) : picture_.clone();
  }

 private:
  static std::optional<cv::Scalar> parse_color(const std::string& text) {
    std::istringstream stream(text);
    int red = -1, green = -1, blue = -1;
    char comma = 0, second_comma = 0;
    if (!(stream >> red >> comma >> green >> second_comma >> blue) || !(stream >> std::ws).eof() ||
        comma != ',' || second_comma != ',')
      return {};
    for (const int value : {red, green, blue})
      if (value < 0 || value > 255)
        throw Error(ErrorCode::invalid,
                    "--background has the color '" + text + "', wanted values from 0 to 255");
    return cv::Scalar(red, green, blue);
  }

  bool transparent_;
  cv::Mat picture_;
  Compositor compositor_;
};

cv::Mat beside(const cv::Mat& crop, const cv::Mat& head) {
  cv::Mat left(head.size(), head.type(), cv::Scalar::all(0));
  if (!crop.empty()) {
    cv::resize(crop, left, head.size(), 0, 0, cv::INTER_AREA);
    if (head.channels() == 4) cv::cvtColor(left, left, cv::COLOR_RGB2RGBA);
  }
  cv::Mat both;
  cv::hconcat(left, head, both);
  return both;
}

void run(const Arguments& arguments) {
  if (arguments.output.empty() && arguments.pose_track.empty())
    throw Error(ErrorCode::invalid, "found neither --output nor --pose-track, wanted at least one of them");
  if (!arguments.output.empty() && arguments.identity.empty())
    throw Error(ErrorCode::invalid, "--identity is missing, wanted the identity file of the head to draw");
  const fs::path model = find_model(arguments.model);
  PoseSources pose_sources(model, arguments.cropper, arguments.engine);
  const auto poses = pose_sources.open(arguments.driver);
  std::unique_ptr<Generator> generator;
  std::unique_ptr<Background> background;
  std::unique_ptr<PictureSink> sink;
  std::shared_ptr<const Identity> identity;
  PoseMapper mapper;
  if (!arguments.output.empty()) {
    generator = load_generator(model, arguments.engine);
    identity = load_identity(find_model(arguments.identity));
    generator->set_identity(identity);
    mapper.set_landmark_head(load_landmark_head(model));
    background = std::make_unique<Background>(arguments.background, generator->image_size());
    sink = open_sink(arguments.output, poses->frame_rate() / static_cast<double>(arguments.every));
  }

  PoseTrack track;
  track.licence = arguments.licence;
  track.provenance =
      nlohmann::json{{"model", model.filename().string()}, {"driver", arguments.driver.filename().string()}};
  std::int64_t read = 0, drawn = 0, faceless = 0;
  while (arguments.limit == 0 || drawn < arguments.limit) {
    const auto frame = poses->next();
    if (!frame) break;
    faceless += frame->held;
    if (read++ % arguments.every != 0) continue;
    ++drawn;
    if (!frame->pose.empty()) {
      track.poses.push_back(frame->pose);
      track.timestamps.push_back(frame->timestamp);
      if (frame->placement) track.placements.push_back(*frame->placement);
    }
    if (!sink) continue;
    cv::Mat head;
    if (frame->pose.empty()) {
      head = background->empty(generator->image_size());
    } else {
      const Sighting sighting{static_cast<double>(frame->timestamp) / 1e9, frame->face, frame->held};
      head = background->draw(
          *generator, mapper.map(frame->pose, identity->neutral_pose, arguments.pose_mode, 1, sighting));
    }
    sink->add(arguments.side_by_side ? beside(frame->crop, head) : head, frame->timestamp);
  }
  if (track.poses.empty())
    throw Error(ErrorCode::invalid, "found no face in '" + arguments.driver.string() +
                                        "', wanted at least one picture with a face");
  if (faceless > 0)
    spdlog::warn("no face in {} of {} pictures of '{}': the pose before was held", faceless, read,
                 arguments.driver.string());
  if (sink) sink->finish();
  if (!arguments.pose_track.empty()) save_pose_track(arguments.pose_track, track);
  spdlog::info("{} pictures{}", drawn,
               generator ? ", generator " + generator->active_engine() + " on " + generator->active_device()
                         : std::string());
}

}  // namespace

CLI::App* add_render_command(CLI::App& parent) {
  auto* command = parent.add_subcommand(
      "render",
      "Draw an identity's head in the poses of a picture, a clip or a pose track: the pipeline offline");
  auto arguments = std::make_shared<Arguments>();
  command
      ->add_option("driver", arguments->driver,
                   "Picture, folder of pictures, clip or pose track (.safetensors)")
      ->required();
  command->add_option("--model", arguments->model, "Reenactor model")
      ->option_text("FILE")
      ->capture_default_str();
  command->add_option("--identity", arguments->identity, "Identity file of the head to draw")
      ->option_text("FILE");
  command
      ->add_option(
          "--output", arguments->output,
          "Folder of pictures, or one .png with all of them side by side, or a clip: .mp4, .mov, .mkv or .avi")
      ->option_text("PATH");
  command->add_option("--pose-track", arguments->pose_track, "Record the poses into this file as well")
      ->option_text("FILE");
  command->add_option("--licence,--license", arguments->licence,
                      "Licence of the pose track, an SPDX expression or a sentence");
  command
      ->add_option("--background", arguments->background,
                   "black (color times mask, as the authors' pictures), transparent, R,G,B or an image file")
      ->capture_default_str();
  static const std::map<std::string, PoseMode> pose_modes = {
      {"absolute", PoseMode::absolute}, {"relative", PoseMode::relative}, {"auto", PoseMode::automatic}};
  command
      ->add_option(
          "--pose-mode", arguments->pose_mode,
          "auto (expression and bearing are the driver's, proportions the identity's), absolute (all as the "
          "driver's) or relative (motion as the driver's since the first picture)")
      ->transform(CLI::CheckedTransformer(pose_modes, CLI::ignore_case).description(""))
      ->option_text("MODE=auto");
  command->add_flag("--side-by-side", arguments->side_by_side, "Show the driving crop left of each head");
  command->add_option("--every", arguments->every, "Take one of so many pictures")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1000000}))
      ->capture_default_str();
  command->add_option("--limit", arguments->limit, "Stop after so many pictures; 0: at the end")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_cropper_options(*command, arguments->cropper);
  add_following_options(*command, arguments->cropper);
  add_engine_options(*command, arguments->engine);
  command->callback([arguments] { run(*arguments); });
  return command;
}

}  // namespace reenact::tools
