// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <oneapi/dnnl/dnnl_config.h>

#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
#include <omp.h>
#endif

namespace reenact::cpu {

/// While it lives, oneDNN calls of this thread use this thread alone: the backend spreads its work over threads
/// themselves. OpenMP keeps the setting for each thread, so that others (the LibTorch backend in the same
/// process) are not affected.
class SingleThreadedOneDnn {
 public:
#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
  SingleThreadedOneDnn() : before_(omp_get_max_threads()) {
    omp_set_num_threads(1);
  }
  ~SingleThreadedOneDnn() {
    omp_set_num_threads(before_);
  }
#else
  SingleThreadedOneDnn() {}
#endif
  SingleThreadedOneDnn(const SingleThreadedOneDnn&) = delete;
  SingleThreadedOneDnn& operator=(const SingleThreadedOneDnn&) = delete;

 private:
#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
  int before_;
#endif
};

}  // namespace reenact::cpu
