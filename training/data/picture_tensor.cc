// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/picture_tensor.h"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

namespace reenact::training {

torch::Tensor to_picture_tensor(const cv::Mat& picture, int size) {
  cv::Mat scaled = picture;
  if (picture.rows != size || picture.cols != size)
    cv::resize(picture, scaled, {size, size}, 0, 0, cv::INTER_AREA);
  // Not by LibTorch's operators: each would start threads of its own within those that compose a batch.
  static const cv::Mat shares = [] {
    cv::Mat table(1, 256, CV_32F);
    for (int value = 0; value < 256; ++value) table.at<float>(value) = static_cast<float>(value) / 255;
    return table;
  }();
  cv::Mat values;
  cv::LUT(scaled, shares, values);
  auto tensor = torch::empty({scaled.channels(), size, size});
  std::vector<cv::Mat> planes;
  for (int c = 0; c < scaled.channels(); ++c)
    planes.emplace_back(size, size, CV_32F, tensor[c].data_ptr<float>());
  cv::split(values, planes.data());
  return tensor;
}

cv::Mat to_picture(const torch::Tensor& tensor) {
  auto bytes = tensor.detach().to(torch::kCPU, torch::kFloat).clamp(0, 1).mul(255).round().to(torch::kUInt8);
  if (bytes.size(0) == 1) bytes = bytes.expand({3, -1, -1});
  bytes = bytes.permute({1, 2, 0}).contiguous();
  return cv::Mat(static_cast<int>(bytes.size(0)), static_cast<int>(bytes.size(1)), CV_8UC3, bytes.data_ptr())
      .clone();
}

}  // namespace reenact::training
