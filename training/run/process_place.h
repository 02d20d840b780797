// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace reenact::training {

/// Where this process stands among those that train together, as their launcher tells it.
struct ProcessPlace {
  int rank = 0, count = 1;
  int local_rank = 0;              ///< among those on this machine; the rank where the launcher does not tell
  std::string host = "127.0.0.1";  ///< where the process of rank 0 runs
  std::uint16_t port = 29500;      ///< of the store there at which all meet; the one after torchrun's own
  std::string attempt = "0";       ///< torchrun's count of restarts: each meets afresh
};

/// An environment variable's value, empty when it is not set.
using EnvironmentLookup = std::function<std::optional<std::string>(const std::string& name)>;

/// From the variables of torchrun (RANK, WORLD_SIZE, LOCAL_RANK), else of mpirun (OMPI_COMM_WORLD_RANK and
/// ..._SIZE, ..._LOCAL_RANK), else of SLURM (SLURM_PROCID, SLURM_NTASKS, SLURM_LOCALID); MASTER_ADDR and
/// MASTER_PORT count for all three. Without MASTER_ADDR, mpirun's processes must be on one machine, and SLURM's meet at
/// the first of the job's. A process that nobody launched is alone. Throws Error (invalid) naming the
/// variable; also inside a SLURM allocation of several tasks that srun did not start (a batch script, a shell
/// of salloc), where the others would never come.
ProcessPlace place_from_environment(const EnvironmentLookup& lookup);
/// From this process's own environment.
ProcessPlace place_from_environment();

}  // namespace reenact::training
