// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/import/authors_names.h"

#include <algorithm>
#include <regex>
#include <string_view>

namespace reenact::training {
namespace {

/// One rule: what the whole name must look like, and ours with $1, $2 for its groups.
struct Rule {
  std::regex pattern;
  std::string replacement;
};

// Within a block only the convolutions have tensors. Their places: after AdaIN, ReLU, [upsampling], padding.
constexpr const char* residual_block_name =
    R"(decoder_blocks\.(\d{1,3})\.block\.([37])\.weight_(?:orig|u|v))";
const std::regex& upsampling_block() {
  static const std::regex pattern(
      R"(generator\.decoder_blocks\.(\d{1,3})\.(block\.4|block\.8|skip\.1)\.(.+))");
  return pattern;
}

const std::vector<Rule>& rules() {
  static const std::vector<Rule> rules = [] {
    std::vector<Rule> list;
    const auto add = [&](const char* pattern, const char* replacement) {
      list.push_back({std::regex(pattern), replacement});
    };
    add(R"(generator\.identity_embedding)", "gen.identity_embedding");
    add(R"(generator\.constant\.constant)", "gen.const");
    add(R"(generator\.decoder_blocks\.(\d+)\.block\.3\.(.+))", "gen.res$1.conv1.$2");
    add(R"(generator\.decoder_blocks\.(\d+)\.block\.7\.(.+))", "gen.res$1.conv2.$2");
    add(R"(generator\.decoder_blocks\.\d+\.(bias|weight_orig|weight_u|weight_v))", "gen.out.$1");
    add(R"(generator\.affine_params_projector\.0\.(.+))", "gen.proj.fc1.$1");
    add(R"(generator\.affine_params_projector\.2\.(.+))", "gen.proj.fc2.$1");
    // FSTH+'s MLP.
    add(R"(generator\.affine_params_projector\.4\.(.+))", "gen.proj.fc3.$1");
    // FSTH, whose modules of padding count.
    add(R"(generator\.down_block\.1\.(.+))", "gen.stem.conv1.$1");
    add(R"(generator\.down_block\.4\.(.+))", "gen.stem.conv2.$1");
    add(R"(generator\.skip\.0\.(.+))", "gen.stem.skip.$1");
    add(R"(generator\.down_blocks\.(\d+)\.block\.0\.(.+))", "gen.down$1.norm1.$2");
    add(R"(generator\.down_blocks\.(\d+)\.block\.3\.(.+))", "gen.down$1.conv1.$2");
    add(R"(generator\.down_blocks\.(\d+)\.block\.4\.(.+))", "gen.down$1.norm2.$2");
    add(R"(generator\.down_blocks\.(\d+)\.block\.7\.(.+))", "gen.down$1.conv2.$2");
    add(R"(generator\.down_blocks\.(\d+)\.skip\.0\.(.+))", "gen.down$1.skip.$2");
    add(R"(generator\.project\.(.+))", "gen.project.$1");
    add(R"(embedder\.down_block\.1\.(.+))", "idt.stem.conv1.$1");
    add(R"(embedder\.down_block\.4\.(.+))", "idt.stem.conv2.$1");
    add(R"(embedder\.skip\.0\.(.+))", "idt.stem.skip.$1");
    add(R"(embedder\.down_blocks\.(\d+)\.block\.2\.(.+))", "idt.block$1.conv1.$2");
    add(R"(embedder\.down_blocks\.(\d+)\.block\.5\.(.+))", "idt.block$1.conv2.$2");
    add(R"(embedder\.down_blocks\.(\d+)\.skip\.0\.(.+))", "idt.block$1.skip.$2");
    add(R"(discriminator\.down_block\.[01]\.(.+))", "dis.stem.conv1.$1");
    add(R"(discriminator\.down_block\.[24]\.(.+))", "dis.stem.conv2.$1");
    add(R"(discriminator\.skip\.0\.(.+))", "dis.stem.skip.$1");
    add(R"(discriminator\.blocks\.(\d+)\.block\.2\.(.+))", "dis.block$1.conv1.$2");
    add(R"(discriminator\.blocks\.(\d+)\.block\.5\.(.+))", "dis.block$1.conv2.$2");
    add(R"(discriminator\.blocks\.(\d+)\.skip\.0\.(.+))", "dis.block$1.skip.$2");
    add(R"(discriminator\.linear\.(.+))", "dis.score.$1");
    add(R"(discriminator\.embed\.(.+))", "dis.embed.$1");
    add(R"(embedder\.identity_encoder\.(.+))", "idt.$1");
    add(R"(embedder\.pose_encoder\.(.+))", "pose.$1");
    return list;
  }();
  return rules;
}

// X2Face+'s and FAb-Net+'s frozen encoders. The levels of the former lie within each other; of all X2Face, which may lie in the
// file too, only the driving picture's way down makes the pose.
constexpr std::string_view submodule = ".submodule";
const std::regex& x2face_level() {
  static const std::regex pattern(
      R"(embedder\.pose_encoder\.pix2pixSampler\.netG\.model((?:\.submodule){0,15})\.down\.([012])\.(.+))");
  return pattern;
}
const std::regex& fabnet_layer() {
  static const std::regex pattern(R"(embedder\.pose_encoder\.(\d{1,2})\.(.+))");
  return pattern;
}

/// FAb-Net's list of layers counts activations too: 0 and 2, 5, 8, ... are convolutions, 3, 6, 9, ... normalisations.
std::optional<std::string> fabnet_name(int layer) {
  if (layer == 0) return "pose.enc0";
  if (layer % 3 == 2) return "pose.enc" + std::to_string((layer + 1) / 3);
  if (layer % 3 == 0) return "pose.enc" + std::to_string(layer / 3) + "_bn";
  return std::nullopt;
}

bool ends_with(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() &&
         text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

/// The authors keep a spectrally normalised weight as weight_orig with weight_u and weight_v beside it.
std::string rename_spectral_norm(std::string name) {
  static const std::pair<std::string, std::string> endings[] = {
      {".weight_orig", ".weight"}, {".weight_u", ".sn_u"}, {".weight_v", ".sn_v"}};
  for (const auto& [theirs, ours] : endings)
    if (ends_with(name, theirs)) return name.substr(0, name.size() - theirs.size()) + ours;
  return name;
}

}  // namespace

std::optional<std::string> name_from_authors(const std::string& authors_name, int residual_blocks) {
  std::smatch match;
  if (std::regex_match(authors_name, match, x2face_level()))
    return "pose.down" + std::to_string(match[1].length() / submodule.size()) +
           (match[2] == "2" ? ".bn." : ".conv.") + match[3].str();
  if (std::regex_match(authors_name, match, fabnet_layer())) {
    if (const auto ours = fabnet_name(std::stoi(match[1]))) return *ours + "." + match[2].str();
    return std::nullopt;
  }
  if (std::regex_match(authors_name, match, upsampling_block())) {
    const int block = std::stoi(match[1]) - residual_blocks;
    if (block < 0) return std::nullopt;
    const std::string part = match[2] == "block.4" ? "conv1" : match[2] == "block.8" ? "conv2" : "skip";
    return rename_spectral_norm("gen.up" + std::to_string(block) + "." + part + "." + match[3].str());
  }
  for (const auto& rule : rules())
    if (std::regex_match(authors_name, match, rule.pattern))
      return rename_spectral_norm(match.format(rule.replacement));
  return std::nullopt;
}

std::optional<std::string> fsth_adain_name(const std::string& authors_name) {
  static const std::regex layer(R"(generator\.decoder_blocks\.([0-7])\.block\.([045])\.(weight|bias))"),
      last(R"(generator\.decoder_blocks\.8\.(weight|bias))");
  constexpr int blocks = 8;
  std::smatch match;
  if (std::regex_match(authors_name, match, last))
    return "adain" + std::to_string(2 * blocks) + "." + match[1].str();
  if (!std::regex_match(authors_name, match, layer)) return std::nullopt;
  const int block = std::stoi(match[1]), place = std::stoi(match[2]), second = block < blocks / 2 ? 4 : 5;
  if (place != 0 && place != second) return std::nullopt;
  return "adain" + std::to_string(2 * block + (place == second)) + "." + match[3].str();
}

bool is_left_out(const std::string& authors_name) {
  static const std::regex rest_of_x2face(R"(embedder\.pose_encoder\.pix2pix.+)");
  return std::regex_match(authors_name, rest_of_x2face) && !std::regex_match(authors_name, x2face_level());
}

int count_residual_blocks(const std::vector<std::string>& authors_names) {
  static const std::regex pattern(std::string("(?:generator\\.)?") + residual_block_name);
  int count = 0;
  std::smatch match;
  for (const auto& name : authors_names)
    if (std::regex_match(name, match, pattern)) count = std::max(count, std::stoi(match[1]) + 1);
  return count;
}

}  // namespace reenact::training
