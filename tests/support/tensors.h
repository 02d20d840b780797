// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <opencv2/core.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "reenact/safetensors.h"

namespace reenact::test {

/// A tensor's values as doubles (F64, or anything to_floats() gives exactly enough).
inline std::vector<double> to_doubles(const TensorView& tensor) {
  if (tensor.type == DataType::f64 || tensor.type == DataType::i64) {
    std::vector<double> values(tensor.bytes.size() / 8);
    for (std::size_t i = 0; i < values.size(); ++i) {
      std::int64_t integer;
      double real;
      std::memcpy(&integer, tensor.bytes.data() + 8 * i, 8);
      std::memcpy(&real, tensor.bytes.data() + 8 * i, 8);
      values[i] = tensor.type == DataType::i64 ? static_cast<double>(integer) : real;
    }
    return values;
  }
  const std::vector<float> floats = tensor.to_floats();
  return {floats.begin(), floats.end()};
}

/// A U8 tensor [H, W], [H, W, 3] or, with `channels_first`, [3, H, W] as a picture of its own.
inline cv::Mat to_picture(const TensorView& tensor, bool channels_first = false) {
  const auto& shape = tensor.shape;
  if (tensor.type != DataType::u8 || shape.size() < 2 || shape.size() > 3)
    throw std::logic_error("not a picture");
  auto* data = const_cast<std::byte*>(tensor.bytes.data());
  const auto side = [&](std::size_t i) { return static_cast<int>(shape[i]); };
  if (shape.size() == 2) return cv::Mat(side(0), side(1), CV_8UC1, data).clone();
  if (!channels_first) return cv::Mat(side(0), side(1), CV_8UC(side(2)), data).clone();
  cv::Mat picture(side(1), side(2), CV_8UC(side(0)));
  std::vector<cv::Mat> planes;
  const std::size_t plane_bytes = static_cast<std::size_t>(shape[1]) * static_cast<std::size_t>(shape[2]);
  for (int c = 0; c < side(0); ++c) planes.emplace_back(side(1), side(2), CV_8UC1, data + c * plane_bytes);
  cv::merge(planes, picture);
  return picture;
}

/// How far two 8-bit pictures are apart: how many values differ, and by how much at most.
struct PictureDifference {
  std::size_t values = 0, over_one = 0, unequal = 0;
  int largest = 0;
};

inline PictureDifference compare(const cv::Mat& a, const cv::Mat& b) {
  EXPECT_EQ(a.size(), b.size());
  EXPECT_EQ(a.type(), b.type());
  PictureDifference difference;
  if (a.size() != b.size() || a.type() != b.type()) {
    difference.largest = 256;
    return difference;
  }
  for (int y = 0; y < a.rows; ++y) {
    for (int x = 0; x < a.cols * a.channels(); ++x) {
      const int apart = std::abs(int{a.ptr(y)[x]} - int{b.ptr(y)[x]});
      ++difference.values;
      difference.unequal += apart > 0;
      difference.over_one += apart > 1;
      difference.largest = std::max(difference.largest, apart);
    }
  }
  return difference;
}

}  // namespace reenact::test
