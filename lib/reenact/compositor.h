// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "reenact/edge_colors.h"
#include "reenact/export.h"
#include "reenact/mask_reach.h"

namespace reenact {

/// How the mask of a head is treated before it is laid over a background.
struct MaskOptions {
  double clip = 0;  ///< alpha up to which nothing of the head is shown, 0..0.99
  double gain = 1;  ///< by which alpha above `clip` rises, 0.1..16; 1: what was opaque is opaque
  double reach =
      0;  ///< share of the head's longer side from its solid part at which MaskReach ends it, 0..1; 0: nowhere
  double erode = 0;    ///< pixels of the output by which the mask shrinks, 0..64
  double feather = 0;  ///< sigma in pixels of the blur of its edge, 0..64
  double fade =
      0;  ///< share of the head's side over which it fades where its border lies inside the output, 0..0.5
  double decontaminate = 0;  ///< how far EdgeColors frees the mask's soft edge from its old background, 0..1
  double smoothing = 0;      ///< share of the previous frame's mask that is kept, 0..0.95
  double opacity = 1;        ///< 0..1
  bool color_match = false;  ///< shift mean and deviation of the head's colours half way to the background's
};

/// A head made ready to be laid over an output.
struct HeadLayer {
  cv::Rect place;  ///< in the output, inside it; empty where nothing is to be seen
  cv::Mat rgba;    ///< CV_8UC4 of that size, straight alpha; valid until the compositor is used again
};

/// Lays a head over `background`, CV_8UC3 or CV_8UC4 with straight alpha, of the output's size.
REENACT_API void blend_layer(const HeadLayer& layer, cv::Mat& background);

/// Lays heads over backgrounds, out = alpha*head + (1-alpha)*background; keeps the mask of the frame before.
class Compositor {
 public:
  /// `head` RGBA straight alpha CV_8UC4, scaled to `placement`, which may reach outside `background`:
  /// CV_8UC3, or CV_8UC4 with straight alpha (set the fourth channel to 255 where it is only padding). Throws
  /// Error (invalid) for other types and options out of range.
  REENACT_API void blend(const cv::Mat& head, const cv::Rect& placement, const MaskOptions& options,
                         cv::Mat& background);
  /// What blend() lays over a background of `output` pixels, for those who lay it themselves. `behind`, CV_8UC3 or CV_8UC4
  /// of any size, is what options.color_match goes by: what the head covers, without the pixels of alpha 0; empty: nothing
  /// is there and the colors stay. Throws as blend() does.
  REENACT_API HeadLayer prepare(const cv::Mat& head, const cv::Rect& placement, const MaskOptions& options,
                                const cv::Size& output, const cv::Mat& behind);
  /// Forgets the previous frame (after a seek, a flush or a change of identity).
  REENACT_API void reset();

 private:
  void smooth_mask(double share);
  void treat_mask(const MaskOptions& options, double scale);
  void fade_border(double share, const cv::Rect& placement, const cv::Size& background);
  void clip_mask(double clip, double gain);
  void match_colors(const cv::Mat& behind);

  /// Shares of alpha, in 256ths, along one axis of the head.
  struct Fade {
    double first = 0, last = 0;  // share of the side that fades at either end
    std::vector<int> weights;
    /// Changes the weights only where they have to.
    void set(double first_share, double last_share, int size);
  };

  EdgeColors edge_colors_;
  MaskReach mask_reach_;
  Fade across_, down_;
  cv::Mat previous_mask_;            // CV_32FC1: 8 bits would never settle under strong smoothing
  cv::Mat work_;                     // the head as it is being prepared
  cv::Mat mask_, scaled_, scratch_;  // kept, so that frames allocate nothing
};

}  // namespace reenact
