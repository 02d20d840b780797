// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "reenact/identity.h"
#include "reenact/model_file.h"

namespace reenact::bench {

/// What the command line asks for.
struct BenchOptions {
  std::string model = "paper";    ///< "paper", "lite", "live" or a reenactor file
  std::string detector;           ///< a detector file; empty: the preset of `model`, or "paper"
  std::string segmenter;          ///< a segmenter file; empty: as above
  std::string identity;           ///< an identity file to draw with; empty: a random embedding
  std::string clip;               ///< a video that the pipeline decodes; empty: made-up raw frames
  std::string poses;              ///< a pose track to draw; empty: random poses
  std::string device = "cpu";     ///< or "cuda", "cuda:N": then all engines are LibTorch there
  std::string engine = "all";     ///< "all", or only "cpu" or "torch" beside the reference
  std::string precision = "all";  ///< "all", or only this one of the cpu backend
  int threads = 2;
  int rounds = 20;
  int width = 640, height = 480;  ///< of the pictures of the cases detector and pipeline
  int detect_interval = 10;       ///< frames between detections in the pipeline
  int detect_size = 320;          ///< width to which pictures are reduced for the pipeline's detector
  int streams = 0;                ///< most pipelines that the case pipeline runs at once; 0: it does not
};

/// Each prints nothing and returns one JSON object an engine. The first is the reference: the LibTorch
/// network in fp32. The object of an engine that failed has a field "error" in place of figures.
std::vector<nlohmann::ordered_json> bench_generator(const BenchOptions& options);
std::vector<nlohmann::ordered_json> bench_pose(const BenchOptions& options);
/// Eight crops of a person to an embedding.
std::vector<nlohmann::ordered_json> bench_identity(const BenchOptions& options);
std::vector<nlohmann::ordered_json> bench_detector(const BenchOptions& options);
std::vector<nlohmann::ordered_json> bench_segmenter(const BenchOptions& options);
/// Frames of a driver to composited frames of the same size and format, detection now and then: line "parts",
/// one part after the other without GStreamer, line "elements", a GStreamer pipeline with reenactbin, and line
/// "streams" where options.streams asks for it: how many such pipelines keep 30 frames a second at once.
std::vector<nlohmann::ordered_json> bench_pipeline(const BenchOptions& options);

/// The file itself when it has ranges for int8 or the CPU has no int8, else a copy in `folder` with ranges
/// for the poses given.
std::shared_ptr<const ModelFile> calibrated_for(const std::shared_ptr<const ModelFile>& file,
                                                const Identity& identity,
                                                const std::vector<std::vector<float>>& poses,
                                                const std::filesystem::path& folder, int threads);
/// The same for a detector, with ranges for these pictures (RGB CV_8UC3).
std::shared_ptr<const ModelFile> calibrated_detector_for(const std::shared_ptr<const ModelFile>& file,
                                                         const std::vector<cv::Mat>& pictures,
                                                         const std::filesystem::path& folder, int threads);

}  // namespace reenact::bench
