// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <vector>

#include "reenact/pose_track.h"
#include "training/evaluate/identity_evaluation.h"

namespace reenact::training {

/// How far the points of faces lie apart, frame by frame, in shares of the distance between the outer corners of the
/// original's eyes.
struct MeshDistance {
  double mean = 0;
  double moved = 0;  ///< after each point's own mean difference was taken off
};
/// Both [frames][points], of one length.
MeshDistance compare_meshes(const std::vector<Mesh>& original, const std::vector<Mesh>& other);

/// Clips that show what the original shows at the same times, coded or drawn: how far landmarks move from where they are in
/// the original. Faces are cut out by the windows of `track`, one a frame, of the original. `figures` holds an array
/// `clips`; the sheet has a row a spread frame, the original first. Throws Error: invalid for a track without placements or
/// shorter than a clip, and as PictureSource does.
HeadReport evaluate_clips(LandmarkNetwork& landmarks, const PoseTrack& track,
                          const std::filesystem::path& original,
                          const std::vector<std::filesystem::path>& others, std::size_t frames,
                          std::size_t sheet_rows);

}  // namespace reenact::training
