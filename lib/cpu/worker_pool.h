// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace reenact::cpu {

/// Threads that help callers with numbered tasks. All networks of a process share one pool, so that several
/// elements together never run more helpers than the machine has cores; a caller that finds none free does
/// its tasks itself.
class WorkerPool {
 public:
  /// The pool of the process: it may grow to one helper less than the cores this process may use, as its affinity
  /// and its CPU quota were when it was first asked for.
  static WorkerPool& shared();

  explicit WorkerPool(int max_workers);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Threads for a wish: 0 is all cores; never more than the cores there are. Starts the helpers this needs.
  int reserve(int wanted_threads);

  /// Calls `function(task, slot)` for each task in [0, tasks) on at most `threads` threads, the caller among
  /// them, or in the caller alone where that is a background thread, and returns when all are done. `slot` in
  /// [0, threads) is not shared by two threads at a time. Tasks must not throw.
  template <typename Function>
  void run(int tasks, int threads, Function&& function) {
    using Callable = std::remove_reference_t<Function>;
    Job job;
    job.context = &function;
    job.call = [](void* context, int task, int slot) { (*static_cast<Callable*>(context))(task, slot); };
    job.tasks = tasks;
    job.max_slots = threads;
    run_job(job);
  }

 private:
  struct Job {
    void* context = nullptr;
    void (*call)(void*, int, int) = nullptr;
    int tasks = 0;
    int max_slots = 1;
    std::atomic<int> next = 0;
    std::atomic<int> helpers = 0;  // helpers inside the job now
    int slots_taken = 1;           // the caller has slot 0
    Job* next_job = nullptr;

    void work(int slot);
  };

  void run_job(Job& job);
  void worker();
  Job* join_job(int* slot);
  /// A helper's last word on a job.
  void leave(Job& job);

  const int max_workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;     // a job whose caller sleeps
  std::atomic<int> waiting_ = 0;     // callers that sleep, or are about to
  Job* jobs_ = nullptr;              // open jobs, guarded by mutex_
  int sleeping_ = 0;                 // guarded by mutex_
  std::atomic<unsigned> epoch_ = 0;  // changes whenever a job opens
  bool stop_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace reenact::cpu
