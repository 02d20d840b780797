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
#include "bench/bench_codec.h"
#include "bench/bench_instructions.h"
#include "bench/bench_train.h"
#include "bench/interleaved_timing.h"

int main(int argc, char** argv) {
  using namespace reenact::bench;
  CLI::App app(
      "Measures the networks' engines against the LibTorch reference, interleaved in one run; prints one "
      "JSON "
      "object a line.",
      "reenact-bench");
  const std::map<std::string, std::vector<nlohmann::ordered_json> (*)(const BenchOptions&)> known = {
      {"generator", bench_generator}, {"pose", bench_pose},
      {"identity", bench_identity},   {"detector", bench_detector},
      {"segmenter", bench_segmenter}, {"pipeline", bench_pipeline},
      {"train", bench_train},         {"instructions", bench_instructions},
      {"codec", bench_codec},
  };
  std::vector<std::string> cases;
  BenchOptions options;
  std::string names;
  for (const auto& entry : known) names += (names.empty() ? "" : ", ") + entry.first;
  app.add_option("cases", cases, names + "; all of them but instructions and codec when none is named")
      ->check(CLI::IsMember(known));
  app.add_option("--model", options.model, "paper, lite, live or a reenactor file")->capture_default_str();
  app.add_option("--detector", options.detector, "a detector file")->check(CLI::ExistingFile);
  app.add_option("--segmenter", options.segmenter, "a segmenter file")->check(CLI::ExistingFile);
  app.add_option("--identity", options.identity, "an identity file to draw")->check(CLI::ExistingFile);
  app.add_option("--poses", options.poses, "a pose track to draw")->check(CLI::ExistingFile);
  auto* clip = app.add_option("--clip", options.clip,
                              "a video for the pipeline to decode and scale; default: raw frames")
                   ->check(CLI::ExistingFile);
  app.add_option("--device", options.device, "cpu, or cuda or cuda:N for the LibTorch backend there")
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
  app.add_option("--streams", options.streams,
                 "tries up to this many pipelines at once: how many keep 30 frames a second; 0: does not")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str()
      ->excludes(clip);
  CLI11_PARSE(app, argc, argv);
  int status = 0;
  for (const auto& [name, bench] : known) {
    // "instructions" runs other cases and "codec" wants a track, and so only when they are asked for.
    if (cases.empty() ? name == "instructions" || name == "codec"
                      : std::find(cases.begin(), cases.end(), name) == cases.end())
      continue;
    try {
      for (const auto& line : bench(options)) {
        std::cout << line.dump() << std::endl;
        if (line.contains("error")) status = 1;
      }
    } catch (const std::exception& error) {
      std::fprintf(stderr, "reenact-bench: %s: %s\n", name.c_str(), in_one_line(error).c_str());
      status = 1;
    }
  }
  return status;
}
