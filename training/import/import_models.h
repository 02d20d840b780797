// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "reenact/config.h"
#include "training/import/authors_checkpoint.h"

namespace reenact::training {

/// What `reenact-train import` makes of a PyTorch file. Every function throws Error before it writes anything
/// when a file does not fit, and returns what it did, a sentence for each file written or part left out.

/// The authors' checkpoint to a `reenactor`, an `identity` with personal weights (fine-tuned checkpoints
/// only), or both.
struct AuthorsImport {
  std::filesystem::path checkpoint;
  std::filesystem::path reenactor;  ///< empty: not written
  std::filesystem::path identity;   ///< empty: not written
  WeightsChoice weights = WeightsChoice::average;
  bool with_discriminator = false;  ///< adds `dis.*` (raw weights, there is no average) to the reenactor
  std::string name;                 ///< of the person; empty: the name of the identity's file
  std::string consent, licence;
};
std::vector<std::string> import_authors_checkpoint(const AuthorsImport& options);

/// face-alignment's S3FD to a `detector`. `config` says how its input is prepared; the width is 1.
std::vector<std::string> import_detector(const std::filesystem::path& weights,
                                         const std::filesystem::path& output, DetectorConfig config,
                                         const std::string& licence);

/// VGG-19 (`features.N.*`) and VGGFace's VGG-16 (`N.*` or `features.N.*`) to `perceptual`: their convolutions
/// up to number 28 as `vgg19.features.N.*` and `vggface.features.N.*`, the only ones that the content losses
/// use. Either path may be empty.
std::vector<std::string> import_perceptual(const std::filesystem::path& vgg19,
                                           const std::filesystem::path& vggface,
                                           const std::filesystem::path& output, const std::string& licence);

/// torchvision's MobileNetV2 as pose encoder, and ResNeXt-50 32x4d or MobileNetV2 as identity encoder,
/// without their last layers, to a `reenactor` that holds only `pose.*` and `idt.*`, from which a training
/// can start. Either path may be empty.
std::vector<std::string> import_encoders(const std::filesystem::path& pose,
                                         const std::filesystem::path& identity,
                                         const std::filesystem::path& output, const std::string& licence);

/// X2Face's released checkpoint: all of it to a `warper`, its driving encoder to a `reenactor` that holds nothing else. Either
/// path may be empty.
std::vector<std::string> import_x2face(const std::filesystem::path& weights,
                                       const std::filesystem::path& output,
                                       const std::filesystem::path& encoder, const std::string& licence);

/// The encoder of FAb-Net's released checkpoint to a `reenactor` that holds nothing else.
std::vector<std::string> import_fabnet(const std::filesystem::path& weights,
                                       const std::filesystem::path& output, const std::string& licence);

/// The networks behind the paper's metrics.
struct MeasuringImport {
  std::filesystem::path weights, output;
  std::string licence;
};
/// face-alignment's FAN (`2DFAN4-11f355bf06.pth.tar`), with as many stacks as the file has, to `landmarks`.
/// `channel_order`: of the input, "rgb" or "bgr", which no file tells.
std::vector<std::string> import_landmarks(const MeasuringImport& options, const std::string& channel_order);
/// An iresnet18, 50 or 100 of insightface's arcface_torch, which the file's names tell apart, to `recogniser`.
std::vector<std::string> import_recogniser(const MeasuringImport& options);

/// Numbers that describe pictures, of an .npz file of numpy, to `descriptors`: `names` [N], strings, with `expression` [N, 29]
/// of ExpNet and `pose` [N, 6] of FacePoseNet (rotation vector, translation), which become 33 numbers, a quaternion first; or
/// with `vectors` [N, d] as they are. Their mean and deviation over the file are written along.
std::vector<std::string> import_descriptors(const std::filesystem::path& numbers,
                                            const std::filesystem::path& output, const std::string& licence);

}  // namespace reenact::training
