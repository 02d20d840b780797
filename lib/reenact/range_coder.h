// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace reenact {

/// How likely a bit is 0, learned from those seen: quickly from the first few, then slowly.
class BitModel {
 public:
  BitModel() = default;
  /// `zero` in 0..1, the likelihood before anything was seen.
  explicit constexpr BitModel(double zero) : zero_(static_cast<std::uint16_t>(zero * one)) { keep_inside(); }

  static constexpr int bits = 15;
  static constexpr std::uint32_t one = 1u << bits;
  /// Of `one`, never 0 or all of it.
  std::uint32_t zero() const { return zero_; }
  void update(bool bit);

 private:
  static constexpr std::uint16_t least = 64;
  constexpr void keep_inside() {
    if (zero_ < least) zero_ = least;
    if (zero_ > one - least) zero_ = one - least;
  }

  std::uint16_t zero_ = one / 2;
  std::uint8_t seen_ = 0;
};

/// Writes bits in as many bytes as their likelihoods make of them: a binary range coder.
class RangeEncoder {
 public:
  void put(bool bit, BitModel& model);
  /// The lowest `count` (0..24) bits of `value`, all values equally likely.
  void put_bits(std::uint32_t value, int count);
  /// Ends and gives the bytes out, without the zeros at their end, which RangeDecoder adds.
  std::vector<std::uint8_t> finish();

 private:
  void narrow();
  void shift_low();

  std::uint64_t low_ = 0;
  std::uint32_t range_ = 0xffffffffu;
  std::uint8_t held_ = 0;         // the byte that a carry may still change; the first is none of ours
  std::uint64_t held_count_ = 1;  // it and the 0xff after it
  std::vector<std::uint8_t> bytes_;
};

/// Reads what RangeEncoder wrote, given the same models. Any bytes read as some bits; behind the last byte come zeros.
class RangeDecoder {
 public:
  explicit RangeDecoder(std::span<const std::uint8_t> bytes);
  bool get(BitModel& model);
  std::uint32_t get_bits(int count);

 private:
  std::uint8_t next_byte();
  void widen();

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  std::uint32_t range_ = 0xffffffffu, code_ = 0;
};

}  // namespace reenact
