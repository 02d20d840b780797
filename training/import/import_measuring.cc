// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "reenact/error.h"
#include "torch/networks/fan.h"
#include "torch/networks/iresnet.h"
#include "training/import/byte_reader.h"
#include "training/import/import_models.h"
#include "training/import/state_dict.h"

namespace reenact::training {
namespace {

template <typename Config>
std::string write_measuring(const TorchArchive& archive, const PickledTensors& held,
                            const TensorShapes& shapes, const std::string& prefix, const std::string& network,
                            ModelKind kind, const Config& config, const MeasuringImport& options) {
  ImportedWeights weights;
  weights.add(archive, renamed(held, [&](const std::string& name) { return prefix + name; }), shapes, network,
              held);
  ModelInfo info;
  info.kind = kind;
  info.config = to_json(config);
  info.licence = options.licence;
  info.provenance = provenance_of(archive);
  weights.write(options.output, info);
  return written(options.output, to_string(kind) + ", " + network, weights);
}

}  // namespace

std::vector<std::string> import_landmarks(const MeasuringImport& options, const std::string& channel_order) {
  const TorchArchive archive(options.weights);
  const auto held = state_dict_of(archive);
  LandmarksConfig config{.architecture = "fan", .points = 68, .image_size = 256};
  config.channel_order = channel_order;
  constexpr int most_stacks = 8;
  config.stacks = 1;
  while (config.stacks < most_stacks && held.count("l" + std::to_string(config.stacks) + ".weight"))
    ++config.stacks;
  const auto name = "FAN with " + std::to_string(config.stacks) + (config.stacks == 1 ? " stack" : " stacks");
  return {write_measuring(archive, held, shapes_of(*Fan(config), "fan."), "fan.", name, ModelKind::landmarks,
                          config, options)};
}

std::vector<std::string> import_recogniser(const MeasuringImport& options) {
  const TorchArchive archive(options.weights);
  const auto held = state_dict_of(archive);
  RecogniserConfig config;
  // The depths differ in the number of blocks of the third layer: 2, 14 and 30.
  config.depth = held.count("layer3.14.conv1.weight") ? 100 : held.count("layer3.2.conv1.weight") ? 50 : 18;
  if (const auto features = held.find("features.weight");
      features != held.end() && features->second.shape.size() == 1)
    config.embedding_size = static_cast<int>(std::clamp<std::int64_t>(features->second.shape[0], 1, 8192));
  return {write_measuring(archive, held, shapes_of(*IResNet(config), "arc."), "arc.",
                          "iresnet" + std::to_string(config.depth), ModelKind::recogniser, config, options)};
}

}  // namespace reenact::training
