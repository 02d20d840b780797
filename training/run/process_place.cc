// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/process_place.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>

#include "reenact/error.h"

namespace reenact::training {
namespace {

/// The variables in which a launcher tells rank and count.
struct Launcher {
  const char *rank, *count, *local_rank;
};
constexpr std::array<Launcher, 3> launchers = {
    {{"RANK", "WORLD_SIZE", "LOCAL_RANK"},
     {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
     {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"}}};

int read_number(const std::string& name, const std::string& value, int least, int most) {
  int number = 0;
  const auto end = value.data() + value.size();
  const auto [stopped, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc() || stopped != end || number < least || number > most)
    throw Error(ErrorCode::invalid, "the environment variable " + name + " is '" + value +
                                        "', wanted a whole number from " + std::to_string(least) + " to " +
                                        std::to_string(most));
  return number;
}

/// First name of a SLURM list: "gpu[03-05,9],cpu1" gives "gpu03".
std::string first_host(const std::string& list) {
  const auto bracket = list.find('['), comma = list.find(',');
  if (bracket == std::string::npos || comma < bracket) return list.substr(0, comma);
  const auto end = list.find_first_of("-,]", bracket);
  return list.substr(0, bracket) + list.substr(bracket + 1, end - bracket - 1);
}

/// Whether srun started this process: the variables of an allocation alone are also in a batch script and in
/// a shell of salloc, whose steps have numbers of their own (SLURM_BATCH_SCRIPT, SLURM_INTERACTIVE_STEP).
bool started_by_srun(const EnvironmentLookup& lookup) {
  constexpr std::uint64_t first_special_step = 0xfffffff0;
  for (const char* name : {"SLURM_STEP_ID", "SLURM_STEPID"}) {
    const auto text = lookup(name);
    if (!text) continue;
    std::uint64_t step = 0;
    const auto [stopped, error] = std::from_chars(text->data(), text->data() + text->size(), step);
    return error == std::errc() && step < first_special_step;
  }
  return false;
}

std::string meeting_host(const Launcher& launcher, int count, const EnvironmentLookup& lookup) {
  if (const auto host = lookup("MASTER_ADDR")) return *host;
  if (&launcher == &launchers[1] && lookup("OMPI_COMM_WORLD_LOCAL_SIZE") == std::to_string(count))
    return "127.0.0.1";
  if (&launcher == &launchers[2])
    for (const char* name : {"SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "SLURM_NODELIST"})
      if (const auto list = lookup(name)) return first_host(*list);
  throw Error(ErrorCode::invalid,
              "the environment variable MASTER_ADDR is not set, wanted the name of the machine on which "
              "the process of rank 0 runs");
}

}  // namespace

ProcessPlace place_from_environment(const EnvironmentLookup& lookup) {
  for (const auto& launcher : launchers) {
    const auto count = lookup(launcher.count);
    if (!count) continue;
    ProcessPlace place;
    place.count = read_number(launcher.count, *count, 1, 65536);
    if (place.count == 1) continue;
    if (&launcher == &launchers[2] && !started_by_srun(lookup))
      throw Error(ErrorCode::invalid,
                  "the environment variable SLURM_NTASKS is " + *count +
                      ", but srun did not start this process (SLURM_STEP_ID is not that of a step); start it "
                      "with srun, or give --alone to train with this process alone");
    const auto rank = lookup(launcher.rank);
    if (!rank)
      throw Error(ErrorCode::invalid, std::string("the environment variable ") + launcher.count + " is " +
                                          *count + ", but " + launcher.rank + " is not set");
    place.rank = read_number(launcher.rank, *rank, 0, place.count - 1);
    const auto local = lookup(launcher.local_rank);
    place.local_rank = local ? read_number(launcher.local_rank, *local, 0, place.count - 1) : place.rank;
    place.host = meeting_host(launcher, place.count, lookup);
    if (const auto port = lookup("MASTER_PORT"))
      place.port = static_cast<std::uint16_t>(read_number("MASTER_PORT", *port, 1, 65535));
    // torchrun keeps a store of its own at MASTER_PORT, whose protocol changes from one LibTorch to the next.
    if (lookup("TORCHELASTIC_USE_AGENT_STORE") == "True") place.port += place.port < 65535 ? 1 : -1;
    place.attempt = lookup("TORCHELASTIC_RESTART_COUNT").value_or(place.attempt);
    return place;
  }
  return {};
}

ProcessPlace place_from_environment() {
  return place_from_environment([](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  });
}

}  // namespace reenact::training
