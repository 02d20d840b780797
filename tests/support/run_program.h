// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

namespace reenact::test {

struct ProgramResult {
  int exit_code;  ///< 128 + number when a signal ended it
  std::string output, errors;
};

/// reenact-train (its path is in REENACT_TRAIN) with these arguments, at work; killed when the object goes.
class RunningProgram {
 public:
  /// `variables`: "NAME=value" each, set beside the test's own environment.
  explicit RunningProgram(const std::vector<std::string>& arguments,
                          const std::vector<std::string>& variables = {});
  ~RunningProgram();
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;
  void send(int signal);
  ProgramResult wait();

 private:
  struct Files;
  std::unique_ptr<Files> files_;
  pid_t child_ = 0;
};

/// Runs it and waits for its end.
ProgramResult run_program(const std::vector<std::string>& arguments);

/// Waits for a child and returns its exit code, 128 + number when a signal ended it. A child that hangs is killed after two
/// minutes, so that its test fails and says what it said.
int exit_code_of(pid_t child);

}  // namespace reenact::test
