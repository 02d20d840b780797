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

/// The value of a key, or else the default.
template <typename Value>
Value read(const RunConfig& config, const std::string& key, Value value) {
  config.read(key, value);
  return value;
}

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
  EXPECT_EQ(read<std::int64_t>(config, "steps", 1), 1000);
  EXPECT_EQ(read<double>(config, "steps", 1), 1000.0) << "a whole number is a number too";
  EXPECT_EQ(read<std::string>(config, "data", ""), "clips");
  EXPECT_EQ(read<double>(config, "optimizer.learning_rate", 1), 2e-4);
  EXPECT_EQ(read<std::vector<double>>(config, "optimizer.betas", {}), (std::vector<double>{0.5, 0.999}));
  EXPECT_TRUE(read<bool>(config, "optimizer.amsgrad", false));
  EXPECT_EQ(read<std::vector<std::string>>(config, "optimizer.names", {}),
            (std::vector<std::string>{"a", "b"}));
  EXPECT_NO_THROW(config.refuse_unknown_keys());
}

TEST_F(RunConfigTest, FallsBackWhereNothingIsGiven) {
  const RunConfig config{""};
  EXPECT_EQ(read<std::int64_t>(config, "steps", 7), 7);
  EXPECT_EQ(read<std::string>(config, "a.b.c", "deep"), "deep");
  EXPECT_EQ(read<std::vector<std::string>>(config, "list", {"x"}), std::vector<std::string>{"x"});
  EXPECT_FALSE(config.contains("steps"));
}

TEST_F(RunConfigTest, OverridesWinAndNeedNoQuotes) {
  const RunConfig config(write(example), {"steps=5", "optimizer.learning_rate=1e-3", "data=/some/where else",
                                          "optimizer.names=[\"c\"]", "fresh.key=true", "steps=6"});
  EXPECT_EQ(read<std::int64_t>(config, "steps", 1), 6) << "the last one counts";
  EXPECT_EQ(read<double>(config, "optimizer.learning_rate", 1), 1e-3);
  EXPECT_EQ(read<std::string>(config, "data", ""), "/some/where else");
  EXPECT_EQ(read<std::vector<std::string>>(config, "optimizer.names", {}), std::vector<std::string>{"c"});
  EXPECT_TRUE(read<bool>(config, "fresh.key", false));
}

TEST_F(RunConfigTest, NamesUnknownKeysWithTheirPlace) {
  const RunConfig config(write(example));
  for (const char* key : {"steps", "data"}) config.contains(key);
  read<std::int64_t>(config, "steps", 0);
  read<std::string>(config, "data", "");
  read<std::vector<double>>(config, "optimizer.betas", {});
  read<bool>(config, "optimizer.amsgrad", false);
  read<std::vector<std::string>>(config, "optimizer.names", {});
  read<double>(config, "optimizer.learning_rates", 1);
  expect_error([&] { config.refuse_unknown_keys(); }, ErrorCode::invalid,
               {"run.toml' line 6", "'optimizer.learning_rate'", "did you mean 'optimizer.learning_rates'"});
}

TEST_F(RunConfigTest, NamesUnknownOverrides) {
  const RunConfig config("", {"stepz=3"});
  read<std::int64_t>(config, "steps", 1);
  expect_error([&] { config.refuse_unknown_keys(); }, ErrorCode::invalid, {"--set stepz", "'steps'"});
}

TEST_F(RunConfigTest, RefusesOtherTypesWithTheirPlace) {
  const RunConfig config(write(example), {"optimizer.amsgrad=1"});
  expect_error([&] { read<std::int64_t>(config, "data", 1); }, ErrorCode::invalid,
               {"run.toml' line 3", "'data' as string", "wanted a whole number"});
  expect_error([&] { read<std::int64_t>(config, "optimizer.learning_rate", 1); }, ErrorCode::invalid,
               {"line 6"});
  expect_error([&] { read<std::string>(config, "steps", ""); }, ErrorCode::invalid, {"wanted text"});
  expect_error([&] { read<double>(config, "optimizer", 1); }, ErrorCode::invalid, {"as table"});
  expect_error([&] { read<bool>(config, "optimizer.amsgrad", true); }, ErrorCode::invalid,
               {"--set optimizer.amsgrad"});
  expect_error([&] { read<std::vector<std::string>>(config, "optimizer.betas", {}); }, ErrorCode::invalid,
               {"wanted a list of texts"});
  expect_error([&] { read<std::vector<double>>(config, "optimizer.names", {}); }, ErrorCode::invalid,
               {"wanted a list of numbers"});
}

TEST_F(RunConfigTest, RefusesValuesOutsideTheirRange) {
  const RunConfig config(write(example),
                         {"tiny=0", "nothing=nan", "sizes=[64, 65.5]", "none=[]", "wide=3000000000"});
  std::int64_t steps = 7;
  expect_error([&] { config.read("steps", steps, 1, 999); }, ErrorCode::invalid,
               {"run.toml' line 2 gives 'steps' as 1000, wanted a whole number from 1 to 999"});
  EXPECT_EQ(steps, 7);
  config.read("steps", steps, 1000, 1000);
  EXPECT_EQ(steps, 1000);
  expect_error([&] { config.read("steps", steps, 1001); }, ErrorCode::invalid,
               {"a whole number of at least 1001"});
  int narrow = 0;
  expect_error([&] { config.read("wide", narrow); }, ErrorCode::invalid, {"as 3000000000, wanted"});
  double number = 1;
  expect_error([&] { config.read("tiny", number, above_zero); }, ErrorCode::invalid,
               {"--set tiny gives 'tiny' as 0.0, wanted a number above 0"});
  expect_error([&] { config.read("nothing", number); }, ErrorCode::invalid, {"nan"});
  expect_error([&] { config.read("optimizer.learning_rate", number, 0, 1e-4); }, ErrorCode::invalid,
               {"line 6 gives 'optimizer.learning_rate' as 0.0002, wanted a number from 0.0 to 0.0001"});
  config.read("none.given", narrow, 5, 6);
  EXPECT_EQ(narrow, 0) << "defaults are not checked";
  std::vector<int> sizes = {1};
  expect_error([&] { config.read("sizes", sizes, 32, 96); }, ErrorCode::invalid,
               {"'sizes' as [64, 65.5], wanted a list of one or more whole numbers from 32 to 96"});
  expect_error([&] { config.read("none", sizes, 32, 96); }, ErrorCode::invalid, {"as []"});
}

TEST_F(RunConfigTest, ReadsANameOfATable) {
  enum class Mode { fast, slow, none };
  constexpr std::pair<const char*, Mode> modes[] = {
      {"fast", Mode::fast}, {"slow", Mode::slow}, {"none", Mode::none}};
  const RunConfig config("", {"mode=slow", "odd=quick"});
  auto mode = Mode::none, other = Mode::fast;
  config.read("mode", mode, modes);
  config.read("other", other, modes);
  EXPECT_EQ(mode, Mode::slow);
  EXPECT_EQ(other, Mode::fast);
  EXPECT_EQ(config.to_toml(), "mode = 'slow'\nother = 'fast'\n");
  expect_error([&] { config.read("odd", mode, modes); }, ErrorCode::invalid,
               {"--set odd gives 'odd' as \"quick\", wanted fast, slow or none"});
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
  EXPECT_EQ(read<std::int64_t>(config, "steps", 1), 5);
  EXPECT_FALSE(read<bool>(config, "optimizer.amsgrad", true));
  EXPECT_EQ(read<double>(config, "optimizer.learning_rate", 1), 2e-4);
  EXPECT_EQ(read<std::string>(config, "data", ""), "elsewhere");
  expect_error([&] { read<std::int64_t>(config, "optimizer.names", 1); }, ErrorCode::invalid,
               {"run.toml' line 9"});
  expect_error([&] { read<std::string>(config, "other.odd", ""); }, ErrorCode::invalid,
               {"upper.toml' line 6"});

  std::ofstream(upper) << "base = \"upper.toml\"\n";
  expect_error([&] { RunConfig{upper}; }, ErrorCode::invalid, {"builds upon itself"});
  std::ofstream(upper) << "base = \"none.toml\"\n";
  expect_error([&] { RunConfig{upper}; }, ErrorCode::not_found, {"none.toml"});
}

TEST_F(RunConfigTest, OfSeveralFilesThatItBuildsUponTheLaterCount) {
  write("steps = 1\n[a]\nfirst = 1\nboth = 1\nall = 1\n");
  std::ofstream(folder_ / "second.toml") << "[a]\nboth = 2\nall = 2\n";
  const auto upper = folder_ / "upper.toml";
  std::ofstream(upper) << "base = [\"run.toml\", \"second.toml\"]\n[a]\nall = 3\n";
  const RunConfig config(upper);
  EXPECT_EQ(read<std::int64_t>(config, "steps", 0), 1);
  EXPECT_EQ(read<std::int64_t>(config, "a.first", 0), 1);
  EXPECT_EQ(read<std::int64_t>(config, "a.both", 0), 2);
  EXPECT_EQ(read<std::int64_t>(config, "a.all", 0), 3);
  std::ofstream(upper) << "base = [\"run.toml\", 2]\n";
  expect_error([&] { RunConfig{upper}; }, ErrorCode::invalid, {"upper.toml'", "base is neither"});
  std::ofstream(upper) << "base = 2\n";
  expect_error([&] { RunConfig{upper}; }, ErrorCode::invalid, {"upper.toml'", "base is neither"});
}

TEST_F(RunConfigTest, FormerKeysAreReadUnderTheirPresentNames) {
  const auto lower = write("[training]\nsteps = 5\nsheet_every = 6\n[run]\niterations = 8\n");
  EXPECT_EQ(read<std::int64_t>(RunConfig(lower), "run.steps", 1), 5);
  expect_error([&] { RunConfig(lower).refuse_unknown_keys(); }, ErrorCode::invalid,
               {"line 5", "'run.iterations'"});
  const auto upper = folder_ / "upper.toml";
  std::ofstream(upper) << "base = \"run.toml\"\n[run]\nsheet_every = 7\n";
  const RunConfig config(upper, {"training.steps=9"});
  RunSchedule schedule;
  read_run_schedule(config, schedule);
  EXPECT_EQ(schedule.steps, 9);
  EXPECT_EQ(schedule.sheet_every, 7) << "the upper file counts, whichever name the lower one uses";
  EXPECT_EQ(schedule.keep_checkpoints, 2);
  std::ofstream(upper) << "base = \"run.toml\"\n[training]\nkeep_checkpoints = 0\n";
  expect_error([&] { read_run_schedule(RunConfig(upper), schedule); }, ErrorCode::invalid,
               {"upper.toml' line 3 gives 'run.keep_checkpoints' as 0, wanted a whole number from 1"});
}

TEST_F(RunConfigTest, ResolvedValuesReadBackTheSame) {
  const RunConfig config(write(example), {"steps=12"});
  read<std::int64_t>(config, "steps", 0);
  read<std::string>(config, "data", "");
  read<double>(config, "optimizer.learning_rate", 1);
  read<double>(config, "optimizer.tiny", 1.0 / 3.0 * 1e-9);
  read<std::vector<double>>(config, "optimizer.betas", {});
  read<bool>(config, "optimizer.other", true);
  read<std::string>(config, "awkward", "quotes \" and \\ and\nlines");

  read<std::vector<double>>(config, "optimizer.none", {});
  read<double>(config, "optimizer.whole", 3);
  EXPECT_NE(config.to_toml().find("learning_rate = 0.0002\n"), std::string::npos) << "as people write it";

  read<std::string>(config, "folder", "/home/somebody/clips/");
  EXPECT_EQ(config.to_toml().find("somebody"), std::string::npos) << "tells where somebody keeps their files";
  EXPECT_NE(config.to_toml().find("folder = 'clips'\n"), std::string::npos);

  const RunConfig again(write(config.to_toml()));
  EXPECT_EQ(read<std::vector<double>>(again, "optimizer.none", {1}), std::vector<double>{});
  EXPECT_EQ(read<double>(again, "optimizer.whole", 0), 3);
  expect_error([&] { read<std::int64_t>(again, "optimizer.whole", 0); }, ErrorCode::invalid,
               {"wanted a whole number"});
  EXPECT_EQ(read<std::int64_t>(again, "steps", 0), 12);
  EXPECT_EQ(read<std::string>(again, "data", ""), "clips");
  EXPECT_EQ(read<std::string>(again, "folder", ""), "clips");
  EXPECT_EQ(read<double>(again, "optimizer.learning_rate", 1), 2e-4);
  EXPECT_EQ(read<double>(again, "optimizer.tiny", 1), 1.0 / 3.0 * 1e-9);
  EXPECT_EQ(read<std::vector<double>>(again, "optimizer.betas", {}), (std::vector<double>{0.5, 0.999}));
  EXPECT_TRUE(read<bool>(again, "optimizer.other", false));
  EXPECT_EQ(read<std::string>(again, "awkward", ""), "quotes \" and \\ and\nlines");
  EXPECT_NO_THROW(again.refuse_unknown_keys()) << "nothing but what was asked for";
}

TEST_F(RunConfigTest, AnyTextReadsBackTheSame) {
  using namespace std::string_literals;
  for (const std::string& text :
       {"it's '''three'''\nlines"s, "\x01\x1f\x7f\t\r"s, "\"\"\"\\"s, "'"s, ""s, "ünï"s}) {
    const RunConfig config("");
    read<std::string>(config, "text", text);
    EXPECT_EQ(read<std::string>(RunConfig(write(config.to_toml())), "text", "absent"), text);
  }
}

TEST_F(RunConfigTest, RefusesAnOverrideThatIsNotUtf8) {
  expect_error([] { RunConfig("", {"name=\xc1"}); }, ErrorCode::invalid, {"not UTF-8"});
}

}  // namespace
}  // namespace reenact::training
