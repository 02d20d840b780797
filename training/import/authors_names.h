// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace reenact::training {

/// Our name of a tensor in the authors' checkpoints, e.g. "gen.up0.conv1.weight" for
/// "generator.decoder_blocks.2.block.4.weight_orig"; the first part of `authors_name` is the network
/// ("generator", "discriminator", "embedder"), of their own system, X2Face+, FAb-Net+, FSTH or FSTH+. Empty when the authors' networks have no such tensor.
///
/// `residual_blocks` is the number of the generator's blocks without upsampling, which come first in
/// `decoder_blocks`; see count_residual_blocks().
std::optional<std::string> name_from_authors(const std::string& authors_name, int residual_blocks = 2);

/// Name of one of the AdaIN numbers that a fine-tuned FSTH has for parameters, "adain0.bias" to "adain16.weight", counted as
/// they are applied. Empty for other tensors.
std::optional<std::string> fsth_adain_name(const std::string& authors_name);

/// Whether the tensor is of the part of X2Face that makes no pose, which an X2Face+ may hold too.
bool is_left_out(const std::string& authors_name);

/// How many residual blocks without upsampling a generator has, told from its names (with or without
/// "generator." in front).
int count_residual_blocks(const std::vector<std::string>& authors_names);

}  // namespace reenact::training
