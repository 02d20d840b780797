// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <exception>
#include <opencv2/core/utility.hpp>
#include <vector>

namespace reenact::training {

/// Calls body(0), ..., body(count - 1) on the cores that OpenCV may use (cv::setNumThreads), in any order, and returns
/// when all have ended. What a call throws is thrown again here then; where several do, that of the lowest index. Within
/// another such call everything runs in the calling thread.
template <typename Body>
void for_each_in_parallel(std::size_t count, const Body& body) {
  // Whether OpenCV brings exceptions back depends on what it was built with.
  std::vector<std::exception_ptr> thrown(count);
  const auto part = [&](const cv::Range& range) {
    for (int i = range.start; i < range.end; ++i) {
      const auto index = static_cast<std::size_t>(i);
      try {
        body(index);
      } catch (...) {
        thrown[index] = std::current_exception();
      }
    }
  };
  // A stripe for each call: they last differently long.
  cv::parallel_for_(cv::Range(0, static_cast<int>(count)), part, static_cast<double>(count));
  for (const auto& exception : thrown)
    if (exception) std::rethrow_exception(exception);
}

}  // namespace reenact::training
