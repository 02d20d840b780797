// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/png_codec.h"

#include <png.h>

#include <opencv2/imgproc.hpp>

#include "media/picture_limits.h"
#include "reenact/error.h"

namespace reenact {
namespace {

/// libpng's simplified interface: it keeps its jumps to itself.
struct Image {
  png_image info = {};
  Image() { info.version = PNG_IMAGE_VERSION; }
  ~Image() { png_image_free(&info); }
};

}  // namespace

cv::Mat decode_png(std::span<const std::byte> file) {
  Image image;
  auto& info = image.info;
  if (!png_image_begin_read_from_memory(&info, file.data(), file.size()))
    throw Error(ErrorCode::corrupt, info.message);
  if (!picture_fits_memory(info.width, info.height))
    throw Error(ErrorCode::corrupt,
                std::to_string(info.width) + " x " + std::to_string(info.height) + " pixels are too many");
  const bool alpha = info.format & PNG_FORMAT_FLAG_ALPHA;
  const bool color = info.format & PNG_FORMAT_FLAG_COLOR;
  info.format = alpha ? PNG_FORMAT_RGBA : color ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  // Files of 16 bits hold sRGB like all others, though libpng would take them for linear.
  info.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  cv::Mat picture(static_cast<int>(info.height), static_cast<int>(info.width),
                  alpha   ? CV_8UC4
                  : color ? CV_8UC3
                          : CV_8UC1);
  if (!png_image_finish_read(&info, nullptr, picture.data, static_cast<png_int_32>(picture.step), nullptr))
    throw Error(ErrorCode::corrupt, info.message);
  return picture;
}

std::vector<std::byte> encode_png(const cv::Mat& picture) {
  Image image;
  auto& info = image.info;
  info.width = static_cast<png_uint_32>(picture.cols);
  info.height = static_cast<png_uint_32>(picture.rows);
  info.flags = PNG_IMAGE_FLAG_FAST;
  switch (picture.empty() ? -1 : picture.type()) {
    case CV_8UC1:
      info.format = PNG_FORMAT_GRAY;
      break;
    case CV_8UC3:
      info.format = PNG_FORMAT_RGB;
      break;
    case CV_8UC4:
      info.format = PNG_FORMAT_RGBA;
      break;
    default:
      throw Error(ErrorCode::invalid, "cannot write a PNG, wanted an 8-bit picture of 1, 3 or 4 channels");
  }
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(info);
  std::vector<std::byte> file(size);
  if (!png_image_write_to_memory(&info, file.data(), &size, 0, picture.data,
                                 static_cast<png_int_32>(picture.step), nullptr))
    throw Error(ErrorCode::invalid, info.message);
  file.resize(size);
  return file;
}

}  // namespace reenact
