// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/worker_pool.h"

#include <algorithm>

#include "cpu/single_threaded_onednn.h"
#include "reenact/background_thread.h"
#include "reenact/usable_cores.h"

namespace reenact::cpu {
namespace {

// Longer than the serial work between two parallel steps, far shorter than the gap between two frames.
constexpr int spins_before_sleep = 4000;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

WorkerPool& WorkerPool::shared() {
  static WorkerPool pool(usable_cores() - 1);
  return pool;
}

WorkerPool::WorkerPool(int max_workers) : max_workers_(max_workers) {}

WorkerPool::~WorkerPool() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    epoch_.fetch_add(1);
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

int WorkerPool::reserve(int wanted_threads) {
  const int threads = wanted_threads <= 0 ? max_workers_ + 1 : std::min(wanted_threads, max_workers_ + 1);
  std::lock_guard lock(mutex_);
  while (static_cast<int>(workers_.size()) < threads - 1) workers_.emplace_back([this] { worker(); });
  return threads;
}

void WorkerPool::Job::work(int slot) {
  for (int task = next.fetch_add(1); task < tasks; task = next.fetch_add(1)) call(context, task, slot);
}

void WorkerPool::run_job(Job& job) {
  // Helpers would do a background thread's work before that of others.
  if (job.tasks <= 1 || job.max_slots <= 1 || is_background_thread()) {
    job.work(0);
    return;
  }
  bool notify;
  {
    std::lock_guard lock(mutex_);
    job.next_job = jobs_;
    jobs_ = &job;
    epoch_.fetch_add(1);
    notify = sleeping_ > 0;
  }
  if (notify) wake_.notify_all();
  job.work(0);
  {
    std::lock_guard lock(mutex_);
    Job** link = &jobs_;
    while (*link != &job) link = &(*link)->next_job;
    *link = job.next_job;
  }
  // Nobody can join any more; those inside finish the tasks they have.
  for (int spins = 0; spins < spins_before_sleep; ++spins) {
    if (job.helpers.load(std::memory_order_acquire) == 0) return;
    relax();
  }
  // A helper that lost its core gets this one.
  waiting_.fetch_add(1);
  {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return job.helpers.load() == 0; });
  }
  waiting_.fetch_sub(1);
}

void WorkerPool::leave(Job& job) {
  // After the last one has left there may be no job.
  if (job.helpers.fetch_sub(1) > 1 || waiting_.load() == 0) return;
  { const std::lock_guard lock(mutex_); }
  done_.notify_all();
}

WorkerPool::Job* WorkerPool::join_job(int* slot) {
  for (Job* job = jobs_; job; job = job->next_job) {
    if (job->slots_taken < job->max_slots && job->next.load() < job->tasks) {
      *slot = job->slots_taken++;
      job->helpers.fetch_add(1);
      return job;
    }
  }
  return nullptr;
}

void WorkerPool::worker() {
  // A helper is one thread: whatever it calls must not start more.
  SingleThreadedOneDnn single_threaded;
  unsigned seen = epoch_.load();
  while (true) {
    int slot = 0;
    Job* job;
    {
      std::unique_lock lock(mutex_);
      if (stop_) return;
      seen = epoch_.load();
      job = join_job(&slot);
    }
    if (job) {
      job->work(slot);
      leave(*job);
      continue;
    }
    int spins = 0;
    while (epoch_.load(std::memory_order_relaxed) == seen && spins < spins_before_sleep) {
      relax();
      ++spins;
    }
    if (epoch_.load() == seen) {
      std::unique_lock lock(mutex_);
      ++sleeping_;
      wake_.wait(lock, [&] { return stop_ || epoch_.load() != seen; });
      --sleeping_;
    }
  }
}

}  // namespace reenact::cpu
