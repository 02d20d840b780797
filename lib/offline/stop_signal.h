// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <csignal>

namespace reenact {

/// Turns SIGINT and SIGTERM into a request that a training loop asks for between steps, so that it saves
/// first.
///
/// A second SIGINT ends the process at once. One object at a time; the destructor restores the handlers it
/// found.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  bool requested() const;

 private:
  struct sigaction previous_interrupt_ {
  }, previous_terminate_{};
};

}  // namespace reenact
