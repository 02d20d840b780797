// SPDX-License-Identifier: LGPL-2.1-or-later
// reenact-bench: measures what the documentation claims; docs/performance.md explains each figure.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "bench/bench_cases.h"
#include "bench/bench_train.h"

int main(int argc, char** argv) {
  using namespace reenact::bench;
  CLI::App app(
      "Measures the networks' engines against the LibTorch reference, interleaved in one run; prints one "
      "JSON "
      "object a line.",
      "reenact-bench");
  const std::map<std::string, std::vector<nlohmann::ordered_json> (*)(const BenchOptions&)> known = {
      {"generator", bench_generator}, {"pose", bench_pose},           {"identity", bench_identity},
      {"detector", bench_detector},   {"segmenter", bench_segmenter}, {"pipeline", bench_pipeline},
      {"train", bench_train},
  };
  std::vector<std::string> cases;
  BenchOptions options;
  std::string names;
  for (const auto& entry : known) names += (names.empty() ? "" : ", ") + entry.first;
  app.add_option("cases", cases, names + "; all of them when none is named")->check(CLI::IsMember(known));
  app.add_option("--model", options.model, "paper, lite or a reenactor file")->capture_default_str();
  app.add_option("--detector", options.detector, "a detector file")->check(CLI::ExistingFile);
  app.add_option("--segmenter", options.segmenter, "a segmenter file")->check(CLI::ExistingFile);
  app.add_option("--identity", options.identity, "an identity file to draw")->check(CLI::ExistingFile);
  app.add_option("--poses", options.poses, "a pose track to draw")->check(CLI::ExistingFile);
  app.add_option("--clip", options.clip, "a video for the pipeline to decode and scale; default: raw frames")
      ->check(CLI::ExistingFile);
  app.add_option("--device", options.device, "cpu, or cuda or cuda:N for the LibTorch engine there")
      ->capture_default_str();
  app.add_option("--engine", options.engine, "all, cpu or torch; the reference always runs")
      ->check(CLI::IsMember({"all", "cpu", "torch"}))
      ->capture_default_str();
  app.add_option("--precision", options.precision, "all, fp32, bf16 or int8")
      ->check(CLI::IsMember({"all", "fp32", "bf16", "int8"}))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "threads of every engine")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--rounds", options.rounds, "times each engine runs")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--width", options.width, "of the picture, pixels")
      ->check(CLI::Range(32, 8192))
      ->capture_default_str();
  app.add_option("--height", options.height, "of the picture, pixels")
      ->check(CLI::Range(32, 8192))
      ->capture_default_str();
  app.add_option("--detect-interval", options.detect_interval, "frames between detections in the pipeline")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--detect-size", options.detect_size, "width of the pipeline's detector input, pixels")
      ->check(CLI::Range(32, 8192))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    for (const auto& [name, bench] : known) {
      if (!cases.empty() && std::find(cases.begin(), cases.end(), name) == cases.end()) continue;
      for (const auto& line : bench(options)) std::cout << line.dump() << std::endl;
    }
  } catch (const std::exception& error) {
    const std::string message = error.what();
    std::fprintf(stderr, "reenact-bench: %s\n", message.substr(0, message.find('\n')).c_str());
    return 1;
  }
  return 0;
}
