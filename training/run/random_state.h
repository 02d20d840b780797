// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace reenact::training {

class Checkpoint;

/// Seeds LibTorch's generators (CPU and CUDA), OpenCV's and the C library's, so that a run repeats bit by bit
/// on a CPU.
void seed_everything(std::uint64_t seed);

/// Stores LibTorch's generators (CPU; CUDA's current device if there is one) and OpenCV's under "random.*".
void put_random_state(Checkpoint& checkpoint);
/// Restores what put_random_state stored; a CUDA state is ignored where there is no CUDA.
void get_random_state(const Checkpoint& checkpoint);

/// The same for a generator of the training loop's own, under `key`.
void put_random_state(Checkpoint& checkpoint, const std::string& key, const std::mt19937_64& generator);
void get_random_state(const Checkpoint& checkpoint, const std::string& key, std::mt19937_64& generator);

}  // namespace reenact::training
