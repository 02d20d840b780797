// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <mutex>
#include <set>
#include <utility>

#include "cpu/worker_pool.h"
#include "reenact/background_thread.h"
#include "reenact/usable_cores.h"
#include "support/temporary_folder.h"

namespace reenact::test {
namespace {

using cpu::WorkerPool;

TEST(WorkerPool, DoesEachTaskOnceWithinTheSlots) {
  WorkerPool pool(3);
  ASSERT_EQ(pool.reserve(3), 3);
  for (int repeat = 0; repeat < 200; ++repeat) {
    std::array<std::atomic<int>, 57> done{};
    std::array<std::atomic<int>, 3> in_slot{};
    std::atomic<bool> overlap = false;
    pool.run(57, 3, [&](int task, int slot) {
      if (in_slot.at(slot).fetch_add(1) != 0) overlap = true;
      done[task].fetch_add(1);
      in_slot[slot].fetch_sub(1);
    });
    for (auto& count : done) ASSERT_EQ(count.load(), 1);
    ASSERT_FALSE(overlap.load());
  }
}

TEST(WorkerPool, ThreadsThatNobodyCountedAreTheCoresOfTheQuota) {
  // As a container sees itself that may use half of a core, or any number of them.
  const TemporaryFolder root;
  std::filesystem::create_directories(root.path() / "proc" / "self");
  std::filesystem::create_directories(root.path() / "sys" / "fs" / "cgroup");
  std::ofstream(root.path() / "proc" / "self" / "cgroup") << "0::/\n";
  const int all = usable_cores(root.path());
  for (const auto& [quota, wanted] : {std::pair("50000 100000\n", 1), std::pair("max 100000\n", all)}) {
    std::ofstream(root.path() / "sys" / "fs" / "cgroup" / "cpu.max") << quota;
    WorkerPool pool(usable_cores(root.path()) - 1);
    EXPECT_EQ(pool.reserve(0), wanted) << quota;
    EXPECT_EQ(pool.reserve(1000), wanted) << quota;
  }
}

TEST(WorkerPool, LeavesBackgroundThreadsAlone) {
  WorkerPool pool(3);
  pool.reserve(4);
  std::thread([&pool] {
    become_background_thread();
    const auto caller = std::this_thread::get_id();
    for (int repeat = 0; repeat < 50; ++repeat) {
      pool.run(20, 4, [&](int, int slot) {
        ASSERT_EQ(std::this_thread::get_id(), caller);
        ASSERT_EQ(slot, 0);
      });
    }
  }).join();
}

TEST(WorkerPool, OneThreadIsTheCaller) {
  WorkerPool pool(3);
  pool.reserve(4);
  const auto caller = std::this_thread::get_id();
  pool.run(20, 1, [&](int, int slot) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_EQ(slot, 0);
  });
}

TEST(WorkerPool, NeverUsesMoreThreadsThanAsked) {
  WorkerPool pool(3);
  pool.reserve(4);
  for (int repeat = 0; repeat < 50; ++repeat) {
    std::mutex mutex;
    std::set<std::thread::id> threads;
    pool.run(200, 2, [&](int, int) {
      std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
    });
    ASSERT_LE(threads.size(), 2u);
  }
}

TEST(WorkerPool, ServesSeveralCallersAtATime) {
  WorkerPool pool(2);
  pool.reserve(3);
  std::atomic<long> sum = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 100; ++repeat) pool.run(10, 3, [&](int task, int) { sum += task; });
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum.load(), 4L * 100 * 45);
}

TEST(WorkerPool, ReserveIsBoundedByThePool) {
  WorkerPool pool(1);
  EXPECT_EQ(pool.reserve(0), 2);
  EXPECT_EQ(pool.reserve(64), 2);
  EXPECT_EQ(pool.reserve(1), 1);
}

}  // namespace
}  // namespace reenact::test
