// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core.hpp>

#include "reenact/export.h"

namespace reenact {

/// Ends the soft part of a cut-out's mask at a distance from the solid part, so that neither haze nor flecks stay away from
/// it. Keeps its buffers, so that frames allocate nothing.
class MaskReach {
 public:
  /// `rgba`: CV_8UC4, straight alpha, changed in place; colors stay. Alpha keeps its value up to four tenths of `reach` from
  /// the nearest solid pixel (alpha from 128 on, flecks of less than a five-hundredth of the picture apart), falls from
  /// there and is 0 from `reach` on, a share of the longer side, 0..1, and ten pixels at least; 0: nothing is done. Where nothing is solid alpha
  /// stays.
  REENACT_API void limit(cv::Mat& rgba, double reach);

 private:
  cv::Mat alpha_, solid_, labels_, statistics_, centers_, distances_, weights_, scaled_;
};

}  // namespace reenact
