// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>

namespace reenact::training {
namespace {

class ForEachInParallel : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { cv::setNumThreads(GetParam()); }
  void TearDown() override { cv::setNumThreads(before_); }

 private:
  int before_ = cv::getNumThreads();
};

TEST_P(ForEachInParallel, CallsEachIndexOnce) {
  std::vector<std::atomic<int>> calls(100);
  for_each_in_parallel(calls.size(), [&](std::size_t i) { ++calls[i]; });
  for (const auto& count : calls) EXPECT_EQ(count, 1);
  for_each_in_parallel(0, [](std::size_t) { FAIL() << "there is nothing to call"; });
}

TEST_P(ForEachInParallel, ThrowsWhatTheLowestIndexHasThrownAndCallsTheRest) {
  std::atomic<int> calls = 0;
  try {
    for_each_in_parallel(40, [&](std::size_t i) {
      ++calls;
      if (i >= 7 && i % 2 == 1) throw std::out_of_range(std::to_string(i));
    });
    FAIL() << "nothing was thrown";
  } catch (const std::out_of_range& error) {
    EXPECT_STREQ(error.what(), "7");
  }
  EXPECT_EQ(calls, 40);
}

TEST_P(ForEachInParallel, WorksWithinItself) {
  std::vector<std::vector<int>> table(6, std::vector<int>(5));
  for_each_in_parallel(table.size(), [&](std::size_t i) {
    for_each_in_parallel(5, [&](std::size_t k) { table[i][k] = static_cast<int>(10 * i + k); });
  });
  for (std::size_t i = 0; i < table.size(); ++i)
    for (std::size_t k = 0; k < 5; ++k) EXPECT_EQ(table[i][k], static_cast<int>(10 * i + k));
}

INSTANTIATE_TEST_SUITE_P(Threads, ForEachInParallel, testing::Values(1, 2, 4));

}  // namespace
}  // namespace reenact::training
