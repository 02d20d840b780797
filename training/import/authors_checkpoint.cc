// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/import/authors_checkpoint.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "reenact/error.h"
#include "reenact/safetensors.h"
#include "torch/networks/mobilenet_v2.h"
#include "training/import/authors_names.h"
#include "training/import/byte_reader.h"
#include "training/import/state_dict.h"

namespace reenact::training {
namespace {

constexpr const char* embedding_name = "gen.identity_embedding";
// What the options of their code call its generators and the embedder of their own system.
constexpr const char* own_generator = "vector_pose_unsupervised_segmentation_noBottleneck";
constexpr const char* own_embedder = "unsupervised_pose_separate_embResNeXt_segmentation";
constexpr const char* fsth_generator = "FSTH";
constexpr const char* fsth_plus_generator = "FSTH_plus";
constexpr int fsth_residual_blocks = 4, adain_layers_of_fsth = 17;

bool is_fsth(const ReenactorConfig& config) {
  return config.architecture == "fsth";
}

bool is_adain_number(const std::string& name) {
  return name.starts_with("adain");
}

PickleValue checkpoint_of(const TorchArchive& archive) {
  const auto root = dictionary_with(archive.root(), "generator");
  for (const char* entry : {"generator", "embedder", "args"})
    if (!root.is_dictionary() || !root.find(entry))
      throw Error(ErrorCode::wrong_kind, quoted(archive.path()) + " has no entry '" + entry +
                                             "', wanted a checkpoint of the authors' code");
  return root;
}

constexpr int coordinates_of_68_points = 136;

/// Frozen pose encoders and the names of their last weights, of which there are as many as numbers in a pose.
const std::map<std::string, std::string>& frozen_encoders() {
  static const std::map<std::string, std::string> encoders = [] {
    std::string innermost = "pose_encoder.pix2pixSampler.netG.model";
    for (int level = 0; level < 7; ++level) innermost += ".submodule";
    return std::map<std::string, std::string>{{"x2face", innermost + ".down.1.weight"},
                                              {"fabnet", "pose_encoder.20.weight"}};
  }();
  return encoders;
}

/// Keeps sizes that a file merely claims from becoming networks that no machine can hold.
bool is_affordable(const ReenactorConfig& config) {
  constexpr std::int64_t most_weights = 500'000'000;  // 13 times the paper's generator
  const std::int64_t blocks = config.residual_blocks + config.upsampling_blocks();
  const std::int64_t width = std::min<std::int64_t>(
      std::int64_t{config.num_channels} << config.upsampling_blocks(), config.max_channels);
  const std::int64_t convolutions = blocks * (9 + 9 + 1) * width * width;
  const std::int64_t embeddings = config.identity_embedding_size + config.pose_embedding_size;
  const std::int64_t mlp = config.hidden_size() * (embeddings + (4 * blocks + 2) * width);
  return convolutions + mlp + 2048 * embeddings < most_weights;
}

/// The width multiplier whose MobileNetV2 has these weights, or 0.
double width_of_pose_encoder(const PickledTensors& pose_encoder, int outputs) {
  const auto fits = [&](double width) {
    return first_difference(pose_encoder, shapes_of(*MobileNetV2(outputs, width), "pose.")).empty();
  };
  if (fits(1.0)) return 1.0;
  constexpr int steps_per_unit = 20, largest = 2;
  for (int step = 1; step <= largest * steps_per_unit; ++step)
    if (const double width = static_cast<double>(step) / steps_per_unit; fits(width)) return width;
  return 0;
}

}  // namespace

AuthorsCheckpoint::AuthorsCheckpoint(const std::filesystem::path& path)
    : archive_(path), root_(checkpoint_of(archive_)), options_(root_.at("args")) {
  config_ = read_config();
  const auto generator = state_dict_in(root_.at("generator"), name());
  fine_tuned_ = generator.count(is_fsth(config_) ? "decoder_blocks.8.weight" : "identity_embedding") > 0;
}

std::string AuthorsCheckpoint::option_text(const std::string& option) const {
  const auto found = options_.find(option);
  return found && found->kind() == PickleKind::text ? std::string(found->text()) : "";
}

void AuthorsCheckpoint::require(const std::string& option, const std::string& wanted) const {
  const auto found = option_text(option);
  if (!found.empty() && found != wanted)
    throw Error(ErrorCode::wrong_kind, name() + " was made with the option " + option + "=" +
                                           printable(found) + ", wanted " + wanted);
}

void AuthorsCheckpoint::read_system(ReenactorConfig& config) const {
  const auto generator = option_text("generator");
  if (generator == fsth_generator || generator == fsth_plus_generator) {
    require("gen_padding", "zero");
    config.pose_encoder = "none";
    config.identity_encoder = "conv_sum";
    if (generator == fsth_generator) {
      config.architecture = "fsth";
      config.pose_source = "stickman";
    } else {
      config.projector = "leaky";
      config.pose_source = "keypoints68";
      config.pose_embedding_size = coordinates_of_68_points;
    }
    return;
  }
  if (!generator.empty() && generator != own_generator)
    throw Error(ErrorCode::wrong_kind,
                name() + " was made with the option generator=" + printable(generator) + ", wanted " +
                    own_generator + ", " + fsth_generator + " or " + fsth_plus_generator);
  // The frozen encoders know how long their codes are, whatever the options say.
  const auto embedder = state_dict_in(root_.at("embedder"), name());
  for (const auto& [encoder, last] : frozen_encoders())
    if (const auto found = embedder.find(last); found != embedder.end() && !found->second.shape.empty()) {
      config.pose_encoder = encoder;
      config.pose_embedding_size = static_cast<int>(
          std::clamp<std::int64_t>(found->second.shape[0], 1, std::numeric_limits<int>::max()));
      return;
    }
  require("embedder", own_embedder);
}

ReenactorConfig AuthorsCheckpoint::read_config() const {
  ReenactorConfig system;
  read_system(system);
  require("norm_layer", "in");
  require("average_function", "sum");
  nlohmann::json sizes = nlohmann::json::object();
  const auto read = [&](const char* option, const char* field, bool required) {
    if (const auto value = options_.find(option))
      sizes[field] = value->integer();
    else if (required)
      options_.at(option);
  };
  read("image_size", "image_size", true);
  read("num_channels", "num_channels", true);
  read("max_num_channels", "max_channels", true);
  read("embed_channels", "identity_embedding_size", true);
  if (system.pose_encoder == "mobilenet_v2") read("pose_embedding_size", "pose_embedding_size", true);
  read("gen_constant_input_size", "constant_size", false);
  read("gen_num_residual_blocks", "residual_blocks", false);
  if (const auto padding = options_.find("gen_padding")) {
    sizes["reflection_padding"] = padding->text() == "reflection";
    if (padding->text() != "reflection") require("gen_padding", "zero");
  }
  // The MLP's width is no option of theirs: at least 512, the default size of an embedding.
  const auto generator = state_dict_in(root_.at("generator"), name());
  auto mlp = generator.find("affine_params_projector.0.weight_orig");
  if (mlp == generator.end()) mlp = generator.find("affine_params_projector.0.weight");
  if (mlp != generator.end() && mlp->second.shape.size() == 2)
    sizes["projector_hidden"] = mlp->second.shape[0];

  ReenactorConfig config;
  try {
    config = JsonObject(sizes).get<ReenactorConfig>();
  } catch (const Error& error) {
    throw Error(ErrorCode::wrong_kind, name() + " was made with sizes that are not ours: " + error.what());
  }
  if (system.pose_encoder != "mobilenet_v2") config.pose_embedding_size = system.pose_embedding_size;
  config.pose_encoder = system.pose_encoder;
  config.pose_source = system.pose_source;
  config.identity_encoder = system.identity_encoder;
  config.architecture = system.architecture;
  config.projector = system.projector;
  if (!is_affordable(config))
    throw Error(ErrorCode::wrong_kind, name() +
                                           " claims networks of more than 500 million weights, wanted sizes "
                                           "near the paper's");
  if (config.projector_hidden == config.identity_embedding_size + config.pose_embedding_size)
    config.projector_hidden = 0;
  if (config.pose_encoder == "mobilenet_v2") {
    const auto pose_encoder = with_prefix(network(root_, "embedder"), "pose.");
    if (const double width = width_of_pose_encoder(pose_encoder, config.pose_embedding_size); width > 0)
      config.pose_encoder_width = width;
  }
  if (!(config == reenactor_preset("paper"))) config.preset = "custom";
  return config;
}

bool AuthorsCheckpoint::has(WeightsChoice choice) const {
  if (choice == WeightsChoice::raw) return true;
  const auto averages = root_.find("running_averages");
  return averages && averages->is_dictionary() && averages->find("generator") && averages->find("embedder");
}

PickleValue AuthorsCheckpoint::networks(WeightsChoice choice) const {
  if (!has(choice))
    throw Error(ErrorCode::wrong_kind, name() + " has no running averages, wanted them or --weights raw");
  return choice == WeightsChoice::raw ? root_ : root_.at("running_averages");
}

PickledTensors AuthorsCheckpoint::network(const PickleValue& networks,
                                          const std::string& authors_name) const {
  constexpr std::size_t longest_name = 200;
  PickledTensors renamed;
  for (const auto& [key, tensor] : state_dict_in(networks.at(authors_name), name())) {
    const auto theirs = authors_name + "." + key;
    if (key.size() <= longest_name && is_left_out(theirs)) continue;
    std::optional<std::string> ours;
    if (is_fsth(config_) && key.size() <= longest_name) ours = fsth_adain_name(theirs);
    if (!ours && key.size() <= longest_name)
      ours = name_from_authors(theirs, is_fsth(config_) ? fsth_residual_blocks : config_.residual_blocks);
    if (!ours)
      throw Error(ErrorCode::wrong_kind, name() + " has in its " + authors_name + " a tensor " +
                                             printable(key) + ", which the authors' networks have not");
    renamed.insert_or_assign(*ours, tensor);
  }
  return renamed;
}

PickledTensors AuthorsCheckpoint::tensors(WeightsChoice choice) const {
  auto tensors = network(networks(choice), "generator");
  tensors.erase(embedding_name);
  std::erase_if(tensors, [](const auto& entry) { return is_adain_number(entry.first); });
  tensors.merge(network(networks(choice), "embedder"));
  return tensors;
}

PickledTensor AuthorsCheckpoint::identity_embedding(WeightsChoice choice) const {
  const auto generator = network(networks(choice), "generator");
  const auto found = generator.find(embedding_name);
  if (found == generator.end())
    throw Error(ErrorCode::wrong_kind, name() + " is meta-learned, wanted one fine-tuned to a person");
  if (found->second.shape != std::vector<std::int64_t>{1, config_.identity_embedding_size})
    throw Error(ErrorCode::wrong_kind, name() + " has an identity embedding that is not 1x" +
                                           std::to_string(config_.identity_embedding_size) + " as wanted");
  return found->second;
}

std::vector<float> AuthorsCheckpoint::adain_numbers(WeightsChoice choice) const {
  const auto generator = network(networks(choice), "generator");
  std::vector<float> numbers;
  for (int layer = 0; layer < adain_layers_of_fsth; ++layer)
    for (const char* part : {"bias", "weight"}) {
      const auto tensor = generator.find("adain" + std::to_string(layer) + "." + part);
      if (tensor == generator.end())
        throw Error(ErrorCode::wrong_kind, name() + " lacks the " + part + " of AdaIN layer " +
                                               std::to_string(layer) +
                                               ", wanted a FSTH fine-tuned to a person");
      const auto& found = tensor->second;
      const auto bytes = archive_.read(found);
      const auto values = TensorView{found.storage.type, found.shape, bytes}.to_floats();
      numbers.insert(numbers.end(), values.begin(), values.end());
    }
  if (!std::all_of(numbers.begin(), numbers.end(), [](float number) { return std::isfinite(number); }))
    throw Error(ErrorCode::corrupt, name() + " has AdaIN numbers that are not finite");
  return numbers;
}

PickledTensors AuthorsCheckpoint::discriminator() const {
  auto tensors = network(root_, "discriminator");
  if (!fine_tuned_)
    std::erase_if(tensors, [](const auto& entry) { return entry.first.starts_with("dis.embed."); });
  return tensors;
}

int AuthorsCheckpoint::discriminator_blocks() const {
  constexpr std::int64_t fewest = 2, most = 16;
  return static_cast<int>(std::clamp(options_.at("dis_num_blocks").integer(), fewest, most));
}

nlohmann::json AuthorsCheckpoint::provenance(WeightsChoice choice) const {
  auto provenance = provenance_of(archive_);
  provenance["weights"] = choice == WeightsChoice::average ? "running averages" : "raw";
  provenance["fine_tuned"] = fine_tuned_;
  auto& options = provenance["options"] = nlohmann::json::object();
  for (const char* option :
       {"iteration", "criterions", "optimizer", "lr_gen", "lr_dis", "batch_size", "n_frames_for_encoder",
        "use_pixelwise_augs", "use_affine_scale", "use_affine_shift", "num_labels"}) {
    const auto value = options_.find(option);
    if (!value) continue;
    if (value->kind() == PickleKind::integer) options[option] = value->integer();
    if (value->kind() == PickleKind::real) options[option] = value->number();
    if (value->kind() == PickleKind::boolean) options[option] = value->boolean();
    if (value->kind() == PickleKind::text) options[option] = printable(value->text());
  }
  return provenance;
}

}  // namespace reenact::training
