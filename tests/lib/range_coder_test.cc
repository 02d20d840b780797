// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/range_coder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace reenact {
namespace {

TEST(RangeCoder, GivesBackWhatWentIn) {
  for (std::uint32_t seed = 0; seed < 500; ++seed) {
    std::mt19937 random(seed);
    const double likelihood = std::uniform_real_distribution<double>(0, 1)(random);
    std::bernoulli_distribution ones(seed % 5 == 0 ? 0.0 : seed % 5 == 1 ? 1.0 : likelihood);
    const std::size_t count = random() % 400;
    std::vector<bool> bits;
    std::vector<std::uint32_t> plain;
    RangeEncoder encoder;
    BitModel model;
    for (std::size_t i = 0; i < count; ++i) {
      bits.push_back(ones(random));
      encoder.put(bits.back(), model);
      // All ones and all zeros make the coder carry far and end in zeros.
      plain.push_back(seed % 3 == 0 ? 0xffu : seed % 3 == 1 ? 0u : std::uint32_t(random() & 0xff));
      encoder.put_bits(plain.back(), 8);
    }
    const std::vector<std::uint8_t> bytes = encoder.finish();
    RangeDecoder decoder(bytes);
    BitModel again;
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(decoder.get(again), bits[i]) << "seed " << seed << ", bit " << i;
      ASSERT_EQ(decoder.get_bits(8), plain[i]) << "seed " << seed << ", byte " << i;
    }
  }
}

TEST(RangeCoder, TakesAsManyBitsAsShannonSays) {
  std::mt19937 random(3);
  const double p = 0.1;
  std::bernoulli_distribution ones(p);
  RangeEncoder encoder;
  BitModel model;
  const int count = 20000;
  for (int i = 0; i < count; ++i) encoder.put(ones(random), model);
  const double entropy = -p * std::log2(p) - (1 - p) * std::log2(1 - p);
  EXPECT_NEAR(8.0 * double(encoder.finish().size()) / count, entropy, 0.05 * entropy);
}

TEST(RangeCoder, NothingTakesNoBytes) {
  EXPECT_TRUE(RangeEncoder().finish().empty());
}

TEST(RangeCoder, ReadsAnyBytesToTheEndAndBehindIt) {
  std::mt19937 random(9);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::uint8_t> bytes(random() % 20);
    for (std::uint8_t& byte : bytes) byte = std::uint8_t(random());
    RangeDecoder decoder(bytes);
    BitModel model;
    for (int i = 0; i < 1000; ++i) {
      decoder.get(model);
      EXPECT_LT(decoder.get_bits(5), 32u);
    }
  }
}

}  // namespace
}  // namespace reenact
