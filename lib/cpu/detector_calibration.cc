// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <nlohmann/json.hpp>

#include "cpu/detector.h"
#include "reenact/error.h"
#include "reenact/quantise.h"

namespace reenact {

DetectorCalibration calibrate_detector(const std::shared_ptr<const ModelFile>& file,
                                       std::span<const cv::Mat> pictures, int threads) {
  if (pictures.empty()) {
    throw Error(ErrorCode::invalid, "calibrating '" + file->path().string() + "' wants at least one picture");
  }
  const auto config = file->info().config.get<DetectorConfig>();
  cpu::Detector detector(cpu::Detector::fold(cpu::WeightSource(file), config), config, cpu::Arithmetic::f32,
                         threads);
  DetectorCalibration result;
  auto& ranges = result.ranges;
  for (const std::string& name : cpu::Detector::range_names()) ranges[name] = {0.0f};
  detector.set_observer([&](const std::string& layer, float largest) {
    const auto range = ranges.find("s3fd." + layer + ".output_max");
    if (range != ranges.end()) range->second[0] = std::max(range->second[0], largest);
  });
  for (const cv::Mat& picture : pictures) detector.detect(picture, 0.999f, 0.3f);
  result.pictures = static_cast<int>(pictures.size());
  return result;
}

}  // namespace reenact
