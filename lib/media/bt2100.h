// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace reenact::media {

/// Where white paper lies in HDR video, cd/m2 (BT.2408).
inline constexpr double diffuse_white = 203;
/// The brightest of PQ and of HLG, cd/m2, and HLG's system gamma at that (BT.2100).
inline constexpr double pq_peak = 10000, hlg_peak = 1000, hlg_system_gamma = 1.2;

}  // namespace reenact::media
