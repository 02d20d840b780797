// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs a fuzz target without libFuzzer: every file of a corpus as it is, then mutations of them.
//
//   TARGET [--seconds N | --count N] [--seed N] [FILE or FOLDER]...
//
// An input on which the program dies is kept as crash-input in the working folder; given as FILE it is run again.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "fuzz_target.h"
#include "support/byte_mutator.h"
#include "support/raw_safetensors.h"

// Of the sanitizers, which end the program without a signal.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace reenact::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

const std::string* current_input = nullptr;

void keep_current_input() {
  if (!current_input) return;
  const int file = ::open("crash-input", O_CREAT | O_TRUNC | O_WRONLY, 0644);
  if (file < 0) return;
  if (::write(file, current_input->data(), current_input->size()) >= 0) {
    constexpr char said[] = "the input is kept as crash-input\n";
    [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, said, sizeof said - 1);
  }
  ::close(file);
}

void on_signal(int number) {
  keep_current_input();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void run(const std::string& input) {
  current_input = &input;
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::vector<std::string> read_corpus(const std::vector<fs::path>& places) {
  std::vector<fs::path> files;
  for (const fs::path& place : places) {
    if (!fs::is_directory(place)) {
      files.push_back(place);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(place)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> corpus;
  for (const fs::path& file : files) corpus.push_back(read_bytes(file));
  return corpus;
}

int fuzz(double seconds, std::uint64_t count, std::uint32_t seed, const std::vector<fs::path>& places) {
  constexpr std::size_t longest_input = 1 << 16;
  const auto corpus = read_corpus(places);
  if (corpus.empty()) {
    std::cerr << "a file or folder of inputs is wanted\n";
    return 2;
  }
  for (const std::string& input : corpus) run(input);
  const std::uint64_t corpus_accepted = accepted_inputs;
  ByteMutator mutator(seed, fuzz_tokens);
  const auto begin = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  std::uint64_t done = 0;
  for (; done < count && (done % 64 != 0 || elapsed() < seconds); ++done) {
    const std::string& first = corpus[mutator.below(corpus.size())];
    std::string input = mutator.below(8) != 0
                            ? mutator.mutate(first)
                            : mutator.mutate(mutator.splice(first, corpus[mutator.below(corpus.size())]));
    if (input.size() > longest_input) input.resize(longest_input);
    run(input);
  }
  current_input = nullptr;
  std::cout << corpus.size() << " inputs of the corpus, " << corpus_accepted << " accepted; " << done
            << " mutations in " << elapsed() << " s, " << accepted_inputs - corpus_accepted
            << " accepted, seed " << seed << '\n';
  // Half of the corpus is good files: a target that refuses them all tests nothing.
  return corpus_accepted > 0 ? 0 : 1;
}

}  // namespace
}  // namespace reenact::test

int main(int argc, char** argv) {
  using namespace reenact::test;
  double seconds = 1e9;
  std::uint64_t count = ~std::uint64_t{0};
  std::uint32_t seed = 1;
  bool limited = false;
  std::vector<std::filesystem::path> places;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool has_value = argument.starts_with("--") && i + 1 < argc;
    if (argument == "--seconds" && has_value) {
      seconds = std::atof(argv[++i]);
      limited = true;
    } else if (argument == "--count" && has_value) {
      count = std::strtoull(argv[++i], nullptr, 10);
      limited = true;
    } else if (argument == "--seed" && has_value) {
      seed = static_cast<std::uint32_t>(std::strtoul(argv[++i], nullptr, 10));
    } else {
      places.emplace_back(argument);
    }
  }
  if (!limited) count = 0;
  for (const int number : {SIGABRT, SIGSEGV, SIGFPE, SIGILL, SIGBUS}) std::signal(number, on_signal);
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(keep_current_input);
  return fuzz(seconds, count, seed, places);
}
