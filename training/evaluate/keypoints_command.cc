// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "offline/command_line_options.h"
#include "reenact/error.h"
#include "training/evaluate/described_pictures.h"
#include "training/evaluate/evaluate_commands.h"
#include "training/evaluate/keypoint_pictures.h"
#include "training/evaluate/keypoint_regression.h"
#include "training/evaluate/report.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

struct KeypointArguments {
  std::string model = "reenactor.safetensors", layout;
  std::vector<std::string> features = {"pose,identity", "pose", "identity"};
  fs::path data, output;
  KeypointOptions regression;
  FaceCropperOptions cropper;
  EngineOptions engine;
};

/// The parts of "pose,identity".
std::vector<std::string> parts_of(const std::string& features) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= features.size();) {
    const auto comma = std::min(features.find(',', at), features.size());
    parts.push_back(features.substr(at, comma - at));
    if (parts.back() != "pose" && parts.back() != "identity")
      throw Error(ErrorCode::invalid,
                  "--features has '" + parts.back() + "', wanted pose, identity or pose,identity");
    at = comma + 1;
  }
  return parts;
}

/// Points in -1..1 of the window.
FivePoints points_in(const FivePoints& points, const cv::Rect2d& window) {
  FivePoints result;
  for (std::size_t i = 0; i < points.size(); ++i)
    result[i] = {static_cast<float>(2 * (points[i].x - window.x) / window.width - 1),
                 static_cast<float>(2 * (points[i].y - window.y) / window.height - 1)};
  return result;
}

std::vector<KeypointSample> samples_of(const std::vector<KeypointPicture>& pictures,
                                       const DescribedPictures& described,
                                       const std::vector<std::string>& parts) {
  std::vector<KeypointSample> samples;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (described.vectors[0][i].empty()) continue;
    KeypointSample sample;
    for (const auto& part : parts) {
      const auto& vector = described.vectors[part == "pose" ? 0 : 1][i];
      sample.features.insert(sample.features.end(), vector.begin(), vector.end());
    }
    sample.points = points_in(pictures[i].points, described.windows[i]);
    samples.push_back(std::move(sample));
  }
  return samples;
}

void run_keypoints(KeypointArguments& arguments) {
  use_threads(arguments.engine);
  for (const auto& features : arguments.features) parts_of(features);
  const auto data = read_keypoint_pictures(arguments.data, arguments.layout, arguments.regression.seed);
  arguments.cropper.already_cropped |= data.already_cropped;
  std::vector<std::unique_ptr<Describer>> describers;
  describers.push_back(pose_describer(arguments.model, arguments.engine));
  describers.push_back(identity_describer(arguments.model, arguments.engine));
  HeadCropReader reader(arguments.cropper, arguments.engine);
  const auto describe = [&](const std::vector<KeypointPicture>& pictures) {
    std::vector<fs::path> files;
    for (const auto& picture : pictures) files.push_back(picture.file);
    return describe_pictures(files, describers, reader, arguments.output / "cache");
  };
  const auto training = describe(data.training), test = describe(data.test);
  const auto left_out = test.faceless + test.unreadable;

  nlohmann::json line = {
      {"command", "evaluate keypoints"},
      {"layout", arguments.layout},
      {"model", fs::path(arguments.model).filename().string()},
      {"training_pictures", data.training.size() - training.faceless - training.unreadable},
      {"test_pictures", data.test.size() - left_out},
      {"left_out_of_test", left_out},
      {"hidden", arguments.regression.hidden},
      {"seed", arguments.regression.seed},
      {"features", nlohmann::json::array()}};
  std::vector<std::vector<std::string>> rows;
  for (const auto& features : arguments.features) {
    const auto parts = parts_of(features);
    const auto found = regress_keypoints(samples_of(data.training, training, parts),
                                         samples_of(data.test, test, parts), arguments.regression);
    const auto interval = bootstrap_mean(found.of_pictures);
    line["features"].push_back({{"features", features},
                                {"error", interval},
                                {"median", median_of(found.of_pictures)},
                                {"epochs", found.epochs},
                                {"parameters", found.parameters}});
    line["mean_face_error"] = found.mean_face_error;
    rows.push_back({features, std::to_string(found.parameters), in_words(interval, 2),
                    in_words(median_of(found.of_pictures), 2)});
  }
  rows.push_back({"none: the mean face", "", in_words(line["mean_face_error"].get<double>(), 2), ""});

  std::vector<std::string> reasons;
  if (arguments.layout == "stills") reasons.push_back("the pictures are not MAFL");
  Report report("Keypoints from descriptors (section 4.2)");
  report.paragraph(fmt::format(
      "{} pictures to learn from, {} to test on, {} of the test left out for want of a face; hidden layer of {}, seed {}. "
      "Mean distance of five points in per cent of the distance between the eyes, with its interval over the pictures. What "
      "the paper leaves open is chosen so: crops of 1.8 times the face box, points in -1..1 of the crop, mean squared error, "
      "Adam, the last tenth of the training pictures tells when to stop.",
      line["training_pictures"].get<std::size_t>(), line["test_pictures"].get<std::size_t>(), left_out,
      arguments.regression.hidden, arguments.regression.seed));
  report.paragraph(why_not_comparable(reasons));
  report.table({"features", "parameters", "error", "median"}, rows);
  report.paragraph("The paper, on the test set of MAFL:");
  report.table({"method", "error"},
               {{"Ours (pose and identity)", "2.63"}, {"FAb-Net", "3.44"}, {"[19] (Jakab et al.)", "2.54"}});
  report.write(arguments.output);
  line["comparable"] = reasons.empty();
  print_line(line);
  spdlog::info("{}", (arguments.output / "report.md").string());
}

}  // namespace

void add_keypoints_command(CLI::App& parent) {
  auto* command = parent.add_subcommand(
      "keypoints", "Regression of five points from descriptors, as on MAFL; prints one line of JSON");
  auto a = std::make_shared<KeypointArguments>();
  command->add_option("--model", a->model, "Reenactor whose encoders describe the pictures")
      ->option_text("FILE")
      ->capture_default_str();
  command->add_option("--data", a->data, "Folder of the pictures")->option_text("FOLDER")->required();
  command->add_option("--layout", a->layout, "mafl, mafl-wild or stills")->required();
  command->add_option("--output", a->output, "Folder for report.md and the cache")
      ->option_text("FOLDER")
      ->required();
  command
      ->add_option("--features", a->features, "What the points are read from: pose,identity, pose, identity")
      ->capture_default_str();
  command->add_option("--hidden", a->regression.hidden, "Width of the hidden layer; 0: none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--epochs", a->regression.most_epochs, "At most so many")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--seed", a->regression.seed, "Decides on the split of stills and on the order")
      ->capture_default_str();
  add_cropper_options(*command, a->cropper);
  add_engine_options(*command, a->engine);
  command->callback([a] { run_keypoints(*a); });
}

}  // namespace reenact::training
