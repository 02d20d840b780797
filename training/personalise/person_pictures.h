// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "reenact/engine.h"
#include "reenact/face_cropper.h"
#include "training/data/frame_descriptors.h"
#include "training/data/head_clip.h"

namespace reenact::training {

/// Where the pictures of a person come from.
struct PersonSources {
  std::vector<std::filesystem::path> paths;  ///< images, folders or clips
  /// With crops that come with masks: one for each of `paths`, as many pictures in each, green channel used.
  std::vector<std::filesystem::path> masks;
  std::string segmenter = "segmenter";  ///< name for find_model(); for pictures without masks
  int pictures_per_source = 64;         ///< spread over a clip or folder
  /// Of the pictures, by the name of their source without its ending and their number in it; null: none.
  std::shared_ptr<const FrameDescriptors> descriptors;
  FaceCropperOptions cropper;
};

/// Crops of one person with their masks.
struct PersonPictures {
  std::vector<HeadFrame> training;
  std::vector<HeadFrame> held_out;  ///< the last sixth of every source of at least 6 pictures
  std::size_t faceless = 0;         ///< pictures left out since no face was found
};

/// Reads, crops to `size` and segments. Throws Error: as PictureSource, load_detector() and load_segmenter(),
/// and invalid when no picture shows a face or masks do not fit.
PersonPictures load_person_pictures(const PersonSources& sources, int size, const EngineOptions& engine);

}  // namespace reenact::training
