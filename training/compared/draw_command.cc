// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <opencv2/imgproc.hpp>

#include "offline/command_line_options.h"
#include "offline/picture_sink.h"
#include "offline/picture_source.h"
#include "reenact/config.h"
#include "reenact/error.h"
#include "reenact/face_cropper.h"
#include "reenact/model_file.h"
#include "torch/device.h"
#include "training/commands.h"
#include "training/compared/compared_system.h"
#include "training/data/frame_descriptors.h"

namespace reenact::training {
namespace {

struct DrawArguments {
  std::string model, identity, landmarks, expression, device = "auto";
  std::filesystem::path driver, descriptors, output;
  bool side_by_side = false;
  std::int64_t every = 1, limit = 0;
  FaceCropperOptions cropper;

  DrawArguments() { cropper.finder = FaceFinder::Options(); }  // as reenactcrop follows a face
};

/// The part of a crop that the system shows, of the size of its pictures.
cv::Mat shown_of(const cv::Mat& crop, const ComparedSystem& system) {
  const auto part = system.shown();
  const double side = crop.cols;
  const cv::Rect window(cvRound(part.x * side), cvRound(part.y * side), cvRound(part.width * side),
                        cvRound(part.height * side));
  cv::Mat picture;
  cv::resize(crop(window), picture, {system.image_size(), system.image_size()}, 0, 0, cv::INTER_AREA);
  return picture;
}

std::shared_ptr<const FrameDescriptors> descriptors_for(const std::filesystem::path& model,
                                                        const std::filesystem::path& descriptors) {
  if (descriptors.empty()) return nullptr;
  const ModelFile file(model, ModelKind::reenactor);
  return load_frame_descriptors(descriptors, file.info().config.get<ReenactorConfig>().pose_embedding_size);
}

void draw_all(const DrawArguments& arguments) {
  ComparedSystemOptions options;
  options.model = find_model(arguments.model);
  if (!arguments.landmarks.empty()) options.landmarks = find_model(arguments.landmarks);
  if (!arguments.expression.empty()) options.expression = find_model(arguments.expression);
  options.device = device_from(arguments.device);
  const auto descriptors = descriptors_for(options.model, arguments.descriptors);
  const auto system = load_compared_system(options);
  system->load(find_model(arguments.identity));
  PictureSource source(arguments.driver);
  EngineOptions engine;
  engine.device = arguments.device;
  FaceCropper cropper(arguments.cropper, engine);
  const auto sink = open_sink(arguments.output, source.frame_rate() / static_cast<double>(arguments.every));
  constexpr int crop_size = 256;
  std::int64_t read = 0, drawn = 0, faceless = 0;
  while (arguments.limit == 0 || drawn < arguments.limit) {
    const auto picture = source.next();
    if (!picture) break;
    const auto crop = cropper.crop(picture->rgb, crop_size, static_cast<double>(picture->timestamp) / 1e9);
    if (read++ % arguments.every != 0) continue;
    if (crop.empty()) {
      ++faceless;
      continue;
    }
    ++drawn;
    HeadFrame driver{crop.clone(), {}, {}, {}};
    if (descriptors)
      if (const auto* found =
              descriptors->find(arguments.driver.stem().string(), static_cast<std::size_t>(read - 1)))
        driver.descriptor = *found;
    cv::Mat head = system->draw(driver);
    if (arguments.side_by_side) cv::hconcat(shown_of(crop, *system), head.clone(), head);
    sink->add(head, picture->timestamp);
  }
  if (drawn == 0)
    throw Error(ErrorCode::invalid, "found no face in '" + arguments.driver.string() +
                                        "', wanted at least one picture with a face");
  if (faceless > 0) spdlog::warn("no face in {} pictures, which are left out", faceless);
  sink->finish();
  spdlog::info("{} pictures", drawn);
}

}  // namespace

CLI::App* add_draw_command(CLI::App& parent) {
  auto* command = parent.add_subcommand(
      "draw", "Draw a person in a driver's poses by any of the compared systems, X2Face and FSTH among them");
  auto a = std::make_shared<DrawArguments>();
  command->add_option("driver", a->driver, "Picture, folder of pictures or clip")->required();
  command->add_option("--model", a->model, "Reenactor or warper")->option_text("FILE")->required();
  command->add_option("--identity", a->identity, "The person, as `personalise` wrote them")
      ->option_text("FILE")
      ->required();
  command
      ->add_option("--landmarks", a->landmarks,
                   "Network that finds facial points, for models that are driven by them")
      ->option_text("FILE");
  command
      ->add_option("--expression", a->expression,
                   "What makes descriptors of facial points, for models that are driven by descriptors")
      ->option_text("FILE");
  command
      ->add_option(
          "--descriptors", a->descriptors,
          "Descriptors of the driver's pictures, named <driver without ending>/<number from 0>, for the "
          "same")
      ->option_text("FILE");
  command->add_option("--output", a->output, "Folder of pictures, one .png with all of them, or a clip")
      ->option_text("PATH")
      ->required();
  command->add_flag("--side-by-side", a->side_by_side, "Show what the driver's picture has there left of it");
  command->add_option("--every", a->every, "Take one of so many pictures")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1000000}))
      ->capture_default_str();
  command->add_option("--limit", a->limit, "Stop after so many pictures; 0: at the end")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--device", a->device, "auto, cpu, cuda or cuda:N")->capture_default_str();
  add_cropper_options(*command, a->cropper);
  command->callback([a] { draw_all(*a); });
  return command;
}

}  // namespace reenact::training
