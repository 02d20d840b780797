// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <opencv2/imgproc.hpp>

#include "bench/bench_cases.h"
#include "bench/bench_models.h"
#include "bench/interleaved_timing.h"
#include "bench/timing_statistics.h"
#include "cpu/kernels/instruction_set.h"
#include "reenact/backend.h"
#include "reenact/compositor.h"
#include "reenact/crop.h"
#include "reenact/face_finder.h"
#include "reenact/face_tracker.h"
#include "reenact/quantise.h"
#ifdef REENACT_BENCH_ELEMENTS
#include "bench/bench_elements.h"
#endif

namespace reenact::bench {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::ordered_json;

/// The files of a pipeline's networks.
struct PipelineModels {
  std::shared_ptr<const ModelFile> reenactor, detector;
  std::shared_ptr<const Identity> identity;
  std::filesystem::path identity_path;
};

PipelineModels models_for(const BenchOptions& options, const std::vector<cv::Mat>& frames,
                          const std::filesystem::path& folder) {
  PipelineModels models;
  models.reenactor = reenactor_for(options.model, folder);
  models.detector = credulous_detector_for(
      options.detector.empty() ? companions_of(options.model) : options.detector, folder);
  const auto config = models.reenactor->info().config.get<ReenactorConfig>();
  if (options.identity.empty()) {
    auto identity = std::make_shared<Identity>();
    identity->name = "random";
    identity->licence = "random weights";
    identity->embedding = random_vectors(1, config.identity_embedding_size, 12)[0];
    models.identity_path = folder / "identity.safetensors";
    save_identity(models.identity_path, *identity, {});
    models.identity = identity;
  } else {
    models.identity_path = options.identity;
    models.identity = load_identity(options.identity);
  }
  models.reenactor =
      calibrated_for(models.reenactor, *models.identity, random_vectors(4, config.pose_embedding_size, 11),
                     folder, options.threads);
  models.detector = calibrated_detector_for(models.detector, frames, folder, options.threads);
  return models;
}

/// Coloured noise with soft edges that wanders a little, so that a tracker has something to follow.
std::vector<cv::Mat> wandering_frames(int width, int height) {
  constexpr int count = 8;
  cv::Mat noise(height + 2 * count, width + 2 * count, CV_8UC3);
  cv::RNG random(5);
  random.fill(noise, cv::RNG::UNIFORM, 0, 255);
  cv::GaussianBlur(noise, noise, {0, 0}, 4);
  cv::normalize(noise, noise, 0, 255, cv::NORM_MINMAX);
  std::vector<cv::Mat> frames;
  for (int i = 0; i < count; ++i) {
    const int shift = 2 * std::min(i, count - i);
    frames.push_back(noise(cv::Rect(shift, shift, width, height)).clone());
  }
  return frames;
}

/// Each part alone, one after the other in one thread (the networks with all threads), without GStreamer.
ordered_json run_parts(const BenchOptions& options, const PipelineModels& models,
                       const std::vector<cv::Mat>& frames) {
  EngineOptions engine;
  engine.device = options.device;
  engine.threads = options.threads;
  Backend& backend = options.device == "cpu" ? *cpu_backend() : torch_backend();
  const auto reenactor = models.reenactor->info().config.get<ReenactorConfig>();
  const auto detector =
      backend.detector(models.detector, models.detector->info().config.get<DetectorConfig>(), engine);
  const auto encoder = backend.pose_encoder(models.reenactor, reenactor, engine);
  const auto generator = backend.generator(models.reenactor, reenactor, engine);
  generator->set_identity(models.identity);
  // A face of a third of the picture's height in the middle.
  const float side = options.height / 3.0f, left = (options.width - side) / 2,
              top = (options.height - side) / 2;
  const FaceBox face{left, top, left + side, top + side, 1.0f};
  const cv::Rect window = crop_window(face);
  const cv::Size detector_size(options.detect_size, options.detect_size * options.height / options.width);
  std::vector<cv::Mat> sources(frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) cv::cvtColor(frames[i], sources[i], cv::COLOR_RGB2YUV_I420);
  cv::Mat frame, small, target(frames[0].size(), CV_8UC3), planes;
  std::vector<float> pose(encoder->embedding_size());
  Compositor compositor;
  FaceTracker tracker;

  enum Part { read, detect, track, crop, encode, generate, paint, composite, write, part_count };
  const char* names[] = {"read",     "detect", "track",     "crop", "encode",
                         "generate", "paint",  "composite", "write"};
  std::vector<double> parts[part_count], times;
  for (int round = -2 * options.detect_interval; round < options.rounds * options.detect_interval; ++round) {
    double elapsed[part_count] = {};
    const auto begin = Clock::now();
    auto mark = begin;
    const auto milliseconds_since = [](Clock::time_point start) {
      return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    };
    const auto note = [&](Part part) {
      elapsed[part] = milliseconds_since(mark);
      mark = Clock::now();
    };
    const int index = round + 2 * options.detect_interval;
    cv::cvtColor(sources[index % sources.size()], frame, cv::COLOR_YUV2RGB_I420);
    note(read);
    if (index % options.detect_interval == 0) {
      cv::resize(frame, small, detector_size, 0, 0, cv::INTER_AREA);
      detector->detect(small, FaceFinder::Options().score_threshold, FaceFinder::Options().iou_threshold);
      tracker.update(frame, std::span(&face, 1), index / 30.0);
      note(detect);
    } else {
      tracker.predict(frame, index / 30.0);
      note(track);
    }
    const cv::Mat cropped = crop_face(frame, face, encoder->image_size());
    note(crop);
    encoder->encode(cropped, pose);
    note(encode);
    const cv::Mat head = generator->generate(pose, AlphaMode::straight);
    note(generate);
    target.setTo(cv::Scalar(48, 48, 48));
    note(paint);
    compositor.blend(head, window, {}, target);
    note(composite);
    cv::cvtColor(target, planes, cv::COLOR_RGB2YUV_I420);
    note(write);
    if (round < 0) continue;
    times.push_back(milliseconds_since(begin));
    for (int part = 0; part < part_count; ++part) {
      if (elapsed[part] > 0) parts[part].push_back(elapsed[part]);
    }
  }

  ordered_json line;
  double mean = 0;
  for (double time : times) mean += time / static_cast<double>(times.size());
  line["case"] = "pipeline";
  line["engine"] = "parts";
  line["precision"] = generator->active_engine();
  line["threads"] = options.threads;
  line["median_ms"] = rounded(quantile(times, 0.5));
  line["p95_ms"] = rounded(quantile(times, 0.95));
  line["fps"] = rounded(1000 / mean);
  double sum = 0;
  for (int part = 0; part < part_count; ++part) {
    if (parts[part].empty()) continue;
    const double time = quantile(parts[part], 0.5), interval = options.detect_interval;
    line["parts_ms"][names[part]] = rounded(time);
    sum += part == detect ? time / interval : part == track ? time * (interval - 1) / interval : time;
  }
  line["sum_of_parts_ms"] = rounded(sum);
  line["cpu"] = cpu::cpu_name();
  line["width"] = options.width / 2 * 2;
  line["height"] = options.height / 2 * 2;
  line["frames"] = times.size();
  return line;
}

}  // namespace

std::vector<ordered_json> bench_pipeline(const BenchOptions& options) {
  const TemporaryFolder folder;
  const int width = options.width / 2 * 2, height = options.height / 2 * 2;
  const std::vector<cv::Mat> frames = wandering_frames(width, height);
  const PipelineModels models = models_for(options, frames, folder.path());
  std::vector<ordered_json> lines;
  const auto add = [&](const std::string& engine, const std::function<ordered_json()>& make) {
    try {
      lines.push_back(make());
    } catch (const std::exception& error) {
      lines.push_back(error_line("pipeline", engine, "auto", in_one_line(error)));
    }
  };
  add("parts", [&] { return run_parts(options, models, frames); });
#ifdef REENACT_BENCH_ELEMENTS
  const ordered_json parts = lines[0];
  ElementsRun run;
  run.reenactor = models.reenactor->path();
  run.detector = models.detector->path();
  run.identity = models.identity_path;
  run.clip = options.clip;
  run.device = options.device;
  run.frames = frames;
  run.width = width;
  run.height = height;
  run.detect_interval = options.detect_interval;
  run.detect_size = options.detect_size;
  run.threads = options.threads;
  run.warm_up = 2 * options.detect_interval;
  run.counted = options.rounds * options.detect_interval;
  const auto line_of = [&](const std::string& engine, const ordered_json& measured) {
    ordered_json line;
    line["case"] = "pipeline";
    line["engine"] = engine;
    line["precision"] = parts["precision"];
    line["threads"] = options.threads;
    line.update(measured);
    line["cpu"] = cpu::cpu_name();
    line["width"] = width;
    line["height"] = height;
    return line;
  };
  add("elements", [&] {
    ordered_json measured = run_elements(run);
    if (parts.contains("sum_of_parts_ms")) {
      const double sum_of_parts = parts["sum_of_parts_ms"];
      measured["sum_of_parts_ms"] = sum_of_parts;
      measured["over_sum_of_parts"] = rounded(1000 / measured["fps"].get<double>() / sum_of_parts);
    }
    return line_of("elements", measured);
  });
  if (options.streams > 0)
    add("streams", [&] { return line_of("streams", run_streams(run, options.streams)); });
#endif
  return lines;
}

}  // namespace reenact::bench
