// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <set>
#include <string>

#include "training/import/torch_archive.h"

namespace reenact::training {

/// The tensors of a state_dict under the names that its network gave them: without `module.` and `_orig_mod.`,
/// which DataParallel and torch.compile put before them, and without a profiler's total_ops and total_params.
/// Throws Error (wrong_kind) naming `source` when two come to have one name.
PickledTensors state_dict_in(const PickleValue& dictionary, const std::string& source);

/// The same of a file that holds nothing else, or holds it under "state_dict", "model_state_dict", "model" or
/// "net", one within the other too. Throws Error (wrong_kind) that says what the file holds in its place.
PickledTensors state_dict_of(const TorchArchive& archive);

/// The dictionary that has `entry`: `root`, or what it holds under one of those names; `root` if none has.
PickleValue dictionary_with(const PickleValue& root, const std::string& entry);

/// Among the tensors of `held` whose names in the file are not in `taken`, the name in the file that takes the
/// fewest edits to become `wanted`, with or without the first part of the latter; "" when there are none.
std::string most_like(const std::string& wanted, const PickledTensors& held,
                      const std::set<std::string>& taken);

}  // namespace reenact::training
