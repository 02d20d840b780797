// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace reenact::training {

/// Our name of a tensor in the authors' checkpoints, e.g. "gen.up0.conv1.weight" for
/// "generator.decoder_blocks.2.block.4.weight_orig"; the first part of `authors_name` is the network
/// ("generator", "discriminator", "embedder"). Empty when the authors' networks have no such tensor.
///
/// `residual_blocks` is the number of the generator's blocks without upsampling, which come first in
/// `decoder_blocks`; see count_residual_blocks().
std::optional<std::string> name_from_authors(const std::string& authors_name, int residual_blocks = 2);

/// How many residual blocks without upsampling a generator has, told from its names (with or without
/// "generator." in front).
int count_residual_blocks(const std::vector<std::string>& authors_names);

}  // namespace reenact::training
