// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/pose_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <string>
#include <utility>

#include "reenact/error.h"
#include "reenact/range_coder.h"

namespace reenact {
namespace {

constexpr int format_version = 1;
constexpr std::size_t header_size = 4, key_header_size = header_size + 7;
constexpr int longest_number = 24;  // bits
constexpr std::int32_t largest_number = (1 << longest_number) - 1;
constexpr int largest_coordinate = 1 << 20;

enum Flag : unsigned { flag_placement = 1, flag_nobody = 2, flag_held = 4 };

double step_of(int code) {
  return std::exp2((code - 128) / 8.0);
}

int code_of(double step) {
  return std::clamp(int(std::lround(std::log2(step) * 8)) + 128, 0, 255);
}

/// How the bits of whole numbers are likely to be, by what stands beside the number.
struct NumberModels {
  static constexpr int contexts = 10;
  std::array<std::array<BitModel, longest_number>, contexts> longer;
  std::array<BitModel, longest_number + 1> second_bit;

  NumberModels() {
    for (int context = 0; context < contexts; ++context) {
      for (int length = 0; length < longest_number; ++length) {
        const int beyond = length - (context - 1);
        const double longer_than = context == 0   ? (length == 0 ? 0.04 : 0.25)
                                   : beyond < -1  ? 0.9
                                   : beyond == -1 ? 0.75
                                   : beyond == 0  ? 0.5
                                   : beyond == 1  ? 0.25
                                                  : 0.1;
        longer[std::size_t(context)][std::size_t(length)] = BitModel(1 - longer_than);
      }
    }
    second_bit.fill(BitModel(0.6));
  }
};

/// How a number's neighbours choose its models: their weighted size, in bits.
int context_of(std::uint32_t nearest, std::uint32_t second, std::uint32_t third) {
  const std::uint32_t sum = 2 * nearest + second + third;
  return std::min(int(std::bit_width((sum + 1) / 2)), NumberModels::contexts - 1);
}

void put_number(RangeEncoder& coder, NumberModels& models, int context, std::int32_t value) {
  const std::uint32_t size = std::uint32_t(std::abs(value));
  const int length = int(std::bit_width(size));
  auto& longer = models.longer[std::size_t(context)];
  for (int i = 0; i < longest_number; ++i) {
    coder.put(i < length, longer[std::size_t(i)]);
    if (i == length) break;
  }
  if (length == 0) return;
  if (length >= 2) coder.put(size >> (length - 2) & 1, models.second_bit[std::size_t(length)]);
  if (length >= 3) coder.put_bits(size & ((1u << (length - 2)) - 1), length - 2);
  coder.put_bits(value < 0, 1);
}

std::int32_t get_number(RangeDecoder& coder, NumberModels& models, int context) {
  auto& longer = models.longer[std::size_t(context)];
  int length = 0;
  while (length < longest_number && coder.get(longer[std::size_t(length)])) ++length;
  if (length == 0) return 0;
  std::uint32_t size = 1;
  if (length >= 2) size = 2 | std::uint32_t(coder.get(models.second_bit[std::size_t(length)]));
  if (length >= 3) size = size << (length - 2) | coder.get_bits(length - 2);
  const auto value = std::int32_t(size);
  return coder.get_bits(1) ? -value : value;
}

/// The numbers of a placement and the face's, in the order they travel in; zeros without a placement, when none do.
std::array<std::int32_t, 7> numbers_of(const PoseFrame& frame) {
  if (!frame.placement) return {};
  const auto& [crop, size, found] = *frame.placement;
  return {
      crop.x, crop.y, crop.width, crop.height, size.width, size.height, std::int32_t(frame.face & 0xffff)};
}

constexpr int placement_context = 4;

std::int32_t clamped(std::int64_t value, std::int32_t most) {
  return std::int32_t(std::clamp<std::int64_t>(value, -most, most));
}

void check(const PoseCodecOptions& options) {
  if (!(options.precision >= 1.0 / 4096 && options.precision <= 1) || options.key_interval < 1 ||
      options.key_interval > 256 || options.most_bits < 0)
    throw Error(ErrorCode::invalid,
                "a pose codec of precision " + std::to_string(options.precision) + ", key interval " +
                    std::to_string(options.key_interval) + " and " + std::to_string(options.most_bits) +
                    " bits is not possible, wanted 1/4096 to 1, 1 to 256 and none below 0");
}

void check(const PoseFrame& frame, int pose_size) {
  if (!frame.pose.empty() && frame.pose.size() != std::size_t(pose_size))
    throw Error(ErrorCode::invalid, "a pose of " + std::to_string(frame.pose.size()) +
                                        " numbers cannot be coded, wanted " + std::to_string(pose_size));
  if (!std::all_of(frame.pose.begin(), frame.pose.end(), [](float value) { return std::isfinite(value); }))
    throw Error(ErrorCode::invalid, "a pose that is not finite cannot be coded, wanted finite numbers");
  for (const std::int32_t number : numbers_of(frame)) {
    if (number < -largest_coordinate || number > largest_coordinate)
      throw Error(ErrorCode::invalid, "a face at " + std::to_string(number) +
                                          " pixels cannot be coded, wanted at most " +
                                          std::to_string(largest_coordinate));
  }
}

double length_of(std::span<const float> pose) {
  double square = 0;
  for (const float value : pose) square += double(value) * value;
  return std::sqrt(square);
}

void put_big_endian(std::vector<std::uint8_t>& bytes, std::uint32_t value, int count) {
  for (int i = count - 1; i >= 0; --i) bytes.push_back(std::uint8_t(value >> (8 * i)));
}

std::uint32_t big_endian(std::span<const std::uint8_t> bytes) {
  std::uint32_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

}  // namespace

PoseStreamEncoder::PoseStreamEncoder(std::shared_ptr<const PoseBasis> basis, const PoseCodecOptions& options)
    : basis_(std::move(basis)), options_(options) {
  check(options);
  levels_.assign(std::size_t(basis_->pose_size()), 0);
  coefficients_.resize(levels_.size());
}

void PoseStreamEncoder::set_options(const PoseCodecOptions& options) {
  check(options);
  options_ = options;
}

void PoseStreamEncoder::begin_key_frame(double length) {
  age_ = 0;
  std::fill(levels_.begin(), levels_.end(), 0);
  if (options_.most_bits == 0) {
    coarser_ = 0;
  } else if (mean_bits_ >= 0) {
    // Every code makes the step 9 % wider and takes about an eighth of a bit from each number that is not zero.
    coarser_ = std::clamp(coarser_ + 16 * std::log2(mean_bits_ / options_.most_bits), 0.0, 64.0);
  }
  if (length > 0) step_code_ = code_of(length * options_.precision) + int(std::ceil(coarser_));
  step_code_ = std::clamp(step_code_, 0, 255);
}

std::vector<std::uint8_t> PoseStreamEncoder::encode(const PoseFrame& frame) {
  check(frame, basis_->pose_size());
  const bool key = age_ >= options_.key_interval;
  if (key) {
    begin_key_frame(length_of(frame.pose));
    key_ = {};
  }

  std::vector<std::uint8_t> packet;
  unsigned flags = 0;
  if (frame.placement) flags |= flag_placement | (frame.placement->found ? 0u : unsigned(flag_held));
  if (frame.pose.empty()) flags |= flag_nobody;
  packet.push_back(std::uint8_t(format_version << 4 | flags));
  put_big_endian(packet, sequence_, 2);
  packet.push_back(std::uint8_t(age_));
  if (key) {
    put_big_endian(packet, std::uint32_t(basis_->pose_size()), 2);
    put_big_endian(packet, basis_->fingerprint(), 4);
    packet.push_back(std::uint8_t(step_code_));
  }

  RangeEncoder coder;
  if (frame.placement) {
    NumberModels models;
    const auto numbers = numbers_of(frame), base = key_;
    for (std::size_t i = 0; i < numbers.size(); ++i)
      put_number(coder, models, placement_context, numbers[i] - base[i]);
    if (key) key_ = numbers;
  }
  if (!frame.pose.empty()) {
    NumberModels models;
    basis_->to_coefficients(frame.pose, coefficients_);
    const double step = step_of(step_code_);
    std::array<std::uint32_t, 3> beside{};
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      // A difference of two levels is a number of its own.
      const std::int32_t level =
          clamped(std::llround(std::clamp(coefficients_[i] / step, -1e9, 1e9)), largest_number / 2);
      const std::int32_t change = level - levels_[i];
      put_number(coder, models, context_of(beside[0], beside[1], beside[2]), change);
      beside = {std::uint32_t(std::abs(change)), beside[0], beside[1]};
      levels_[i] = level;
    }
  }
  const std::vector<std::uint8_t> payload = coder.finish();
  packet.insert(packet.end(), payload.begin(), payload.end());
  count(packet.size());
  ++sequence_;
  ++age_;
  return packet;
}

void PoseStreamEncoder::count(std::size_t bytes) {
  const double bits = 8.0 * double(bytes);
  mean_bits_ = mean_bits_ < 0 ? bits : mean_bits_ + (bits - mean_bits_) / 25;
}

PoseStreamDecoder::PoseStreamDecoder(std::shared_ptr<const PoseBasis> basis) : basis_(std::move(basis)) {
  levels_.assign(std::size_t(basis_->pose_size()), 0);
}

void PoseStreamDecoder::reset() {
  has_key_ = false;
}

std::optional<CodedPose> PoseStreamDecoder::decode(std::span<const std::uint8_t> packet) {
  if (packet.size() < header_size)
    throw Error(ErrorCode::corrupt, "a pose packet has " + std::to_string(packet.size()) +
                                        " bytes, wanted at least " + std::to_string(header_size));
  if (packet[0] >> 4 != format_version)
    throw Error(ErrorCode::unsupported, "a pose packet is of format version " +
                                            std::to_string(packet[0] >> 4) + ", wanted " +
                                            std::to_string(format_version));
  const unsigned flags = packet[0] & 0xf;
  const auto sequence = std::uint16_t(big_endian(packet.subspan(1, 2)));
  const int age = packet[3];
  const bool key = age == 0;
  if (flags > (flag_placement | flag_nobody | flag_held))
    throw Error(ErrorCode::corrupt, "a pose packet has flags that nobody sets");

  int step_code = step_code_;
  if (key) {
    if (packet.size() < key_header_size)
      throw Error(ErrorCode::corrupt, "a pose packet of a key frame has " + std::to_string(packet.size()) +
                                          " bytes, wanted at least " + std::to_string(key_header_size));
    const int size = int(big_endian(packet.subspan(4, 2)));
    const std::uint32_t fingerprint = big_endian(packet.subspan(6, 4));
    if (size != basis_->pose_size() || fingerprint != basis_->fingerprint())
      throw Error(ErrorCode::wrong_kind,
                  "poses of " + std::to_string(size) + " numbers in basis " + std::to_string(fingerprint) +
                      " come in, wanted " + std::to_string(basis_->pose_size()) + " in basis " +
                      std::to_string(basis_->fingerprint()) + ", that of the same model file");
    step_code = packet[10];
  }
  CodedPose coded;
  coded.key = key;
  if (has_key_) {
    const auto ahead = std::int16_t(std::uint16_t(sequence - sequence_));
    // A sender that began anew may count from anywhere.
    if (ahead <= 0 && !key) return {};
    coded.lost = ahead > 0 ? unsigned(ahead - 1) : 0;
  }
  if (!key && (!has_key_ || std::uint16_t(sequence - age) != key_sequence_)) return {};

  RangeDecoder coder(packet.subspan(key ? key_header_size : header_size));
  PoseFrame& frame = coded.frame;
  if (flags & flag_placement) {
    NumberModels models;
    auto numbers = key ? decltype(key_){} : key_;
    for (std::int32_t& number : numbers)
      number =
          clamped(std::int64_t(number) + get_number(coder, models, placement_context), largest_coordinate);
    frame.placement = FacePlacement{
        {numbers[0], numbers[1], numbers[2], numbers[3]}, {numbers[4], numbers[5]}, !(flags & flag_held)};
    frame.face = unsigned(numbers[6]) & 0xffff;
  }
  if (key) std::fill(levels_.begin(), levels_.end(), 0);
  if (!(flags & flag_nobody)) {
    NumberModels models;
    std::vector<float> coefficients(levels_.size());
    const double step = step_of(step_code);
    std::array<std::uint32_t, 3> beside{};
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      const std::int32_t change = get_number(coder, models, context_of(beside[0], beside[1], beside[2]));
      beside = {std::uint32_t(std::abs(change)), beside[0], beside[1]};
      levels_[i] = clamped(std::int64_t(levels_[i]) + change, largest_number / 2);
      coefficients[i] = static_cast<float>(levels_[i] * step);
    }
    frame.pose.resize(levels_.size());
    basis_->to_pose(coefficients, frame.pose);
  }

  exact_ = key || (exact_ && coded.lost == 0);
  coded.exact = exact_;
  if (key) {
    has_key_ = true;
    key_sequence_ = sequence;
    step_code_ = step_code;
    key_ = numbers_of(frame);
  }
  sequence_ = sequence;
  return coded;
}

}  // namespace reenact
