// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "media/picture_file.h"
#include "offline/command_line_options.h"
#include "offline/contact_sheet.h"
#include "reenact/error.h"
#include "reenact/identity.h"
#include "reenact/model_file.h"
#include "training/evaluate/evaluate_commands.h"
#include "training/evaluate/head_crop_reader.h"
#include "training/evaluate/measured_faces.h"
#include "training/evaluate/pose_path.h"
#include "training/evaluate/report.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

struct InterpolateArguments {
  std::string model = "reenactor.safetensors", identity, landmarks = "landmarks.safetensors",
              recogniser = "recogniser.safetensors";
  fs::path from, to, output;
  int steps = 8;
  std::vector<std::string> paths = {"sphere", "line"};
  FaceCropperOptions cropper;
  EngineOptions engine;
};

/// What a drawn path is judged by.
struct PathFigures {
  double step = 0, step_deviation = 0;         ///< of the landmarks, shares of the distance between the eyes
  double identity_ends = 0, identity_way = 0;  ///< 1 - csim to the heads at the ends
};

PathFigures figures_of(const std::vector<MeasuredFace>& faces,
                       const std::vector<std::vector<float>>& vectors) {
  std::vector<double> steps;
  for (std::size_t i = 1; i < faces.size(); ++i)
    if (faces[i - 1].found() && faces[i].found())
      steps.push_back(pose_error(faces[i - 1].points, faces[i].points));
  const std::vector<std::vector<float>> ends = {vectors.front(), vectors.back()};
  PathFigures figures;
  figures.step = mean_of(steps);
  figures.step_deviation = deviation_of(steps);
  figures.identity_ends = identity_error(ends, ends).csim;
  figures.identity_way = figures.identity_ends;
  if (vectors.size() > 2)
    figures.identity_way = identity_error(ends, {vectors.begin() + 1, vectors.end() - 1}).csim;
  return figures;
}

void run_interpolate(const InterpolateArguments& arguments) {
  use_threads(arguments.engine);
  const auto model = find_model(arguments.model);
  const auto encoder = load_pose_encoder(model, arguments.engine);
  const auto generator = load_generator(model, arguments.engine);
  FacePointFinder finder(arguments.landmarks, "", arguments.engine);
  FaceRecogniser recogniser(arguments.recogniser, arguments.engine);
  generator->set_identity(load_identity(find_model(arguments.identity)));
  HeadCropReader reader(arguments.cropper, arguments.engine);
  const auto pose_of = [&](const fs::path& path, cv::Mat& crop) {
    crop = reader.read(path).rgb;
    if (crop.empty())
      throw Error(ErrorCode::invalid,
                  "'" + path.string() + "' shows no face, wanted one to read a pose from");
    std::vector<float> pose(static_cast<std::size_t>(encoder->embedding_size()));
    encoder->encode(crop, pose);
    return pose;
  };
  cv::Mat first, last;
  const auto from = pose_of(arguments.from, first), to = pose_of(arguments.to, last);

  nlohmann::json line = {{"command", "evaluate interpolate"},
                         {"model", model.filename().string()},
                         {"identity", fs::path(arguments.identity).filename().string()},
                         {"steps", arguments.steps},
                         {"paths", nlohmann::json::object()}};
  std::vector<std::vector<cv::Mat>> sheet;
  std::vector<std::vector<std::string>> rows;
  for (const auto& name : arguments.paths) {
    const auto path =
        pose_path(from, to, arguments.steps, name == "line" ? PathKind::line : PathKind::sphere);
    std::vector<cv::Mat> heads;
    for (const auto& pose : path)
      heads.push_back(without_alpha(generator->generate(pose, AlphaMode::premultiplied)));
    const auto faces = finder.find(heads);
    const auto figures = figures_of(faces, recogniser.describe(heads, faces));
    line["paths"][name] = {{"landmark_step", figures.step},
                           {"landmark_step_deviation", figures.step_deviation},
                           {"identity_error_ends", figures.identity_ends},
                           {"identity_error_way", figures.identity_way}};
    rows.push_back({name, in_words(figures.step, 4), in_words(figures.step_deviation, 4),
                    in_words(figures.identity_ends, 3), in_words(figures.identity_way, 3)});
    auto& row = sheet.emplace_back(heads);
    row.insert(row.begin(), first);
    row.push_back(last);
  }
  std::vector<std::string> titles = {"from"};
  for (int i = 0; i <= arguments.steps; ++i)
    titles.push_back(fmt::format("{:.2f}", double(i) / arguments.steps));
  titles.push_back("to");

  std::vector<std::string> reasons;
  if (!finder.published()) reasons.push_back("points come from this project's own landmark network");
  if (!recogniser.published()) reasons.push_back("vectors come from this project's own recogniser");
  Report report("Interpolation between two poses (Fig. 4)");
  report.paragraph(fmt::format(
      "{} steps. A step is the mean distance of 68 points from one head to the next, in shares of "
      "the distance between the eyes; its deviation tells how even the way is. Identity errors are "
      "1 - csim to the mean of the heads at both ends, of those ends and of the heads between.",
      arguments.steps));
  report.paragraph(why_not_comparable(reasons));
  report.table({"path", "step", "its deviation", "identity error of the ends", "on the way"}, rows);
  report.paragraph(
      "The paper gives no figures here: its Fig. 4 shows that the way along a sphere is smooth and keeps the "
      "identity. Rows of `sheet.png` are the paths in this order.");
  fs::create_directories(arguments.output);
  write_png(arguments.output / "sheet.png", contact_sheet(sheet, titles));
  report.write(arguments.output);
  line["comparable"] = reasons.empty();
  print_line(line);
  spdlog::info("{}", (arguments.output / "sheet.png").string());
}

}  // namespace

void add_interpolate_command(CLI::App& parent) {
  auto* command = parent.add_subcommand(
      "interpolate", "Fig. 4: heads on the way between the poses of two pictures; prints one line of JSON");
  auto a = std::make_shared<InterpolateArguments>();
  command->add_option("from", a->from, "Picture of the first pose")->option_text("PICTURE")->required();
  command->add_option("to", a->to, "Picture of the last pose")->option_text("PICTURE")->required();
  command->add_option("--model", a->model, "Reenactor that draws")
      ->option_text("FILE")
      ->capture_default_str();
  command->add_option("--identity", a->identity, "Identity file")->option_text("FILE")->required();
  command->add_option("--landmarks", a->landmarks, "Landmark network")
      ->option_text("FILE")
      ->capture_default_str();
  command->add_option("--recogniser", a->recogniser, "Face recogniser")
      ->option_text("FILE")
      ->capture_default_str();
  command->add_option("--output", a->output, "Folder for sheet.png and report.md")
      ->option_text("FOLDER")
      ->required();
  command->add_option("--steps", a->steps, "Steps from the first pose to the last")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_option("--path", a->paths, "sphere, line, or both")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"sphere", "line"}))
      ->capture_default_str();
  add_cropper_options(*command, a->cropper);
  add_engine_options(*command, a->engine);
  command->callback([a] { run_interpolate(*a); });
}

}  // namespace reenact::training
