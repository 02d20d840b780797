// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <memory>
#include <opencv2/core.hpp>
#include <span>
#include <string>
#include <vector>

#include "reenact/model_file.h"

namespace reenact::cpu {

/// The ranges that int8 needs of a detector, to add to its file: `s3fd.<layer>.output_max` [1], the largest
/// value that each convolution of the trunk gave out on these pictures (RGB CV_8UC3). Throws Error (invalid)
/// without pictures.
std::map<std::string, std::vector<float>> calibrate_detector(const std::shared_ptr<const ModelFile>& file,
                                                             std::span<const cv::Mat> pictures, int threads);

}  // namespace reenact::cpu
