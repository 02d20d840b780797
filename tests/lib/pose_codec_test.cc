// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/pose_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <optional>
#include <random>

#include "reenact/model_file.h"
#include "reenact/safetensors.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace reenact {
namespace {

constexpr int size = 64, features = 100;

double length(std::span<const float> pose) {
  double square = 0;
  for (const float value : pose) square += double(value) * value;
  return std::sqrt(square);
}

double distance(std::span<const float> a, std::span<const float> b) {
  std::vector<float> difference(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) difference[i] = a[i] - b[i];
  return length(difference);
}

/// A reenactor's last layer of the pose encoder whose output lies along `rank` directions, and almost nowhere else.
std::vector<float> layer_of_rank(int rank, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> left(std::size_t(size * rank)), right(std::size_t(rank * features)),
      weight(std::size_t(size * features));
  for (float& value : left) value = normal(random);
  for (float& value : right) value = normal(random);
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < features; ++column) {
      float sum = 0.001f * normal(random);
      for (int k = 0; k < rank; ++k)
        sum += left[std::size_t(row * rank + k)] * right[std::size_t(k * features + column)];
      weight[std::size_t(row * features + column)] = sum;
    }
  }
  return weight;
}

/// Poses that such a layer gives for features that move slowly.
std::vector<std::vector<float>> motion(const std::vector<float>& layer, int frames, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> feature(features);
  for (float& value : feature) value = normal(random);
  std::vector<std::vector<float>> poses;
  for (int frame = 0; frame < frames; ++frame) {
    for (float& value : feature) value = 0.99f * value + 0.1f * normal(random);
    std::vector<float> pose(size, 0.0f);
    for (int row = 0; row < size; ++row) {
      for (int column = 0; column < features; ++column)
        pose[std::size_t(row)] += layer[std::size_t(row * features + column)] * feature[std::size_t(column)];
    }
    poses.push_back(pose);
  }
  return poses;
}

std::optional<ErrorCode> error_code_of(const std::function<void()>& action) {
  const std::optional<Error> error = test::error_of(action);
  if (!error) return {};
  return error->code();
}

class PoseCodec : public ::testing::Test {
 protected:
  std::filesystem::path write_model(const std::vector<float>& layer, const std::string& name = "m") {
    const std::filesystem::path path = folder_.path() / (name + ".safetensors");
    ModelInfo info;
    info.kind = ModelKind::reenactor;
    write_safetensors(
        path,
        {{"pose.classifier.1.weight", {DataType::f32, {size, features}, std::as_bytes(std::span(layer))}}},
        to_metadata(info));
    return path;
  }
  std::vector<float> layer_ = layer_of_rank(6, 1);
  test::TemporaryFolder folder_;
};

TEST_F(PoseCodec, BasisIsOrthonormalAndHoldsThePosesInItsFirstDirections) {
  const auto basis = load_pose_basis(write_model(layer_));
  ASSERT_EQ(basis->pose_size(), size);
  std::vector<float> coefficients(size), back(size);
  for (const auto& pose : motion(layer_, 20, 4)) {
    basis->to_coefficients(pose, coefficients);
    EXPECT_NEAR(length(coefficients), length(pose), 1e-4 * length(pose));
    EXPECT_LT(length(std::span(coefficients).subspan(6)), 1e-2 * length(pose));
    basis->to_pose(coefficients, back);
    EXPECT_LT(distance(back, pose), 1e-5 * length(pose));
  }
}

TEST_F(PoseCodec, BasesOfOtherModelsHaveOtherFingerprints) {
  const auto one = load_pose_basis(write_model(layer_)),
             again = load_pose_basis(write_model(layer_, "again")),
             other = load_pose_basis(write_model(layer_of_rank(6, 2), "other"));
  EXPECT_EQ(one->fingerprint(), again->fingerprint());
  EXPECT_NE(one->fingerprint(), other->fingerprint());
  EXPECT_NE(one->fingerprint(), PoseBasis::plain(size)->fingerprint());
}

TEST_F(PoseCodec, AModelWithoutAPoseEncoderIsRefused) {
  const std::filesystem::path path = folder_.path() / "bare.safetensors";
  const float nothing[4] = {};
  ModelInfo info;
  info.kind = ModelKind::reenactor;
  write_safetensors(path, {{"gen.x", {DataType::f32, {4}, std::as_bytes(std::span(nothing))}}},
                    to_metadata(info));
  EXPECT_EQ(error_code_of([&] { load_pose_basis(path); }), ErrorCode::wrong_kind);
}

TEST_F(PoseCodec, ErrorStaysBelowTheStepForEveryPrecision) {
  const auto poses = motion(layer_, 60, 5);
  for (const auto& basis : {load_pose_basis(write_model(layer_)), PoseBasis::plain(size)}) {
    for (const double precision : {0.002, 0.02, 0.2}) {
      PoseStreamEncoder encoder(basis, {.precision = precision, .key_interval = 7});
      PoseStreamDecoder decoder(basis);
      double key_length = 0;
      for (const auto& pose : poses) {
        const auto coded = decoder.decode(encoder.encode({pose}));
        ASSERT_TRUE(coded);
        EXPECT_TRUE(coded->exact);
        EXPECT_EQ(coded->lost, 0u);
        if (coded->key) key_length = length(pose);
        // Half a step in each direction, and a sixteenth that the step is rounded by.
        EXPECT_LE(distance(coded->frame.pose, pose), 0.5 * precision * key_length * 1.07 * std::sqrt(size));
      }
    }
  }
}

TEST_F(PoseCodec, ABasisOfTheModelTakesAFractionOfTheBits) {
  const auto poses = motion(layer_, 100, 6);
  std::size_t with = 0, without = 0;
  PoseStreamEncoder in_basis(load_pose_basis(write_model(layer_)), {}), plain(PoseBasis::plain(size), {});
  for (const auto& pose : poses) {
    with += in_basis.encode({pose}).size();
    without += plain.encode({pose}).size();
  }
  EXPECT_LT(2 * with, without);
}

TEST_F(PoseCodec, PlacementFaceAndAbsenceTravelExactly) {
  const auto basis = PoseBasis::plain(size);
  const auto poses = motion(layer_, 9, 7);
  PoseStreamEncoder encoder(basis, {.key_interval = 4});
  PoseStreamDecoder decoder(basis);
  for (int i = 0; i < 9; ++i) {
    PoseFrame frame;
    if (i % 3 != 2) frame.pose = poses[std::size_t(i)];
    if (i != 5) frame.placement = FacePlacement{{-20 + i, 7 * i, 300 + i, 300 - i}, {1920, 1080}, i % 2 == 0};
    if (frame.placement) frame.face = unsigned(65530 + i);
    const auto coded = decoder.decode(encoder.encode(frame));
    ASSERT_TRUE(coded);
    EXPECT_EQ(coded->frame.pose.empty(), frame.pose.empty());
    EXPECT_EQ(coded->frame.placement, frame.placement);
    EXPECT_EQ(coded->frame.face, frame.face & 0xffff);
  }
}

TEST_F(PoseCodec, TheFaceTravelsWithAPlacementThatTheKeyFrameLacked) {
  const auto basis = PoseBasis::plain(size);
  const auto poses = motion(layer_, 2, 7);
  PoseStreamEncoder encoder(basis, {.key_interval = 4});
  PoseStreamDecoder decoder(basis);
  ASSERT_TRUE(decoder.decode(encoder.encode({poses[0], std::nullopt, 5})));
  const auto coded = decoder.decode(encoder.encode({poses[1], FacePlacement{{1, 2, 3, 4}, {5, 6}, true}, 5}));
  ASSERT_TRUE(coded);
  EXPECT_FALSE(coded->key);
  EXPECT_EQ(coded->frame.face, 5u);
}

TEST_F(PoseCodec, LossIsCountedAndEndsAtTheNextKeyFrame) {
  const auto basis = load_pose_basis(write_model(layer_));
  const auto poses = motion(layer_, 40, 8);
  PoseStreamEncoder encoder(basis, {.key_interval = 10});
  PoseStreamDecoder decoder(basis), whole(basis);
  for (int i = 0; i < 40; ++i) {
    const auto packet = encoder.encode({poses[std::size_t(i)]});
    const auto wanted = whole.decode(packet);
    if (i == 13 || i == 14) continue;
    const auto coded = decoder.decode(packet);
    ASSERT_TRUE(coded);
    EXPECT_EQ(coded->lost, i == 15 ? 2u : 0u) << i;
    EXPECT_EQ(coded->exact, i < 13 || i >= 20) << i;
    if (coded->exact) EXPECT_EQ(coded->frame.pose, wanted->frame.pose) << i;
    // What was lost is at most how far the poses went in these two frames.
    EXPECT_LT(distance(coded->frame.pose, wanted->frame.pose), 0.6 * length(wanted->frame.pose)) << i;
  }
}

TEST_F(PoseCodec, NothingComesOutUntilAKeyFrame) {
  const auto basis = PoseBasis::plain(size);
  const auto poses = motion(layer_, 20, 9);
  PoseStreamEncoder encoder(basis, {.key_interval = 10});
  PoseStreamDecoder decoder(basis);
  for (int i = 0; i < 20; ++i) {
    const auto packet = encoder.encode({poses[std::size_t(i)]});
    if (i == 0) continue;
    EXPECT_EQ(decoder.decode(packet).has_value(), i >= 10) << i;
  }
}

TEST_F(PoseCodec, DeltasOfALostKeyFrameAreNotLaidOnAnother) {
  const auto basis = PoseBasis::plain(size);
  const auto poses = motion(layer_, 20, 10);
  PoseStreamEncoder encoder(basis, {.key_interval = 5});
  PoseStreamDecoder decoder(basis);
  for (int i = 0; i < 20; ++i) {
    const auto packet = encoder.encode({poses[std::size_t(i)]});
    if (i == 5) continue;
    EXPECT_EQ(decoder.decode(packet).has_value(), i < 5 || i >= 10) << i;
  }
}

TEST_F(PoseCodec, OldAndRepeatedPacketsAreDropped) {
  const auto basis = PoseBasis::plain(size);
  const auto poses = motion(layer_, 4, 11);
  PoseStreamEncoder encoder(basis, {});
  PoseStreamDecoder decoder(basis);
  std::vector<std::vector<std::uint8_t>> packets;
  for (const auto& pose : poses) packets.push_back(encoder.encode({pose}));
  EXPECT_TRUE(decoder.decode(packets[0]));
  EXPECT_TRUE(decoder.decode(packets[1]));
  EXPECT_FALSE(decoder.decode(packets[1]));
  EXPECT_TRUE(decoder.decode(packets[3]));
  EXPECT_FALSE(decoder.decode(packets[2]));
}

TEST_F(PoseCodec, AKeyFrameComesWhenAskedFor) {
  PoseStreamEncoder encoder(PoseBasis::plain(size), {.key_interval = 100});
  const auto poses = motion(layer_, 10, 12);
  for (int i = 0; i < 10; ++i) {
    if (i == 6) encoder.request_key_frame();
    encoder.encode({poses[std::size_t(i)]});
    EXPECT_EQ(encoder.last_was_key(), i == 0 || i == 6) << i;
  }
}

TEST_F(PoseCodec, TheStepGrowsUntilTheBitsSuffice) {
  const auto poses = motion(layer_, 600, 13);
  PoseStreamEncoder encoder(PoseBasis::plain(size),
                            {.precision = 0.001, .key_interval = 5, .most_bits = 200});
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < poses.size(); ++i) {
    const std::size_t packet = encoder.encode({poses[i]}).size();
    if (i >= 300) bytes += packet;
  }
  EXPECT_LE(8.0 * double(bytes) / 300, 210);
  EXPECT_GE(8.0 * double(bytes) / 300, 100);
}

TEST_F(PoseCodec, RefusesWhatItCannotCode) {
  const auto basis = PoseBasis::plain(size);
  PoseStreamEncoder encoder(basis, {});
  std::vector<float> pose(size, 1.0f);
  const auto code_of = [&](const PoseFrame& frame) { return error_code_of([&] { encoder.encode(frame); }); };
  EXPECT_EQ(code_of({{1, 2, 3}}), ErrorCode::invalid);
  EXPECT_EQ(code_of({pose, FacePlacement{{0, 0, 1 << 21, 1}, {640, 480}}}), ErrorCode::invalid);
  pose[5] = std::nanf("");
  EXPECT_EQ(code_of({pose}), ErrorCode::invalid);
  EXPECT_EQ(error_code_of([&] { PoseStreamEncoder(basis, {.key_interval = 0}); }), ErrorCode::invalid);
  EXPECT_EQ(error_code_of([&] { PoseStreamEncoder(basis, {.precision = 2}); }), ErrorCode::invalid);
}

TEST_F(PoseCodec, HugePosesAreCodedWithoutOverflow) {
  const auto basis = PoseBasis::plain(size);
  PoseStreamEncoder encoder(basis, {.key_interval = 3});
  PoseStreamDecoder decoder(basis);
  for (const float value : {1.0f, 3e38f, -3e38f, 0.0f, 1e-38f}) {
    const auto coded = decoder.decode(encoder.encode({std::vector<float>(size, value)}));
    ASSERT_TRUE(coded);
    for (const float got : coded->frame.pose) EXPECT_TRUE(std::isfinite(got));
  }
}

TEST_F(PoseCodec, RefusesForeignPacketsInOneSentence) {
  const auto basis = load_pose_basis(write_model(layer_));
  PoseStreamEncoder encoder(PoseBasis::plain(size), {});
  PoseStreamDecoder decoder(basis);
  auto packet = encoder.encode({std::vector<float>(size, 1.0f)});
  EXPECT_EQ(error_code_of([&] { decoder.decode(packet); }), ErrorCode::wrong_kind);
  packet[0] = 0x21;
  EXPECT_EQ(error_code_of([&] { decoder.decode(packet); }), ErrorCode::unsupported);
  EXPECT_EQ(error_code_of([&] { decoder.decode({}); }), ErrorCode::corrupt);
}

TEST_F(PoseCodec, NoBytesDoHarm) {
  // Packets of a real stream with bytes changed, cut off and added; under the sanitizers this is the test of the decoder.
  const auto basis = load_pose_basis(write_model(layer_));
  const auto poses = motion(layer_, 30, 14);
  std::mt19937 random(15);
  for (int round = 0; round < 300; ++round) {
    PoseStreamEncoder encoder(basis, {.key_interval = 4});
    PoseStreamDecoder decoder(basis);
    for (const auto& pose : poses) {
      auto packet = encoder.encode({pose, FacePlacement{{5, 6, 100, 100}, {640, 480}}});
      for (std::uint32_t i = random() % 4; i > 0 && !packet.empty(); --i) {
        switch (random() % 3) {
          case 0:
            packet[random() % packet.size()] = std::uint8_t(random());
            break;
          case 1:
            packet.resize(random() % packet.size());
            break;
          default:
            packet.push_back(std::uint8_t(random()));
        }
      }
      try {
        const auto coded = decoder.decode(packet);
        if (!coded) continue;
        for (const float value : coded->frame.pose) EXPECT_TRUE(std::isfinite(value));
      } catch (const Error&) {
        continue;
      }
    }
  }
}

}  // namespace
}  // namespace reenact
