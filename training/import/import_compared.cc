// SPDX-License-Identifier: LGPL-2.1-or-later
// The released checkpoints of X2Face and FAb-Net.
#include <array>

#include "reenact/error.h"
#include "torch/networks/fabnet.h"
#include "torch/networks/x2face.h"
#include "training/import/byte_reader.h"
#include "training/import/import_models.h"
#include "training/import/imported_weights.h"
#include "training/import/state_dict.h"

namespace reenact::training {
namespace {

constexpr int published_levels = 8;

using NamePairs = std::map<std::string, std::string>;  // theirs to ours

/// Names of one of X2Face's U-Nets, whose levels lie within each other.
void add_unet_names(NamePairs& names, std::string theirs, const std::string& ours) {
  const auto norm = [&](const std::string& from, const std::string& to) {
    for (const char* part : {"weight", "bias", "running_mean", "running_var"})
      names[from + "." + part] = to + "." + part;
  };
  for (int level = 0; level < published_levels; ++level) {
    const auto number = std::to_string(level);
    names[theirs + (level == 0 ? ".down.0.weight" : ".down.1.weight")] =
        ours + "down" + number + ".conv.weight";
    if (level > 0 && level + 1 < published_levels) norm(theirs + ".down.2", ours + "down" + number + ".bn");
    names[theirs + ".up.2.weight"] = ours + "up" + number + ".conv.weight";
    if (level > 0) norm(theirs + ".up.3", ours + "up" + number + ".bn");
    theirs += ".submodule";
  }
}

/// Names of FAb-Net's encoder, a list of layers that counts activations too.
NamePairs fabnet_names() {
  constexpr std::array<int, published_levels> convolutions = {0, 2, 5, 8, 11, 14, 17, 20};
  NamePairs names;
  for (int i = 0; i < published_levels; ++i) {
    const auto ours = "pose.enc" + std::to_string(i), theirs = "encoder." + std::to_string(convolutions[i]);
    for (const char* part : {"weight", "bias"}) names[theirs + "." + part] = ours + "." + part;
    if (i == 0 || i + 1 == published_levels) continue;
    const auto norm = "encoder." + std::to_string(convolutions[i] + 1);
    for (const char* part : {"weight", "bias", "running_mean", "running_var"})
      names[norm + "." + part] = ours + "_bn." + part;
  }
  return names;
}

PickledTensors under_our_names(const PickledTensors& held, const NamePairs& names) {
  return renamed(held, [&](const std::string& theirs) {
    const auto ours = names.find(theirs);
    return ours == names.end() ? std::string() : ours->second;
  });
}

/// A reenactor file that holds nothing but a pose encoder.
ModelInfo encoder_info(const std::string& encoder, int code_size, const TorchArchive& archive,
                       const std::string& licence) {
  ReenactorConfig config;
  config.preset = encoder;
  config.pose_encoder = encoder;
  config.pose_embedding_size = code_size;
  ModelInfo info;
  info.kind = ModelKind::reenactor;
  info.config = to_json(config);
  info.licence = licence;
  info.provenance = provenance_of(archive);
  return info;
}

}  // namespace

std::vector<std::string> import_x2face(const std::filesystem::path& weights,
                                       const std::filesystem::path& output,
                                       const std::filesystem::path& encoder, const std::string& licence) {
  if (output.empty() && encoder.empty())
    throw Error(ErrorCode::invalid, "there is nothing to write, wanted --output, --encoder or both");
  const TorchArchive archive(weights);
  const auto held = state_dict_of(archive);
  const WarperConfig config;
  std::vector<std::string> report;
  if (!output.empty()) {
    NamePairs names;
    add_unet_names(names, "pix2pixSampler.netG.model", "x2drive.");
    add_unet_names(names, "pix2pixUnwrapped.netG.model", "x2embed.");
    ImportedWeights imported;
    imported.add(archive, under_our_names(held, names), shapes_of(*X2Face(config), ""), "X2Face", held);
    ModelInfo info;
    info.kind = ModelKind::warper;
    info.config = to_json(config);
    info.licence = licence;
    info.provenance = provenance_of(archive);
    imported.write(output, info);
    report.push_back(written(output, "warper", imported));
  }
  if (!encoder.empty()) {
    NamePairs names;
    add_unet_names(names, "pix2pixSampler.netG.model", "pose.");
    std::erase_if(names, [](const auto& pair) { return pair.second.starts_with("pose.up"); });
    ImportedWeights imported;
    imported.add(archive, under_our_names(held, names),
                 shapes_of(*X2FaceEncoder(config.image_size, config.code_size, config.width), "pose."),
                 "X2Face's driving encoder", held);
    imported.write(encoder, encoder_info("x2face", config.code_size, archive, licence));
    report.push_back(written(encoder, "reenactor (pose encoder only)", imported));
  }
  return report;
}

std::vector<std::string> import_fabnet(const std::filesystem::path& weights,
                                       const std::filesystem::path& output, const std::string& licence) {
  constexpr int image_size = 256, code_size = 256;
  const TorchArchive archive(weights);
  const auto root = dictionary_with(archive.root(), "state_dict_model");
  const auto model = root.is_dictionary() ? root.find("state_dict_model") : std::nullopt;
  const auto held = model ? state_dict_in(*model, quoted(archive.path())) : state_dict_of(archive);
  ImportedWeights imported;
  imported.add(archive, under_our_names(held, fabnet_names()),
               shapes_of(*FabNetEncoder(image_size, code_size, 1.0), "pose."), "FAb-Net's encoder", held);
  imported.write(output, encoder_info("fabnet", code_size, archive, licence));
  return {written(output, "reenactor (pose encoder only)", imported)};
}

}  // namespace reenact::training
