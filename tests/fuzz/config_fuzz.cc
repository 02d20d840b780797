// SPDX-License-Identifier: LGPL-2.1-or-later
#include <spdlog/spdlog.h>

#include <string>
#include <vector>

#include "fuzz_target.h"
#include "memory_file.h"
#include "reenact/error.h"
#include "training/run/run_config.h"

namespace reenact::test {
namespace {

constexpr std::string_view tokens[] = {"[run]\n",   "[[run]]\n",  "steps",
                                       "=",         "\n",         "\"",
                                       "\"\"\"",    "'",          "{",
                                       "}",         "[",          "]",
                                       ",",         "true",       "inf",
                                       "nan",       "-0",         "1e308",
                                       "0x7f",      "1_000",      "base = ",
                                       "run.steps", ".",          "\\u0000",
                                       "#",         "1979-05-27", "training.steps = 3\n"};

}  // namespace

const std::span<const std::string_view> fuzz_tokens = tokens;

}  // namespace reenact::test

/// A configuration that is read keeps its numbers in their ranges, and what is written of it can be read again to
/// the same values. Behind a byte of 0 come overrides, each with such a byte before it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reenact;
  using namespace reenact::training;
  static test::MemoryFile file, written;
  spdlog::set_level(spdlog::level::off);  // former names of keys are warned of
  std::string text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> overrides;
  for (auto zero = text.rfind('\0'); zero != std::string::npos; zero = text.rfind('\0')) {
    overrides.push_back(text.substr(zero + 1));
    text.resize(zero);
  }
  file.write({data, text.size()});
  const auto read = [](const RunConfig& config) {
    RunSchedule schedule;
    read_run_schedule(config, schedule);
    double rate = 0.5;
    config.read("optimizer.learning_rate", rate, above_zero, 1);
    test::require(rate > 0 && rate <= 1, "a number is in its range");
    std::vector<std::string> names;
    config.read("data.folders", names);
    std::vector<double> weights;
    config.read("loss.weights", weights);
    std::vector<int> sizes = {1};
    config.read("networks.sizes", sizes, 1, 64);
    for (const int number : sizes) test::require(number >= 1 && number <= 64, "each number is in the range");
    bool flag = false;
    config.read("training.flip", flag);
    std::string name;
    config.read("networks.preset", name);
    config.refuse_unknown_keys();
    return config.to_toml();
  };
  try {
    const std::string toml = read(RunConfig(file.path(), overrides));
    ++test::accepted_inputs;
    written.write({reinterpret_cast<const std::uint8_t*>(toml.data()), toml.size()});
    try {
      test::require(read(RunConfig(written.path())) == toml,
                    "what is written of a configuration is what was read");
    } catch (const Error& error) {
      std::cerr << error.what() << '\n' << toml << '\n';
      test::require(false, "what is written of a configuration can be read");
    }
  } catch (const Error& error) {
    test::require(error.what()[0] != 0, "an error has a sentence");
  }
  return 0;
}
