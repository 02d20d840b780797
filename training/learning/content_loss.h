// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <string>
#include <utility>

#include "torch/networks/vgg.h"

namespace reenact::training {

/// How pictures in 0..1 are prepared for a VGG network.
enum class VggInput {
  as_released,  ///< the authors' code: (x+1)/2 first, then times 255, means of B, G, R taken from R, G, B
  caffe,        ///< times 255, channels in order B, G, R, their means subtracted: what Caffe's weights expect
  torchvision   ///< R, G, B, ImageNet's means and deviations: what torchvision's own weights expect
};
inline constexpr std::pair<const char*, VggInput> vgg_input_names[] = {
    {"released", VggInput::as_released}, {"caffe", VggInput::caffe}, {"torchvision", VggInput::torchvision}};

/// `rgb` [B, 3, H, W] in 0..1 to the network's input of the same shape.
torch::Tensor prepare_vgg_input(const torch::Tensor& rgb, VggInput input);

/// Perceptual loss (Johnson et al., ECCV 2016): the sum over the 13 feature maps of the mean absolute
/// difference. Gradient goes to `fake` only. `fake` and `real` [B, 3, H, W] in 0..1. Returns a scalar; the
/// paper's code weighs it by 0.03 for VGG-19.
torch::Tensor perceptual_loss(VggFeatures& network, const torch::Tensor& fake, const torch::Tensor& real,
                              VggInput input = VggInput::as_released);

/// The middle of a crop, 1/1.8 of its side, resampled bilinearly to the full size: undoes the margin around
/// the face, since VGGFace was trained on tight crops. [B, C, H, W] to the same shape.
torch::Tensor crop_to_face(const torch::Tensor& rgb);

/// perceptual_loss() of VGGFace's network on crop_to_face() of both pictures; the paper's code weighs it by
/// 0.006.
torch::Tensor face_identity_loss(VggFeatures& network, const torch::Tensor& fake, const torch::Tensor& real,
                                 VggInput input = VggInput::as_released);

/// The networks of a `perceptual` model file; is_empty() where the file does not hold one.
struct PerceptualNetworks {
  VggFeatures vgg19 = nullptr, vgg_face = nullptr;
};
/// Throws Error as ModelFile and load_weights() do, and wrong_kind when the file holds neither.
PerceptualNetworks load_perceptual_networks(const std::filesystem::path& path);

}  // namespace reenact::training
