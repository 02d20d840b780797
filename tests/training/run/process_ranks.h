// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace reenact::test {

struct RankResult {
  int exit_code;  ///< 128 + number when a signal ended it
  std::string output;
};

/// A port of 127.0.0.1 that nobody listens at.
std::uint16_t free_port();

/// Starts this program `count` times for the running test alone, with torchrun's variables, and waits for
/// all.
std::vector<RankResult> run_ranks(int count);

}  // namespace reenact::test
