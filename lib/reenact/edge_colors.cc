// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/edge_colors.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <opencv2/imgproc.hpp>

namespace reenact {
namespace {

constexpr int solid_from = 208;       // alpha above which a pixel shows the cut-out alone, or nearly
constexpr int reduction = 2;          // colors nearby change slowly: half the resolution does
constexpr int sides_per_reach = 16;   // how far solid parts lend their color, as a share of the longer side
constexpr float least_weight = 0.5f;  // solid pixels (reduced) that are enough to lend a color

}  // namespace

void EdgeColors::clean(cv::Mat& rgba, double share) {
  if (share <= 0 || rgba.cols < 2 * reduction || rgba.rows < 2 * reduction) return;
  cv::resize(rgba, reduced_, {rgba.cols / reduction, rgba.rows / reduction}, 0, 0, cv::INTER_AREA);
  solid_.create(reduced_.size(), CV_32FC4);
  for (int y = 0; y < reduced_.rows; ++y) {
    const auto* in = reduced_.ptr<cv::Vec4b>(y);
    auto* out = solid_.ptr<cv::Vec4f>(y);
    for (int x = 0; x < reduced_.cols; ++x) {
      const float weight = static_cast<float>(std::max(0, in[x][3] - solid_from)) / (255 - solid_from);
      out[x] = cv::Vec4f(in[x][0], in[x][1], in[x][2], 1) * weight;
    }
  }
  const int reach = std::max(1, std::max(reduced_.cols, reduced_.rows) / sides_per_reach);
  const int window = 2 * reach + 1;
  cv::boxFilter(solid_, sum_, CV_32F, {window, window}, {-1, -1}, /*normalize=*/false, cv::BORDER_CONSTANT);
  nearby_.create(reduced_.size(), CV_8UC4);  // its fourth channel: whether there is such a color, 0 or 255
  for (int y = 0; y < sum_.rows; ++y) {
    const auto* in = sum_.ptr<cv::Vec4f>(y);
    auto* out = nearby_.ptr<cv::Vec4b>(y);
    for (int x = 0; x < sum_.cols; ++x) {
      if (in[x][3] < least_weight) {
        out[x] = {0, 0, 0, 0};
        continue;
      }
      for (int c = 0; c < 3; ++c) out[x][c] = cv::saturate_cast<std::uint8_t>(in[x][c] / in[x][3]);
      out[x][3] = 255;
    }
  }
  cv::resize(nearby_, scaled_, rgba.size(), 0, 0, cv::INTER_LINEAR);

  std::array<int, 256> shares;  // of the color nearby, in 256ths, by alpha
  for (int alpha = 0; alpha < 256; ++alpha)
    shares[static_cast<std::size_t>(alpha)] =
        static_cast<int>(std::lround(256 * share * (255 * 255 - alpha * alpha) / (255 * 255)));
  for (int y = 0; y < rgba.rows; ++y) {
    auto* pixel = rgba.ptr<cv::Vec4b>(y);
    const auto* near = scaled_.ptr<cv::Vec4b>(y);
    for (int x = 0; x < rgba.cols; ++x) {
      const int alpha = pixel[x][3];
      if (alpha == 255 || alpha == 0 || near[x][3] < 255) continue;
      const int taken = shares[static_cast<std::size_t>(alpha)];
      for (int c = 0; c < 3; ++c)
        pixel[x][c] =
            static_cast<std::uint8_t>((pixel[x][c] * (256 - taken) + near[x][c] * taken + 128) >> 8);
    }
  }
}

}  // namespace reenact
