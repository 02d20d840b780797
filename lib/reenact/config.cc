// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/config.h"

#include <concepts>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <type_traits>

#include "reenact/error.h"

namespace reenact {
namespace {

using nlohmann::json;

/// The configuration itself or its const.
template <typename T, typename Config>
concept Same = std::same_as<std::remove_const_t<T>, Config>;

// Each configuration lists its fields once; reading and writing both walk that list.
template <Same<ReenactorConfig> Config, typename Visitor>
void visit_fields(Config& config, Visitor&& field) {
  field("preset", config.preset);
  field("image_size", config.image_size);
  field("num_channels", config.num_channels);
  field("max_channels", config.max_channels);
  field("identity_embedding_size", config.identity_embedding_size);
  field("pose_embedding_size", config.pose_embedding_size);
  field("constant_size", config.constant_size);
  field("residual_blocks", config.residual_blocks);
  field("projector_hidden", config.projector_hidden);
  field("reflection_padding", config.reflection_padding);
  field("identity_blocks", config.identity_blocks);
  field("identity_encoder", config.identity_encoder);
  field("identity_encoder_width", config.identity_encoder_width);
  field("pose_encoder", config.pose_encoder);
  field("pose_encoder_width", config.pose_encoder_width);
  field("pose_input_size", config.pose_input_size);
  field("pose_source", config.pose_source);
  field("projector", config.projector);
  field("architecture", config.architecture);
  field("self_attention", config.self_attention);
}

template <Same<DetectorConfig> Config, typename Visitor>
void visit_fields(Config& config, Visitor&& field) {
  field("width", config.width);
  field("channel_order", config.channel_order);
  field("subtract_mean", config.subtract_mean);
}

template <Same<SegmenterConfig> Config, typename Visitor>
void visit_fields(Config& config, Visitor&& field) {
  field("image_size", config.image_size);
  field("base_channels", config.base_channels);
  field("levels", config.levels);
}

template <Same<RecogniserConfig> Config, typename Visitor>
void visit_fields(Config& config, Visitor&& field) {
  field("depth", config.depth);
  field("width", config.width);
  field("image_size", config.image_size);
  field("embedding_size", config.embedding_size);
  field("mean", config.mean);
  field("deviation", config.deviation);
  field("norm_epsilon", config.norm_epsilon);
}

template <Same<LandmarksConfig> Config, typename Visitor>
void visit_fields(Config& config, Visitor&& field) {
  field("architecture", config.architecture);
  field("points", config.points);
  field("image_size", config.image_size);
  field("width", config.width);
  field("framing", config.framing);
  field("stacks", config.stacks);
  field("channel_order", config.channel_order);
}

template <Same<WarperConfig> Config, typename Visitor>
void visit_fields(Config& config, Visitor&& field) {
  field("image_size", config.image_size);
  field("width", config.width);
  field("code_size", config.code_size);
}

[[noreturn]] void refuse(const std::string& what, const std::string& field, const json& found,
                         const std::string& wanted) {
  throw Error(ErrorCode::invalid,
              what + " configuration: " + field + " is " +
                  found.dump(-1, ' ', false, json::error_handler_t::replace).substr(0, 80) + ", wanted " +
                  wanted);
}

/// Reads fields out of a JSON object and remembers how many it knew.
class Reader {
 public:
  Reader(const json& object, std::string what) : object_(object), what_(std::move(what)) {
    if (!object.is_object()) refuse(what_, "the value", object, "an object");
  }

  void operator()(const char* name, std::string& value) {
    if (const json* found = find(name)) {
      if (!found->is_string()) refuse(what_, name, *found, "a string");
      value = found->get<std::string>();
    }
  }
  void operator()(const char* name, bool& value) {
    if (const json* found = find(name)) {
      if (!found->is_boolean()) refuse(what_, name, *found, "true or false");
      value = found->get<bool>();
    }
  }
  void operator()(const char* name, int& value) {
    if (const json* found = find(name)) {
      constexpr int largest = 1 << 20;  // far above any range below; keeps the conversion to int exact
      if (!found->is_number_integer() || *found < -largest || *found > largest)
        refuse(what_, name, *found, "a whole number");
      value = found->get<int>();
    }
  }
  void operator()(const char* name, double& value) {
    if (const json* found = find(name)) {
      if (!found->is_number()) refuse(what_, name, *found, "a number");
      value = found->get<double>();
    }
  }

  /// Throws when the object has a field that nobody asked for.
  void finish() const {
    for (const auto& [name, value] : object_.items()) {
      if (!known_.count(name))
        refuse(what_, "the field '" + name.substr(0, 80) + "'", value, "no field of this name");
    }
  }

 private:
  const json* find(const char* name) {
    known_.insert(name);
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }

  const json& object_;
  std::string what_;
  std::set<std::string> known_;
};

/// Checks that a value lies in its range.
template <typename Number>
void check(const std::string& what, const char* field, Number value, Number least, Number most) {
  if (!(value >= least && value <= most)) {
    refuse(what, field, value, json(least).dump() + " to " + json(most).dump());
  }
}

/// Checks that a text is one of several.
void check_choice(const std::string& what, const char* field, const std::string& found,
                  std::initializer_list<const char*> choices) {
  std::string wanted;
  std::size_t left = choices.size();
  for (const char* choice : choices) {
    if (found == choice) return;
    wanted += (wanted.empty() ? "\"" : left == 1 ? " or \"" : ", \"") + std::string(choice) + '"';
    --left;
  }
  refuse(what, field, found, wanted);
}

bool is_power_of_two(int value) {
  return value > 0 && (value & (value - 1)) == 0;
}

/// What is right by itself and wrong beside another field.
void check_together(const ReenactorConfig& config) {
  const std::string what = "reenactor";
  if ((config.pose_source == "picture") != (config.pose_encoder != "none"))
    refuse(what, "pose_encoder", config.pose_encoder,
           config.pose_source == "picture" ? "an encoder, since pose_source is \"picture\""
                                           : "\"none\", since pose_source is \"" + config.pose_source + "\"");
  if ((config.pose_source == "stickman") != (config.architecture == "fsth"))
    refuse(what, "pose_source", config.pose_source,
           "\"stickman\" with architecture \"fsth\" and with no other");
  constexpr int keypoint_numbers = 136;
  if (config.pose_source == "keypoints68" && config.pose_embedding_size != keypoint_numbers)
    refuse(what, "pose_embedding_size", config.pose_embedding_size,
           "136, since pose_source is \"keypoints68\"");
  const bool halves = config.pose_encoder == "x2face" || config.pose_encoder == "fabnet";
  if (halves && !is_power_of_two(config.pose_image_size()))
    refuse(what, "pose_input_size", config.pose_image_size(),
           "a power of two, since pose_encoder halves it to 1");
}

void validate(const ReenactorConfig& config) {
  const std::string what = "reenactor";
  check(what, "constant_size", config.constant_size, 1, 64);
  check(what, "image_size", config.image_size, 8, 2048);
  const int factor = config.image_size / config.constant_size;
  if (config.image_size % config.constant_size != 0 || factor < 2 || (factor & (factor - 1)) != 0) {
    refuse(what, "image_size", config.image_size,
           "2, 4, 8, ... times constant_size, which is " + std::to_string(config.constant_size));
  }
  check(what, "num_channels", config.num_channels, 1, 4096);
  check(what, "max_channels", config.max_channels, 1, 4096);
  check(what, "identity_embedding_size", config.identity_embedding_size, 1, 65536);
  check(what, "pose_embedding_size", config.pose_embedding_size, 1, 65536);
  check(what, "residual_blocks", config.residual_blocks, 0, 64);
  check(what, "identity_blocks", config.identity_blocks, 0, 64);
  check(what, "projector_hidden", config.projector_hidden, 0, 65536);
  check(what, "identity_encoder_width", config.identity_encoder_width, 0.05, 8.0);
  check(what, "pose_encoder_width", config.pose_encoder_width, 0.05, 8.0);
  if (config.pose_input_size != 0) check(what, "pose_input_size", config.pose_input_size, 32, 2048);
  check_choice("reenactor", "identity_encoder", config.identity_encoder,
               {"resnext50_32x4d", "mobilenet_v2", "conv_sum"});
  check_choice("reenactor", "pose_encoder", config.pose_encoder,
               {"resnext50_32x4d", "mobilenet_v2", "x2face", "fabnet", "none"});
  check_choice("reenactor", "pose_source", config.pose_source,
               {"picture", "keypoints68", "vector", "stickman"});
  check_choice("reenactor", "projector", config.projector, {"spectral", "leaky"});
  check_choice("reenactor", "architecture", config.architecture, {"adain", "fsth"});
  check_together(config);
}

void validate(const DetectorConfig& config) {
  check("detector", "width", config.width, 0.05, 4.0);
  check_choice("detector", "channel_order", config.channel_order, {"bgr", "rgb"});
}

void validate(const SegmenterConfig& config) {
  check("segmenter", "levels", config.levels, 1, 8);
  check("segmenter", "base_channels", config.base_channels, 1, 1024);
  check("segmenter", "image_size", config.image_size, 8, 2048);
  if (config.image_size % (1 << config.levels) != 0) {
    refuse("segmenter", "image_size", config.image_size,
           "a multiple of " + std::to_string(1 << config.levels));
  }
}

void validate(const RecogniserConfig& config) {
  if (config.depth != 18 && config.depth != 50 && config.depth != 100)
    refuse("recogniser", "depth", config.depth, "18, 50 or 100");
  check("recogniser", "width", config.width, 0.05, 4.0);
  check("recogniser", "image_size", config.image_size, 16, 1024);
  if (config.image_size % 16 != 0) refuse("recogniser", "image_size", config.image_size, "a multiple of 16");
  check("recogniser", "embedding_size", config.embedding_size, 1, 8192);
  check("recogniser", "mean", config.mean, 0.0, 255.0);
  check("recogniser", "deviation", config.deviation, 0.5, 255.0);
  check("recogniser", "norm_epsilon", config.norm_epsilon, 1e-12, 0.1);
}

void validate(const WarperConfig& config) {
  check("warper", "image_size", config.image_size, 32, 1024);
  if (!is_power_of_two(config.image_size))
    refuse("warper", "image_size", config.image_size, "a power of two");
  check("warper", "width", config.width, 0.05, 4.0);
  check("warper", "code_size", config.code_size, 1, 8192);
}

void validate(const LandmarksConfig& config) {
  check_choice("landmarks", "architecture", config.architecture, {"mobilenet_v2", "fan"});
  const bool fan = config.architecture == "fan";
  // The face's five points and its measures are taken by their numbers among these.
  const int points = fan ? 68 : 478;
  if (config.points != points) refuse("landmarks", "points", config.points, std::to_string(points));
  if (fan && config.image_size != 256) refuse("landmarks", "image_size", config.image_size, "256");
  check("landmarks", "image_size", config.image_size, 32, 1024);
  check("landmarks", "stacks", config.stacks, 1, 8);
  check_choice("landmarks", "channel_order", config.channel_order, {"rgb", "bgr"});
  check("landmarks", "width", config.width, 0.05, 4.0);
  check("landmarks", "framing", config.framing, 1.0, 3.0);
}

[[noreturn]] void unknown_preset(const std::string& what, const std::string& name) {
  throw Error(ErrorCode::invalid,
              "there is no " + what + " preset '" + name + "', wanted paper, live or lite");
}

}  // namespace

int ReenactorConfig::upsampling_blocks() const {
  int blocks = 0;
  for (int side = constant_size; side < image_size; side *= 2) ++blocks;
  return blocks;
}

int ReenactorConfig::hidden_size() const {
  return projector_hidden ? projector_hidden : identity_embedding_size + pose_embedding_size;
}

ReenactorConfig reenactor_preset(const std::string& name) {
  ReenactorConfig config;
  if (name == "paper") return config;
  if (name != "live" && name != "lite") unknown_preset("reenactor", name);
  config.preset = name;
  config.max_channels = 256;
  config.identity_embedding_size = 256;
  config.pose_embedding_size = 256;
  config.projector_hidden = 512;
  config.identity_encoder = "mobilenet_v2";
  if (name == "live") {
    config.num_channels = 32;
    config.pose_input_size = 256;
    return config;
  }
  config.image_size = 128;
  config.num_channels = 16;
  config.pose_encoder_width = 0.5;
  config.pose_input_size = 112;
  return config;
}

DetectorConfig detector_preset(const std::string& name) {
  DetectorConfig config;
  if (name == "paper") return config;
  if (name != "live" && name != "lite") unknown_preset("detector", name);
  config.width = 0.25;
  config.channel_order = "rgb";
  config.subtract_mean = true;
  return config;
}

SegmenterConfig segmenter_preset(const std::string& name) {
  SegmenterConfig config;
  if (name == "live" || name == "lite") return config;
  if (name != "paper") unknown_preset("segmenter", name);
  config.image_size = 256;
  config.base_channels = 32;
  config.levels = 5;
  return config;
}

namespace {

template <typename Config>
JsonObject written(const Config& config) {
  json object = json::object();
  visit_fields(config, [&](const char* name, const auto& value) { object[name] = value; });
  return object;
}

template <typename Config>
Config read(const JsonObject& text, const char* what) {
  const json object = json::parse(text.text());
  Config config;
  Reader reader(object, what);
  visit_fields(config, reader);
  reader.finish();
  validate(config);
  return config;
}

}  // namespace

JsonObject to_json(const ReenactorConfig& config) {
  return written(config);
}

JsonObject to_json(const DetectorConfig& config) {
  return written(config);
}

JsonObject to_json(const SegmenterConfig& config) {
  return written(config);
}

JsonObject to_json(const RecogniserConfig& config) {
  return written(config);
}

JsonObject to_json(const LandmarksConfig& config) {
  return written(config);
}

JsonObject to_json(const WarperConfig& config) {
  return written(config);
}

template <>
ReenactorConfig JsonObject::get() const {
  return read<ReenactorConfig>(*this, "reenactor");
}

template <>
DetectorConfig JsonObject::get() const {
  return read<DetectorConfig>(*this, "detector");
}

template <>
SegmenterConfig JsonObject::get() const {
  return read<SegmenterConfig>(*this, "segmenter");
}

template <>
RecogniserConfig JsonObject::get() const {
  return read<RecogniserConfig>(*this, "recogniser");
}

template <>
LandmarksConfig JsonObject::get() const {
  return read<LandmarksConfig>(*this, "landmarks");
}

template <>
WarperConfig JsonObject::get() const {
  return read<WarperConfig>(*this, "warper");
}

}  // namespace reenact
