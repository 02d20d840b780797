// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/bench_cases.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <utility>

#include "bench/bench_models.h"
#include "bench/interleaved_timing.h"
#include "cpu/generator.h"
#include "cpu/generator_layer.h"
#include "cpu/kernels/instruction_set.h"
#include "media/picture_file.h"
#include "offline/picture_metrics.h"
#include "reenact/backend.h"
#include "reenact/error.h"
#include "reenact/quantise.h"
#include "reenact/safetensors.h"
#include "torch/device.h"
#include "torch/load_weights.h"
#include "torch/networks/generator.h"

namespace reenact::bench {
namespace {

using nlohmann::ordered_json;
constexpr int pose_count = 8;
constexpr int pictures_of_a_person = 8;  // the paper's K

bool wanted(const BenchOptions& options, const std::string& engine, Precision precision) {
  if (options.engine != "all" && options.engine != engine) return false;
  return options.precision == "all" || engine == "torch" || options.precision == to_string(precision);
}

EngineOptions engine_options(const BenchOptions& options, Precision precision) {
  EngineOptions result;
  result.device = options.device;
  result.precision = precision;
  result.threads = options.threads;
  return result;
}

bool on_gpu(const BenchOptions& options) {
  return options.device != "cpu";
}

/// What the LibTorch backend runs in on a GPU besides fp32.
std::vector<Precision> gpu_precisions(const BenchOptions& options) {
  if (!on_gpu(options)) return {};
  return {Precision::bf16, Precision::fp16};
}

cv::Mat noise_picture(int width, int height) {
  cv::Mat picture(height, width, CV_8UC3);
  cv::theRNG().state = 5;
  cv::randu(picture, 0, 255);
  return picture;
}

/// Detector and segmenter of the same size as the reenactor, unless files are named.
std::string preset_or(const std::string& file, const BenchOptions& options) {
  if (!file.empty()) return file;
  return companions_of(options.model);
}

cpu::Arithmetic arithmetic_of(Precision precision) {
  if (precision == Precision::int8) return cpu::Arithmetic::int8;
  return precision == Precision::bf16 ? cpu::Arithmetic::bf16 : cpu::Arithmetic::f32;
}

/// Operations (multiplications and additions) of one picture: as the authors' network does them, or as the
/// CPU backend does them in `arithmetic`.
double generator_operations(const ReenactorConfig& config, std::optional<cpu::Arithmetic> arithmetic) {
  double products = 0;
  int size = config.constant_size, channels = cpu::generator_channels(config, 0), coefficients = 0;
  const auto add = [&](int out, int kernel, bool upsample) {
    const double area = static_cast<double>(size) * size * (upsample ? 4 : 1);
    const cpu::GeneratorLayer::Geometry geometry{size, size, channels, out, kernel, upsample};
    products += area * channels * out *
                (arithmetic ? cpu::GeneratorLayer::products_a_pixel(geometry, *arithmetic) : kernel * kernel);
  };
  for (int i = 0; i < config.residual_blocks; ++i) {
    for (int convolution = 0; convolution < 2; ++convolution) add(channels, 3, false);
    coefficients += 4 * channels;
  }
  for (int i = 0; i < config.upsampling_blocks(); ++i) {
    const int out = cpu::generator_channels(config, i + 1);
    add(out, 3, true);
    // The authors' skip follows the upsampling.
    add(out, 1, !arithmetic);
    coefficients += 2 * (channels + out);
    channels = out;
    size *= 2;
    add(out, 3, false);
  }
  add(4, 3, false);
  coefficients += 2 * channels;
  const double hidden = config.hidden_size();
  products += hidden * (config.pose_embedding_size + (arithmetic ? 0 : config.identity_embedding_size)) +
              hidden * coefficients;
  return 2 * products;
}

std::vector<std::vector<float>> poses_for(const BenchOptions& options, int size) {
  if (options.poses.empty()) return random_vectors(pose_count, size, 11);
  const ModelFile track(options.poses, ModelKind::pose_track);
  const std::vector<float> values = track.file().at("poses").to_floats();
  const std::size_t count = values.size() / size;
  std::vector<std::vector<float>> poses;
  // Spread over the whole track.
  for (std::size_t i = 0; i < std::min<std::size_t>(count, 32); ++i) {
    const auto begin = values.begin() + i * count / std::min<std::size_t>(count, 32) * size;
    poses.emplace_back(begin, begin + size);
  }
  return poses;
}

std::shared_ptr<const Identity> identity_for(const BenchOptions& options, int size) {
  if (!options.identity.empty()) return load_identity(options.identity);
  auto identity = std::make_shared<Identity>();
  identity->name = "random";
  identity->embedding = random_vectors(1, size, 12)[0];
  return identity;
}

/// Adds what `make` returns; where that fails, a contestant that says why.
void add_contestant(std::vector<Contestant>& contestants, const std::string& engine, Precision precision,
                    const std::function<Contestant()>& make) {
  try {
    contestants.push_back(make());
  } catch (const std::exception& error) {
    contestants.push_back({engine, to_string(precision)});
    contestants.back().error = in_one_line(error);
  }
}

/// Reference and cpu backend of a network, in what the backend supports for that file: `make` loads an object, `use` runs it once.
template <typename Object, typename Config>
std::vector<ordered_json> compare_engines(
    const std::string& name, const std::shared_ptr<const ModelFile>& file, const BenchOptions& options,
    NetworkKind network,
    std::unique_ptr<Object> (Backend::*make)(std::shared_ptr<const ModelFile>, const Config&,
                                             const EngineOptions&),
    const std::function<void(Object&)>& use) {
  const auto config = file->info().config.get<Config>();
  std::vector<Contestant> contestants;
  const auto add = [&](Backend& backend, const std::string& engine, Precision precision) {
    add_contestant(contestants, engine, precision, [&]() -> Contestant {
      std::shared_ptr<Object> object = (backend.*make)(file, config, engine_options(options, precision));
      return {engine, to_string(precision), options.threads, 0, 0, 0, [object, use] { use(*object); }};
    });
  };
  add(torch_backend(), "reference", Precision::fp32);
  for (Precision precision : gpu_precisions(options)) add(torch_backend(), "torch", precision);
  if (on_gpu(options)) return compare(name, contestants, options.rounds);
  for (Precision precision : {Precision::fp32, Precision::bf16, Precision::int8}) {
    const EngineOptions wish = engine_options(options, precision);
    if (cpu_backend() && wanted(options, "cpu", precision) &&
        cpu_backend()->supports(network, *file, config, wish)) {
      add(*cpu_backend(), "cpu", precision);
    }
  }
  return compare(name, contestants, options.rounds);
}

}  // namespace

std::shared_ptr<const ModelFile> calibrated_for(const std::shared_ptr<const ModelFile>& file,
                                                const Identity& identity,
                                                const std::vector<std::vector<float>>& poses,
                                                const std::filesystem::path& folder, int threads) {
  if (!cpu::has_arithmetic(cpu::Arithmetic::int8) ||
      cpu::PreparedGenerator::is_calibrated(file->info().config.get<ReenactorConfig>(),
                                            cpu::WeightSource(file)))
    return file;
  const std::vector<std::vector<float>> identities = {identity.embedding};
  const auto calibration = calibrate_generator(file, nullptr, identities, poses, threads);
  const auto path = folder / "calibrated.safetensors";
  write_ranges(path, *file, calibration);
  return std::make_shared<const ModelFile>(path, ModelKind::reenactor);
}

std::shared_ptr<const ModelFile> calibrated_detector_for(const std::shared_ptr<const ModelFile>& file,
                                                         const std::vector<cv::Mat>& pictures,
                                                         const std::filesystem::path& folder, int threads) {
  EngineOptions int8;
  int8.precision = Precision::int8;
  if (cpu_backend()->supports(NetworkKind::detector, *file, file->info().config.get<DetectorConfig>(), int8))
    return file;
  const auto path = folder / "calibrated-detector.safetensors";
  write_ranges(path, *file, calibrate_detector(file, pictures, threads));
  return std::make_shared<const ModelFile>(path, ModelKind::detector);
}

std::vector<ordered_json> bench_generator(const BenchOptions& options) {
  const TemporaryFolder folder;
  auto file = reenactor_for(options.model, folder.path());
  const auto config = file->info().config.get<ReenactorConfig>();
  const auto identity = identity_for(options, config.identity_embedding_size);
  const auto poses = poses_for(options, config.pose_embedding_size);
  if (!on_gpu(options) && wanted(options, "cpu", Precision::int8))
    file = calibrated_for(file, *identity, poses, folder.path(), options.threads);

  const auto peak = [&](const std::string& precision) {
    return on_gpu(options) ? 0.0 : measure_peak(precision, options.threads);
  };
  // The network as the authors wrote it: spectral norms divided out anew for each picture.
  auto reference = std::make_shared<reenact::GeneratorNetwork>(config);
  load_weights(**reference, *file, "gen.");
  (*reference)->eval();
  const auto device = device_from(options.device);
  (*reference)->to(device);
  const auto embedding = torch::tensor(at::ArrayRef<float>(identity->embedding)).unsqueeze(0).to(device);
  std::size_t next_pose = 0;  // all contestants of a round draw the same pose
  std::vector<Contestant> contestants;
  contestants.push_back({"reference", "fp32", options.threads, generator_operations(config, std::nullopt),
                         peak("fp32"), 0, [&, reference] {
                           torch::InferenceMode inference;
                           at::set_num_threads(options.threads);
                           next_pose = (next_pose + 1) % poses.size();
                           const auto pose =
                               torch::tensor(at::ArrayRef<float>(poses[next_pose])).unsqueeze(0).to(device);
                           (*reference)->forward(embedding, pose).rgb.to(torch::kCPU);
                         }});

  std::shared_ptr<Generator> exact;  // the first: the others' PSNR is against it
  const auto made = [&](Backend& backend, const std::string& engine, Precision precision) -> Contestant {
    std::shared_ptr<Generator> generator =
        backend.generator(file, config, engine_options(options, precision));
    generator->set_identity(identity);
    double error_db = 0;
    if (exact) {
      double total = 0;
      for (const auto& pose : poses) {
        total += std::pow(10, -psnr(without_alpha(exact->generate(pose, AlphaMode::premultiplied)),
                                    without_alpha(generator->generate(pose, AlphaMode::premultiplied))) /
                                  10);
      }
      error_db = -10 * std::log10(total / poses.size());
    } else if (precision == Precision::fp32) {
      exact = generator;
    }
    const std::string name = to_string(precision);
    const auto arithmetic = engine == "cpu" ? std::optional(arithmetic_of(precision)) : std::nullopt;
    return {engine,
            name,
            options.threads,
            generator_operations(config, arithmetic),
            peak(name),
            error_db,
            [&, generator] { generator->generate(poses[next_pose]); }};
  };
  const auto add = [&](Backend& backend, const std::string& engine, Precision precision) {
    add_contestant(contestants, engine, precision, [&] { return made(backend, engine, precision); });
  };
  add(torch_backend(), "torch", Precision::fp32);
  if (options.engine == "cpu") contestants.pop_back();
  for (Precision precision : gpu_precisions(options)) add(torch_backend(), "torch", precision);
  if (on_gpu(options)) return compare("generator", contestants, options.rounds);
  for (Precision precision : {Precision::fp32, Precision::bf16, Precision::int8}) {
    if (wanted(options, "cpu", precision) && cpu::has_arithmetic(arithmetic_of(precision)))
      add(*cpu_backend(), "cpu", precision);
  }
  return compare("generator", contestants, options.rounds);
}

std::vector<ordered_json> bench_pose(const BenchOptions& options) {
  const TemporaryFolder folder;
  const auto file = reenactor_for(options.model, folder.path());
  const auto config = file->info().config.get<ReenactorConfig>();
  const cv::Mat crop = noise_picture(config.image_size, config.image_size);
  std::vector<float> pose(config.pose_embedding_size);
  return compare_engines<PoseEncoder, ReenactorConfig>(
      "pose", file, options, NetworkKind::pose_encoder, &Backend::pose_encoder,
      [&](PoseEncoder& encoder) { encoder.encode(crop, pose); });
}

std::vector<ordered_json> bench_identity(const BenchOptions& options) {
  const TemporaryFolder folder;
  const auto file = reenactor_for(options.model, folder.path(), true);
  const auto config = file->info().config.get<ReenactorConfig>();
  const std::vector<cv::Mat> crops(pictures_of_a_person, noise_picture(config.image_size, config.image_size));
  return compare_engines<IdentityEncoder, ReenactorConfig>(
      "identity", file, options, NetworkKind::identity_encoder, &Backend::identity_encoder,
      [&](IdentityEncoder& encoder) { encoder.encode(crops); });
}

std::vector<ordered_json> bench_detector(const BenchOptions& options) {
  const TemporaryFolder folder;
  auto file = detector_for(preset_or(options.detector, options), folder.path());
  const cv::Mat picture = noise_picture(options.width, options.height);
  if (!on_gpu(options)) file = calibrated_detector_for(file, {picture}, folder.path(), options.threads);
  return compare_engines<Detector, DetectorConfig>(
      "detector", file, options, NetworkKind::detector, &Backend::detector,
      [&](Detector& detector) { detector.detect(picture, 0.999f, 0.3f); });
}

std::vector<ordered_json> bench_segmenter(const BenchOptions& options) {
  const TemporaryFolder folder;
  const auto file = segmenter_for(preset_or(options.segmenter, options), folder.path());
  const cv::Mat crop = noise_picture(256, 256);
  return compare_engines<Segmenter, SegmenterConfig>("segmenter", file, options, NetworkKind::segmenter,
                                                     &Backend::segmenter,
                                                     [&](Segmenter& segmenter) { segmenter.segment(crop); });
}

}  // namespace reenact::bench
