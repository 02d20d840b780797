// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <vector>

namespace reenact {

/// Where a folder of the installation may lie: below one of the four folders above the file that holds this code (program
/// or shared library), if there is one, so that an installation may be moved as a whole; then where it was installed to.
///   below_prefix  the folder as seen from the prefix, such as share/gst-reenact/models
///   configured    its absolute path, as the build was told
/// The last one is always there, whether it exists or not. Throws nothing but std::bad_alloc.
std::vector<std::filesystem::path> installed_folders(const std::filesystem::path& below_prefix,
                                                     const std::filesystem::path& configured);

}  // namespace reenact
