// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/bench_instructions.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "cpu/kernels/instruction_set.h"
#include "reenact/error.h"

namespace reenact::bench {
namespace {

using cpu::ByteInstructions;
using nlohmann::ordered_json;

/// Values of ONEDNN_MAX_CPU_ISA, each of which makes another difference, from the least to the most.
std::vector<std::string> instructions_here() {
  using cpu::Arithmetic, cpu::InstructionSet;
  std::vector<std::string> sets;
  const ByteInstructions bytes = cpu::byte_instructions();
  if (cpu::instruction_set() >= InstructionSet::avx2) sets.emplace_back("AVX2");
  const bool limited_to_avx2 =
      bytes == ByteInstructions::pairs && cpu::instruction_set() == InstructionSet::avx2;
  if (has(ByteInstructions::avx_vnni) && !limited_to_avx2) sets.emplace_back("AVX2_VNNI");
  if (cpu::instruction_set() >= InstructionSet::avx512) {
    sets.emplace_back("AVX512_CORE");
    if (bytes == ByteInstructions::avx512_vnni) sets.emplace_back("AVX512_CORE_VNNI");
    if (cpu::has_arithmetic(Arithmetic::bf16)) sets.emplace_back("AVX512_CORE_BF16");
    if (cpu::has_amx()) sets.emplace_back("AVX512_CORE_AMX");
  }
  return sets;
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

/// The lines that `command` prints.
std::vector<ordered_json> lines_of(const std::string& command) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> output(popen(command.c_str(), "r"), pclose);
  if (!output) throw Error(ErrorCode::unsupported, "'" + command + "' cannot be started");
  std::string text;
  std::array<char, 4096> piece;
  while (const std::size_t count = std::fread(piece.data(), 1, piece.size(), output.get())) {
    text.append(piece.data(), count);
  }
  std::vector<ordered_json> lines;
  for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(ordered_json::parse(text.substr(begin, end - begin)));
  }
  return lines;
}

}  // namespace

std::vector<ordered_json> bench_instructions(const BenchOptions& options) {
  std::array<char, 4096> path;
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  if (length <= 0)
    throw Error(ErrorCode::unsupported, "/proc/self/exe, which is to be run again, cannot be read");
  const std::string self(path.data(), static_cast<std::size_t>(length));
  std::vector<ordered_json> all;
  for (const std::string& instructions : instructions_here()) {
    for (const char* model : {"live", "paper"}) {
      const std::string command = "ONEDNN_MAX_CPU_ISA=" + instructions + " " + quoted(self) +
                                  " generator --engine cpu --model " + model + " --precision " +
                                  options.precision + " --threads " + std::to_string(options.threads) +
                                  " --rounds " + std::to_string(options.rounds);
      for (ordered_json& line : lines_of(command)) {
        line["model"] = model;
        line["instructions"] = instructions;
        all.push_back(std::move(line));
      }
    }
  }
  return all;
}

}  // namespace reenact::bench
