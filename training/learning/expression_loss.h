// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

namespace reenact::training {

/// How far two people differ in expression and bearing, whatever the shape of their faces: for a head of one person in
/// the pose of another. landmark_loss() would ask it for the other's proportions too.
///
/// Both meshes are measured in axes of their own: across, along the line through the outer eye corners, as shares of
/// the face's width; down, at right angles to it, as shares of its height. Stretching a face along its axes about the
/// place named below therefore changes nothing. Seventeen features are compared:
///
/// | feature                  | measured                                                                  |
/// |--------------------------|---------------------------------------------------------------------------|
/// | lids, of each eye        | down from the upper lid to the lower, at two places                       |
/// | mouth                    | down from the inner edge of the upper lip to that of the lower, at three  |
/// | lips                     | down from the outer edge of the upper lip to that of the lower            |
/// | mouth's width            | across from corner to corner                                              |
/// | brows, each              | down from the brow to the upper lid                                       |
/// | turn                     | how much farther the nose is from one cheek than from the other, across   |
/// | nod                      | how much farther the nose is from the forehead than from the chin, down   |
/// | tilt                     | the unit vector across, two numbers                                       |
/// | place                    | the middle of the nose in the picture, two numbers                        |
/// | gaze, of each eye        | the iris from the middle between the eye's corners, across and down       |
///
/// `predicted` and `wanted`: [B, 478, 2], mediapipe's face mesh with irises in 0..1 of the picture's side; `known` [B]
/// is 0 for samples without landmarks, which count as 0. Returns a scalar, at least 0: of talking people about 0.1
/// between two frames of one clip, 0.2 between frames of different ones. Faces narrower or lower than a twentieth of
/// the picture are measured as if they were that large, so that meshes of an untrained network give finite gradients.
torch::Tensor expression_loss(const torch::Tensor& predicted, const torch::Tensor& wanted,
                              const torch::Tensor& known);

/// The seventeen features themselves, [B, 478, 2] -> [B, 17], in the table's order and brought to like sizes.
torch::Tensor expression_features(const torch::Tensor& landmarks);

/// Which of them is the turn of the head.
inline constexpr int turn_feature = 7;

}  // namespace reenact::training
