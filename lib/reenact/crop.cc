// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/crop.h"

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "reenact/crop_rim.h"
#include "reenact/error.h"

namespace reenact {
namespace {

constexpr int longest_window =
    1 << 15;  // far above any picture; keeps hostile boxes from asking for all memory

int to_pixel(double value) {
  constexpr double largest = 1 << 24;
  if (!(std::abs(value) <= largest)) {
    throw Error(ErrorCode::invalid,
                "a face box reaches to " + std::to_string(value) + " pixels, wanted a finite box");
  }
  return static_cast<int>(value);
}

/// Floor and ceil to whole pixels, square by the bottom edge, right and bottom exclusive.
cv::Rect whole_window(double left, double top, double right, double bottom) {
  const int l = to_pixel(std::floor(left)), t = to_pixel(std::floor(top));
  const int side = to_pixel(std::ceil(right)) - l + 1;
  (void)to_pixel(std::ceil(bottom));
  return {l, t, side, side};
}

struct Square {
  double left, top, right, bottom;
};

Square enlarged_square(double left, double top, double right, double bottom, double scale) {
  const double center_x = (left + right) / 2, center_y = (top + bottom) / 2;
  const double half = std::max(right - left, bottom - top) / 2 * scale;
  return {center_x - half, center_y - half, center_x + half, center_y + half};
}

void check_picture(const cv::Mat& image, const cv::Rect& window, bool mask) {
  if (image.empty() || image.depth() != CV_8U || (image.channels() != 1 && (mask || image.channels() != 3))) {
    throw Error(ErrorCode::invalid,
                std::string("a crop was asked of a picture that is empty or not 8-bit with ") +
                    (mask ? "1 channel" : "1 or 3 channels"));
  }
  if (window.width < 1 || window.height < 1 || window.width > longest_window ||
      window.height > longest_window) {
    throw Error(ErrorCode::invalid,
                "a crop window of " + std::to_string(window.width) + "x" + std::to_string(window.height) +
                    " pixels was asked for, wanted 1 to " + std::to_string(longest_window) + " a side");
  }
}

/// The window the data loader cuts; `box` in shares of the picture's height on both axes, as the authors have
/// it.
cv::Rect loader_window(const cv::Mat& image, const Square& box) {
  const double height = image.rows;
  cv::Rect window =
      whole_window(box.left * height, box.top * height, box.right * height, box.bottom * height);
  window -= cv::Point(1, 1);  // of the picture without its border
  return window;
}

cv::Mat without_border(const cv::Mat& image) {
  if (image.rows < 3 || image.cols < 3) {
    throw Error(ErrorCode::invalid,
                "a picture of " + std::to_string(image.cols) + "x" + std::to_string(image.rows) +
                    " pixels was to be cropped as the data loader does, wanted at least 3x3");
  }
  return image(cv::Rect(1, 1, image.cols - 2, image.rows - 2));
}

cv::Mat resized(const cv::Mat& image, int size, int interpolation) {
  if (size < 1 || size > longest_window) {
    throw Error(ErrorCode::invalid, "a crop of " + std::to_string(size) +
                                        " pixels was asked for, wanted 1 to " +
                                        std::to_string(longest_window));
  }
  cv::Mat result;
  cv::resize(image, result, cv::Size(size, size), 0, 0, interpolation);
  return result;
}

cv::Mat recrop(const cv::Mat& image, int size, const Square& box) {
  const cv::Rect window = loader_window(image, box);
  const cv::Mat cut = crop_with_padding(without_border(image), window);
  return resized(cut, size, size > window.height ? cv::INTER_CUBIC : cv::INTER_AREA);
}

cv::Mat recrop_mask(const cv::Mat& mask, int size, const Square& box) {
  const cv::Rect window = loader_window(mask, box);
  return resized(crop_mask_with_padding(without_border(mask), window), size, cv::INTER_LINEAR);
}

constexpr Square whole_picture = {0, 0, 1, 1};

Square enlarged_square(const FaceBox& box) {
  return enlarged_square(box.left, box.top, box.right, box.bottom, paper_crop_scale);
}

}  // namespace

cv::Rect crop_window(const FaceBox& box, double scale) {
  const Square square = enlarged_square(box.left, box.top, box.right, box.bottom, scale);
  return whole_window(square.left, square.top, square.right, square.bottom);
}

cv::Mat crop_with_padding(const cv::Mat& image, const cv::Rect& window) {
  check_picture(image, window, false);
  const cv::Rect inside = window & cv::Rect(0, 0, image.cols, image.rows);
  if (inside == window) return image(window);
  if (inside.empty()) {
    // Nothing to reflect: all of the window is as far out as its rim, where the median colour stands.
    return cv::Mat(window.size(), image.type(), median_color(image));
  }
  const Padding padding = padding_of(window, inside);
  cv::Mat padded;
  cv::copyMakeBorder(image(inside), padded, padding.top, padding.bottom, padding.left, padding.right,
                     cv::BORDER_REFLECT_101 | cv::BORDER_ISOLATED);
  fade_rim(padded, padding, RimFade::to_median);
  return padded;
}

cv::Mat crop_mask_with_padding(const cv::Mat& mask, const cv::Rect& window) {
  check_picture(mask, window, true);
  const cv::Rect inside = window & cv::Rect(0, 0, mask.cols, mask.rows);
  if (inside == window) return mask(window);
  if (inside.empty()) return cv::Mat::zeros(window.size(), mask.type());
  const Padding padding = padding_of(window, inside);
  cv::Mat padded(window.size(), mask.type());
  padded.rowRange(0, padding.top).setTo(0);
  cv::copyMakeBorder(mask(inside), padded.rowRange(padding.top, padded.rows), 0, padding.bottom, padding.left,
                     padding.right, cv::BORDER_REPLICATE | cv::BORDER_ISOLATED);
  fade_rim(padded, padding, RimFade::sides_to_zero);
  return padded;
}

cv::Mat crop_face(const cv::Mat& image, const FaceBox& box, int size, double scale) {
  const cv::Mat cut = crop_with_padding(image, crop_window(box, scale));
  return resized(cut, size, static_cast<float>(size) > box.height() ? cv::INTER_CUBIC : cv::INTER_AREA);
}

cv::Mat recrop_as_loader(const cv::Mat& image, int size) {
  return recrop(image, size, whole_picture);
}

cv::Mat recrop_as_loader(const cv::Mat& image, int size, const FaceBox& box) {
  return recrop(image, size, enlarged_square(box));
}

cv::Mat recrop_mask_as_loader(const cv::Mat& mask, int size) {
  return recrop_mask(mask, size, whole_picture);
}

cv::Mat recrop_mask_as_loader(const cv::Mat& mask, int size, const FaceBox& box) {
  return recrop_mask(mask, size, enlarged_square(box));
}

}  // namespace reenact
