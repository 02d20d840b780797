// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/run_config.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace reenact::training {
namespace {

using test::expect_error;

class RunConfigTest : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& text) {
    const auto path = folder_ / "run.toml";
    std::ofstream(path) << text;
    return path;
  }
  test::TemporaryFolder folder_;
};

constexpr const char* example = R"(
steps = 1000
data = "clips"

[optimizer]
learning_rate = 2e-4
betas = [0.5, 0.999]
amsgrad = true
names = ["a", "b"]
)";

TEST_F(RunConfigTest, ReadsValuesOfTheFile) {
  const RunConfig config(write(example));
  EXPECT_EQ(config.integer("steps", 1), 1000);
  EXPECT_EQ(config.number("steps", 1), 1000.0) << "a whole number is a number too";
  EXPECT_EQ(config.text("data", ""), "clips");
  EXPECT_EQ(config.number("optimizer.learning_rate", 1), 2e-4);
  EXPECT_EQ(config.numbers("optimizer.betas", {}), (std::vector<double>{0.5, 0.999}));
  EXPECT_TRUE(config.boolean("optimizer.amsgrad", false));
  EXPECT_EQ(config.texts("optimizer.names", {}), (std::vector<std::string>{"a", "b"}));
  EXPECT_NO_THROW(config.refuse_unknown_keys());
}

TEST_F(RunConfigTest, FallsBackWhereNothingIsGiven) {
  const RunConfig config{""};
  EXPECT_EQ(config.integer("steps", 7), 7);
  EXPECT_EQ(config.text("a.b.c", "deep"), "deep");
  EXPECT_EQ(config.texts("list", {"x"}), std::vector<std::string>{"x"});
  EXPECT_FALSE(config.contains("steps"));
}

TEST_F(RunConfigTest, OverridesWinAndNeedNoQuotes) {
  const RunConfig config(write(example), {"steps=5", "optimizer.learning_rate=1e-3", "data=/some/where else",
                                          "optimizer.names=[\"c\"]", "fresh.key=true", "steps=6"});
  EXPECT_EQ(config.integer("steps", 1), 6) << "the last one counts";
  EXPECT_EQ(config.number("optimizer.learning_rate", 1), 1e-3);
  EXPECT_EQ(config.text("data", ""), "/some/where else");
  EXPECT_EQ(config.texts("optimizer.names", {}), std::vector<std::string>{"c"});
  EXPECT_TRUE(config.boolean("fresh.key", false));
}

TEST_F(RunConfigTest, NamesUnknownKeysWithTheirPlace) {
  const RunConfig config(write(example));
  for (const char* key : {"steps", "data"}) config.contains(key);
  config.integer("steps", 0);
  config.text("data", "");
  config.numbers("optimizer.betas", {});
  config.boolean("optimizer.amsgrad", false);
  config.texts("optimizer.names", {});
  config.number("optimizer.learning_rates", 1);
  expect_error([&] { config.refuse_unknown_keys(); }, ErrorCode::invalid,
               {"run.toml' line 6", "'optimizer.learning_rate'", "did you mean 'optimizer.learning_rates'"});
}

TEST_F(RunConfigTest, NamesUnknownOverrides) {
  const RunConfig config("", {"stepz=3"});
  config.integer("steps", 1);
  expect_error([&] { config.refuse_unknown_keys(); }, ErrorCode::invalid, {"--set stepz", "'steps'"});
}

TEST_F(RunConfigTest, RefusesOtherTypesWithTheirPlace) {
  const RunConfig config(write(example), {"optimizer.amsgrad=1"});
  expect_error([&] { config.integer("data", 1); }, ErrorCode::invalid,
               {"run.toml' line 3", "'data' as string", "wanted a whole number"});
  expect_error([&] { config.integer("optimizer.learning_rate", 1); }, ErrorCode::invalid, {"line 6"});
  expect_error([&] { config.text("steps", ""); }, ErrorCode::invalid, {"wanted text"});
  expect_error([&] { config.number("optimizer", 1); }, ErrorCode::invalid, {"as table"});
  expect_error([&] { config.boolean("optimizer.amsgrad", true); }, ErrorCode::invalid,
               {"--set optimizer.amsgrad"});
  expect_error([&] { config.texts("optimizer.betas", {}); }, ErrorCode::invalid, {"wanted a list of texts"});
  expect_error([&] { config.numbers("optimizer.names", {}); }, ErrorCode::invalid,
               {"wanted a list of numbers"});
}

TEST_F(RunConfigTest, RefusesBrokenInput) {
  expect_error([&] { RunConfig("/nowhere/run.toml"); }, ErrorCode::not_found, {"/nowhere/run.toml"});
  expect_error([&] { RunConfig(folder_.path()); }, ErrorCode::unreadable, {"cannot read"});
  expect_error([&] { RunConfig(write("a = 1\nb = = 2\n")); }, ErrorCode::invalid, {"run.toml' line 2"});
  expect_error([&] { RunConfig("", {"no-equals"}); }, ErrorCode::invalid, {"'no-equals'", "key=value"});
  expect_error([&] { RunConfig("", {".a=1"}); }, ErrorCode::invalid, {"key=value"});
  expect_error([&] { RunConfig(write(example), {"steps.x=1"}); }, ErrorCode::invalid, {"'steps' is a value"});
}

TEST_F(RunConfigTest, AFileMayBuildUponAnother) {
  write(example);
  std::filesystem::create_directory(folder_ / "more");
  const auto upper = folder_ / "more" / "upper.toml";
  std::ofstream(upper)
      << "base = \"../run.toml\"\nsteps = 5\n[optimizer]\namsgrad = false\n[other]\nodd = 1\n";
  const RunConfig config(upper, {"data=elsewhere"});
  EXPECT_EQ(config.integer("steps", 1), 5);
  EXPECT_FALSE(config.boolean("optimizer.amsgrad", true));
  EXPECT_EQ(config.number("optimizer.learning_rate", 1), 2e-4);
  EXPECT_EQ(config.text("data", ""), "elsewhere");
  expect_error([&] { config.integer("optimizer.names", 1); }, ErrorCode::invalid, {"run.toml' line 9"});
  expect_error([&] { config.text("other.odd", ""); }, ErrorCode::invalid, {"upper.toml' line 6"});

  std::ofstream(upper) << "base = \"upper.toml\"\n";
  expect_error([&] { RunConfig{upper}; }, ErrorCode::invalid, {"builds upon itself"});
  std::ofstream(upper) << "base = \"none.toml\"\n";
  expect_error([&] { RunConfig{upper}; }, ErrorCode::not_found, {"none.toml"});
}

TEST_F(RunConfigTest, ResolvedValuesReadBackTheSame) {
  const RunConfig config(write(example), {"steps=12"});
  config.integer("steps", 0);
  config.text("data", "");
  config.number("optimizer.learning_rate", 1);
  config.number("optimizer.tiny", 1.0 / 3.0 * 1e-9);
  config.numbers("optimizer.betas", {});
  config.boolean("optimizer.other", true);
  config.text("awkward", "quotes \" and \\ and\nlines");

  config.numbers("optimizer.none", {});
  config.number("optimizer.whole", 3);
  EXPECT_NE(config.to_toml().find("learning_rate = 0.0002\n"), std::string::npos) << "as people write it";

  config.text("folder", "/home/somebody/clips/");
  EXPECT_EQ(config.to_toml().find("somebody"), std::string::npos) << "tells where somebody keeps their files";
  EXPECT_NE(config.to_toml().find("folder = 'clips'\n"), std::string::npos);

  const RunConfig again(write(config.to_toml()));
  EXPECT_EQ(again.numbers("optimizer.none", {1}), std::vector<double>{});
  EXPECT_EQ(again.number("optimizer.whole", 0), 3);
  expect_error([&] { again.integer("optimizer.whole", 0); }, ErrorCode::invalid, {"wanted a whole number"});
  EXPECT_EQ(again.integer("steps", 0), 12);
  EXPECT_EQ(again.text("data", ""), "clips");
  EXPECT_EQ(again.text("folder", ""), "clips");
  EXPECT_EQ(again.number("optimizer.learning_rate", 1), 2e-4);
  EXPECT_EQ(again.number("optimizer.tiny", 1), 1.0 / 3.0 * 1e-9);
  EXPECT_EQ(again.numbers("optimizer.betas", {}), (std::vector<double>{0.5, 0.999}));
  EXPECT_TRUE(again.boolean("optimizer.other", false));
  EXPECT_EQ(again.text("awkward", ""), "quotes \" and \\ and\nlines");
  EXPECT_NO_THROW(again.refuse_unknown_keys()) << "nothing but what was asked for";
}

}  // namespace
}  // namespace reenact::training
