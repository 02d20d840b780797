// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "training/evaluate/describer.h"
#include "training/evaluate/head_crop_reader.h"

namespace reenact::training {

/// What several networks say of pictures.
struct DescribedPictures {
  /// [describer][picture][d]; empty where no face was found or the picture could not be read.
  std::vector<std::vector<std::vector<float>>> vectors;
  std::vector<cv::Rect2d> windows;  ///< of the crops, in pixels of the pictures
  std::size_t faceless = 0, unreadable = 0;
};

/// Describes pictures a hundred at a time and keeps what was found in `cache`, from which a later call takes what is there:
/// for the same pictures (name, size and time), crops and networks. Pictures that cannot be read are named in the log.
DescribedPictures describe_pictures(const std::vector<std::filesystem::path>& pictures,
                                    const std::vector<std::unique_ptr<Describer>>& describers,
                                    HeadCropReader& reader, const std::filesystem::path& cache);

}  // namespace reenact::training
