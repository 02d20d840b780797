// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cmath>
#include <limits>
#include <opencv2/core.hpp>

#include "cpu/generator.h"
#include "cpu/kernels/instruction_set.h"
#include "reenact/error.h"
#include "reenact/identity.h"
#include "reenact/quantise.h"

namespace reenact {
namespace {

using cpu::Arithmetic;
using cpu::PreparedGenerator;
using cpu::WeightSource;

class RangeRecorder {
 public:
  void operator()(const std::string& layer, const float* values, int pixels, int channels) {
    std::vector<float>& high = ranges_[layer + ".input_max"];
    high.resize(channels, 0.0f);
    const bool is_signed = layer.ends_with(".skip");
    std::vector<float>* low = is_signed ? &ranges_[layer + ".input_min"] : nullptr;
    if (low) low->resize(channels, 0.0f);
    for (int pixel = 0; pixel < pixels; ++pixel, values += channels) {
      for (int c = 0; c < channels; ++c) high[c] = std::max(high[c], values[c]);
      if (!low) continue;
      for (int c = 0; c < channels; ++c) (*low)[c] = std::min((*low)[c], values[c]);
    }
  }
  std::map<std::string, std::vector<float>> take() { return std::move(ranges_); }

 private:
  std::map<std::string, std::vector<float>> ranges_;
};

std::unique_ptr<cpu::Generator> generator_of(const ReenactorConfig& config, const WeightSource& source,
                                             Arithmetic arithmetic, int threads) {
  auto network = std::make_shared<const PreparedGenerator>(config, source, arithmetic);
  return std::make_unique<cpu::Generator>([network](const Identity*) { return network; }, threads);
}

double psnr_of(double mean_squared_error) {
  return 10 * std::log10(255.0 * 255.0 / std::max(mean_squared_error, 1e-10));
}

}  // namespace

GeneratorCalibration calibrate_generator(const std::shared_ptr<const ModelFile>& file,
                                         const std::shared_ptr<const ModelFile>& personal,
                                         std::span<const std::vector<float>> identity_embeddings,
                                         std::span<const std::vector<float>> poses, int threads,
                                         std::span<const std::vector<float>> check_poses) {
  if (identity_embeddings.empty() || poses.empty()) {
    throw Error(ErrorCode::invalid,
                "calibrating '" + file->path().string() + "' wants at least one identity and one pose");
  }
  const auto config = file->info().config.get<ReenactorConfig>();
  WeightSource source(file, personal);
  std::vector<std::shared_ptr<const Identity>> identities;
  for (const std::vector<float>& embedding : identity_embeddings) {
    auto identity = std::make_shared<Identity>();
    identity->name = "for calibration";
    identity->embedding = embedding;
    identities.push_back(std::move(identity));
  }

  RangeRecorder recorder;
  const auto reference = generator_of(config, source, Arithmetic::f32, threads);
  reference->set_observer(std::ref(recorder));
  for (const auto& identity : identities) {
    reference->set_identity(identity);
    for (const std::vector<float>& pose : poses) reference->generate(pose, AlphaMode::premultiplied);
  }
  reference->set_observer({});
  GeneratorCalibration result;
  result.ranges = recorder.take();
  if (!cpu::has_arithmetic(Arithmetic::int8)) return result;

  for (const auto& [name, values] : result.ranges) source.add(name, values);
  const auto quantised = generator_of(config, source, Arithmetic::int8, threads);
  result.held_out = !check_poses.empty();
  double total = 0, worst = 0;
  for (const auto& identity : identities) {
    reference->set_identity(identity);
    quantised->set_identity(identity);
    for (const std::vector<float>& pose : result.held_out ? check_poses : poses) {
      const cv::Mat wanted = reference->generate(pose, AlphaMode::premultiplied);
      const cv::Mat drawn = quantised->generate(pose, AlphaMode::premultiplied);
      double error = 0;
      for (std::size_t i = 0; i < wanted.total() * 4; ++i) {
        if (i % 4 != 3) error += std::pow(static_cast<double>(wanted.data[i]) - drawn.data[i], 2);
      }
      error /= static_cast<double>(wanted.total()) * 3;
      total += error;
      worst = std::max(worst, error);
      ++result.pictures;
    }
  }
  result.psnr = psnr_of(total / result.pictures);
  result.worst_psnr = psnr_of(worst);
  return result;
}

}  // namespace reenact
