// SPDX-License-Identifier: LGPL-2.1-or-later
// Half of libFuzzer's mutations know the words of the target's format.
#include <cstring>
#include <string>

#include "fuzz_target.h"
#include "support/byte_mutator.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned int seed) {
  if (seed % 2 == 0) return LLVMFuzzerMutate(data, size, most);
  reenact::test::ByteMutator mutator(seed, reenact::test::fuzz_tokens);
  const std::string bytes = mutator.mutate({reinterpret_cast<const char*>(data), size});
  const std::size_t length = std::min(bytes.size(), most);
  std::memcpy(data, bytes.data(), length);
  return length;
}
