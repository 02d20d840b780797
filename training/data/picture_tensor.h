// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <opencv2/core.hpp>

// Pictures as networks see them, and back.
namespace reenact::training {

/// CV_8UC1 or CV_8UC3 to [C, size, size] float32 in 0..1, scaled by area.
torch::Tensor to_picture_tensor(const cv::Mat& picture, int size);

/// [3 or 1, H, W] in 0..1 to CV_8UC3.
cv::Mat to_picture(const torch::Tensor& tensor);

}  // namespace reenact::training
