// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/finite_losses.h"

#include <cmath>

#include "reenact/error.h"

namespace reenact::training {

void refuse_unless_finite(const std::map<std::string, double>& losses, const std::string& when) {
  for (const auto& [name, value] : losses)
    if (!std::isfinite(value))
      throw Error(ErrorCode::invalid, when + ": loss \"" + name + "\" is not finite");
}

}  // namespace reenact::training
