// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/kernels/winograd.h"

namespace reenact::cpu {

/// The kernels of winograd_kernels_avx2() with its instructions modelled in plain C++, so that machines without AVX2
/// see where they would saturate.
const WinogradKernels& saturating_winograd_kernels();

}  // namespace reenact::cpu
