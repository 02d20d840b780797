// SPDX-License-Identifier: LGPL-2.1-or-later
#include <vector>

#include "fuzz_target.h"
#include "reenact/error.h"
#include "reenact/safetensors_header.h"
#include "safetensors_tokens.h"

namespace reenact::test {

const std::span<const std::string_view> fuzz_tokens = safetensors_tokens;

}  // namespace reenact::test

/// A header that parses describes tensors inside the file, of as many bytes as their elements take.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reenact;
  // An allocation of exactly this size lets a sanitizer see every byte read outside.
  const std::vector<std::uint8_t> exact(data, data + size);
  const auto bytes = std::as_bytes(std::span(exact));
  try {
    const SafetensorsHeader header = parse_safetensors_header(bytes, "input");
    for (const auto& [name, tensor] : header.tensors) {
      const std::size_t elements = static_cast<std::size_t>(tensor.element_count());
      test::require(elements * size_of(tensor.type) == tensor.bytes.size(),
                    "a tensor has its elements' bytes");
      test::require(
          tensor.bytes.empty() || (tensor.bytes.data() >= bytes.data() &&
                                   tensor.bytes.data() + tensor.bytes.size() <= bytes.data() + size),
          "a tensor lies inside the file");
      test::require(tensor.to_floats().size() == elements, "a tensor converts to as many numbers");
    }
    ++test::accepted_inputs;
  } catch (const Error& error) {
    test::require(error.code() == ErrorCode::corrupt, "a damaged file is called corrupt");
  }
  return 0;
}
