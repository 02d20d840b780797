// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "element_test.h"

namespace reenact {
namespace {

struct Role {
  const char *factory, *property, *good_file;
};

const std::vector<Role> roles = {{"reenactcrop", "model-file", "detector.safetensors"},
                                 {"reenactpose", "model-file", "reenactor.safetensors"},
                                 {"reenactidentity", "identity-file", "red.safetensors"},
                                 {"reenactgenerator", "model-file", "reenactor.safetensors"}};

class BadFilesTest : public ElementTest {
 protected:
  static std::string contents(const std::string& name) {
    std::ifstream file(folder() / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::string with_header_length(std::uint64_t length, const std::string& rest) {
    std::string bytes(sizeof(length), '\0');
    std::memcpy(bytes.data(), &length, sizeof(length));
    return bytes + rest;
  }

  /// A file whose header, padded as the format wants, is followed by that many zeros.
  static std::string file_of(std::string header, std::size_t zeros) {
    header.resize((header.size() + 7) / 8 * 8, ' ');
    return with_header_length(header.size(), header + std::string(zeros, '\0'));
  }

  /// Every element refuses a file of these bytes in one sentence that names it, and works with a good file
  /// afterwards.
  void expect_refused(const Role& role, const std::string& bytes, GQuark wanted_domain, int wanted_code) {
    SCOPED_TRACE(role.factory);
    const std::filesystem::path path = folder() / "bad.safetensors";
    std::ofstream(path, std::ios::binary) << bytes;
    auto element = make(role.factory, std::string(role.property) + "=" + path.string());
    EXPECT_EQ(gst_element_set_state(element.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
    GQuark domain = 0;
    int code = 0;
    const std::string text = error_text(&domain, &code);
    EXPECT_NE(text.find(path.string()), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    EXPECT_EQ(domain, wanted_domain) << text;
    EXPECT_EQ(code, wanted_code) << text;
    EXPECT_EQ(error_text(), "") << "one error is enough";

    EXPECT_EQ(gst_element_set_state(element.get(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
    g_object_set(element.get(), role.property, role.good_file, nullptr);
    EXPECT_NE(gst_element_set_state(element.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
    gst_element_set_state(element.get(), GST_STATE_NULL);
    EXPECT_EQ(error_text(), "");
  }
};

TEST_F(BadFilesTest, Truncated) {
  for (const Role& role : roles) {
    const std::string good = contents(role.good_file);
    expect_refused(role, good.substr(0, good.size() * 2 / 3), GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE);
    expect_refused(role, "", GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE);
  }
}

TEST_F(BadFilesTest, NoSafetensorsAtAll) {
  const std::string picture = "\x89PNG\r\n\x1a\n" + std::string(500, 'x');
  for (const Role& role : roles) expect_refused(role, picture, GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE);
}

TEST_F(BadFilesTest, HeaderThatClaimsMoreThanThereIs) {
  for (const Role& role : roles) {
    expect_refused(role, with_header_length(100'000'000, "{}"), GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE);
    expect_refused(role, with_header_length(~std::uint64_t(0), "{}"), GST_STREAM_ERROR,
                   GST_STREAM_ERROR_DECODE);
  }
}

TEST_F(BadFilesTest, TensorsThatOverlapOrLeaveTheFile) {
  const std::string overlapping =
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})";
  const std::string outside = R"({"a":{"dtype":"F32","shape":[1000000],"data_offsets":[0,4000000]}})";
  for (const Role& role : roles) {
    for (const std::string& header : {overlapping, outside}) {
      expect_refused(role, file_of(header, 12), GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE);
    }
  }
}

TEST_F(BadFilesTest, OfAnotherKind) {
  for (const Role& role : roles) {
    const bool is_identity = std::string(role.property) == "identity-file";
    expect_refused(role, contents(is_identity ? "detector.safetensors" : "red.safetensors"), GST_STREAM_ERROR,
                   GST_STREAM_ERROR_WRONG_TYPE);
  }
}

TEST_F(BadFilesTest, SafetensorsOfSomebodyElse) {
  const std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  for (const Role& role : roles) {
    expect_refused(role, file_of(header, 4), GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE);
  }
}

}  // namespace
}  // namespace reenact
