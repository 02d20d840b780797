// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/safetensors.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>

#include "support/errors.h"
#include "support/raw_safetensors.h"
#include "support/temporary_folder.h"

namespace reenact {
namespace {

using test::expect_error;
using test::raw_safetensors;

class Safetensors : public ::testing::Test {
 protected:
  /// Opens a file of these bytes.
  void open(const std::string& bytes) {
    test::write_bytes(path_, bytes);
    file_ = std::make_unique<SafetensorsFile>(path_);
  }
  void expect_corrupt(const std::string& bytes, std::initializer_list<std::string> parts) {
    std::vector<std::string> all(parts);
    expect_error([&] { open(bytes); }, ErrorCode::corrupt, {path_.string()});
    for (const std::string& part : all) expect_error([&] { open(bytes); }, ErrorCode::corrupt, {part});
  }

  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "file.safetensors";
  std::unique_ptr<SafetensorsFile> file_;
};

constexpr char one_float[] = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}  )";  // 56 bytes
const std::string four_bytes(4, '\0');

TEST_F(Safetensors, ReadsWhatTheFormatSays) {
  // Two tensors and metadata; 1.5f is 00 00 c0 3f, the scalar has an empty shape.
  open(raw_safetensors(
      R"({"__metadata__":{"kind":"x","format":"pt"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)"
      R"("s":{"dtype":"U8","shape":[],"data_offsets":[8,9]}}   )",
      std::string("\0\0\xc0\x3f\0\0\0\xc0\x07", 9)));
  EXPECT_EQ(file_->path(), path_);
  EXPECT_EQ(file_->metadata(), (Metadata{{"kind", "x"}, {"format", "pt"}}));
  EXPECT_EQ(file_->tensors().size(), 2u);
  const TensorView& w = file_->at("w");
  EXPECT_EQ(w.shape, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(w.to_floats(), (std::vector<float>{1.5f, -2.0f}));
  EXPECT_TRUE(file_->contains("s"));
  EXPECT_EQ(file_->at("s").element_count(), 1);
  EXPECT_EQ(file_->at("s").to_floats(), std::vector<float>{7.0f});
  EXPECT_FALSE(file_->contains("x"));
  expect_error([&] { file_->at("x"); }, ErrorCode::wrong_kind, {path_.string(), "'x'"});
}

TEST_F(Safetensors, EmptyHeaderAndEmptyTensors) {
  open(raw_safetensors("{}", ""));
  EXPECT_TRUE(file_->tensors().empty());
  std::string header = R"({"e":{"dtype":"F64","shape":[3,0,900000000000000],"data_offsets":[0,0]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  open(raw_safetensors(header, ""));
  EXPECT_EQ(file_->at("e").element_count(), 0);
  EXPECT_TRUE(file_->at("e").to_floats().empty());
}

TEST_F(Safetensors, EveryTypeBecomesFloats) {
  const auto floats = [&](const std::string& type, int count, const std::string& data) {
    std::string header = R"({"a":{"dtype":")" + type + R"(","shape":[)" + std::to_string(count) +
                         R"(],"data_offsets":[0,)" + std::to_string(data.size()) + "]}}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    open(raw_safetensors(header, data));
    EXPECT_EQ(to_string(file_->at("a").type), type);
    return file_->at("a").to_floats();
  };
  using V = std::vector<float>;
  EXPECT_EQ(floats("BOOL", 3, std::string("\0\1\2", 3)), (V{0, 1, 1}));
  EXPECT_EQ(floats("U8", 2, std::string("\0\xff", 2)), (V{0, 255}));
  EXPECT_EQ(floats("I8", 2, std::string("\x80\x7f", 2)), (V{-128, 127}));
  EXPECT_EQ(floats("I16", 2, std::string("\x00\x80\xff\x7f", 4)), (V{-32768, 32767}));
  EXPECT_EQ(floats("I32", 1, std::string("\xfe\xff\xff\xff", 4)), (V{-2}));
  EXPECT_EQ(floats("I64", 1, std::string("\x03\0\0\0\0\0\0\x80", 8)), (V{-9223372036854775808.0f}));
  // Half precision: 1, -2, 65504, the smallest subnormal 2^-24, infinity.
  EXPECT_EQ(floats("F16", 5, std::string("\x00\x3c\x00\xc0\xff\x7b\x01\x00\x00\x7c", 10)),
            (V{1, -2, 65504, std::ldexp(1.0f, -24), INFINITY}));
  EXPECT_EQ(floats("BF16", 2, std::string("\x80\x3f\x49\x40", 4)), (V{1, 3.140625f}));
  EXPECT_EQ(floats("F64", 1, std::string("\0\0\0\0\0\0\xf8\x3f", 8)), (V{1.5f}));
}

TEST_F(Safetensors, MissingAndUnreadableFiles) {
  expect_error([&] { SafetensorsFile(folder_ / "nowhere"); }, ErrorCode::not_found, {"nowhere"});
  expect_error([&] { SafetensorsFile(folder_.path()); }, ErrorCode::unreadable, {"regular file"});
  const std::filesystem::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect_error([&] { SafetensorsFile file(pipe); }, ErrorCode::unreadable,
               {"regular file"});  // and does not hang
}

TEST_F(Safetensors, TruncatedFiles) {
  const std::string whole = raw_safetensors(one_float, four_bytes);
  open(whole);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    expect_error([&] { open(whole.substr(0, length)); }, ErrorCode::corrupt, {path_.string()});
  }
}

TEST_F(Safetensors, HeaderThatClaimsTooMuch) {
  expect_corrupt(std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10),
                 {"18446744073709551615", "100000000"});
  expect_corrupt(std::string("\x01\xe1\xf5\x05\0\0\0\0{}", 10), {"100000001 bytes"});  // 100 MB and one byte
  expect_corrupt(std::string("\x00\xe1\xf5\x05\0\0\0\0{}", 10), {"claims 100000000 bytes, the file holds 2"});
  expect_corrupt(std::string("\x03\0\0\0\0\0\0\0{}", 10), {"claims 3 bytes, the file holds 2"});
}

TEST_F(Safetensors, OversizedHeaderThatIsReallyThere) {
  // A sparse file: 100 MB and more of header exist, and are refused by their length alone.
  test::write_bytes(path_, std::string("\x01\xe1\xf5\x05\0\0\0\0{", 9));
  std::filesystem::resize_file(path_, 100'000'100);
  expect_error([&] { SafetensorsFile file(path_); }, ErrorCode::corrupt,
               {"100000001 bytes, at most 100000000"});
}

TEST_F(Safetensors, HeaderThatIsNoSuchJson) {
  const auto header = [&](const std::string& text, const std::string& complaint) {
    expect_corrupt(raw_safetensors(text, four_bytes), {complaint});
  };
  header("", "no JSON");
  header("{\"a\":", "no JSON");
  header(std::string(one_float) + "x", "no JSON");
  header(std::string("{}\0\0", 4), "zero byte");
  header("{\"\xff\":{}}", "no JSON");  // not UTF-8
  header("[]", "a list");
  header("7", "a number");
  header("null", "null");
  header(R"({"a":[1]})", "a list");
  header(R"({"a":"F32"})", "a string");
  header(R"({"a":{"b":{}}})", "unknown field 'b'");
  header(R"({"a":{"shape":{}}})", "an object");
  header(R"({"a":{"shape":[[1]]}})", "a list");
  header(R"({"a":{"shape":[-1]}})", "a negative number");
  header(R"({"a":{"shape":[1.0]}})", "not a 64-bit integer");
  header(R"({"a":{"shape":[18446744073709551616]}})", "not a 64-bit integer");
  header(R"({"a":{"shape":["1"]}})", "a string");
  header(R"({"a":{"data_offsets":[0,1,2]}})", "more than two");
  header(R"({"__metadata__":{"a":1}})", "a number");
  header(R"({"__metadata__":{"a":{}}})", "an object");
  std::string many_sides;
  for (int i = 0; i < 64; ++i) many_sides += "1,";
  header(R"({"a":{"shape":[)" + many_sides + "1]}}", "more than 64 dimensions");
}

TEST_F(Safetensors, DeepNestingIsRefusedAtItsFirstLevel) {
  expect_corrupt(raw_safetensors(std::string(1'000'000, '['), ""), {"a list where none belongs"});
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  expect_corrupt(raw_safetensors(objects, ""), {"unknown field"});
}

TEST_F(Safetensors, DuplicateKeys) {
  expect_corrupt(raw_safetensors(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                                 R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                                 four_bytes),
                 {"'a' twice"});
  expect_corrupt(
      raw_safetensors(R"({"a":{"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", four_bytes),
      {"'dtype' twice"});
  expect_corrupt(raw_safetensors(R"({"__metadata__":{"k":"1","k":"2"}})", ""), {"'k' twice"});
  expect_corrupt(raw_safetensors(R"({"__metadata__":{},"__metadata__":{}})", ""), {"'__metadata__' twice"});
  // One name spelt in two ways is one name.
  expect_corrupt(raw_safetensors(R"({"__metadata__":{"k":"1","\u006b":"2"}})", ""), {"'k' twice"});
}

TEST_F(Safetensors, TensorsThatDoNotFit) {
  const auto tensor = [&](const std::string& fields, const std::string& complaint) {
    std::string header = R"({"a":{)" + fields + "}}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    expect_corrupt(raw_safetensors(header, std::string(16, '\0')), {complaint, "'a'"});
  };
  tensor(R"("dtype":"F32","shape":[4])", "lacks");
  tensor(R"("shape":[4],"data_offsets":[0,16])", "lacks");
  tensor(R"("dtype":"F32","data_offsets":[0,16])", "lacks");
  tensor(R"("dtype":"F32","shape":[4],"data_offsets":[16])", "lacks");
  tensor(R"("dtype":"Q4","shape":[4],"data_offsets":[0,16])", "data type 'Q4'");
  tensor(R"("dtype":"f32","shape":[4],"data_offsets":[0,16])", "data type 'f32'");
  tensor(R"("dtype":"F32","shape":[5],"data_offsets":[0,20])", "bytes 0 to 20 of 16");
  tensor(R"("dtype":"F32","shape":[4],"data_offsets":[16,0])", "bytes 16 to 0");
  tensor(R"("dtype":"F32","shape":[4],"data_offsets":[18446744073709551615,15])",
         "bytes 18446744073709551615 to 15");
  tensor(R"("dtype":"F32","shape":[3],"data_offsets":[0,16])",
         "has 16 bytes where its type and shape want 12");
  tensor(R"("dtype":"F64","shape":[4],"data_offsets":[0,16])",
         "has 16 bytes where its type and shape want 32");
  // 2^62 * 4 bytes wraps to 0, 2^63 * 2 as well, and so do products of several sides.
  tensor(R"("dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0])", "overflows");
  tensor(R"("dtype":"F16","shape":[9223372036854775808],"data_offsets":[0,0])", "overflows");
  tensor(R"("dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0])", "overflows");
  tensor(R"("dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0])", "overflows");
  tensor(R"("dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,0])", "overflows");
}

TEST_F(Safetensors, OverlapsHolesAndLeftovers) {
  const auto pair = [&](const std::string& first, const std::string& second, std::size_t data,
                        const std::string& complaint) {
    std::string header = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
                         R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}";
    expect_corrupt(raw_safetensors(header, std::string(data, '\0')), {complaint});
  };
  pair("[0,4]", "[0,4]", 8, "overlaps");
  pair("[0,4]", "[3,7]", 7, "overlaps");
  pair("[4,8]", "[2,6]", 8, "a hole before tensor 'b'");
  pair("[0,4]", "[5,9]", 9, "a hole before tensor 'b'");
  pair("[1,5]", "[5,9]", 9, "a hole before tensor 'a'");
  pair("[0,4]", "[4,8]", 9, "cover 8 of 9 bytes");
  // An empty tensor inside another is an overlap too.
  expect_corrupt(raw_safetensors(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                                 R"("b":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}})",
                                 four_bytes),
                 {"overlaps"});
}

TEST_F(Safetensors, UnalignedTensors) {
  // The header of 56 bytes keeps float data aligned, one of 57 does not.
  open(raw_safetensors(one_float, four_bytes));
  expect_corrupt(raw_safetensors(std::string(one_float) + " ", four_bytes), {"'a'", "unaligned for F32"});
  expect_corrupt(raw_safetensors(R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                 R"("w":{"dtype":"I16","shape":[1],"data_offsets":[1,3]}})",
                                 std::string(3, '\0')),
                 {"'w'", "unaligned for I16"});
}

TEST_F(Safetensors, SentencesAreOneLineEvenForHostileNames) {
  const auto error = test::error_of(
      [&] { open(raw_safetensors("{\"\\n\\u001b[31m" + std::string(1000, 'x') + "\":5}", "")); });
  ASSERT_TRUE(error.has_value());
  const std::string sentence = error->what();
  EXPECT_EQ(sentence.find_first_of("\n\x1b"), std::string::npos);
  EXPECT_LT(sentence.size(), 400u);
}

}  // namespace
}  // namespace reenact
