// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <utility>
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
  std::vector<std::string> blend;
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
  for (const auto& source : sources) {
    std::size_t faceless = 0;
    const auto pictures = spread_pictures(source, per_source);
    for (const auto& picture : pictures) {
      // Pictures far apart in time say nothing about each other's box.
      cropper.reset();
      cv::Mat crop = cropper.crop(picture, size, 0);
      crop.empty() ? void(++faceless) : crops.push_back(crop.clone());
    }
    if (faceless > 0)
      spdlog::warn("no face in {} of {} pictures of '{}'", faceless, pictures.size(), source.string());
  }
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

/// "FILE:WEIGHT" or "FILE", which weighs 1.
std::pair<fs::path, double> parse_blend(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return {text, 1.0};
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
                "--blend has the argument '" + text + "', wanted FILE:WEIGHT with a weight above 0");
  return {text.substr(0, colon), weight};
}

void add_weighted(std::vector<float>& sum, const std::vector<float>& values, double weight) {
  sum.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) sum[i] += static_cast<float>(weight * values[i]);
}

/// A head drawn in the blend's own resting pose.
cv::Mat draw_thumbnail(const Identity& identity, const Arguments& arguments) {
  auto generator = load_generator(find_model(arguments.model), arguments.engine);
  generator->set_identity(std::make_shared<const Identity>(identity));
  const cv::Mat rgba = generator->generate(identity.neutral_pose, AlphaMode::premultiplied);
  cv::Mat rgb(rgba.size(), CV_8UC3);
  cv::mixChannels({rgba}, {rgb}, {0, 0, 1, 1, 2, 2});
  return rgb;
}

Identity blended_identity(const Arguments& arguments, nlohmann::json& provenance) {
  std::vector<std::pair<fs::path, double>> parts;
  double total = 0;
  for (const auto& text : arguments.blend) {
    parts.push_back(parse_blend(text));
    total += parts.back().second;
  }
  Identity blend;
  bool all_have_poses = true;
  provenance["blend"] = nlohmann::json::array();
  for (const auto& [path, weight] : parts) {
    const auto part = load_identity(path);
    const double share = weight / total;
    if (!blend.embedding.empty() && part->embedding.size() != blend.embedding.size())
      throw Error(ErrorCode::wrong_kind, "'" + path.string() + "' has an embedding of " +
                                             std::to_string(part->embedding.size()) + " values, wanted " +
                                             std::to_string(blend.embedding.size()) + " as in '" +
                                             parts.front().first.string() + "'");
    if (part->personal_weights)
      throw Error(
          ErrorCode::wrong_kind,
          "'" + path.string() + "' holds weights of one person's own generator, which cannot be blended");
    add_weighted(blend.embedding, part->embedding, share);
    all_have_poses = all_have_poses && !part->neutral_pose.empty() &&
                     (blend.neutral_pose.empty() || blend.neutral_pose.size() == part->neutral_pose.size());
    if (all_have_poses) add_weighted(blend.neutral_pose, part->neutral_pose, share);
    provenance["blend"].push_back({{"identity", part->name}, {"licence", part->licence}, {"share", share}});
    if (blend.licence.empty()) blend.licence = part->licence;
    if (blend.licence != part->licence && arguments.licence.empty())
      throw Error(ErrorCode::invalid, "'" + path.string() + "' has the licence '" + part->licence +
                                          "' and '" + parts.front().first.string() + "' '" + blend.licence +
                                          "', wanted --licence for the blend");
  }
  if (!all_have_poses) blend.neutral_pose.clear();
  if (!arguments.model.empty() && !blend.neutral_pose.empty())
    blend.thumbnail = draw_thumbnail(blend, arguments);
  return blend;
}

void run(const Arguments& arguments) {
  if (arguments.sources.empty() == arguments.blend.empty())
    throw Error(ErrorCode::invalid, "wanted either pictures of one person or --blend, found " +
                                        std::string(arguments.blend.empty() ? "neither" : "both"));

  nlohmann::json provenance = nlohmann::json::object();
  Identity identity = arguments.blend.empty() ? identity_of_pictures(arguments, provenance)
                                              : blended_identity(arguments, provenance);
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
  auto* command = parent.add_subcommand(
      "identity", "Make an identity file from pictures or clips of one person, or blend several identities");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("sources", arguments->sources, "Pictures, folders of pictures and clips of one person");
  command
      ->add_option("--model", arguments->model,
                   "Reenactor model; reenactor.safetensors without it. A blend is drawn for its thumbnail if "
                   "it is given")
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
  command
      ->add_option(
          "--blend", arguments->blend,
          "Identity file and its weight; may be repeated. The blend of several people is nobody real")
      ->option_text("FILE:WEIGHT");
  add_cropper_options(*command, arguments->cropper);
  add_engine_options(*command, arguments->engine);
  command->callback([arguments] { run(*arguments); });
  return command;
}

}  // namespace reenact::tools
