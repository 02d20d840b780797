// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/usable_cores.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

namespace reenact {
namespace {

namespace fs = std::filesystem;

int cores_of_affinity() {
  // The kernel refuses a mask that is too small for its cores.
  for (int cores = 1024; cores <= 1024 * 1024; cores *= 4) {
    cpu_set_t* const mask = CPU_ALLOC(cores);
    const std::size_t size = CPU_ALLOC_SIZE(cores);
    const int count = mask && sched_getaffinity(0, size, mask) == 0 ? CPU_COUNT_S(size, mask) : 0;
    CPU_FREE(mask);
    if (count > 0) return count;
  }
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// The next word of a stream as a number; nothing for "max" and for what cannot be read.
std::optional<double> next_number(std::istream& stream) {
  std::string word;
  if (!(stream >> word)) return std::nullopt;
  double number = 0;
  const auto [stopped, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || stopped != word.data() + word.size()) return std::nullopt;
  return number;
}

/// Cores that `quota` microseconds of every `period` are.
std::optional<double> cores_of(std::optional<double> quota, std::optional<double> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return *quota / *period;
}

std::optional<double> quota_of_version_2(const fs::path& group) {
  std::ifstream stream(group / "cpu.max");
  const auto quota = next_number(stream);
  return cores_of(quota, next_number(stream));
}

std::optional<double> quota_of_version_1(const fs::path& group) {
  std::ifstream quota(group / "cpu.cfs_quota_us"), period(group / "cpu.cfs_period_us");
  return cores_of(next_number(quota), next_number(period));
}

/// The least quota of the group and of those above it up to where the hierarchy is mounted. A container may see
/// itself there while its group is named as the host sees it: such folders are not there.
template <typename Quota>
double least_quota(const fs::path& mounted, const std::string& group, Quota&& quota_of, double least) {
  fs::path folder = mounted;
  least = std::min(least, quota_of(folder).value_or(least));
  for (const fs::path& part : fs::path(group).relative_path()) {
    if (part == "..") break;
    folder /= part;
    least = std::min(least, quota_of(folder).value_or(least));
  }
  return least;
}

bool lists_cpu(const std::string& controllers) {
  return ("," + controllers + ",").find(",cpu,") != std::string::npos;
}

}  // namespace

int usable_cores(const fs::path& root) {
  double cores = cores_of_affinity();
  const fs::path mounts = root / "sys" / "fs" / "cgroup";
  std::ifstream groups(root / "proc" / "self" / "cgroup");
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1),
                      group = line.substr(second + 1);
    if (controllers.empty()) {
      for (const fs::path& mounted : {mounts, mounts / "unified"})
        cores = least_quota(mounted, group, quota_of_version_2, cores);
    } else if (lists_cpu(controllers)) {
      for (const std::string& name : {controllers, std::string("cpu")})
        cores = least_quota(mounts / name, group, quota_of_version_1, cores);
    }
  }
  return std::max(1, static_cast<int>(std::ceil(cores)));
}

}  // namespace reenact
