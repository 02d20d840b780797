// SPDX-License-Identifier: LGPL-2.1-or-later
// The CPU backend's generator against values computed with the authors' code.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "cpu/arithmetic_speed.h"
#include "cpu/generator.h"
#include "cpu/kernels/instruction_set.h"
#include "parity_model.h"
#include "reenact/backend.h"
#include "reenact/error.h"
#include "reenact/identity.h"
#include "reenact/quantise.h"
#include "reenact/safetensors.h"
#include "support/shared_data.h"

namespace reenact::test {
namespace {

std::unique_ptr<cpu::Generator> load(const std::shared_ptr<const ModelFile>& file, Precision precision,
                                     int threads = 1) {
  EngineOptions options;
  options.precision = precision;
  options.threads = threads;
  std::unique_ptr<Generator> generator =
      cpu_backend()->generator(file, file->info().config.get<ReenactorConfig>(), options);
  return std::unique_ptr<cpu::Generator>(dynamic_cast<cpu::Generator*>(generator.release()));
}

std::shared_ptr<const Identity> identity_of(std::vector<float> embedding) {
  auto identity = std::make_shared<Identity>();
  identity->name = "test";
  identity->embedding = std::move(embedding);
  return identity;
}

std::vector<float> part(const std::vector<float>& values, std::size_t index, std::size_t size) {
  return {values.begin() + index * size, values.begin() + (index + 1) * size};
}

double largest(const std::vector<float>& values) {
  double result = 0;
  for (float value : values) result = std::max(result, std::abs(static_cast<double>(value)));
  return result;
}

/// Largest difference of drawn [S, S, 4] to the authors' fake_rgbs [3, S, S] and fake_segm [1, S, S].
std::pair<double, double> differences(const std::vector<float>& drawn, const std::vector<float>& rgb,
                                      const std::vector<float>& mask) {
  double rgb_difference = 0, mask_difference = 0;
  const std::size_t area = mask.size();
  for (std::size_t i = 0; i < area; ++i) {
    const double alpha = drawn[i * 4 + 3];
    mask_difference = std::max(mask_difference, std::abs(alpha - mask[i]));
    for (std::size_t c = 0; c < 3; ++c) {
      rgb_difference = std::max(rgb_difference, std::abs(drawn[i * 4 + c] * alpha - rgb[c * area + i]));
    }
  }
  return {rgb_difference, mask_difference};
}

TEST(CpuGeneratorParity, SmallGenerator) {
  REENACT_SHARED_FILE(path, "parity/generator_small.safetensors");
  const SafetensorsFile file(path);
  const ReenactorConfig config = small_config();
  const auto generator =
      load(write_model("small", ModelKind::reenactor, to_json(config), state_of_network(file, "generator")),
           Precision::fp32);
  const std::vector<float> embeds = file.at("in.embeds").to_floats(),
                           poses = file.at("in.pose_embedding").to_floats(),
                           affine = file.at("eval.affine_params").to_floats(),
                           rgb = file.at("eval.fake_rgbs").to_floats(),
                           mask = file.at("eval.fake_segm").to_floats();
  for (int sample = 0; sample < 2; ++sample) {
    generator->set_identity(identity_of(part(embeds, sample, 32)));
    const std::vector<float> pose = part(poses, sample, 16);
    const std::vector<float> coefficients = generator->affine_coefficients(pose);
    const std::vector<float> wanted = part(affine, sample, coefficients.size());
    for (std::size_t i = 0; i < coefficients.size(); ++i) {
      ASSERT_NEAR(coefficients[i], wanted[i], 1e-5 + 1e-5 * largest(affine)) << i;
    }
    std::vector<float> drawn(64 * 64 * 4);
    generator->generate_floats(pose, drawn);
    const std::vector<float> wanted_rgb = part(rgb, sample, 3 * 64 * 64),
                             wanted_mask = part(mask, sample, 64 * 64);
    const auto [rgb_difference, mask_difference] = differences(drawn, wanted_rgb, wanted_mask);
    EXPECT_LE(rgb_difference, 1e-5 + 1e-5 * largest(rgb));
    EXPECT_LE(mask_difference, 1e-5 + 1e-5 * largest(mask));
  }
}

TEST(CpuGeneratorParity, FullGenerator) {
  REENACT_SHARED_FILE(path, "parity/proc_generator_full.safetensors");
  const SafetensorsFile file(path);
  const ReenactorConfig config;
  const auto model = write_model("full", ModelKind::reenactor, to_json(config),
                                 procedural_state(file, "generator", generator_shapes(config)));
  const std::vector<float> rgb = file.at("eval.fake_rgbs").to_floats(),
                           mask = file.at("eval.fake_segm").to_floats();
  for (Precision precision : {Precision::fp32, Precision::bf16}) {
    if (precision == Precision::bf16 && !cpu::has_arithmetic(cpu::Arithmetic::bf16)) continue;
    const auto generator = load(model, precision, 2);
    generator->set_identity(identity_of(procedural_input("generator.input.embeds", 512, -1.5f, 1.5f)));
    std::vector<float> drawn(256 * 256 * 4);
    generator->generate_floats(procedural_input("generator.input.pose_embedding", 256, -1.5f, 1.5f), drawn);
    const auto [rgb_difference, mask_difference] = differences(drawn, rgb, mask);
    // bf16 has eight bits: the bound for it is what keeps a picture the same to the eye, not parity.
    const double tolerance = precision == Precision::fp32 ? 1e-4 : 0.1;
    EXPECT_LE(rgb_difference, tolerance + tolerance * largest(rgb)) << to_string(precision);
    EXPECT_LE(mask_difference, tolerance + tolerance * largest(mask)) << to_string(precision);
    RecordProperty("rgb_difference_" + to_string(precision), std::to_string(rgb_difference));
  }
}

/// Small, with channels that are no multiple of a vector, as in `lite`.
ReenactorConfig odd_config() {
  ReenactorConfig config = small_config();
  config.num_channels = 24;
  config.max_channels = 96;
  config.image_size = 32;
  return config;
}

std::shared_ptr<const ModelFile> calibrated(const std::string& name, const ReenactorConfig& config,
                                            const FloatTensors& tensors,
                                            GeneratorCalibration* result = nullptr) {
  const auto model = write_model(name, ModelKind::reenactor, to_json(config), tensors);
  const std::vector<std::vector<float>> identities = {random_values(config.identity_embedding_size, 1)};
  std::vector<std::vector<float>> poses;
  for (unsigned i = 0; i < 8; ++i) poses.push_back(random_values(config.pose_embedding_size, 10 + i));
  const auto calibration = calibrate_generator(model, nullptr, identities, poses, 1);
  if (result) *result = calibration;
  const auto path = model->path().parent_path() / (name + "_calibrated.safetensors");
  write_ranges(path, *model, calibration);
  return std::make_shared<const ModelFile>(path, ModelKind::reenactor);
}

TEST(CpuGenerator, IsCalibratedWhereTheBackendDrawsIt) {
  const FloatTensors tensors = random_generator(small_config(), 5);
  const auto can = [&](const std::string& name, const ReenactorConfig& config) {
    return can_calibrate_generator(*write_model(name, ModelKind::reenactor, to_json(config), tensors));
  };
  ReenactorConfig reflecting = small_config(), listening = small_config(), leaky = small_config();
  reflecting.reflection_padding = true;
  listening.identity_blocks = 1;
  leaky.projector = "leaky";
  EXPECT_TRUE(can("calibrated_spectral", small_config()));
  EXPECT_FALSE(can("calibrated_reflecting", reflecting));
  EXPECT_FALSE(can("calibrated_listening", listening));
  EXPECT_FALSE(can("calibrated_leaky", leaky));
}

TEST(CpuGenerator, Int8DrawsTheAuthorsPicture) {
  if (!cpu::has_arithmetic(cpu::Arithmetic::int8)) GTEST_SKIP() << "this CPU has no int8";
  REENACT_SHARED_FILE(path, "parity/generator_small.safetensors");
  const SafetensorsFile file(path);
  GeneratorCalibration calibration;
  const auto model =
      calibrated("small_int8", small_config(), state_of_network(file, "generator"), &calibration);
  EXPECT_GT(calibration.psnr, 30);
  EXPECT_EQ(calibration.pictures, 8);
  const auto generator = load(model, Precision::int8);
  generator->set_identity(identity_of(part(file.at("in.embeds").to_floats(), 0, 32)));
  std::vector<float> drawn(64 * 64 * 4);
  generator->generate_floats(part(file.at("in.pose_embedding").to_floats(), 0, 16), drawn);
  const std::vector<float> rgb = part(file.at("eval.fake_rgbs").to_floats(), 0, 3 * 64 * 64);
  double error = 0;
  for (std::size_t i = 0; i < 64 * 64; ++i) {
    for (std::size_t c = 0; c < 3; ++c)
      error += std::pow(drawn[i * 4 + c] * drawn[i * 4 + 3] - rgb[c * 64 * 64 + i], 2);
  }
  const double psnr = -10 * std::log10(error / rgb.size());
  RecordProperty("psnr", std::to_string(psnr));
  EXPECT_GT(psnr, 28);  // these weights and this pose were not seen when calibrating
}

TEST(CpuGenerator, SameNumbersForAnyThreads) {
  const ReenactorConfig config = odd_config();
  const auto model = calibrated("threads", config, random_generator(config, 5));
  for (Precision precision : {Precision::fp32, Precision::bf16, Precision::int8}) {
    if (precision == Precision::bf16 && !cpu::has_arithmetic(cpu::Arithmetic::bf16)) continue;
    if (precision == Precision::int8 && !cpu::has_arithmetic(cpu::Arithmetic::int8)) continue;
    std::vector<std::vector<float>> pictures;
    for (int threads : {1, 2, 2}) {
      const auto generator = load(model, precision, threads);
      generator->set_identity(identity_of(random_values(config.identity_embedding_size, 1)));
      pictures.emplace_back(32 * 32 * 4);
      generator->generate_floats(random_values(config.pose_embedding_size, 2), pictures.back());
    }
    EXPECT_EQ(pictures[0], pictures[1]) << to_string(precision);
    EXPECT_EQ(pictures[1], pictures[2]) << to_string(precision);
  }
}

TEST(CpuGenerator, BytesFollowFloats) {
  const ReenactorConfig config = odd_config();
  const auto generator =
      load(write_model("bytes", ModelKind::reenactor, to_json(config), random_generator(config, 6)),
           Precision::fp32);
  generator->set_identity(identity_of(random_values(config.identity_embedding_size, 1)));
  const std::vector<float> pose = random_values(config.pose_embedding_size, 2);
  std::vector<float> floats(32 * 32 * 4);
  generator->generate_floats(pose, floats);
  for (AlphaMode alpha : {AlphaMode::straight, AlphaMode::premultiplied}) {
    const cv::Mat picture = generator->generate(pose, alpha);
    ASSERT_EQ(picture.type(), CV_8UC4);
    ASSERT_EQ(picture.total(), 32u * 32u);
    for (std::size_t i = 0; i < floats.size(); ++i) {
      const double value =
          floats[i] * (alpha == AlphaMode::premultiplied && i % 4 != 3 ? floats[i / 4 * 4 + 3] : 1.0f);
      const double bytes = 255 * std::clamp(value, 0.0, 1.0);
      // Premultiplied pictures are truncated.
      ASSERT_NEAR(picture.data[i], alpha == AlphaMode::premultiplied ? bytes - 0.5 : bytes, 0.501);
    }
  }
}

TEST(CpuGenerator, AutomaticPrecisionTakesInt8OnlyWithRanges) {
  const ReenactorConfig config = odd_config();
  const FloatTensors tensors = random_generator(config, 5);
  const auto plain = write_model("plain", ModelKind::reenactor, to_json(config), tensors);
  EXPECT_NE(load(plain, Precision::automatic)->arithmetic(), cpu::Arithmetic::int8);
  if (!cpu::has_arithmetic(cpu::Arithmetic::int8)) GTEST_SKIP() << "this CPU has no int8";
  const auto model = calibrated("ranges", config, tensors);
  const auto generator = load(model, Precision::automatic);
  // On AVX-512 without VNNI fp32 has the wider vectors, and may be faster.
  double others = cpu::layer_milliseconds(cpu::Arithmetic::f32);
  if (cpu::has_arithmetic(cpu::Arithmetic::bf16))
    others = std::min(others, cpu::layer_milliseconds(cpu::Arithmetic::bf16));
  EXPECT_EQ(generator->arithmetic() == cpu::Arithmetic::int8,
            1.05 * cpu::layer_milliseconds(cpu::Arithmetic::int8) < others);
  EXPECT_TRUE(load(model, Precision::int8)->active_engine().starts_with("onednn int8 "));
  EXPECT_THROW(load(plain, Precision::int8), Error);
}

TEST(CpuGenerator, PersonalWeightsReplaceTheModels) {
  const ReenactorConfig config = odd_config();
  const auto model = write_model("base", ModelKind::reenactor, to_json(config), random_generator(config, 5));
  const FloatTensors personal_tensors = random_generator(config, 8);
  const auto personal_model =
      write_model("personal_model", ModelKind::reenactor, to_json(config), personal_tensors);
  auto identity = std::make_shared<Identity>(*identity_of(random_values(config.identity_embedding_size, 1)));
  identity->personal_weights = write_model("personal", ModelKind::identity, {}, personal_tensors);
  const std::vector<float> pose = random_values(config.pose_embedding_size, 2);

  std::vector<float> wanted(32 * 32 * 4), found(wanted.size()), base(wanted.size()), again(wanted.size());
  const auto other = load(personal_model, Precision::fp32);
  other->set_identity(identity_of(identity->embedding));
  other->generate_floats(pose, wanted);
  const auto generator = load(model, Precision::fp32);
  generator->set_identity(identity_of(identity->embedding));
  generator->generate_floats(pose, base);
  generator->set_identity(identity);
  generator->generate_floats(pose, found);
  generator->set_identity(identity_of(identity->embedding));
  generator->generate_floats(pose, again);
  EXPECT_EQ(found, wanted);
  EXPECT_NE(found, base);
  EXPECT_EQ(again, base);
}

TEST(CpuGenerator, RefusesWhatDoesNotFit) {
  const ReenactorConfig config = odd_config();
  FloatTensors tensors = random_generator(config, 5);
  const auto generator =
      load(write_model("refusals", ModelKind::reenactor, to_json(config), tensors), Precision::fp32);
  std::vector<float> pose = random_values(config.pose_embedding_size, 2);
  EXPECT_THROW(generator->generate(pose, AlphaMode::straight), Error);  // no identity yet
  EXPECT_THROW(generator->set_identity(identity_of(random_values(3, 1))), Error);
  generator->set_identity(identity_of(random_values(config.identity_embedding_size, 1)));
  EXPECT_NO_THROW(generator->generate(pose, AlphaMode::straight));
  pose[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(generator->generate(pose, AlphaMode::straight), Error);
  tensors["gen.up0.conv1.weight"].shape = {96, 96, 9, 1};
  EXPECT_THROW(
      load(write_model("misshapen", ModelKind::reenactor, to_json(config), tensors), Precision::fp32), Error);
}

}  // namespace
}  // namespace reenact::test
