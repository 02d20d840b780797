// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace reenact::training {
namespace {

std::string text_of(std::FILE* file) {
  std::string text(10000, '\0');
  std::rewind(file);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

TEST(Progress, ShowsTheLastStepWithAveragedLosses) {
  std::FILE* file = std::tmpfile();
  {
    Progress progress(12, 10, file);
    progress.update(11, 4, {{"content", 1.0}, {"dice", 0.5}});
    progress.update(12, 4, {{"content", 2.0}});
    EXPECT_DOUBLE_EQ(progress.averages().at("content"), 1.5);
    EXPECT_GT(progress.samples_per_second(), 0);
  }
  const std::string text = text_of(file);
  std::fclose(file);
  EXPECT_THAT(text, testing::MatchesRegex(
                        "(.|\n)*step 12/12  [^ ]+ samples/s  0 min 00 s left  content 1\\.5  dice 0\\.5\n"));
  EXPECT_EQ(text.find('\r'), std::string::npos) << "a file is no terminal";
}

TEST(Progress, AveragesForgetOldLosses) {
  std::FILE* file = std::tmpfile();
  Progress progress(1'000'000, 0, file);
  std::int64_t step = 0;
  for (int i = 0; i < 500; ++i) progress.update(++step, 1, {{"loss", 10.0}});
  EXPECT_NEAR(progress.averages().at("loss"), 10, 1e-9);
  for (int i = 0; i < 1000; ++i) progress.update(++step, 1, {{"loss", 1.0}});
  EXPECT_NEAR(progress.averages().at("loss"), 1, 1e-3);  // 9 * 0.99^1000 is 4e-4
  EXPECT_GT(progress.averages().at("loss"), 1);
  std::fclose(file);
}

TEST(Progress, ANotANumberIsSeenAndPasses) {
  std::FILE* file = std::tmpfile();
  Progress progress(1000, 0, file);
  progress.update(1, 1, {{"loss", 1.0}});
  progress.update(2, 1, {{"loss", std::numeric_limits<double>::quiet_NaN()}});
  EXPECT_TRUE(std::isnan(progress.averages().at("loss")));
  progress.update(3, 1, {{"loss", 2.0}});
  EXPECT_EQ(progress.averages().at("loss"), 2.0);
  std::fclose(file);
}

}  // namespace
}  // namespace reenact::training
