// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <string>

namespace reenact::training {

/// Throws Error (invalid) naming `when`, "step 12", and the first loss that is not finite. Call it before any
/// weight changes: then the last checkpoint is as good as ever.
void refuse_unless_finite(const std::map<std::string, double>& losses, const std::string& when);

}  // namespace reenact::training
