// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>

namespace reenact::training {

/// Copies the values of `source` into the tensors of `target`, name by name. Throws Error (wrong_kind) with
/// `owner` and the first name that one side lacks or that has another shape; nothing has been copied then.
void copy_state_tensors(std::map<std::string, torch::Tensor>& target,
                        const std::map<std::string, torch::Tensor>& source, const std::string& owner);

}  // namespace reenact::training
