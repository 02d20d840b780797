// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/usable_cores.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <fstream>
#include <string>

#include "support/temporary_folder.h"

namespace reenact::test {
namespace {

namespace fs = std::filesystem;

/// A root folder with a cgroup file system of its own.
class UsableCores : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  int cores() { return usable_cores(folder_.path()); }

  const TemporaryFolder folder_;
  const int all_ = usable_cores(folder_.path());
};

TEST_F(UsableCores, WithoutQuotaAreThoseOfTheAffinity) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(cores(), CPU_COUNT(&before));
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu)
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(cores(), 1);
  sched_setaffinity(0, sizeof before, &before);
}

TEST_F(UsableCores, HeedTheQuotaOfVersion2) {
  write("proc/self/cgroup", "0::/user.slice/job.scope\n");
  write("sys/fs/cgroup/user.slice/job.scope/cpu.max", "100000 100000\n");
  EXPECT_EQ(cores(), 1);
  write("sys/fs/cgroup/user.slice/job.scope/cpu.max", "110000 100000\n");
  EXPECT_EQ(cores(), std::min(all_, 2)) << "rounded up";
  write("sys/fs/cgroup/user.slice/job.scope/cpu.max", "20000 100000\n");
  EXPECT_EQ(cores(), 1) << "never none";
  write("sys/fs/cgroup/user.slice/job.scope/cpu.max", "max 100000\n");
  EXPECT_EQ(cores(), all_);
}

TEST_F(UsableCores, HeedTheQuotaOfAGroupAbove) {
  write("proc/self/cgroup", "0::/user.slice/job.scope\n");
  write("sys/fs/cgroup/user.slice/job.scope/cpu.max", "max 100000\n");
  write("sys/fs/cgroup/user.slice/cpu.max", "50000 100000\n");
  EXPECT_EQ(cores(), 1);
}

TEST_F(UsableCores, HeedTheQuotaOfAContainerThatSeesItselfAsTheRoot) {
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/cpu.max", "90000 100000\n");
  EXPECT_EQ(cores(), 1);
}

TEST_F(UsableCores, HeedTheQuotaOfVersion1) {
  write("proc/self/cgroup", "12:pids:/docker/0f\n4:cpu,cpuacct:/docker/0f\n3:cpuset:/\n");
  // Docker mounts the container's own group; its name is the host's.
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "50000\n");
  EXPECT_EQ(cores(), 1);
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(cores(), all_);
  write("sys/fs/cgroup/cpu/docker/0f/cpu.cfs_quota_us", "1000\n");
  write("sys/fs/cgroup/cpu/docker/0f/cpu.cfs_period_us", "50000\n");
  EXPECT_EQ(cores(), 1) << "where the link is a folder";
}

TEST_F(UsableCores, AreNotLimitedByWhatMakesNoSense) {
  for (const char* groups : {"", "0::", "::", "4:cpu", "0::/../../etc\n", "4:cpuacct:/\n"}) {
    write("proc/self/cgroup", groups);
    for (const char* quota : {"", "max", "x 100000", "1 0", "-5 100000", "100000", "1e"}) {
      write("sys/fs/cgroup/cpu.max", quota);
      write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota);
      EXPECT_EQ(cores(), all_) << groups << " " << quota;
    }
  }
}

}  // namespace
}  // namespace reenact::test
