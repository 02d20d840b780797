// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "training/data/head_clip.h"
#include "training/learning/verification.h"

namespace reenact::training {

/// Aligned faces to verify with, without their backgrounds.
struct ValidationFaces {
  struct Origin {
    std::string person;
    std::size_t clip = 0, frame = 0;  ///< indices; the frame among those that were read
  };
  std::vector<cv::Mat> faces;  ///< RGB CV_8UC3
  std::vector<Origin> origins;
  std::vector<const HeadFrame*> frames;  ///< that they were taken from
};
/// Those of all frames with landmarks; `clips` must outlive it.
ValidationFaces validation_faces(const std::vector<HeadClip>& clips, int image_size);

/// Compares every row of `first` [N, d] with every other of `second` [N, d], unit vectors of the faces of `origins`. Two
/// frames of one clip count as a pair of one person when `least_gap` frames lie between them. Throws Error (invalid) where
/// there is no pair of one person or none of two.
VerificationFigures verify(const torch::Tensor& first, const torch::Tensor& second,
                           const std::vector<ValidationFaces::Origin>& origins, std::size_t least_gap);

}  // namespace reenact::training
