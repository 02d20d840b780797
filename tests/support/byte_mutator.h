// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <string_view>

namespace reenact::test {

/// Damages bytes in ways that stay near their format, so that the checks behind the first ones are reached
/// too.
class ByteMutator {
 public:
  /// `tokens` are words of the format, which are put in anywhere; they must outlive the mutator.
  ByteMutator(std::uint32_t seed, std::span<const std::string_view> tokens)
      : random_(seed), tokens_(tokens) {}

  /// The bytes after one to four changes.
  std::string mutate(std::string bytes) {
    const std::size_t times = 1 + below(4);
    for (std::size_t i = 0; i < times; ++i) once(bytes);
    return bytes;
  }
  /// The beginning of one and the end of the other.
  std::string splice(std::string_view first, std::string_view second) {
    std::string bytes(first.substr(0, below(first.size() + 1)));
    return bytes += second.substr(below(second.size() + 1));
  }
  /// From 0 on, less than `limit`; 0 where that is 0.
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

 private:
  void once(std::string& bytes) {
    const std::size_t at = below(bytes.size() + 1);
    switch (below(9)) {
      case 0:
        if (at < bytes.size()) bytes[at] = static_cast<char>(random_());
        break;
      case 1:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 2:
        if (!tokens_.empty()) bytes.insert(at, tokens_[below(tokens_.size())]);
        break;
      case 3:
        bytes.erase(at, 1 + below(8));
        break;
      case 4:
        bytes.resize(at);
        break;
      case 5: {
        const std::string part = bytes.substr(at, 1 + below(60));
        bytes.insert(below(bytes.size() + 1), part);
        break;
      }
      case 6: {  // another digit for a digit
        const std::size_t digit = bytes.find_first_of("0123456789", at);
        if (digit != std::string::npos) bytes[digit] = static_cast<char>('0' + below(10));
        break;
      }
      case 7:  // another length or mark at the beginning
        for (std::size_t i = 0; i < std::min<std::size_t>(below(9), bytes.size()); ++i)
          bytes[i] = static_cast<char>(random_());
        break;
      case 8: {  // a number that some reader may not expect
        static constexpr unsigned char extremes[][8] = {
            {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
            {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
            {0, 0, 0, 0x80, 0xff, 0xff, 0xff, 0xff},
            {0, 0, 0, 0, 0, 0, 0, 0x80},
            {0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0x7f},  // NaN, infinity
            {0, 0, 0, 0, 0, 0, 0, 0}};
        const auto& number = extremes[below(std::size(extremes))];
        const std::size_t size = std::size_t{1} << below(4);
        for (std::size_t i = 0; i < size && at + i < bytes.size(); ++i)
          bytes[at + i] = static_cast<char>(number[i]);
        break;
      }
    }
  }

  std::mt19937 random_;
  std::span<const std::string_view> tokens_;
};

}  // namespace reenact::test
