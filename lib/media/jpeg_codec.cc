// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/jpeg_codec.h"

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
// jpeglib.h needs stdio.h before it.
#include <jerror.h>
#include <jpeglib.h>

#include <string>

#include "media/picture_limits.h"
#include "reenact/error.h"

namespace reenact {
namespace {

/// libjpeg reports errors by a function that must not return; this one jumps back to where the work began.
struct ErrorHandler {
  jpeg_error_mgr manager;  // first, so that libjpeg's pointer to it is one to the whole
  std::jmp_buf begin;
  bool damaged;
  char sentence[JMSG_LENGTH_MAX];

  static ErrorHandler& of(j_common_ptr info) { return *reinterpret_cast<ErrorHandler*>(info->err); }

  jpeg_error_mgr* install() {
    jpeg_std_error(&manager);
    damaged = false;
    sentence[0] = 0;
    manager.error_exit = [](j_common_ptr info) {
      ErrorHandler& handler = of(info);
      handler.manager.format_message(info, handler.sentence);
      std::longjmp(handler.begin, 1);
    };
    manager.emit_message = [](j_common_ptr info, int level) {
      if (level >= 0) return;
      ErrorHandler& handler = of(info);
      switch (handler.manager.msg_code) {
        // Pixels are missing or guessed after these; the other warnings are about oddities that every viewer passes over.
        case JWRN_HIT_MARKER:
        case JWRN_HUFF_BAD_CODE:
        case JWRN_JPEG_EOF:
        case JWRN_MUST_RESYNC:
        case JWRN_NOT_SEQUENTIAL:
          handler.damaged = true;
          handler.manager.format_message(info, handler.sentence);
          break;
        default:
          break;
      }
    };
    return &manager;
  }
};

struct Decompressor {
  jpeg_decompress_struct info = {};
  ErrorHandler errors = {};
  Decompressor() { info.err = errors.install(); }
  ~Decompressor() { jpeg_destroy_decompress(&info); }
};

struct Compressor {
  jpeg_compress_struct info = {};
  ErrorHandler errors = {};
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  Compressor() { info.err = errors.install(); }
  ~Compressor() {
    jpeg_destroy_compress(&info);
    std::free(bytes);
  }
};

/// False after an error. Nothing in here may need a destructor: the error jumps over it.
bool decode(Decompressor& decoder, std::span<const std::byte> file, cv::Mat& picture) {
  if (setjmp(decoder.errors.begin)) return false;
  auto& info = decoder.info;
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(file.data()), file.size());
  jpeg_read_header(&info, TRUE);
  if (!picture_fits_memory(info.image_width, info.image_height)) {
    std::snprintf(decoder.errors.sentence, sizeof decoder.errors.sentence, "%u x %u pixels are too many",
                  info.image_width, info.image_height);
    return false;
  }
  if (info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK)
    info.out_color_space = JCS_CMYK;
  else
    info.out_color_space = info.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(&info);
  picture.create(static_cast<int>(info.output_height), static_cast<int>(info.output_width),
                 CV_8UC(info.output_components));
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = picture.ptr(static_cast<int>(info.output_scanline));
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  return !decoder.errors.damaged;
}

bool encode(Compressor& encoder, const cv::Mat& picture, int quality) {
  if (setjmp(encoder.errors.begin)) return false;
  auto& info = encoder.info;
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, &encoder.bytes, &encoder.size);
  info.image_width = static_cast<JDIMENSION>(picture.cols);
  info.image_height = static_cast<JDIMENSION>(picture.rows);
  info.input_components = picture.channels();
  info.in_color_space = picture.channels() == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<JSAMPROW>(picture.ptr(static_cast<int>(info.next_scanline)));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  return true;
}

/// Colors of a printer, inverted as Adobe writes them, which are the only ones to be met.
cv::Mat rgb_of_inverted_cmyk(const cv::Mat& cmyk) {
  cv::Mat rgb(cmyk.size(), CV_8UC3);
  for (int y = 0; y < cmyk.rows; ++y)
    for (int x = 0; x < cmyk.cols; ++x) {
      const auto& ink = cmyk.at<cv::Vec4b>(y, x);
      for (int c = 0; c < 3; ++c)
        rgb.at<cv::Vec3b>(y, x)[c] = cv::saturate_cast<uchar>(ink[c] * ink[3] / 255.0);
    }
  return rgb;
}

}  // namespace

cv::Mat decode_jpeg(std::span<const std::byte> file) {
  Decompressor decoder;
  cv::Mat picture;
  if (!decode(decoder, file, picture)) throw Error(ErrorCode::corrupt, decoder.errors.sentence);
  return picture.channels() == 4 ? rgb_of_inverted_cmyk(picture) : picture;
}

std::vector<std::byte> encode_jpeg(const cv::Mat& picture, int quality) {
  if (picture.empty() || (picture.type() != CV_8UC1 && picture.type() != CV_8UC3))
    throw Error(ErrorCode::invalid, "cannot write a JPEG, wanted an 8-bit grey or RGB picture");
  Compressor encoder;
  if (!encode(encoder, picture, quality)) throw Error(ErrorCode::invalid, encoder.errors.sentence);
  const auto* bytes = reinterpret_cast<const std::byte*>(encoder.bytes);
  return {bytes, bytes + encoder.size};
}

}  // namespace reenact
