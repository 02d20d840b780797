// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/crop_rim.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <opencv2/imgproc.hpp>
#include <vector>

namespace reenact {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

/// 1 at the first and last element, 0 at the paddings' ends, negative between, minus infinity without
/// padding.
std::vector<float> ramp(int length, int before, int after) {
  std::vector<float> values(length);
  for (int i = 0; i < length; ++i) {
    const float from_start = before > 0 ? static_cast<float>(i) / static_cast<float>(before) : infinity;
    const float from_end =
        after > 0 ? static_cast<float>(length - 1 - i) / static_cast<float>(after) : infinity;
    values[i] = 1.0f - std::min(from_start, from_end);
  }
  return values;
}

/// The range between the rims: where 3m+1 <= 0, so that nothing is blended.
cv::Range untouched(const std::vector<float>& values) {
  const auto touches = [](float value) { return 3.0f * value + 1.0f > 0.0f; };
  const auto begin = std::find_if_not(values.begin(), values.end(), touches);
  const auto end = std::find_if_not(values.rbegin(), values.rend(), touches).base();
  if (begin >= end) return {0, 0};
  return {static_cast<int>(begin - values.begin()), static_cast<int>(end - values.begin())};
}

/// OpenCV's Gaussian kernel for 8-bit pictures: as long as 6 sigma, in 256ths whose rounding errors are
/// carried from the outside to the middle.
cv::Mat gaussian_kernel(double sigma) {
  const int length = cvRound(sigma * 6 + 1) | 1, middle = length / 2;
  const cv::Mat exact = cv::getGaussianKernel(length, sigma, CV_64F);
  cv::Mat kernel(length, 1, CV_32F);
  double carried = 0, rest = 256;
  for (int i = 0; i < middle; ++i) {
    const double wanted = exact.at<double>(i) * 256 + carried, rounded = std::nearbyint(wanted);
    carried = wanted - rounded;
    rest -= 2 * rounded;
    kernel.at<float>(i) = kernel.at<float>(length - 1 - i) = static_cast<float>(rounded / 256);
  }
  kernel.at<float>(middle) = static_cast<float>(rest / 256);
  return kernel;
}

/// A part of the rim: blended values in 0..1, their gray levels, and the way back into the picture.
struct RimPart {
  cv::Rect area;
  cv::Mat values;  // CV_32FC(channels)
  cv::Mat levels;  // CV_8UC(channels), see level_of()
};

inline int level_of(float value) {
  return static_cast<int>(value * 255.0f);
}

/// One value for each channel of each pixel, so that the loops below run straight through a row.
std::vector<float> for_each_channel(const std::vector<float>& columns, int channels) {
  std::vector<float> values;
  values.reserve(columns.size() * static_cast<std::size_t>(channels));
  for (const float column : columns) values.insert(values.end(), static_cast<std::size_t>(channels), column);
  return values;
}

/// `columns` as from for_each_channel().
RimPart blended(const cv::Mat& image, const cv::Rect& area, const cv::Mat& blurred,
                const std::vector<float>& columns, const std::vector<float>& rows) {
  const int channels = image.channels(), count = area.width * channels;
  RimPart part{area, cv::Mat(area.size(), CV_MAKETYPE(CV_32F, channels)), cv::Mat(area.size(), image.type())};
  for (int y = 0; y < area.height; ++y) {
    const uchar* __restrict sharp =
        image.ptr<uchar>(area.y + y) + static_cast<std::ptrdiff_t>(area.x) * channels;
    const uchar* __restrict soft = blurred.ptr<uchar>(y);
    const float* __restrict column = columns.data() + static_cast<std::ptrdiff_t>(area.x) * channels;
    float* __restrict out = part.values.ptr<float>(y);
    uchar* __restrict level = part.levels.ptr<uchar>(y);
    const float row = rows[area.y + y];
    for (int i = 0; i < count; ++i) {
      const float ramp = column[i] > row ? column[i] : row;
      float share = 3.0f * ramp + 1.0f;
      share = share < 0.0f ? 0.0f : share;
      share = share > 1.0f ? 1.0f : share;
      const float from = static_cast<float>(sharp[i]) / 255.0f;
      out[i] = from + (static_cast<float>(soft[i]) / 255.0f - from) * share;
      level[i] = static_cast<uchar>(level_of(out[i]));
    }
  }
  return part;
}

/// Writes a part back, faded to `color`; without `rows` it fades towards left and right only.
void write_faded(cv::Mat& image, const RimPart& part, const std::vector<float>& columns,
                 const std::vector<float>& rows, const std::array<float, 3>& color) {
  const int channels = image.channels(), count = part.area.width * channels;
  std::vector<float> colors(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) colors[i] = color[i % channels];
  for (int y = 0; y < part.area.height; ++y) {
    uchar* __restrict out =
        image.ptr<uchar>(part.area.y + y) + static_cast<std::ptrdiff_t>(part.area.x) * channels;
    const float* __restrict column = columns.data() + static_cast<std::ptrdiff_t>(part.area.x) * channels;
    const float* __restrict target = colors.data();
    const float* __restrict value = part.values.ptr<float>(y);
    const float row = rows.empty() ? -infinity : rows[part.area.y + y];
    for (int i = 0; i < count; ++i) {
      float share = column[i] > row ? column[i] : row;
      share = share < 0.0f ? 0.0f : share;
      share = share > 1.0f ? 1.0f : share;
      float grey = (value[i] + (target[i] - value[i]) * share) * 255.0f;
      grey = grey < 0.0f ? 0.0f : grey;
      grey = grey > 255.0f ? 255.0f : grey;
      constexpr float magic =
          12582912.0f;  // 1.5 * 2^23: adding it rounds half to even, and unlike rint() vectorises
      out[i] = static_cast<uchar>(static_cast<int>((grey + magic) - magic));
    }
  }
}

/// Per-channel counts of grey levels.
using Histograms = std::array<std::array<std::uint32_t, 256>, 3>;

/// Adds those of `image`. Neighbors are often alike: counting them in turn in two places, none waits for the one before.
template <int channels>
void count_levels(const cv::Mat& image, Histograms& histograms) {
  Histograms others{};
  for (int y = 0; y < image.rows; ++y) {
    const uchar* value = image.ptr<uchar>(y);
    int x = 0;
    for (; x + 1 < image.cols; x += 2, value += 2 * channels) {
      for (int c = 0; c < channels; ++c) {
        ++histograms[c][value[c]];
        ++others[c][value[channels + c]];
      }
    }
    for (int c = 0; x < image.cols && c < channels; ++c) ++histograms[c][value[c]];
  }
  for (int c = 0; c < channels; ++c)
    for (std::size_t k = 0; k < others[c].size(); ++k) histograms[c][k] += others[c][k];
}

void count_levels(const cv::Mat& image, Histograms& histograms) {
  image.channels() == 3 ? count_levels<3>(image, histograms) : count_levels<1>(image, histograms);
}

/// The exact per-channel median, 0..1, of the 8-bit `levels` and the values of `parts` together: all are
/// counted, but only those of the grey levels in which the middle lies are ever sorted.
std::array<float, 3> median(const Histograms& levels, const std::vector<RimPart>& parts, int channels) {
  Histograms counts{};
  std::array<int, 256> level_of_whole{};  // k/255*255 may come out below k
  for (int k = 0; k < 256; ++k) {
    level_of_whole[k] = level_of(static_cast<float>(k) / 255.0f);
    for (int c = 0; c < channels; ++c) counts[c][level_of_whole[k]] += levels[c][k];
  }
  for (const RimPart& part : parts) count_levels(part.levels, counts);

  struct Middle {
    std::size_t below = 0, lower_rank = 0, upper_rank = 0;
    int first = 0, last = 0;  // levels of the two middle values
    std::vector<float> values;
  };
  std::array<Middle, 3> middles;
  for (int c = 0; c < channels; ++c) {
    Middle& middle = middles[c];
    const std::size_t total = std::accumulate(counts[c].begin(), counts[c].end(), std::size_t{0});
    middle.upper_rank = total / 2;
    middle.lower_rank = total % 2 ? total / 2 : total / 2 - 1;
    while (middle.below + counts[c][middle.first] <= middle.lower_rank)
      middle.below += counts[c][middle.first++];
    std::size_t through = middle.below + counts[c][middle.first];
    for (middle.last = middle.first; through <= middle.upper_rank;) through += counts[c][++middle.last];
    for (int k = 0; k < 256; ++k) {
      if (level_of_whole[k] < middle.first || level_of_whole[k] > middle.last) continue;
      middle.values.insert(middle.values.end(), levels[c][k], static_cast<float>(k) / 255.0f);
    }
  }
  for (const RimPart& part : parts) {
    for (int y = 0; y < part.levels.rows; ++y) {
      const uchar* level = part.levels.ptr<uchar>(y);
      const float* value = part.values.ptr<float>(y);
      for (int i = 0, c = 0; i < part.levels.cols * channels; ++i, c = c + 1 == channels ? 0 : c + 1)
        if (level[i] >= middles[c].first && level[i] <= middles[c].last)
          middles[c].values.push_back(value[i]);
    }
  }

  std::array<float, 3> result{};
  for (int c = 0; c < channels; ++c) {
    Middle& middle = middles[c];
    const auto value_at = [&](std::size_t rank) {
      const auto at = middle.values.begin() + static_cast<std::ptrdiff_t>(rank - middle.below);
      std::nth_element(middle.values.begin(), at, middle.values.end());
      return *at;
    };
    const float upper = value_at(middle.upper_rank);
    result[c] = middle.lower_rank == middle.upper_rank ? upper : (value_at(middle.lower_rank) + upper) / 2.0f;
  }
  return result;
}

Histograms levels_of(const cv::Mat& image) {
  Histograms histograms{};
  count_levels(image, histograms);
  return histograms;
}

}  // namespace

void fade_rim(cv::Mat& padded, const Padding& padding, RimFade fade) {
  const int channels = padded.channels();
  const std::vector<float> column_ramp = ramp(padded.cols, padding.left, padding.right);
  const std::vector<float> columns = for_each_channel(column_ramp, channels);
  std::vector<float> rows = ramp(padded.rows, padding.top, padding.bottom);
  cv::Range inner_x = untouched(column_ramp);
  cv::Range inner_y = untouched(rows);
  if (inner_x.empty() || inner_y.empty()) inner_x = inner_y = cv::Range(0, 0);

  const cv::Rect inner(inner_x.start, inner_y.start, inner_x.size(), inner_y.size());
  std::vector<cv::Rect> areas = {
      {0, 0, padded.cols, inner.y},
      {0, inner.y, inner.x, inner.height},
      {inner.br().x, inner.y, padded.cols - inner.br().x, inner.height},
      {0, inner.br().y, padded.cols, padded.rows - inner.br().y},
  };
  std::erase_if(areas, [](const cv::Rect& area) { return area.empty(); });
  // Equal to GaussianBlur() but for ties in rounding, at half its cost, and it blurs a part with its true
  // surroundings.
  const cv::Mat kernel = gaussian_kernel(0.016 * padded.rows);
  std::vector<RimPart> parts;
  cv::Mat blurred;
  for (const cv::Rect& area : areas) {
    cv::sepFilter2D(padded(area), blurred, -1, kernel, kernel, {-1, -1}, 0, cv::BORDER_REFLECT_101);
    parts.push_back(blended(padded, area, blurred, columns, rows));
  }

  std::array<float, 3> color{};
  if (fade == RimFade::to_median) color = median(levels_of(padded(inner)), parts, channels);
  if (fade == RimFade::sides_to_zero) rows.clear();
  for (const RimPart& part : parts) write_faded(padded, part, columns, rows, color);
}

cv::Scalar median_color(const cv::Mat& image) {
  const std::array<float, 3> middle = median(levels_of(image), {}, image.channels());
  cv::Scalar color;
  for (int c = 0; c < image.channels(); ++c) color[c] = std::nearbyint(middle[c] * 255.0f);
  return color;
}

}  // namespace reenact
