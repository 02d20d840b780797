// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/picture_tensor.h"

#include <opencv2/imgproc.hpp>

namespace reenact::training {

torch::Tensor to_picture_tensor(const cv::Mat& picture, int size) {
  cv::Mat scaled = picture;
  if (picture.rows != size || picture.cols != size)
    cv::resize(picture, scaled, {size, size}, 0, 0, cv::INTER_AREA);
  const auto bytes =
      torch::from_blob(scaled.data, {size, size, scaled.channels()},
                       {static_cast<std::int64_t>(scaled.step[0]), scaled.channels(), 1}, torch::kUInt8);
  return bytes.permute({2, 0, 1}).to(torch::kFloat).div_(255).contiguous();
}

cv::Mat to_picture(const torch::Tensor& tensor) {
  auto bytes = tensor.detach().to(torch::kCPU, torch::kFloat).clamp(0, 1).mul(255).round().to(torch::kUInt8);
  if (bytes.size(0) == 1) bytes = bytes.expand({3, -1, -1});
  bytes = bytes.permute({1, 2, 0}).contiguous();
  return cv::Mat(static_cast<int>(bytes.size(0)), static_cast<int>(bytes.size(1)), CV_8UC3, bytes.data_ptr())
      .clone();
}

}  // namespace reenact::training
