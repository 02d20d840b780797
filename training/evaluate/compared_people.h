// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "training/data/head_clip.h"

namespace reenact::training {

/// A person whose head is learned from some frames and who drives with others.
struct ComparedPerson {
  std::string name;    ///< of the video
  std::string person;  ///< several videos may show one
  std::vector<HeadFrame> identity, driver;
  bool consecutive = false;  ///< the driver's frames follow each other in time
};

/// At most `count` people (0: all) with `frames` frames to learn from and as many to drive with.
///
/// - the layout of the released scripts: `images-cropped/<id>/<video>/{identity,driver}/` with masks under
///   `segmentation-cropped/`;
/// - a data folder of ours: clips of split val with frames enough, those to learn from spread evenly over the first half, those
///   to drive with over the second, or with `consecutive` the first ones of the second half.
///
/// Crops are brought to 256 pixels. Throws Error: not_found, invalid when the folder is of neither layout, nobody has frames
/// enough, or there is but one person.
std::vector<ComparedPerson> read_compared_people(const std::filesystem::path& folder, std::size_t count,
                                                 std::size_t frames, bool consecutive);

}  // namespace reenact::training
