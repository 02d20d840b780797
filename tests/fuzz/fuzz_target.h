// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <span>
#include <string_view>

// What a fuzz target is: one function for libFuzzer, or for standalone_main.cc where there is no libFuzzer.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace reenact::test {

/// Words of the target's format, for mutations; defined by the target.
extern const std::span<const std::string_view> fuzz_tokens;

/// How many inputs the target took as good, so that a run says whether it came behind the first checks.
inline std::uint64_t accepted_inputs = 0;

/// Ends the program, so that the input is kept, when `condition` does not hold.
inline void require(bool condition, const char* what) {
  if (condition) return;
  std::cerr << "fuzz target: this does not hold: " << what << '\n';
  std::abort();
}

}  // namespace reenact::test
