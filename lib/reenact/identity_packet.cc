// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/identity_packet.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "reenact/error.h"

namespace reenact {
namespace {

constexpr int format_version = 1;
constexpr unsigned identity_flag = 8;
constexpr std::size_t longest_text = 4096, most_numbers = 4096;

class Writer {
 public:
  void put(std::uint32_t value, int count) {
    for (int i = count - 1; i >= 0; --i) bytes.push_back(std::uint8_t(value >> (8 * i)));
  }
  void put_text(const std::string& text) {
    if (text.size() > longest_text)
      throw Error(ErrorCode::invalid, "a text of " + std::to_string(text.size()) +
                                          " bytes cannot be sent with an identity, wanted at most " +
                                          std::to_string(longest_text));
    put(std::uint32_t(text.size()), 2);
    bytes.insert(bytes.end(), text.begin(), text.end());
  }
  void put_numbers(std::span<const float> numbers) {
    if (numbers.size() > most_numbers)
      throw Error(ErrorCode::invalid, "an identity of " + std::to_string(numbers.size()) +
                                          " numbers cannot be sent, wanted at most " +
                                          std::to_string(most_numbers));
    put(std::uint32_t(numbers.size()), 2);
    for (const float number : numbers) put(std::bit_cast<std::uint32_t>(number), 4);
  }

  std::vector<std::uint8_t> bytes;
};

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint32_t get(int count) {
    std::uint32_t value = 0;
    for (const std::uint8_t byte : take(std::size_t(count))) value = value << 8 | byte;
    return value;
  }
  std::string get_text() {
    const auto text = take(get(2));
    return {text.begin(), text.end()};
  }
  std::vector<float> get_numbers() {
    const std::uint32_t count = get(2);
    // Checked before anything of the claimed size is allocated.
    if (bytes_.size() < std::size_t(count) * 4) refuse();
    std::vector<float> numbers(count);
    for (float& number : numbers) number = std::bit_cast<float>(get(4));
    if (!std::all_of(numbers.begin(), numbers.end(), [](float number) { return std::isfinite(number); }))
      throw Error(ErrorCode::corrupt,
                  "an identity packet has numbers that are not finite, wanted finite ones");
    return numbers;
  }
  bool at_end() const { return bytes_.empty(); }
  [[noreturn]] static void refuse() {
    throw Error(ErrorCode::corrupt,
                "an identity packet has another length than its parts, wanted a whole one");
  }

 private:
  std::span<const std::uint8_t> take(std::size_t count) {
    if (bytes_.size() < count) refuse();
    const auto taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }

  std::span<const std::uint8_t> bytes_;
};

}  // namespace

std::vector<std::uint8_t> write_identity_packet(const Identity& identity) {
  if (identity.personal_weights)
    throw Error(ErrorCode::unsupported,
                "the identity '" + identity.name +
                    "' has weights of its own, wanted one that is an embedding alone, "
                    "as the receiver gets no file");
  Writer writer;
  writer.put(format_version << 4 | identity_flag, 1);
  writer.put_text(identity.name);
  writer.put_text(identity.consent);
  writer.put_text(identity.licence);
  writer.put_numbers(identity.embedding);
  writer.put_numbers(identity.neutral_pose);
  return std::move(writer.bytes);
}

bool is_identity_packet(std::span<const std::uint8_t> packet) {
  return !packet.empty() && (packet[0] & 0xf) == identity_flag;
}

std::shared_ptr<const Identity> read_identity_packet(std::span<const std::uint8_t> packet) {
  Reader reader(packet);
  const std::uint32_t head = reader.get(1);
  if ((head & 0xf) != identity_flag)
    throw Error(ErrorCode::corrupt, "a packet has no identity in it, wanted one that has");
  if (head >> 4 != format_version)
    throw Error(ErrorCode::unsupported, "an identity packet is of format version " +
                                            std::to_string(head >> 4) + ", wanted " +
                                            std::to_string(format_version));
  auto identity = std::make_shared<Identity>();
  identity->name = reader.get_text();
  identity->consent = reader.get_text();
  identity->licence = reader.get_text();
  identity->embedding = reader.get_numbers();
  identity->neutral_pose = reader.get_numbers();
  if (!reader.at_end()) Reader::refuse();
  if (identity->embedding.empty())
    throw Error(ErrorCode::corrupt, "an identity packet has no embedding, wanted one");
  return identity;
}

}  // namespace reenact
