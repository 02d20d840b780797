// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/config.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/errors.h"

namespace reenact {
namespace {

using nlohmann::json;
using test::expect_error;

TEST(ReenactorConfig, PaperPresetIsThePapers) {
  const ReenactorConfig paper = reenactor_preset("paper");
  EXPECT_EQ(paper, ReenactorConfig());
  EXPECT_EQ(paper.image_size, 256);
  EXPECT_EQ(paper.identity_embedding_size, 512);
  EXPECT_EQ(paper.pose_embedding_size, 256);
  EXPECT_EQ(paper.upsampling_blocks(), 6);  // 4 -> 256
  EXPECT_EQ(paper.hidden_size(), 768);      // authors' projector
  EXPECT_EQ(paper.pose_image_size(), 256);
  EXPECT_EQ(paper.identity_encoder, "resnext50_32x4d");
}

TEST(ReenactorConfig, LitePreset) {
  const ReenactorConfig lite = reenactor_preset("lite");
  EXPECT_EQ(lite.preset, "lite");
  EXPECT_EQ(lite.image_size, 128);
  EXPECT_EQ(lite.upsampling_blocks(), 5);
  EXPECT_EQ(lite.hidden_size(), 512);
  EXPECT_EQ(lite.pose_image_size(), lite.pose_input_size);
  EXPECT_EQ(lite.identity_encoder, "mobilenet_v2");
}

TEST(ReenactorConfig, LivePresetDrawsAsLargeAsThePaperWithHalfTheChannels) {
  const ReenactorConfig live = reenactor_preset("live"), paper = reenactor_preset("paper");
  EXPECT_EQ(live.preset, "live");
  EXPECT_EQ(live.image_size, paper.image_size);
  EXPECT_EQ(live.num_channels, paper.num_channels / 2);
  EXPECT_EQ(live.max_channels, paper.max_channels / 2);
  EXPECT_EQ(live.upsampling_blocks(), paper.upsampling_blocks());
  EXPECT_EQ(live.identity_embedding_size, 256);
  EXPECT_EQ(live.pose_embedding_size, 256);
  EXPECT_EQ(live.hidden_size(), 512);
  EXPECT_EQ(live.pose_image_size(), 256);
  EXPECT_EQ(live.pose_encoder, "mobilenet_v2");
  EXPECT_EQ(live.pose_encoder_width, 1.0);
  EXPECT_EQ(live.identity_encoder, "mobilenet_v2");
  EXPECT_EQ(live.identity_encoder_width, 1.0);
}

TEST(Presets, DetectorAndSegmenterOfLiveAreThoseOfLite) {
  EXPECT_EQ(detector_preset("live"), detector_preset("lite"));
  EXPECT_EQ(segmenter_preset("live"), segmenter_preset("lite"));
}

TEST(Presets, UnknownNamesAreRefused) {
  expect_error([] { reenactor_preset("huge"); }, ErrorCode::invalid, {"'huge'", "paper", "live", "lite"});
  expect_error([] { detector_preset(""); }, ErrorCode::invalid, {"''", "paper", "live", "lite"});
  expect_error([] { segmenter_preset("Paper"); }, ErrorCode::invalid, {"'Paper'", "paper", "live", "lite"});
}

TEST(Configs, EveryPresetSurvivesJson) {
  for (const char* name : {"paper", "live", "lite"}) {
    EXPECT_EQ(to_json(reenactor_preset(name)).get<ReenactorConfig>(), reenactor_preset(name));
    EXPECT_EQ(to_json(detector_preset(name)).get<DetectorConfig>(), detector_preset(name));
    EXPECT_EQ(to_json(segmenter_preset(name)).get<SegmenterConfig>(), segmenter_preset(name));
  }
}

TEST(Configs, JsonNamesAreTheFieldNames) {
  ReenactorConfig config;
  config.preset = "small";
  config.image_size = 64;
  config.num_channels = 8;
  config.max_channels = 64;
  config.identity_embedding_size = 32;
  config.pose_embedding_size = 16;
  config.constant_size = 8;
  config.residual_blocks = 1;
  config.projector_hidden = 512;
  config.reflection_padding = true;
  config.identity_blocks = 3;
  config.identity_encoder = "mobilenet_v2";
  config.identity_encoder_width = 0.5;
  config.pose_encoder_width = 0.25;
  config.pose_input_size = 96;
  EXPECT_EQ(json::parse(to_json(config).text()),
            json::parse(R"({"preset":"small","image_size":64,"num_channels":8,"max_channels":64,
    "identity_embedding_size":32,"pose_embedding_size":16,"constant_size":8,"residual_blocks":1,"projector_hidden":512,
    "reflection_padding":true,"identity_blocks":3,"identity_encoder":"mobilenet_v2","identity_encoder_width":0.5,"pose_encoder_width":0.25,
    "pose_encoder":"mobilenet_v2",
    "pose_input_size":96,"architecture":"adain","pose_source":"picture","projector":"spectral","self_attention":false})"));
  EXPECT_EQ(json::parse(to_json(DetectorConfig()).text()),
            json::parse(R"({"width":1.0,"channel_order":"bgr","subtract_mean":true})"));
  EXPECT_EQ(json::parse(to_json(SegmenterConfig()).text()),
            json::parse(R"({"image_size":128,"base_channels":16,"levels":4})"));
  EXPECT_EQ(json::parse(to_json(RecogniserConfig()).text()),
            json::parse(R"({"depth":18,"width":1.0,"image_size":112,"embedding_size":512,
    "mean":127.5,"deviation":127.5,"norm_epsilon":1e-5})"));
  EXPECT_EQ(
      json::parse(to_json(LandmarksConfig()).text()),
      json::parse(R"({"architecture":"mobilenet_v2","points":478,"image_size":160,"width":1.0,"framing":1.5,
    "stacks":4,"channel_order":"rgb"})"));
}

TEST(Configs, AbsentFieldsKeepTheirDefaults) {
  EXPECT_EQ(JsonObject().get<ReenactorConfig>(), ReenactorConfig());
  ReenactorConfig expected;
  expected.num_channels = 32;
  EXPECT_EQ(JsonObject(R"({"num_channels":32})").get<ReenactorConfig>(), expected);
}

template <typename Config>
void expect_refused(const std::string& text, std::initializer_list<std::string> parts) {
  expect_error([&] { JsonObject(text).get<Config>(); }, ErrorCode::invalid, parts);
}

TEST(Configs, UnknownFieldsAreRefused) {
  expect_refused<ReenactorConfig>(R"({"image_sise":256})", {"reenactor", "'image_sise'"});
  expect_refused<DetectorConfig>(R"({"depth":3})", {"detector", "'depth'"});
  expect_refused<SegmenterConfig>(R"({"preset":"lite"})", {"segmenter", "'preset'"});
  expect_refused<ReenactorConfig>(R"([256])", {"array", "an object"});
}

TEST(Configs, WrongTypesAreRefused) {
  expect_refused<ReenactorConfig>(R"({"image_size":"256"})", {"image_size", "\"256\""});
  expect_refused<ReenactorConfig>(R"({"image_size":256.5})", {"image_size", "256.5"});
  expect_refused<ReenactorConfig>(R"({"image_size":1e300})", {"image_size"});
  expect_refused<ReenactorConfig>(R"({"image_size":4294967552})",
                                  {"image_size", "4294967552"});  // 256 as 32 bits
  expect_refused<ReenactorConfig>(R"({"reflection_padding":1})", {"reflection_padding", "true or false"});
  expect_refused<ReenactorConfig>(R"({"preset":{}})", {"preset", "a string"});
  expect_refused<DetectorConfig>(R"({"width":"1"})", {"width", "a number"});
}

TEST(Configs, ValuesOutOfRangeAreRefused) {
  for (const char* text : {R"({"image_size":0})", R"({"image_size":-256})", R"({"image_size":4})",
                           R"({"image_size":200})", R"({"image_size":384})", R"({"image_size":4096})"}) {
    expect_refused<ReenactorConfig>(text, {"image_size"});
  }
  expect_refused<ReenactorConfig>(R"({"constant_size":0})", {"constant_size"});
  expect_refused<ReenactorConfig>(R"({"constant_size":3})", {"image_size"});
  expect_refused<ReenactorConfig>(R"({"num_channels":0})", {"num_channels", "1 to 4096"});
  expect_refused<ReenactorConfig>(R"({"max_channels":1000000})", {"max_channels"});
  expect_refused<ReenactorConfig>(R"({"identity_embedding_size":0})", {"identity_embedding_size"});
  expect_refused<ReenactorConfig>(R"({"pose_embedding_size":-1})", {"pose_embedding_size"});
  expect_refused<ReenactorConfig>(R"({"residual_blocks":65})", {"residual_blocks"});
  expect_refused<ReenactorConfig>(R"({"identity_blocks":-1})", {"identity_blocks"});
  expect_refused<ReenactorConfig>(R"({"projector_hidden":-1})", {"projector_hidden"});
  expect_refused<ReenactorConfig>(R"({"pose_input_size":1})", {"pose_input_size"});
  expect_refused<ReenactorConfig>(R"({"pose_encoder_width":0})", {"pose_encoder_width"});
  expect_refused<ReenactorConfig>(R"({"identity_encoder":"vgg"})", {"identity_encoder", "resnext50_32x4d"});
  expect_refused<DetectorConfig>(R"({"width":-1})", {"width"});
  expect_refused<DetectorConfig>(R"({"channel_order":"grb"})", {"channel_order", "bgr"});
  expect_refused<RecogniserConfig>(R"({"depth":34})", {"depth", "18, 50 or 100"});
  expect_refused<RecogniserConfig>(R"({"image_size":120})", {"image_size", "multiple of 16"});
  expect_refused<RecogniserConfig>(R"({"deviation":0})", {"deviation"});
  expect_refused<LandmarksConfig>(R"({"points":68})", {"points", "478"});
  expect_refused<LandmarksConfig>(R"({"framing":0.5})", {"framing"});
  expect_refused<LandmarksConfig>(R"({"architecture":"dlib"})", {"architecture", "fan"});
  expect_refused<LandmarksConfig>(R"({"architecture":"fan","image_size":256})", {"points", "68"});
  expect_refused<LandmarksConfig>(R"({"architecture":"fan","points":68})", {"image_size", "256"});
  expect_refused<SegmenterConfig>(R"({"levels":0})", {"levels"});
  expect_refused<SegmenterConfig>(R"({"image_size":120})", {"image_size", "multiple of 16"});
  expect_refused<SegmenterConfig>(R"({"base_channels":0})", {"base_channels"});
}

TEST(ReenactorConfig, OtherSizesThatAreRight) {
  const auto config = JsonObject(R"({"image_size":96,"constant_size":6})").get<ReenactorConfig>();
  EXPECT_EQ(config.upsampling_blocks(), 4);
}

}  // namespace
}  // namespace reenact
