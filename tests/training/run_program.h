// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

namespace reenact::test {

struct ProgramResult {
  int exit_code;  ///< 128 + number when a signal ended it
  std::string output, errors;
};

/// Runs reenact-train (its path is in REENACT_TRAIN) with these arguments and waits for its end.
ProgramResult run_program(const std::vector<std::string>& arguments);

}  // namespace reenact::test
