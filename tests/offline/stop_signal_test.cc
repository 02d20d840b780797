// SPDX-License-Identifier: LGPL-2.1-or-later
#include "offline/stop_signal.h"

#include <gtest/gtest.h>

#include <csignal>

namespace reenact::training {
namespace {

TEST(StopSignal, TurnsSignalsIntoARequest) {
  for (const int number : {SIGINT, SIGTERM}) {
    StopSignal stop;
    EXPECT_FALSE(stop.requested());
    std::raise(number);
    EXPECT_TRUE(stop.requested());
  }
}

TEST(StopSignal, RestoresTheHandlersItFound) {
  auto own_handler = [](int) {};
  std::signal(SIGTERM, own_handler);
  { StopSignal stop; }
  EXPECT_EQ(std::signal(SIGTERM, SIG_DFL), static_cast<void (*)(int)>(own_handler));
}

TEST(StopSignalDeathTest, ASecondInterruptEndsAtOnce) {
  EXPECT_EXIT(
      {
        StopSignal stop;
        std::raise(SIGINT);
        std::raise(SIGINT);
        std::exit(0);
      },
      testing::KilledBySignal(SIGINT), "interrupt again to stop at once");
}

TEST(StopSignalDeathTest, ASecondTerminationWaits) {
  EXPECT_EXIT(
      {
        StopSignal stop;
        std::raise(SIGTERM);
        std::raise(SIGTERM);
        std::exit(stop.requested() ? 7 : 8);
      },
      testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace reenact::training
