// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fuzz_target.h"
#include "memory_file.h"
#include "reenact/error.h"
#include "training/import/state_dict.h"

namespace reenact::test {
namespace {

using namespace std::string_view_literals;

// Opcodes and names that the reader knows, and marks of the zip format.
constexpr std::string_view tokens[] = {"\x80\x02"sv,
                                       "("sv,
                                       "t"sv,
                                       "R"sv,
                                       "."sv,
                                       "}"sv,
                                       "u"sv,
                                       "s"sv,
                                       "]"sv,
                                       "e"sv,
                                       "a"sv,
                                       "N"sv,
                                       "\x88"sv,
                                       "\x89"sv,
                                       "\x8a\x08"sv,
                                       "q\x01"sv,
                                       "h\x01"sv,
                                       "r\x01\x00\x00\x00"sv,
                                       "j\x01\x00\x00\x00"sv,
                                       "Q"sv,
                                       ")\x81"sv,
                                       "b"sv,
                                       "0"sv,
                                       "2"sv,
                                       "K\x03"sv,
                                       "M\x00\x01"sv,
                                       "J\xff\xff\xff\x7f"sv,
                                       "X\x01\x00\x00\x00m"sv,
                                       "ctorch._utils\n_rebuild_tensor_v2\n"sv,
                                       "ctorch\nFloatStorage\n"sv,
                                       "ctorch\nHalfStorage\n"sv,
                                       "ccollections\nOrderedDict\n)R"sv,
                                       "cargparse\nNamespace\n)\x81"sv,
                                       "cos\nsystem\n"sv,
                                       "state_dict"sv,
                                       "module."sv,
                                       "PK\x01\x02"sv,
                                       "PK\x03\x04"sv,
                                       "PK\x05\x06"sv,
                                       "PK\x06\x06"sv,
                                       "/data.pkl"sv};

}  // namespace

const std::span<const std::string_view> fuzz_tokens = tokens;

}  // namespace reenact::test

/// A file that opens gives for each tensor the bytes that its shape takes, or says that it is damaged.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reenact;
  using namespace reenact::training;
  constexpr std::int64_t most_elements = 1 << 16;  // a tensor may repeat one element a billion times
  static test::MemoryFile file;
  file.write({data, size});
  try {
    const TorchArchive archive(file.path());
    const PickledTensors tensors = state_dict_of(archive);
    for (const auto& [name, tensor] : tensors) {
      const std::int64_t elements = tensor.element_count();
      if (elements > most_elements) continue;
      test::require(
          archive.read(tensor).size() == static_cast<std::size_t>(elements) * size_of(tensor.storage.type),
          "a tensor has its elements' bytes");
    }
    most_like("s3fd.conv1_1.weight", tensors, {});
    ++test::accepted_inputs;
  } catch (const Error& error) {
    test::require(error.what()[0] != 0, "an error has a sentence");
  }
  return 0;
}
