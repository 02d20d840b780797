// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "offline/command_line_options.h"
#include "offline/picture_source.h"
#include "reenact/engine.h"
#include "reenact/error.h"
#include "reenact/face_cropper.h"
#include "reenact/identity.h"
#include "reenact/model_file.h"
#include "tools/commands.h"

namespace reenact::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char* default_model = "reenactor.safetensors";

struct Arguments {
  std::vector<fs::path> sources;
  std::vector<std::string> blend;  ///< of an old call
  std::string model;
  fs::path output, thumbnail, neutral;
  std::string name, consent, licence;
  int pictures_per_clip = 32;
  FaceCropperOptions cropper;
  EngineOptions engine;
};

using Pose = std::vector<float>;

/// The pose nearest to the mean of all: a real resting face where a mean of descriptors may be none.
std::size_t most_central(const std::vector<Pose>& poses) {
  Pose mean(poses.front().size());
  for (const auto& pose : poses)
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += pose[i] / static_cast<float>(poses.size());
  std::size_t nearest = 0;
  double shortest = std::numeric_limits<double>::max();
  for (std::size_t n = 0; n < poses.size(); ++n) {
    double distance = 0;
    for (std::size_t i = 0; i < mean.size(); ++i) distance += std::pow(poses[n][i] - mean[i], 2);
    if (distance < shortest) {
      shortest = distance;
      nearest = n;
    }
  }
  return nearest;
}

std::vector<cv::Mat> crops_of(const std::vector<fs::path>& sources, int per_source, FaceCropper& cropper,
                              int size) {
  std::vector<cv::Mat> crops;
  SpreadReader reader;
  for (const auto& source : sources) {
    std::size_t faceless = 0;
    const auto pictures = reader.read(source, per_source);
    for (const auto& picture : pictures) {
      if (picture.empty()) continue;
      // Pictures far apart in time say nothing about each other's box.
      cropper.reset();
      cv::Mat crop = cropper.crop(picture, size, 0);
      crop.empty() ? void(++faceless) : crops.push_back(crop.clone());
    }
    if (faceless > 0)
      spdlog::warn("no face in {} of {} pictures of '{}'", faceless, pictures.size(), source.string());
  }
  reader.require_one();
  if (crops.empty())
    throw Error(ErrorCode::invalid, "found no face in '" + sources.front().string() +
                                        (sources.size() > 1 ? "' and the other sources" : "'") +
                                        ", wanted at least one picture with a face");
  return crops;
}

Identity identity_of_pictures(const Arguments& arguments, nlohmann::json& provenance) {
  const fs::path model = find_model(arguments.model.empty() ? default_model : arguments.model);
  auto identity_encoder = load_identity_encoder(model, arguments.engine);
  auto pose_encoder = load_pose_encoder(model, arguments.engine);
  FaceCropper cropper(arguments.cropper, arguments.engine);
  const auto crops =
      crops_of(arguments.sources, arguments.pictures_per_clip, cropper, identity_encoder->image_size());

  Identity identity;
  identity.embedding = identity_encoder->encode(crops);
  std::vector<Pose> poses;
  auto pose_of = [&](const cv::Mat& crop) {
    Pose pose(static_cast<std::size_t>(pose_encoder->embedding_size()));
    pose_encoder->encode(crop, pose);
    return pose;
  };
  for (const auto& crop : crops) poses.push_back(pose_of(crop));
  const std::size_t central = most_central(poses);
  identity.neutral_pose = poses[central];
  identity.thumbnail = crops[central];
  if (!arguments.neutral.empty()) {
    const auto neutral = crops_of({arguments.neutral}, 1, cropper, identity_encoder->image_size());
    identity.neutral_pose = pose_of(neutral.front());
  }
  provenance["model"] = model.filename().string();
  provenance["pictures"] = crops.size();
  spdlog::info("identity of {} pictures, {} by {}", crops.size(), identity_encoder->active_engine(),
               identity_encoder->active_device());
  return identity;
}

void run(const Arguments& arguments) {
  if (!arguments.blend.empty())
    throw Error(ErrorCode::invalid,
                "identity no longer has --blend: use blend FILE:WEIGHT FILE:WEIGHT --output FILE");
  if (arguments.sources.empty())
    throw Error(ErrorCode::invalid, "identity was given no sources, wanted pictures or clips of one person");

  nlohmann::json provenance = nlohmann::json::object();
  Identity identity = identity_of_pictures(arguments, provenance);
  identity.name = arguments.name.empty() ? arguments.output.stem().string() : arguments.name;
  if (!arguments.consent.empty()) identity.consent = arguments.consent;
  if (!arguments.licence.empty()) identity.licence = arguments.licence;
  if (!arguments.thumbnail.empty()) identity.thumbnail = read_rgb(arguments.thumbnail);
  if (!arguments.output.parent_path().empty()) {
    std::error_code error;
    fs::create_directories(arguments.output.parent_path(), error);
  }
  save_identity(arguments.output, identity, provenance);
}

}  // namespace

CLI::App* add_identity_command(CLI::App& parent) {
  auto* command =
      parent.add_subcommand("identity", "Make an identity file from pictures or clips of one person");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("sources", arguments->sources, "Pictures, folders of pictures and clips of one person");
  command->add_option("--model", arguments->model, "Reenactor model; reenactor.safetensors without it")
      ->option_text("FILE");
  command->add_option("--output", arguments->output, "Identity file to write")
      ->option_text("FILE")
      ->required();
  command->add_option("--name", arguments->name, "Name shown to people; the file's name without it");
  command->add_option("--consent", arguments->consent, "Who agreed to what, in your own words");
  command->add_option("--licence,--license", arguments->licence, "SPDX expression or a sentence");
  command
      ->add_option("--thumbnail", arguments->thumbnail, "Picture to show; the most typical crop without it")
      ->option_text("IMAGE");
  command
      ->add_option(
          "--neutral", arguments->neutral,
          "Picture of the resting face, the reference of relative pose; the most typical crop without it")
      ->option_text("IMAGE");
  command
      ->add_option("--pictures-per-clip", arguments->pictures_per_clip,
                   "Pictures taken from each clip or folder, evenly spread")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  // What was an option is a command now; its former name, in no help, leads there.
  command->add_option("--blend", arguments->blend)->group("");
  add_cropper_options(*command, arguments->cropper);
  add_engine_options(*command, arguments->engine);
  command->callback([arguments] { run(*arguments); });
  return command;
}

}  // namespace reenact::tools
