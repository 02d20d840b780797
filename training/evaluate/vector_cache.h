// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace reenact::training {

/// Rows of numbers, empty ones or all of one length, that `make` computes, or that a call before kept in a file of `folder`
/// named after the hash of `key`. What cannot be read there is computed anew. Throws what `make` throws, and Error
/// (unreadable) when the file cannot be written.
std::vector<std::vector<float>> cached_vectors(const std::filesystem::path& folder, const std::string& key,
                                               const std::function<std::vector<std::vector<float>>()>& make);

}  // namespace reenact::training
