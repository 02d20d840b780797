// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cmath>

#include "fuzz_target.h"
#include "memory_file.h"
#include "reenact/error.h"
#include "reenact/identity.h"
#include "safetensors_tokens.h"

namespace reenact::test {

const std::span<const std::string_view> fuzz_tokens = safetensors_tokens;

}  // namespace reenact::test

/// An identity that loads has an embedding and a pose of finite numbers.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reenact;
  static test::MemoryFile file;
  file.write({data, size});
  try {
    const auto identity = load_identity(file.path());
    test::require(!identity->embedding.empty(), "an identity has an embedding");
    for (const auto* numbers : {&identity->embedding, &identity->neutral_pose})
      for (const float number : *numbers) test::require(std::isfinite(number), "numbers are finite");
    test::require(identity->thumbnail.empty() || identity->thumbnail.type() == CV_8UC3, "a thumbnail is RGB");
    ++test::accepted_inputs;
  } catch (const Error& error) {
    test::require(error.code() == ErrorCode::corrupt || error.code() == ErrorCode::wrong_kind,
                  "a damaged file is called corrupt or of another kind");
  }
  return 0;
}
