// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace reenact {

/// A background thread that does one piece of work at a time beside its owner's. All functions are the owner's alone.
class HelperThread {
 public:
  HelperThread();
  /// Waits for the work under way.
  ~HelperThread();
  HelperThread(const HelperThread&) = delete;
  HelperThread& operator=(const HelperThread&) = delete;

  /// Begins with `work`, after what is under way.
  void start(std::function<void()> work);
  /// Whether the work is done, or none was begun.
  bool done() const;
  /// Waits for the work, and throws once what it threw.
  void wait();

 private:
  void run();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> work_;  // under way or to be done; empty when there is none
  std::exception_ptr error_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace reenact
