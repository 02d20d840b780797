// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <random>

#include "reenact/error.h"
#include "reenact/model_file.h"
#include "reenact/safetensors_header.h"
#include "support/raw_safetensors.h"
#include "support/temporary_folder.h"

namespace reenact {
namespace {

/// Damages a valid file in ways that stay near the format, so that the checks behind the JSON are reached
/// too.
class Mutator {
 public:
  explicit Mutator(std::uint32_t seed) : random_(seed) {}

  std::string mutate(std::string bytes) {
    const std::size_t times = 1 + below(4);
    for (std::size_t i = 0; i < times; ++i) once(bytes);
    return bytes;
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void once(std::string& bytes) {
    static const std::string tokens[] = {"0",
                                         "-1",
                                         "1e9",
                                         "18446744073709551615",
                                         "9223372036854775808",
                                         "4294967296",
                                         "[",
                                         "]",
                                         "{",
                                         "}",
                                         ",",
                                         ":",
                                         "\"",
                                         "\"dtype\":",
                                         "\"shape\":[",
                                         "\"data_offsets\":[0,0]",
                                         "\"__metadata__\":{",
                                         "null",
                                         "\\u0000",
                                         "F64",
                                         "U8"};
    const std::size_t at = below(bytes.size() + 1);
    switch (below(8)) {
      case 0:
        if (at < bytes.size()) bytes[at] = static_cast<char>(random_());
        break;
      case 1:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 2:
        bytes.insert(at, tokens[below(std::size(tokens))]);
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
      case 7: {  // another length for the header
        for (std::size_t i = 0; i < std::min<std::size_t>(below(9), bytes.size()); ++i) {
          bytes[i] = static_cast<char>(random_());
        }
        break;
      }
    }
  }

  std::mt19937 random_;
};

std::string valid_file() {
  std::string header =
      R"({"__metadata__":{"kind":"reenactor","format_version":"1","config":"{\"image_size\":64}"},)"
      R"("gen.a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
      R"("gen.b":{"dtype":"I16","shape":[4],"data_offsets":[24,32]},)"
      R"("pose.c":{"dtype":"U8","shape":[1,1,7],"data_offsets":[32,39]},)"
      R"("idt.d":{"dtype":"BOOL","shape":[0],"data_offsets":[39,39]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  return test::raw_safetensors(header, std::string(39, '\x7f'));
}

TEST(SafetensorsMutation, DamagedFilesParseOrAreRefused) {
  const std::string valid = valid_file();
  ASSERT_NO_THROW(parse_safetensors_header(std::as_bytes(std::span(valid)), "valid"));
  int parsed = 0, refused = 0;
  for (std::uint32_t seed = 0; seed < 40'000; ++seed) {
    const std::string bytes = Mutator(seed).mutate(valid);
    // An allocation of exactly this size lets a sanitiser see every byte read outside.
    const std::vector<char> exact(bytes.begin(), bytes.end());
    try {
      const SafetensorsHeader header = parse_safetensors_header(std::as_bytes(std::span(exact)), "mutated");
      ++parsed;
      for (const auto& [name, tensor] : header.tensors) {
        ASSERT_EQ(static_cast<std::size_t>(tensor.element_count()) * size_of(tensor.type),
                  tensor.bytes.size())
            << seed;
        ASSERT_GE(reinterpret_cast<const char*>(tensor.bytes.data()), exact.data()) << seed;
        ASSERT_LE(reinterpret_cast<const char*>(tensor.bytes.data() + tensor.bytes.size()),
                  exact.data() + exact.size());
        tensor.to_floats();
      }
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::corrupt) << seed;
      ++refused;
    }
  }
  // Both ends are reached: damage to data and metadata goes through, most other damage does not.
  EXPECT_GT(parsed, 400);
  EXPECT_GT(refused, 10'000);
}

TEST(SafetensorsMutation, DamagedModelFilesOpenOrAreRefused) {
  const test::TemporaryFolder folder;
  const std::filesystem::path path = folder / "model.safetensors";
  const std::string valid = valid_file();
  test::write_bytes(path, valid);
  ASSERT_NO_THROW(ModelFile(path, ModelKind::reenactor));
  for (std::uint32_t seed = 0; seed < 3'000; ++seed) {
    test::write_bytes(path, Mutator(seed).mutate(valid));
    try {
      const ModelFile file(path, ModelKind::reenactor);
      EXPECT_EQ(file.info().kind, ModelKind::reenactor);
    } catch (const Error& error) {
      ASSERT_TRUE(error.code() == ErrorCode::corrupt || error.code() == ErrorCode::wrong_kind)
          << seed << error.what();
      ASSERT_NE(std::string(error.what()).find(path.string()), std::string::npos) << seed;
    }
  }
}

}  // namespace
}  // namespace reenact
