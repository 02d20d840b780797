// SPDX-License-Identifier: LGPL-2.1-or-later
#include "offline/stop_signal.h"

#include <unistd.h>

namespace reenact {
namespace {

volatile std::sig_atomic_t stop_requested = 0;
volatile std::sig_atomic_t interrupts = 0;

void on_signal(int number) {
  if (number == SIGINT) {
    interrupts = interrupts + 1;
    if (interrupts > 1) {
      // The default action, so that the shell sees a process that died of SIGINT.
      std::signal(SIGINT, SIG_DFL);
      ::raise(SIGINT);
      return;
    }
  }
  if (!stop_requested) {
    constexpr char message[] =
        "\nStopping after this step; interrupt again to stop at once without saving.\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, message, sizeof message - 1);
  }
  stop_requested = 1;
}

}  // namespace

StopSignal::StopSignal() {
  stop_requested = 0;
  interrupts = 0;
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, &previous_interrupt_);
  sigaction(SIGTERM, &action, &previous_terminate_);
}

StopSignal::~StopSignal() {
  sigaction(SIGINT, &previous_interrupt_, nullptr);
  sigaction(SIGTERM, &previous_terminate_, nullptr);
}

bool StopSignal::requested() const {
  return stop_requested != 0;
}

}  // namespace reenact
