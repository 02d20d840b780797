// SPDX-License-Identifier: LGPL-2.1-or-later
#include "compositor/pixel_space.h"

#include <cstdint>
#include <string>

#include "reenact/error.h"

namespace reenact {
namespace {

bool is_rgb(GstVideoFormat unpacked) {
  return unpacked == GST_VIDEO_FORMAT_ARGB || unpacked == GST_VIDEO_FORMAT_ARGB64;
}

bool is_deep(GstVideoFormat unpacked) {
  return unpacked == GST_VIDEO_FORMAT_ARGB64 || unpacked == GST_VIDEO_FORMAT_AYUV64;
}

/// R, G, B of 0 to 1 to the unpacked components of such video.
cv::Matx34d map_of(const GstVideoInfo& info) {
  const GstVideoFormatInfo* unpacked = gst_video_format_get_info(info.finfo->unpack_format);
  const bool rgb = is_rgb(info.finfo->unpack_format);
  const GstVideoColorRange range = info.colorimetry.range != GST_VIDEO_COLOR_RANGE_UNKNOWN
                                       ? info.colorimetry.range
                                       : (rgb ? GST_VIDEO_COLOR_RANGE_0_255 : GST_VIDEO_COLOR_RANGE_16_235);
  gint offset[GST_VIDEO_MAX_COMPONENTS], scale[GST_VIDEO_MAX_COMPONENTS];
  gst_video_color_range_offsets(range, unpacked, offset, scale);
  if (rgb)
    return {double(scale[0]),
            0,
            0,
            double(offset[0]),
            0,
            double(scale[1]),
            0,
            double(offset[1]),
            0,
            0,
            double(scale[2]),
            double(offset[2])};
  double kr = 0.299, kb = 0.114;  // BT.601, where nothing is said
  if (info.colorimetry.matrix != GST_VIDEO_COLOR_MATRIX_UNKNOWN)
    gst_video_color_matrix_get_Kr_Kb(info.colorimetry.matrix, &kr, &kb);
  const double kg = 1 - kr - kb, u = scale[1] / (2 * (1 - kb)), v = scale[2] / (2 * (1 - kr));
  return {scale[0] * kr, scale[0] * kg, scale[0] * kb, double(offset[0]),  //
          -u * kr,       -u * kg,       u * (1 - kb),  double(offset[1]),  //
          v * (1 - kr),  -v * kg,       -v * kb,       double(offset[2])};
}

/// From components back to R, G, B of 0 to 1.
cv::Matx34d inverse(const cv::Matx34d& map) {
  const cv::Matx33d matrix = map.get_minor<3, 3>(0, 0).inv();
  const cv::Matx31d shift = -(matrix * map.col(3));
  cv::Matx34d result;
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) result(row, column) = matrix(row, column);
    result(row, 3) = shift(row);
  }
  return result;
}

/// As below for squares of two by two, which is what most video has.
template <typename T>
void average_squares(cv::Mat& pixels) {
  for (int y = 0; y < pixels.rows; y += 2) {
    T *upper = pixels.ptr<T>(y), *lower = pixels.ptr<T>(y + 1);
    for (int x = 0; x < pixels.cols; x += 2, upper += 8, lower += 8)
      for (int c = 2; c < 4; ++c)
        upper[c] = upper[c + 4] = lower[c] = lower[c + 4] =
            T((unsigned{upper[c]} + upper[c + 4] + lower[c] + lower[c + 4] + 2) / 4);
  }
}

/// Means of the colors of pixels that share one, so that the first of them does not stand for all.
template <typename T>
void average_colors(cv::Mat& pixels, int across, int down) {
  if (across == 2 && down == 2 && pixels.rows % 2 == 0 && pixels.cols % 2 == 0)
    return average_squares<T>(pixels);
  for (int y = 0; y < pixels.rows; y += down) {
    const int rows = std::min(down, pixels.rows - y);
    for (int x = 0; x < pixels.cols; x += across) {
      const int columns = std::min(across, pixels.cols - x), count = rows * columns;
      for (int c = 2; c < 4; ++c) {
        int sum = count / 2;
        for (int i = 0; i < rows; ++i)
          for (int j = 0; j < columns; ++j) sum += pixels.ptr<T>(y + i)[4 * (x + j) + c];
        const T mean = T(sum / count);
        for (int i = 0; i < rows; ++i)
          for (int j = 0; j < columns; ++j) pixels.ptr<T>(y + i)[4 * (x + j) + c] = mean;
      }
    }
  }
}

template <typename T>
void lay_rows(const cv::Mat& above, cv::Mat& below) {
  constexpr std::uint64_t one = std::numeric_limits<T>::max();
  for (int y = 0; y < below.rows; ++y) {
    const T* top = above.ptr<T>(y);
    T* under = below.ptr<T>(y);
    for (int x = 0; x < below.cols; ++x, top += 4, under += 4) {
      if (top[0] == 0) continue;
      if (under[0] == one) {  // the same, divided by one less often
        const std::uint32_t alpha = top[0], other = std::uint32_t(one) - alpha;
        for (int c = 1; c < 4; ++c) under[c] = T((alpha * top[c] + other * under[c] + one / 2) / one);
        continue;
      }
      const std::uint64_t share = one * top[0], rest = (one - top[0]) * under[0], both = share + rest;
      for (int c = 1; c < 4; ++c) under[c] = T((share * top[c] + rest * under[c] + both / 2) / both);
      under[0] = T((both + one / 2) / one);
    }
  }
}

/// `rgb`, 3 or 4 channels of 8 bits, as components of 8 bits with alpha before them, by `matrix` from 0 to 255 each.
/// What is transparent stays black: nobody sees its color.
cv::Mat components_of(const cv::Mat& rgb, const cv::Matx34d& matrix) {
  constexpr int fraction = 20;  // bits; the largest sums have 29
  const int channels = rgb.channels();
  int factors[3][4];
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 4; ++column)
      factors[row][column] = cvRound((matrix(row, column) + (column == 3 ? 0.5 : 0)) * (1 << fraction));
  cv::Mat result(rgb.size(), CV_8UC4, cv::Scalar::all(0));
  for (int y = 0; y < rgb.rows; ++y) {
    const std::uint8_t* in = rgb.ptr(y);
    std::uint8_t* out = result.ptr(y);
    for (int x = 0; x < rgb.cols; ++x, in += channels, out += 4) {
      if (channels == 4 && in[3] == 0) continue;
      out[0] = channels == 4 ? in[3] : 255;
      for (int c = 0; c < 3; ++c) {
        const int* factor = factors[c];
        const int sum = factor[0] * in[0] + factor[1] * in[1] + factor[2] * in[2] + factor[3];
        out[c + 1] = cv::saturate_cast<std::uint8_t>(sum >> fraction);
      }
    }
  }
  return result;
}

}  // namespace

bool PixelSpace::takes(GstVideoFormat format) {
  const GstVideoFormatInfo* info = gst_video_format_get_info(format);
  if (!info || !info->pack_func || !info->unpack_func) return false;
  if (info->flags & (GST_VIDEO_FORMAT_FLAG_PALETTE | GST_VIDEO_FORMAT_FLAG_TILED)) return false;
  return is_rgb(info->unpack_format) || info->unpack_format == GST_VIDEO_FORMAT_AYUV ||
         info->unpack_format == GST_VIDEO_FORMAT_AYUV64;
}

PixelSpace::PixelSpace(const GstVideoInfo& info)
    : info_(info), maximum_(255), sdr_(info.colorimetry), hdr_(info.colorimetry) {
  if (!takes(GST_VIDEO_INFO_FORMAT(&info)))
    throw Error(ErrorCode::unsupported,
                std::string("no heads are laid over ") + GST_VIDEO_INFO_NAME(&info) + " video");
  if (is_deep(info.finfo->unpack_format)) maximum_ = 65535;
  map_ = map_of(info);
}

void PixelSpace::unpack(MappedFrame& frame, cv::Mat& pixels) const {
  GstVideoFrame* mapped = frame.get();
  pixels.create(GST_VIDEO_FRAME_HEIGHT(mapped), GST_VIDEO_FRAME_WIDTH(mapped), type());
  for (int y = 0; y < pixels.rows; ++y)
    info_.finfo->unpack_func(info_.finfo, GST_VIDEO_PACK_FLAG_NONE, pixels.ptr(y), mapped->data,
                             mapped->info.stride, 0, y, pixels.cols);
}

void PixelSpace::pack(cv::Mat& pixels, MappedFrame& frame) const {
  GstVideoFrame* mapped = frame.get();
  const int across = 1 << GST_VIDEO_FORMAT_INFO_W_SUB(info_.finfo, 1),
            down = 1 << GST_VIDEO_FORMAT_INFO_H_SUB(info_.finfo, 1);
  if (GST_VIDEO_INFO_IS_YUV(&info_) && across * down > 1)
    type() == CV_8UC4 ? average_colors<std::uint8_t>(pixels, across, down)
                      : average_colors<std::uint16_t>(pixels, across, down);
  for (int y = 0; y < pixels.rows; ++y)
    info_.finfo->pack_func(info_.finfo, GST_VIDEO_PACK_FLAG_NONE, pixels.ptr(y), int(pixels.step),
                           mapped->data, mapped->info.stride, info_.chroma_site, y, pixels.cols);
}

/// What is of standard dynamic range has one light, and primaries that only sdr_ changes.
bool PixelSpace::same_light_as(const PixelSpace& other) const {
  const auto transfer = [](const PixelSpace& space) {
    return space.hdr_.change() ? space.info_.colorimetry.transfer : GST_VIDEO_TRANSFER_UNKNOWN;
  };
  return transfer(*this) == transfer(other) && (other.sdr_.change() || !sdr_.change());
}

cv::Mat PixelSpace::from(const PixelSpace& other, const cv::Mat& pixels) const {
  if (!same_light_as(other)) {
    cv::Mat rgba = other.to_rgb(pixels);
    other.hdr_.apply(rgba);
    return from_srgb(rgba);
  }
  if (same_numbers_as(other)) return pixels;
  const cv::Matx34d back = inverse(other.map_);
  cv::Mat matrix(4, 5, CV_64F, cv::Scalar(0));
  matrix.at<double>(0, 0) = maximum_ / other.maximum_;
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 4; ++column) {
      double sum = column == 3 ? map_(row, 3) : 0;
      for (int k = 0; k < 3; ++k) sum += map_(row, k) * back(k, column);
      matrix.at<double>(row + 1, column + 1) = sum;
    }
  }
  cv::Mat numbers, result;
  pixels.convertTo(numbers, CV_32F);
  cv::transform(numbers, numbers, matrix);
  numbers.convertTo(result, type());
  return result;
}

cv::Mat PixelSpace::from_srgb(const cv::Mat& rgb) const {
  const int channels = rgb.channels();
  if (type() == CV_8UC4 && !sdr_.change()) {
    cv::Matx34d matrix = map_;
    for (int row = 0; row < 3; ++row)
      for (int column = 0; column < 3; ++column) matrix(row, column) /= 255;
    return components_of(rgb, matrix);
  }
  cv::Mat matrix(4, channels + 1, CV_64F, cv::Scalar(0));
  if (channels == 4) {
    matrix.at<double>(0, 3) = maximum_ / 255;
  } else {
    matrix.at<double>(0, 3) = maximum_;
  }
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) matrix.at<double>(row + 1, column) = map_(row, column) / 255;
    matrix.at<double>(row + 1, channels) = map_(row, 3);
  }
  cv::Mat numbers = sdr_.apply(rgb), result;
  cv::transform(numbers, numbers, matrix);
  numbers.convertTo(result, type());
  return result;
}

cv::Mat PixelSpace::luma(const cv::Mat& gray) const {
  // A gray of no chroma, so that the matrix does not matter.
  const double offset = map_(0, 3), scale = map_(0, 0) + map_(0, 1) + map_(0, 2);
  cv::Mat pixels(gray.size(), type(), cv::Scalar(maximum_, 0, map_(1, 3), map_(2, 3))), levels;
  gray.convertTo(levels, CV_MAT_DEPTH(type()), scale / 255, offset);
  cv::insertChannel(levels, pixels, 1);
  return pixels;
}

cv::Scalar PixelSpace::color(const cv::Scalar& rgb, double alpha) const {
  const cv::Mat one = from_srgb(cv::Mat(1, 1, CV_8UC3, rgb));
  cv::Scalar pixel = type() == CV_8UC4 ? cv::Scalar(one.at<cv::Vec4b>(0)) : cv::Scalar(one.at<cv::Vec4w>(0));
  pixel[0] = std::round(maximum_ * alpha);
  return pixel;
}

cv::Mat PixelSpace::to_rgb(const cv::Mat& pixels) const {
  const cv::Matx34d back = inverse(map_);
  cv::Mat matrix(4, 5, CV_64F, cv::Scalar(0));
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) matrix.at<double>(row, column + 1) = 255 * back(row, column);
    matrix.at<double>(row, 4) = 255 * back(row, 3);
  }
  matrix.at<double>(3, 0) = 255 / maximum_;
  cv::Mat numbers, result;
  pixels.convertTo(numbers, CV_32F);
  cv::transform(numbers, numbers, matrix);
  numbers.convertTo(result, CV_8U);
  return result;
}

void PixelSpace::premultiply(cv::Mat& pixels) const {
  const cv::Scalar black = color(cv::Scalar::all(0));
  const auto multiply = [&]<typename T>(T) {
    const auto one = std::int64_t(maximum_);
    for (int y = 0; y < pixels.rows; ++y) {
      T* pixel = pixels.ptr<T>(y);
      for (int x = 0; x < pixels.cols; ++x, pixel += 4) {
        const std::int64_t alpha = pixel[0];
        for (int c = 1; c < 4; ++c) {
          const auto dark = std::int64_t(black[c]);
          pixel[c] = T((alpha * pixel[c] + (one - alpha) * dark + one / 2) / one);
        }
      }
    }
  };
  type() == CV_8UC4 ? multiply(std::uint8_t()) : multiply(std::uint16_t());
}

void lay_over(const cv::Mat& above, cv::Mat below) {
  below.depth() == CV_8U ? lay_rows<std::uint8_t>(above, below) : lay_rows<std::uint16_t>(above, below);
}

}  // namespace reenact
