// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>

#include "reenact/export.h"

namespace reenact {

/// How many threads of this process can compute at a time: the cores that the calling thread may run on, but
/// no more than the CPU quotas of its control groups (versions 1 and 2) allow, rounded up. At least 1.
/// `proc` and `sys` are read below `root`; what is missing there limits nothing.
REENACT_API int usable_cores(const std::filesystem::path& root = "/");

}  // namespace reenact
