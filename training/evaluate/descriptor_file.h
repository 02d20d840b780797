// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace reenact::training {

/// The vectors of a file of kind `descriptors` by the names of their pictures: tensor `vectors` [N, d] and `names`, a list in
/// its metadata. Throws Error: as ModelFile does, and corrupt when there are not as many names as vectors.
std::map<std::string, std::vector<float>> read_descriptors(const std::filesystem::path& path);

}  // namespace reenact::training
