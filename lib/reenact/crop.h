// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>

#include "reenact/export.h"

namespace reenact {

/// A face box in pixels of the picture, edges as floats (x2, y2 exclusive).
struct FaceBox {
  float left = 0, top = 0, right = 0, bottom = 0;
  float score = 0;  ///< P(face), 0..1
  float width() const { return right - left; }
  float height() const { return bottom - top; }
};

/// Side of a crop over the longer side of the face box: "enlarged by 80 %" (section 4.1).
inline constexpr double paper_crop_scale = 1.8;

/// The paper's window around a box: squared on the longer side, enlarged by `scale`, floor/ceil to whole
/// pixels, the bottom edge moved to make it square, right and bottom exclusive. May reach outside the picture.
REENACT_API cv::Rect crop_window(const FaceBox& box, double scale = paper_crop_scale);

/// The window cut out of the picture; what lies outside is reflected, blurred and faded to the median colour as in the
/// authors' code. `image` is 8-bit with 1 or 3 channels. A window inside the picture is returned as a view that shares its
/// pixels. Throws Error (invalid) for an empty or other picture and for windows of no or more than 32768 pixels a side.
REENACT_API cv::Mat crop_with_padding(const cv::Mat& image, const cv::Rect& window);
/// The same for a mask (CV_8UC1): replicated left, right and below, zero above, faded to zero left and right.
REENACT_API cv::Mat crop_mask_with_padding(const cv::Mat& mask, const cv::Rect& window);

/// Window cut and scaled to `size` x `size`: INTER_CUBIC when `size` exceeds the height of the face box, else INTER_AREA.
REENACT_API cv::Mat crop_face(const cv::Mat& image, const FaceBox& box, int size,
                              double scale = paper_crop_scale);

/// The authors' data loader's second crop of an already cropped picture: 1 px border dropped, padded back, scaled to
/// `size`; training and driving of the authors' models see this picture.
REENACT_API cv::Mat recrop_as_loader(const cv::Mat& image, int size);
REENACT_API cv::Mat recrop_mask_as_loader(const cv::Mat& mask, int size);
/// The loader's path for pictures with a known box (VoxCeleb): squared, enlarged by paper_crop_scale and cut in the same way. `box` in
/// shares of the picture's height on both axes, as in the authors' code.
REENACT_API cv::Mat recrop_as_loader(const cv::Mat& image, int size, const FaceBox& box);
REENACT_API cv::Mat recrop_mask_as_loader(const cv::Mat& mask, int size, const FaceBox& box);

}  // namespace reenact
