// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/detector_calibration.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cpu/detector.h"
#include "reenact/error.h"

namespace reenact::cpu {

std::map<std::string, std::vector<float>> calibrate_detector(const std::shared_ptr<const ModelFile>& file,
                                                             std::span<const cv::Mat> pictures, int threads) {
  if (pictures.empty()) {
    throw Error(ErrorCode::invalid, "calibrating '" + file->path().string() + "' wants at least one picture");
  }
  const auto config = file->info().config.get<DetectorConfig>();
  Detector detector(Detector::fold(WeightSource(file), config), config, Arithmetic::f32, threads);
  std::map<std::string, std::vector<float>> ranges;
  for (const std::string& name : Detector::range_names()) ranges[name] = {0.0f};
  detector.set_observer([&](const std::string& layer, float largest) {
    const auto range = ranges.find("s3fd." + layer + ".output_max");
    if (range != ranges.end()) range->second[0] = std::max(range->second[0], largest);
  });
  for (const cv::Mat& picture : pictures) detector.detect(picture, 0.999f, 0.3f);
  return ranges;
}

}  // namespace reenact::cpu
