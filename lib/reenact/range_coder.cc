// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/range_coder.h"

#include <utility>

namespace reenact {
namespace {

constexpr std::uint32_t smallest_range = 1u << 24;

}  // namespace

void BitModel::update(bool bit) {
  const int shift = 3 + seen_ / 6;
  if (seen_ < 12) ++seen_;
  if (bit) {
    zero_ = static_cast<std::uint16_t>(zero_ - (zero_ >> shift));
  } else {
    zero_ = static_cast<std::uint16_t>(zero_ + ((one - zero_) >> shift));
  }
  keep_inside();
}

void RangeEncoder::put(bool bit, BitModel& model) {
  const std::uint32_t bound = (range_ >> BitModel::bits) * model.zero();
  if (bit) {
    low_ += bound;
    range_ -= bound;
  } else {
    range_ = bound;
  }
  model.update(bit);
  narrow();
}

void RangeEncoder::put_bits(std::uint32_t value, int count) {
  for (int i = count - 1; i >= 0; --i) {
    range_ >>= 1;
    if (value >> i & 1) low_ += range_;
    narrow();
  }
}

void RangeEncoder::narrow() {
  while (range_ < smallest_range) {
    range_ <<= 8;
    shift_low();
  }
}

void RangeEncoder::shift_low() {
  const bool carry = low_ >> 32;
  if (carry || static_cast<std::uint32_t>(low_) < 0xff000000u) {
    bytes_.push_back(static_cast<std::uint8_t>(held_ + carry));
    for (; held_count_ > 1; --held_count_) bytes_.push_back(static_cast<std::uint8_t>(0xff + carry));
    held_ = static_cast<std::uint8_t>(low_ >> 24);
    held_count_ = 0;
  }
  ++held_count_;
  low_ = (low_ & 0x00ffffffu) << 8;
}

std::vector<std::uint8_t> RangeEncoder::finish() {
  // Any number in [low, low + range) will do; the one with the most zeros at its end is the shortest.
  for (int zeros = 31; zeros >= 0; --zeros) {
    const std::uint64_t unit = std::uint64_t(1) << zeros;
    const std::uint64_t number = (low_ + unit - 1) / unit * unit;
    if (number < low_ + range_) {
      low_ = number;
      break;
    }
  }
  for (int i = 0; i < 5; ++i) shift_low();
  bytes_.erase(bytes_.begin());
  while (!bytes_.empty() && bytes_.back() == 0) bytes_.pop_back();
  return std::move(bytes_);
}

RangeDecoder::RangeDecoder(std::span<const std::uint8_t> bytes) : bytes_(bytes) {
  for (int i = 0; i < 4; ++i) code_ = code_ << 8 | next_byte();
}

bool RangeDecoder::get(BitModel& model) {
  const std::uint32_t bound = (range_ >> BitModel::bits) * model.zero();
  const bool bit = code_ >= bound;
  if (bit) {
    code_ -= bound;
    range_ -= bound;
  } else {
    range_ = bound;
  }
  model.update(bit);
  widen();
  return bit;
}

std::uint32_t RangeDecoder::get_bits(int count) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) {
    range_ >>= 1;
    const bool bit = code_ >= range_;
    if (bit) code_ -= range_;
    value = value << 1 | static_cast<std::uint32_t>(bit);
    widen();
  }
  return value;
}

std::uint8_t RangeDecoder::next_byte() {
  return at_ < bytes_.size() ? bytes_[at_++] : 0;
}

void RangeDecoder::widen() {
  while (range_ < smallest_range) {
    range_ <<= 8;
    code_ = code_ << 8 | next_byte();
  }
}

}  // namespace reenact
