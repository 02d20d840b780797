// SPDX-License-Identifier: LGPL-2.1-or-later
// The command blend on identities written by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "reenact/identity.h"
#include "reenact/model_file.h"
#include "support/run_program.h"
#include "support/temporary_folder.h"

namespace reenact {
namespace {

using test::run_program;
using testing::HasSubstr;
using testing::Not;

class Blend : public testing::Test {
 protected:
  /// embedding[i] = slope * i + offset, neutral_pose[i] = slope - offset * i.
  std::string write(const std::string& stem, const std::string& name, float slope, float offset,
                    const std::string& licence = "CC0-1.0") {
    Identity identity;
    identity.name = name;
    identity.licence = licence;
    identity.consent = name + " agreed";
    for (int i = 0; i < 7; ++i) identity.embedding.push_back(slope * float(i) + offset);
    for (int i = 0; i < 5; ++i) identity.neutral_pose.push_back(slope - offset * float(i));
    const std::string path = folder_ / (stem + ".safetensors");
    save_identity(path, identity, nlohmann::json{{"clip", stem}});
    return path;
  }
  test::ProgramResult blend(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "blend");
    arguments.insert(arguments.end(), {"--output", out()});
    return run_program(arguments);
  }
  void expect_failure(const std::vector<std::string>& arguments, const std::string& sentence) {
    const auto result = blend(arguments);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.errors, HasSubstr(sentence));
    EXPECT_FALSE(std::filesystem::exists(out()));
  }
  std::string out() const { return folder_ / "nobody.safetensors"; }
  std::string bytes() const {
    std::ifstream stream(out(), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  test::TemporaryFolder folder_;
};

TEST_F(Blend, MeansAreThoseOfTheClosedForm) {
  // Weights 1, 2 and 5: slopes 8, 4, 16 average to (8 + 8 + 80) / 8 = 12, offsets -8, 4, 1.6 to 1.
  const auto result = blend({write("clip-17", "Grace", 8, -8), write("clip-18", "Ada", 4, 4) + ":2",
                             write("clip-19", "Emmy", 16, 1.6f) + ":5", "--name", "Nobody"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto identity = load_identity(out());
  ASSERT_EQ(identity->embedding.size(), 7u);
  ASSERT_EQ(identity->neutral_pose.size(), 5u);
  for (std::size_t i = 0; i < 7; ++i) EXPECT_FLOAT_EQ(identity->embedding[i], 12 * float(i) + 1);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_FLOAT_EQ(identity->neutral_pose[i], 12 - float(i));
  EXPECT_EQ(identity->name, "Nobody");
  EXPECT_EQ(identity->licence, "CC0-1.0");
  EXPECT_TRUE(identity->thumbnail.empty()) << "no model was named that could draw it";
}

TEST_F(Blend, TheFileTellsSharesAndLicencesAndNoName) {
  const auto result =
      blend({write("clip-17", "Grace", 1, 2) + ":3", write("clip-18", "Ada", 3, 4, "CC-BY-4.0"), "--name",
             "Nobody", "--licence", "LGPL-2.1-or-later"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto info = ModelFile(out(), ModelKind::identity).info();
  EXPECT_EQ(info.licence, "LGPL-2.1-or-later");
  EXPECT_EQ(nlohmann::json::parse(info.provenance.text()), nlohmann::json::parse(R"({"blend_of": 2, "parts": [
      {"share": 0.75, "licence": "CC0-1.0"}, {"share": 0.25, "licence": "CC-BY-4.0"}]})"));
  const std::string written = bytes();
  ASSERT_THAT(written, HasSubstr("Nobody"));
  for (const char* name : {"Grace", "Ada", "clip-17", "clip-18", "agreed"})
    EXPECT_THAT(written, Not(HasSubstr(name)));
}

TEST_F(Blend, AColonInAFileNameIsNoWeight) {
  const auto result =
      blend({write("at 10:30", "Grace", 1, 0), write("clip:2", "Ada", 3, 0) + ":1", "--name", "x"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_FLOAT_EQ(load_identity(out())->embedding[1], 2);
}

TEST_F(Blend, WhatCannotBeBlendedIsRefusedInOneSentence) {
  const auto ada = write("a", "Ada", 1, 2), other = write("b", "Grace", 3, 4, "CC-BY-4.0");
  expect_failure({ada}, "wanted at least two");
  expect_failure({ada, other}, "wanted --licence for the blend");
  Identity wide;
  wide.licence = "CC0-1.0";
  wide.embedding.resize(9);
  save_identity(folder_ / "wide.safetensors", wide, {});
  expect_failure({ada, folder_ / "wide.safetensors"}, "has an embedding of 9 values, wanted 7");
}

TEST_F(Blend, WithoutARestingPoseOfEachPartThereIsNone) {
  Identity plain;
  plain.licence = "CC0-1.0";
  plain.embedding.assign(7, 1);
  save_identity(folder_ / "plain.safetensors", plain, {});
  const auto result = blend({write("a", "Ada", 1, 2), folder_ / "plain.safetensors"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("no resting pose"));
  EXPECT_TRUE(load_identity(out())->neutral_pose.empty());
}

}  // namespace
}  // namespace reenact
