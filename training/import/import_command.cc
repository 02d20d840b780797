// SPDX-License-Identifier: LGPL-2.1-or-later
#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <memory>

#include "reenact/error.h"
#include "reenact/identity.h"
#include "training/commands.h"
#include "training/import/import_models.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

void create_folder_of(const fs::path& file) {
  std::error_code ignored;  // the writer says what is wrong
  if (!file.parent_path().empty()) fs::create_directories(file.parent_path(), ignored);
}

void print(const std::vector<std::string>& report) {
  for (const auto& line : report) std::cout << line << '\n';
}

template <typename Options>
void add_licence_option(CLI::App& command, Options& options) {
  command.add_option("--licence,--license", options.licence,
                     "SPDX expression or a sentence, kept in the file written");
}

void add_model_command(CLI::App& parent) {
  auto* command = parent.add_subcommand(
      "model",
      "A checkpoint of the authors' code, meta-learned or fine-tuned, to a reenactor or an identity");
  auto options = std::make_shared<AuthorsImport>();
  command->add_option("checkpoint", options->checkpoint, "The authors' .pth file")->required();
  command->add_option("--output", options->reenactor, "Reenactor file to write")->option_text("FILE");
  command
      ->add_option("--identity", options->identity,
                   "Identity file with personal weights to write, of a fine-tuned checkpoint")
      ->option_text("FILE");
  const std::map<std::string, WeightsChoice> choices{{"average", WeightsChoice::average},
                                                     {"raw", WeightsChoice::raw}};
  command
      ->add_option("--weights", options->weights,
                   "average: the running averages, to draw with (default); raw: to train on from")
      ->transform(CLI::CheckedTransformer(choices).description(""))
      ->option_text("average|raw");
  command->add_flag("--discriminator", options->with_discriminator,
                    "Add the discriminator to the reenactor, to personalise it as the authors do");
  command->add_option("--name", options->name, "Name of the person; the identity file's name without it");
  command->add_option("--consent", options->consent, "Who agreed to what, in your own words");
  add_licence_option(*command, *options);
  command->callback([options] {
    create_folder_of(options->reenactor);
    create_folder_of(options->identity);
    print(import_authors_checkpoint(*options));
  });
}

struct DetectorArguments {
  fs::path weights, output;
  DetectorConfig config;
  std::string licence;
};

void add_detector_import(CLI::App& parent) {
  auto* command = parent.add_subcommand("detector", "face-alignment's S3FD weights to a detector");
  auto arguments = std::make_shared<DetectorArguments>();
  command->add_option("weights", arguments->weights, "face-alignment's .pth file")->required();
  command->add_option("--output", arguments->output, "Detector file to write")
      ->option_text("FILE")
      ->required();
  command
      ->add_option("--channel-order", arguments->config.channel_order,
                   "Order of the input's channels; the authors' face-alignment 1.1.1 was given bgr")
      ->check(CLI::IsMember({"bgr", "rgb"}))
      ->capture_default_str();
  command
      ->add_option("--subtract-mean", arguments->config.subtract_mean,
                   "Subtract (104, 117, 123); face-alignment 1.1.1 does not, later versions do")
      ->option_text("BOOLEAN")
      ->capture_default_str();
  add_licence_option(*command, *arguments);
  command->callback([arguments] {
    create_folder_of(arguments->output);
    print(import_detector(arguments->weights, arguments->output, arguments->config, arguments->licence));
  });
}

struct PairArguments {
  fs::path first, second, output;
  std::string licence;
};

void add_perceptual_import(CLI::App& parent) {
  auto* command =
      parent.add_subcommand("perceptual", "VGG-19 and VGGFace weights to the networks of the content losses");
  auto arguments = std::make_shared<PairArguments>();
  command->add_option("--vgg19", arguments->first, "torchvision's or the Caffe conversion's .pth file")
      ->option_text("FILE");
  command->add_option("--vggface", arguments->second, "The authors' vgg_face_weights.pth")
      ->option_text("FILE");
  command->add_option("--output", arguments->output, "Perceptual file to write")
      ->option_text("FILE")
      ->required();
  add_licence_option(*command, *arguments);
  command->callback([arguments] {
    create_folder_of(arguments->output);
    print(import_perceptual(arguments->first, arguments->second, arguments->output, arguments->licence));
  });
}

void add_encoders_import(CLI::App& parent) {
  auto* command = parent.add_subcommand(
      "encoders", "torchvision's classifiers to encoders without last layers, to start a training from");
  auto arguments = std::make_shared<PairArguments>();
  command->add_option("--pose", arguments->first, "MobileNetV2 .pth file")->option_text("FILE");
  command->add_option("--identity", arguments->second, "ResNeXt-50 32x4d or MobileNetV2 .pth file")
      ->option_text("FILE");
  command->add_option("--output", arguments->output, "Reenactor file to write")
      ->option_text("FILE")
      ->required();
  add_licence_option(*command, *arguments);
  command->callback([arguments] {
    create_folder_of(arguments->output);
    print(import_encoders(arguments->first, arguments->second, arguments->output, arguments->licence));
  });
}

void add_x2face_import(CLI::App& parent) {
  auto* command =
      parent.add_subcommand("x2face", "X2Face's released checkpoint to a warper, to compare with");
  auto arguments = std::make_shared<PairArguments>();
  command->add_option("weights", arguments->first, "x2face_model_forpython3.pth")->required();
  command->add_option("--output", arguments->output, "Warper file to write")->option_text("FILE");
  command
      ->add_option("--encoder", arguments->second,
                   "Reenactor file to write with the driving encoder alone, for X2Face+ and descriptors")
      ->option_text("FILE");
  add_licence_option(*command, *arguments);
  command->callback([arguments] {
    create_folder_of(arguments->output);
    create_folder_of(arguments->second);
    print(import_x2face(arguments->first, arguments->output, arguments->second, arguments->licence));
  });
}

void add_fabnet_import(CLI::App& parent) {
  auto* command =
      parent.add_subcommand("fabnet", "FAb-Net's released checkpoint to a pose encoder, to compare with");
  auto arguments = std::make_shared<PairArguments>();
  command->add_option("weights", arguments->first, "300w_4views.pt and the like")->required();
  command->add_option("--output", arguments->output, "Reenactor file to write, with the encoder alone")
      ->option_text("FILE")
      ->required();
  add_licence_option(*command, *arguments);
  command->callback([arguments] {
    create_folder_of(arguments->output);
    print(import_fabnet(arguments->first, arguments->output, arguments->licence));
  });
}

struct MeasuringArguments : MeasuringImport {
  std::string channel_order = "rgb";
};

std::shared_ptr<MeasuringArguments> add_measuring_import(CLI::App& command, const std::string& weights,
                                                         const std::string& output) {
  auto arguments = std::make_shared<MeasuringArguments>();
  command.add_option("weights", arguments->weights, weights)->required();
  command.add_option("--output", arguments->output, output)->option_text("FILE")->required();
  add_licence_option(command, *arguments);
  return arguments;
}

void add_landmarks_import(CLI::App& parent) {
  auto* command = parent.add_subcommand(
      "landmarks", "face-alignment's FAN weights to a landmark network of 68 points, to measure with");
  auto arguments =
      add_measuring_import(*command, "face-alignment's .pth.tar file", "Landmarks file to write");
  command
      ->add_option("--channel-order", arguments->channel_order,
                   "Order of the input's channels; the authors' metrics gave it bgr")
      ->check(CLI::IsMember({"bgr", "rgb"}))
      ->capture_default_str();
  command->callback([arguments] {
    create_folder_of(arguments->output);
    print(import_landmarks(*arguments, arguments->channel_order));
  });
}

void add_recogniser_import(CLI::App& parent) {
  auto* command = parent.add_subcommand(
      "recogniser", "insightface's iresnet weights (arcface_torch) to a face recogniser, to measure with");
  auto arguments = add_measuring_import(*command, "arcface_torch's .pth file", "Recogniser file to write");
  command->callback([arguments] {
    create_folder_of(arguments->output);
    print(import_recogniser(*arguments));
  });
}

void add_descriptors_import(CLI::App& parent) {
  auto* command = parent.add_subcommand(
      "descriptors",
      "Numbers of ExpNet and FacePoseNet, or any others, of frames (.npz) to a descriptors file");
  auto arguments = std::make_shared<PairArguments>();
  command
      ->add_option("numbers", arguments->first,
                   "numpy's file: names with expression and pose, or with vectors, a row for each picture")
      ->required();
  command->add_option("--output", arguments->output, "Descriptors file to write")
      ->option_text("FILE")
      ->required();
  add_licence_option(*command, *arguments);
  command->callback([arguments] {
    create_folder_of(arguments->output);
    print(import_descriptors(arguments->first, arguments->output, arguments->licence));
  });
}

}  // namespace

CLI::App* add_import_command(CLI::App& parent) {
  auto* command = parent.add_subcommand(
      "import", "Turn PyTorch files (.pth) and numpy's (.npz) into files of this project, without Python");
  command->require_subcommand(1);
  add_model_command(*command);
  add_detector_import(*command);
  add_perceptual_import(*command);
  add_encoders_import(*command);
  add_x2face_import(*command);
  add_fabnet_import(*command);
  add_landmarks_import(*command);
  add_recogniser_import(*command);
  add_descriptors_import(*command);
  return command;
}

}  // namespace reenact::training
