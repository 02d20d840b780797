// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/identity_packet.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "support/errors.h"

namespace reenact {
namespace {

Identity someone() {
  Identity identity;
  identity.name = "Åsa";
  identity.consent = "by letter";
  identity.licence = "CC0-1.0";
  identity.embedding = {1, -0.25f, 3e-39f};
  identity.neutral_pose = {7};
  return identity;
}

TEST(IdentityPacket, GivesBackEveryBit) {
  const auto packet = write_identity_packet(someone());
  EXPECT_TRUE(is_identity_packet(packet));
  const auto identity = read_identity_packet(packet);
  EXPECT_EQ(identity->name, "Åsa");
  EXPECT_EQ(identity->consent, "by letter");
  EXPECT_EQ(identity->licence, "CC0-1.0");
  EXPECT_EQ(identity->embedding, someone().embedding);
  EXPECT_EQ(identity->neutral_pose, someone().neutral_pose);
}

TEST(IdentityPacket, EveryShorterOneIsRefused) {
  const auto packet = write_identity_packet(someone());
  for (std::size_t size = 0; size < packet.size(); ++size)
    test::expect_error([&] { read_identity_packet(std::span(packet).first(size)); }, ErrorCode::corrupt,
                       {"wanted"});
}

TEST(IdentityPacket, NumbersThatAreNotFiniteAreRefused) {
  Identity identity = someone();
  identity.embedding[1] = std::numeric_limits<float>::infinity();
  const auto packet = write_identity_packet(identity);
  test::expect_error([&] { read_identity_packet(packet); }, ErrorCode::corrupt, {"finite"});
}

TEST(IdentityPacket, NoBytesDoHarm) {
  const auto packet = write_identity_packet(someone());
  std::mt19937 random(2);
  for (int round = 0; round < 5000; ++round) {
    auto mutated = packet;
    for (int i = 0; i < 3; ++i) mutated[random() % mutated.size()] = std::uint8_t(random());
    mutated.resize(mutated.size() - random() % 3);
    try {
      EXPECT_FALSE(read_identity_packet(mutated)->embedding.empty());
    } catch (const Error&) {
      continue;
    }
  }
}

}  // namespace
}  // namespace reenact
