// SPDX-License-Identifier: LGPL-2.1-or-later
// The program itself: exit codes, sentences, and what inspect prints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "reenact/model_file.h"
#include "reenact/safetensors.h"
#include "support/run_program.h"
#include "support/temporary_folder.h"

namespace reenact {
namespace {

using test::run_program;
using testing::ContainsRegex;
using testing::HasSubstr;

class CommandLine : public testing::Test {
 protected:
  /// A small file of any kind with the two tensors an identity needs.
  std::filesystem::path write_file(ModelKind kind, const std::string& name = "file.safetensors") {
    const std::vector<float> embedding{1, 2, 3, 4, 5, 6};
    const std::vector<float> statistic{7, 8};
    ModelInfo info;
    info.kind = kind;
    info.config = JsonObject(R"({"width": 2})");
    info.licence = "CC0-1.0";
    info.provenance = JsonObject(R"({"steps": 12, "data": {"clips": 3}})");
    auto metadata = to_metadata(info);
    metadata["name"] = "Ada";
    write_safetensors(folder_ / name,
                      {{"embedding", {DataType::f32, {2, 3}, std::as_bytes(std::span(embedding))}},
                       {"gen.norm.running_mean", {DataType::f32, {2}, std::as_bytes(std::span(statistic))}}},
                      metadata);
    return folder_ / name;
  }
  void expect_failure(const std::vector<std::string>& arguments, const std::string& pattern) {
    const auto result = run_program(arguments);
    EXPECT_EQ(result.exit_code, 1) << result.output << result.errors;
    EXPECT_THAT(result.errors, ContainsRegex("^reenact-train: [^\n]*" + pattern + "[^\n]*\n$"));
    EXPECT_EQ(result.output, "");
  }
  test::TemporaryFolder folder_;
};

TEST_F(CommandLine, TellsVersionAndHelp) {
  const auto version = run_program({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.output, ContainsRegex("^reenact-train [0-9.]+ \\(LibTorch [0-9.]+"));
  const auto help = run_program({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* command : {"inspect", "identity", "blend", "render"}) {
    EXPECT_THAT(help.output, HasSubstr(command));
    const auto own = run_program({command, "--help"});
    EXPECT_EQ(own.exit_code, 0) << command;
    EXPECT_THAT(own.output, HasSubstr("Usage: reenact-train " + std::string(command)));
  }
}

TEST_F(CommandLine, RefusesWrongUsage) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{},
                                                    {"no-such-command"},
                                                    {"inspect"},
                                                    {"inspect", "a", "--no-such-option"},
                                                    {"--log-level", "loud", "inspect", "a"},
                                                    {"render", "a", "--every", "0"}}) {
    const auto result = run_program(arguments);
    EXPECT_EQ(result.exit_code, 2) << testing::PrintToString(arguments) << result.errors;
    EXPECT_FALSE(result.errors.empty());
  }
}

TEST_F(CommandLine, InspectTellsWhatAFileIs) {
  const auto result = run_program({"inspect", write_file(ModelKind::identity)});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  for (const char* part :
       {"kind: identity", "licence: CC0-1.0", "width: 2", "steps: 12", "clips: 3", "name: Ada", "total: 6",
        "embedding  F32 [2, 3]  24 bytes", "gen.norm.running_mean  F32 [2]  8 bytes"})
    EXPECT_THAT(result.output, HasSubstr(part));
}

TEST_F(CommandLine, InspectWritesJson) {
  const auto path = write_file(ModelKind::checkpoint);
  const auto result = run_program({"inspect", path, "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto json = nlohmann::json::parse(result.output);
  EXPECT_EQ(json["kind"], "checkpoint");
  EXPECT_EQ(json["format_version"], model_format_version);
  EXPECT_EQ(json["file_bytes"], std::filesystem::file_size(path));
  EXPECT_EQ(json["tensor_bytes"], 32);
  EXPECT_EQ(json["config"]["width"], 2);
  EXPECT_EQ(json["provenance"]["data"]["clips"], 3);
  EXPECT_EQ(json["metadata"]["name"], "Ada");
  EXPECT_EQ(json["parameters"]["total"], 6) << "running statistics are no parameters";
  EXPECT_EQ(json["tensors"]["embedding"]["shape"], (std::vector<int>{2, 3}));
  EXPECT_EQ(json["tensors"]["embedding"]["type"], "F32");
}

TEST_F(CommandLine, InspectRefusesWhatIsNoModel) {
  const auto good = write_file(ModelKind::detector);
  expect_failure({"inspect", folder_ / "absent.safetensors"}, "absent\\.safetensors");
  std::ofstream(folder_ / "text.safetensors") << "certainly no model file, but long enough for a header";
  expect_failure({"inspect", folder_ / "text.safetensors"}, "text\\.safetensors");
  std::ofstream(folder_ / "empty.safetensors") << "";
  expect_failure({"inspect", folder_ / "empty.safetensors"}, "empty\\.safetensors");
  std::filesystem::copy(good, folder_ / "short.safetensors");
  std::filesystem::resize_file(folder_ / "short.safetensors", std::filesystem::file_size(good) - 4);
  expect_failure({"inspect", folder_ / "short.safetensors"}, "short\\.safetensors");
}

TEST_F(CommandLine, RenderAndIdentityRefuseWrongFilesInOneSentence) {
  const std::string detector = write_file(ModelKind::detector);
  const std::string identity = write_file(ModelKind::identity, "identity.safetensors");
  const std::string out = folder_ / "out";
  std::ofstream(folder_ / "driver.png") << "no picture";
  const std::string driver = folder_ / "driver.png";

  expect_failure(
      {"render", driver, "--model", detector, "--identity", identity, "--output", out, "--already-cropped"},
      "file\\.safetensors' is a detector, wanted a reenactor");
  expect_failure({"render", driver, "--model", folder_ / "absent", "--identity", identity, "--output", out},
                 "absent");
  expect_failure({"render", driver, "--model", detector}, "neither --output nor --pose-track");
  expect_failure({"render", driver, "--model", detector, "--output", out}, "--identity is missing");
  expect_failure({"render", identity, "--model", detector, "--identity", identity, "--output", out},
                 "identity\\.safetensors' is an identity, wanted a pose_track");
  expect_failure({"identity", "--output", out}, "wanted pictures or clips of one person");
  expect_failure({"identity", "--blend", identity, "--output", out}, "use blend");
  expect_failure({"identity", driver, "--model", detector, "--output", out},
                 "is a detector, wanted a reenactor");
  expect_failure({"blend", detector, identity, "--output", out}, "is a detector, wanted an identity");
  expect_failure({"blend", identity + ":heavy", "--output", out}, "heavy', wanted FILE or FILE:WEIGHT");
  expect_failure({"blend", identity + ":-1", "--output", out}, "weight above 0");
  EXPECT_FALSE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace reenact
