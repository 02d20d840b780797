// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/backend.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "reenact/error.h"

namespace reenact {
namespace {

/// auto, cpu, cuda or cuda:N.
void check_device(const std::string& device) {
  if (device == "auto" || device == "cpu" || device == "cuda") return;
  const std::string prefix = "cuda:";
  const std::string number = device.starts_with(prefix) ? device.substr(prefix.size()) : "";
  if (number.empty() || number.size() > 3 ||
      !std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    throw Error(ErrorCode::invalid, "the device is '" + device + "', wanted auto, cpu, cuda or cuda:N");
  }
}

void check_options(const EngineOptions& options) {
  check_device(options.device);
  if (options.threads < 0 || options.threads > 4096) {
    throw Error(ErrorCode::invalid,
                "the number of threads is " + std::to_string(options.threads) + ", wanted 0 to 4096");
  }
  if (options.backend != "auto" && options.backend != "cpu" && options.backend != "torch") {
    throw Error(ErrorCode::invalid, "the backend is '" + options.backend + "', wanted auto, cpu or torch");
  }
}

/// Whether the kernel's driver shows an NVIDIA GPU; cheap, also on Tegra and WSL: machines without one never open LibTorch
/// to ask.
bool machine_has_gpu() {
  std::error_code ignored;
  return std::filesystem::exists("/dev/nvidiactl", ignored) ||
         std::filesystem::exists("/dev/nvmap", ignored) || std::filesystem::exists("/dev/dxg", ignored);
}

struct Choice {
  Backend& backend;
  EngineOptions options;
};

Choice choose(NetworkKind network, const ModelFile& file, const NetworkConfig& config,
              const EngineOptions& options) {
  const bool cuda_wanted = options.device.starts_with("cuda");
  if (options.backend == "torch") return {torch_backend(), options};

  if (options.backend == "auto" && options.device == "auto" && machine_has_gpu()) {
    EngineOptions on_gpu = options;
    on_gpu.device = "cuda";
    try {
      Backend& torch = torch_backend();
      if (torch.supports(network, file, config, on_gpu)) return {torch, on_gpu};
    } catch (const Error& error) {
      if (error.code() != ErrorCode::unsupported)
        throw;  // a machine with a GPU and without LibTorch goes on with its CPU
    }
  }

  Backend* cpu = cuda_wanted ? nullptr : cpu_backend();
  EngineOptions on_cpu = options;
  on_cpu.device = "cpu";
  if (cpu && cpu->supports(network, file, config, on_cpu)) return {*cpu, on_cpu};
  if (options.backend == "cpu") {
    const std::string what = "the " + to_string(network) + " of '" + file.path().string() + "' on " +
                             options.device + " at precision " + to_string(options.precision);
    throw Error(ErrorCode::unsupported,
                cpu_backend() ? "the cpu backend cannot run " + what + ", which the torch backend may"
                              : "this build has no cpu backend, which was wanted for " + what);
  }
  return {torch_backend(), options};
}

/// A model file and what it says of its networks.
template <typename Config>
struct Model {
  std::shared_ptr<const ModelFile> file;
  Config config;
};

template <typename Config>
Model<Config> open(const std::filesystem::path& path, ModelKind kind) {
  Model<Config> model{std::make_shared<const ModelFile>(path, kind), {}};
  try {
    model.config = model.file->info().config.template get<Config>();
  } catch (const Error& error) {
    throw Error(ErrorCode::wrong_kind, "'" + path.string() + "' has a wrong configuration: " + error.what());
  }
  return model;
}

/// Refuses the models that are here to be compared with and have no poses that a stream of pictures could carry.
void check_drives_live(const ModelFile& file, const ReenactorConfig& config) {
  if (config.pose_source == "picture") return;
  throw Error(ErrorCode::unsupported, "'" + file.path().string() + "' draws from poses of the kind " +
                                          config.pose_source +
                                          ", wanted a model whose poses its own encoder reads in pictures; "
                                          "`reenact-train draw` draws with it offline");
}
void check_drives_live(const ModelFile&, const DetectorConfig&) {}
void check_drives_live(const ModelFile&, const SegmenterConfig&) {}

/// Opens the file and chooses who runs it.
template <typename Config>
std::pair<Model<Config>, Choice> prepare(NetworkKind network, const std::filesystem::path& path,
                                         ModelKind kind, const EngineOptions& options) {
  check_options(options);
  Model<Config> model = open<Config>(path, kind);
  check_drives_live(*model.file, model.config);
  Choice choice = choose(network, *model.file, model.config, options);
  return {std::move(model), std::move(choice)};
}

}  // namespace

#ifndef REENACT_CPU_BACKEND
Backend* cpu_backend() {
  return nullptr;
}
#endif

std::unique_ptr<PoseEncoder> load_pose_encoder(const std::filesystem::path& reenactor,
                                               const EngineOptions& options) {
  auto [model, choice] =
      prepare<ReenactorConfig>(NetworkKind::pose_encoder, reenactor, ModelKind::reenactor, options);
  return choice.backend.pose_encoder(model.file, model.config, choice.options);
}

std::unique_ptr<IdentityEncoder> load_identity_encoder(const std::filesystem::path& reenactor,
                                                       const EngineOptions& options) {
  auto [model, choice] =
      prepare<ReenactorConfig>(NetworkKind::identity_encoder, reenactor, ModelKind::reenactor, options);
  return choice.backend.identity_encoder(model.file, model.config, choice.options);
}

std::unique_ptr<Generator> load_generator(const std::filesystem::path& reenactor,
                                          const EngineOptions& options) {
  auto [model, choice] =
      prepare<ReenactorConfig>(NetworkKind::generator, reenactor, ModelKind::reenactor, options);
  return choice.backend.generator(model.file, model.config, choice.options);
}

std::unique_ptr<Detector> load_detector(const std::filesystem::path& detector, const EngineOptions& options) {
  auto [model, choice] =
      prepare<DetectorConfig>(NetworkKind::detector, detector, ModelKind::detector, options);
  return choice.backend.detector(model.file, model.config, choice.options);
}

std::unique_ptr<Segmenter> load_segmenter(const std::filesystem::path& segmenter,
                                          const EngineOptions& options) {
  auto [model, choice] =
      prepare<SegmenterConfig>(NetworkKind::segmenter, segmenter, ModelKind::segmenter, options);
  return choice.backend.segmenter(model.file, model.config, choice.options);
}

}  // namespace reenact
