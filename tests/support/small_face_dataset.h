// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <string>

namespace reenact::test {

/// Writes a data set of drawn faces in the layout of docs/training.md: labelled pictures of splits train and
/// val (some without a face), one clip of each split with the frames it was cropped from, and two stills.
void write_small_face_dataset(const std::filesystem::path& folder);

/// Adds somebody of another look, and the clip's row, to such a data set: they move as the others do.
void add_small_clip(const std::filesystem::path& folder, const std::string& id, const std::string& person,
                    const std::string& split);

/// Frames of a published clip before the first one that became a crop.
inline constexpr int small_dataset_first_frame = 3;

}  // namespace reenact::test
