// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "fuzz/safetensors_tokens.h"
#include "reenact/error.h"
#include "reenact/model_file.h"
#include "reenact/safetensors_header.h"
#include "support/byte_mutator.h"
#include "support/raw_safetensors.h"
#include "support/temporary_folder.h"

namespace reenact {
namespace {

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
    const std::string bytes = test::ByteMutator(seed, test::safetensors_tokens).mutate(valid);
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
    test::write_bytes(path, test::ByteMutator(seed, test::safetensors_tokens).mutate(valid));
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
