// SPDX-License-Identifier: LGPL-2.1-or-later
#include <charconv>

#include "reenact/error.h"
#include "torch/networks/mobilenet_v2.h"
#include "torch/networks/resnext.h"
#include "torch/networks/s3fd.h"
#include "torch/networks/vgg.h"
#include "training/import/byte_reader.h"
#include "training/import/import_models.h"
#include "training/import/state_dict.h"

namespace reenact::training {
namespace {

/// Reads the convolutions that the losses use; names are "features.N.weight" or "N.weight".
void add_vgg(ImportedWeights& weights, const TorchArchive& archive, VggLayout layout,
             const std::string& prefix, const std::string& network) {
  const auto shapes = shapes_of(*VggFeatures(layout), prefix);
  const auto held = state_dict_of(archive);
  const auto tensors = renamed(held, [&](const std::string& name) {
    constexpr std::string_view features = "features.";
    const auto number = name.starts_with(features) ? name.substr(features.size()) : name;
    int place = -1;
    std::from_chars(number.data(), number.data() + number.size(), place);
    // What lies behind the last layer that the losses look at is left out, and so is the classifier.
    constexpr int last = 28;
    return place >= 0 && place <= last ? prefix + std::string(features) + number : std::string();
  });
  weights.add(archive, tensors, shapes, network, held);
}

/// Reads the backbone of a classifier: all of `shapes` but the last layer, whose names start with `head`.
void add_backbone(ImportedWeights& weights, const TorchArchive& archive, TensorShapes shapes,
                  const std::string& prefix, const std::string& head, const std::string& network) {
  const auto is_head = [&](const auto& entry) { return entry.first.starts_with(prefix + head); };
  const auto held = state_dict_of(archive);
  auto tensors = renamed(held, [&](const std::string& name) { return prefix + name; });
  std::erase_if(tensors, is_head);
  std::erase_if(shapes, is_head);
  weights.add(archive, tensors, shapes, network, held);
}

}  // namespace

std::vector<std::string> import_detector(const std::filesystem::path& file,
                                         const std::filesystem::path& output, DetectorConfig config,
                                         const std::string& licence) {
  const TorchArchive archive(file);
  config.width = 1;
  ImportedWeights weights;
  const auto held = state_dict_of(archive);
  weights.add(archive, renamed(held, [](const std::string& name) { return "s3fd." + name; }),
              shapes_of(*S3fd(config.width), "s3fd."), "S3FD", held);
  ModelInfo info;
  info.kind = ModelKind::detector;
  info.config = to_json(config);
  info.licence = licence;
  info.provenance = provenance_of(archive);
  weights.write(output, info);
  return {written(output, "detector", weights)};
}

std::vector<std::string> import_perceptual(const std::filesystem::path& vgg19,
                                           const std::filesystem::path& vggface,
                                           const std::filesystem::path& output, const std::string& licence) {
  if (vgg19.empty() && vggface.empty())
    throw Error(ErrorCode::invalid, "there is nothing to import, wanted --vgg19, --vggface or both");
  ImportedWeights weights;
  nlohmann::json provenance;
  if (!vgg19.empty()) {
    const TorchArchive archive(vgg19);
    add_vgg(weights, archive, VggLayout::vgg19, "vgg19.", "VGG-19");
    provenance["vgg19"] = provenance_of(archive);
  }
  if (!vggface.empty()) {
    const TorchArchive archive(vggface);
    add_vgg(weights, archive, VggLayout::vgg_face, "vggface.", "VGGFace (VGG-16)");
    provenance["vggface"] = provenance_of(archive);
  }
  ModelInfo info;
  info.kind = ModelKind::perceptual;
  info.licence = licence;
  info.provenance = provenance;
  weights.write(output, info);
  return {written(output, "perceptual", weights)};
}

std::vector<std::string> import_encoders(const std::filesystem::path& pose,
                                         const std::filesystem::path& identity,
                                         const std::filesystem::path& output, const std::string& licence) {
  if (pose.empty() && identity.empty())
    throw Error(ErrorCode::invalid, "there is nothing to import, wanted --pose, --identity or both");
  constexpr int classes = 1000;
  ReenactorConfig config;
  ImportedWeights weights;
  nlohmann::json provenance;
  provenance["partial"] = "encoders without their last layers, to start a training from";
  if (!pose.empty()) {
    const TorchArchive archive(pose);
    add_backbone(weights, archive, shapes_of(*MobileNetV2(classes), "pose."), "pose.", "classifier.",
                 "MobileNetV2");
    provenance["pose"] = provenance_of(archive);
  }
  if (!identity.empty()) {
    const TorchArchive archive(identity);
    if (state_dict_of(archive).count("features.0.0.weight")) {
      config.identity_encoder = "mobilenet_v2";
      add_backbone(weights, archive, shapes_of(*MobileNetV2(classes), "idt."), "idt.", "classifier.",
                   "MobileNetV2");
    } else {
      add_backbone(weights, archive, shapes_of(*ResNeXt50(classes), "idt."), "idt.", "fc.",
                   "ResNeXt-50 32x4d");
    }
    provenance["idt"] = provenance_of(archive);
  }
  if (!(config == reenactor_preset("paper"))) config.preset = "custom";
  ModelInfo info;
  info.kind = ModelKind::reenactor;
  info.config = to_json(config);
  info.licence = licence;
  info.provenance = provenance;
  weights.write(output, info);
  return {written(output, "reenactor (encoders only)", weights)};
}

}  // namespace reenact::training
