// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/helper_thread.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <future>
#include <stdexcept>

#include "reenact/background_thread.h"

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

TEST(HelperThread, LetsOthersGoFirst) {
  const auto priority = [] {
    return getpriority(PRIO_PROCESS, 0);
  };  // on Linux the calling thread's, less goes first
  const int of_owner = priority();
  int of_work = of_owner;
  bool in_background = false;
  HelperThread thread;
  thread.start([&] {
    of_work = priority();
    in_background = is_background_thread();
  });
  thread.wait();
  EXPECT_TRUE(in_background);
  EXPECT_FALSE(is_background_thread());
#if defined(__linux__)
  EXPECT_EQ(of_work, std::min(of_owner + 10, 19));
#endif
  EXPECT_EQ(priority(), of_owner);
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
