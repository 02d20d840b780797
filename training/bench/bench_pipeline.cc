// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <chrono>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "cpu/generator_calibration.h"
#include "cpu/instruction_set.h"
#include "reenact/backend.h"
#include "reenact/compositor.h"
#include "reenact/crop.h"
#include "training/bench/bench_cases.h"
#include "training/bench/bench_models.h"

namespace reenact::bench {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

}  // namespace

std::vector<nlohmann::ordered_json> bench_pipeline(const BenchOptions& options) {
  const TemporaryFolder folder;
  auto file = reenactor_for(options.model, folder.path());
  const std::string other = options.model == "lite" ? "lite" : "paper";
  const auto detector_file = detector_for(options.detector.empty() ? other : options.detector, folder.path());
  const auto config = file->info().config.get<ReenactorConfig>();
  const auto embedding = random_vectors(1, config.identity_embedding_size, 12);
  EngineOptions engine;
  engine.device = "cpu";
  engine.threads = options.threads;
  if (cpu::has_arithmetic(cpu::Arithmetic::int8)) {
    const auto poses = random_vectors(4, config.pose_embedding_size, 11);
    const auto path = folder.path() / "calibrated.safetensors";
    cpu::write_calibrated(path, *file,
                          cpu::calibrate_generator(file, nullptr, embedding, poses, options.threads));
    file = std::make_shared<const ModelFile>(path, ModelKind::reenactor);
  }
  const auto detector = cpu_backend()->detector(detector_file, engine);
  const auto encoder = cpu_backend()->pose_encoder(file, engine);
  const auto generator = cpu_backend()->generator(file, engine);
  auto identity = std::make_shared<Identity>();
  identity->embedding = embedding[0];
  generator->set_identity(identity);

  cv::Mat frame(options.height, options.width, CV_8UC3), small;
  cv::theRNG().state = 5;
  cv::randu(frame, 0, 255);
  // A face of a third of the picture's height: random weights find none.
  const float side = options.height / 3.0f, left = (options.width - side) / 2,
              top = (options.height - side) / 2;
  const FaceBox face{left, top, left + side, top + side, 1.0f};
  const cv::Rect window = crop_window(face);
  const cv::Size detector_size(options.detect_size, options.detect_size * options.height / options.width);
  std::vector<float> pose(config.pose_embedding_size);
  Compositor compositor;

  enum Part { detect, crop, encode, generate, composite, part_count };
  const char* names[] = {"detect", "crop", "encode", "generate", "composite"};
  std::vector<double> parts[part_count], frames;
  for (int round = -2 * options.detect_interval; round < options.rounds * options.detect_interval; ++round) {
    double times[part_count] = {};
    const auto begin = Clock::now();
    auto mark = begin;
    const auto note = [&](Part part) {
      times[part] = milliseconds_since(mark);
      mark = Clock::now();
    };
    if (round % options.detect_interval == 0) {
      cv::resize(frame, small, detector_size, 0, 0, cv::INTER_AREA);
      detector->detect(small, 0.999f, 0.3f);
      note(detect);
    }
    const cv::Mat cropped = crop_face(frame, face, config.image_size);
    note(crop);
    encoder->encode(cropped, pose);
    note(encode);
    const cv::Mat head = generator->generate(pose, AlphaMode::straight);
    note(generate);
    compositor.blend(head, window, {}, frame);
    note(composite);
    if (round < 0) continue;
    frames.push_back(milliseconds_since(begin));
    for (int part = 0; part < part_count; ++part) {
      if (part != detect || times[part] > 0) parts[part].push_back(times[part]);
    }
  }
  nlohmann::ordered_json line;
  double mean = 0;
  for (double time : frames) mean += time / frames.size();
  line["case"] = "pipeline";
  line["engine"] = "cpu";
  line["precision"] = generator->active_engine();
  line["threads"] = options.threads;
  line["median_ms"] = rounded(median(frames));
  std::sort(frames.begin(), frames.end());
  line["p95_ms"] = rounded(frames[frames.size() * 95 / 100]);
  line["fps"] = rounded(1000 / mean);
  double sum = 0;
  for (int part = 0; part < part_count; ++part) {
    const double time = median(parts[part]);
    line["parts_ms"][names[part]] = rounded(time);
    sum += part == detect ? time / options.detect_interval : time;
  }
  line["sum_of_parts_ms"] = rounded(sum);
  line["cpu"] = cpu::cpu_name();
  line["frames"] = frames.size();
  return {line};
}

}  // namespace reenact::bench
