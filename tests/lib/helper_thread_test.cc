// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/helper_thread.h"

#include <gtest/gtest.h>

#include <future>
#include <stdexcept>

namespace reenact {
namespace {

TEST(HelperThread, WorksBesideItsOwner) {
  std::promise<void> may_end;
  HelperThread thread;
  EXPECT_TRUE(thread.done());
  thread.wait();
  int works = 0;
  for (int turn = 0; turn < 3; ++turn) {
    may_end = {};
    thread.start([&, end = may_end.get_future().share()] {
      end.wait();
      ++works;
    });
    EXPECT_FALSE(thread.done());
    EXPECT_EQ(works, turn);
    may_end.set_value();
    thread.wait();
    EXPECT_TRUE(thread.done());
    EXPECT_EQ(works, turn + 1);
  }
}

TEST(HelperThread, TellsOnceWhatTheWorkThrew) {
  HelperThread thread;
  thread.start([] { throw std::runtime_error("no such face"); });
  EXPECT_THROW(thread.wait(), std::runtime_error);
  thread.wait();
  bool worked = false;
  thread.start([&] { worked = true; });
  thread.wait();
  EXPECT_TRUE(worked);
}

TEST(HelperThread, IsWaitedForWhenItGoes) {
  bool worked = false;
  {
    HelperThread thread;
    thread.start([&] { worked = true; });
  }
  EXPECT_TRUE(worked);
}

}  // namespace
}  // namespace reenact
