// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "reenact/export.h"
#include "reenact/json_object.h"

namespace reenact {

/// Sizes of the reenactor's networks (section 3 of the paper). The defaults are the `paper` preset.
struct ReenactorConfig {
  std::string preset = "paper";
  int image_size = 256;    ///< side of crops and pictures, pixels; a power of two times constant_size
  int num_channels = 64;   ///< channels of the last upsampling block
  int max_channels = 512;  ///< cap on the channels of every block
  int identity_embedding_size = 512;  ///< d_i
  int pose_embedding_size = 256;      ///< d_p
  int constant_size = 4;              ///< side of the learned constant tensor
  int residual_blocks = 2;            ///< blocks at constant_size before upsampling starts
  int projector_hidden = 0;  ///< hidden width of the AdaIN MLP; 0: max(d_i + d_p, d_i), the paper's 768
  bool reflection_padding =
      false;  ///< padding of the 3x3 convolutions inside blocks (the authors' gen_padding)
  /// Of the first blocks, how many take AdaIN coefficients that the identity alone decides (the pose as zeros); 0: the paper's.
  int identity_blocks = 0;

  std::string identity_encoder = "resnext50_32x4d";  ///< or "mobilenet_v2", or "conv_sum", FSTH's
  double identity_encoder_width = 1.0;               ///< width multiplier of a mobilenet_v2 identity encoder
  /// Or "resnext50_32x4d"; "x2face" or "fabnet", a frozen foreign one; "none" where the pose is no picture's.
  std::string pose_encoder = "mobilenet_v2";
  double pose_encoder_width = 1.0;  ///< width multiplier of a mobilenet_v2 pose encoder
  int pose_input_size = 0;  ///< side to which crops are reduced before the pose encoder; 0: image_size

  // Of the systems that the paper compares itself with; only models whose pose is a picture's run in elements.
  /// What the pose is: "picture", of which the pose encoder makes a descriptor; "keypoints68", 68 facial points as 136
  /// numbers; "vector", a descriptor made elsewhere; "stickman", those points drawn as lines.
  std::string pose_source = "picture";
  /// The AdaIN MLP: "spectral", two layers with spectral norm, or "leaky", three without and leaky ReLUs between.
  std::string projector = "spectral";
  std::string architecture =
      "adain";                  ///< of the generator; or "fsth", an image-to-image network that draws no mask
  bool self_attention = false;  ///< in the networks of "fsth", at an eighth and a quarter of the side

  REENACT_API int upsampling_blocks() const;  ///< log2(image_size / constant_size)
  REENACT_API int hidden_size() const;        ///< projector_hidden with its default applied
  int pose_image_size() const { return pose_input_size ? pose_input_size : image_size; }
  bool operator==(const ReenactorConfig&) const = default;
};

/// Widths of the S3FD detector; channels of VGG-16's stages times `width`.
struct DetectorConfig {
  double width = 1.0;                 ///< 1: the published network; the shipped one is narrower
  std::string channel_order = "bgr";  ///< order of the input's channels: "bgr" or "rgb"
  bool subtract_mean = true;  ///< subtract (104, 117, 123) in channel order; face-alignment 1.1.1 does not
  bool operator==(const DetectorConfig&) const = default;
};

/// The U-Net that finds the head and shoulders on a crop (stands where the paper uses Graphonomy).
struct SegmenterConfig {
  int image_size = 128;    ///< side of the network's input, pixels
  int base_channels = 16;  ///< channels at full resolution; doubled at every level
  int levels = 4;          ///< times the resolution is halved
  bool operator==(const SegmenterConfig&) const = default;
};

/// A residual network that turns an aligned face into a unit vector, near to those of the same person
/// (Deng et al., ArcFace, CVPR 2019). It measures and draws nothing.
struct RecogniserConfig {
  int depth = 18;              ///< 18, 50 or 100 layers
  double width = 1.0;          ///< multiplier of all channels; 1: the published networks
  int image_size = 112;        ///< side of the aligned face, pixels; a multiple of 16
  int embedding_size = 512;    ///< length of the vector
  double mean = 127.5;         ///< subtracted from RGB 0..255, which is then
  double deviation = 127.5;    ///< divided by this
  double norm_epsilon = 1e-5;  ///< of the batch normalisations
  bool operator==(const RecogniserConfig&) const = default;
};

/// A network that finds the landmarks of a face. It measures and shares no weights with a pose encoder.
struct LandmarksConfig {
  std::string architecture =
      "mobilenet_v2";    ///< gives a face mesh; or "fan" (Bulat & Tzimiropoulos, ICCV 2017)
  int points = 478;      ///< of mediapipe's face mesh, irises included; 68 of a fan
  int image_size = 160;  ///< side of the network's input, pixels; 256 of a fan
  double width = 1.0;    ///< multiplier of all channels of a mobilenet_v2
  double framing = 1.5;  ///< side of the square that is looked at closely over the longer side of the mesh
  int stacks = 4;        ///< hourglasses of a fan, one after the other
  std::string channel_order = "rgb";  ///< of a fan's input: "rgb", or "bgr" as the authors gave it
  bool operator==(const LandmarksConfig&) const = default;
};

/// X2Face (Wiles et al., ECCV 2018), all of it: a face is drawn by warping pictures of it.
struct WarperConfig {
  int image_size = 256;  ///< side of pictures, pixels; a power of two, halved down to one pixel
  double width = 1.0;    ///< multiplier of all channels; 1: the published networks
  int code_size = 128;   ///< length of the driving picture's code
  bool operator==(const WarperConfig&) const = default;
};

/// `paper`: the published networks. `live`: pictures as large, of half as many channels, and light encoders that see
/// all 256 pixels; made for CPUs that draw while somebody speaks. `lite`: heads of 128 pixels, trained on a CPU.
/// Detector and segmenter of `live` are those of `lite`. Each throws Error (invalid) for any other name.
REENACT_API ReenactorConfig reenactor_preset(const std::string& name);
REENACT_API DetectorConfig detector_preset(const std::string& name);
REENACT_API SegmenterConfig segmenter_preset(const std::string& name);

/// A JSON object with the field names above, as model files hold it.
REENACT_API JsonObject to_json(const ReenactorConfig& config);
REENACT_API JsonObject to_json(const DetectorConfig& config);
REENACT_API JsonObject to_json(const SegmenterConfig& config);
REENACT_API JsonObject to_json(const RecogniserConfig& config);
REENACT_API JsonObject to_json(const LandmarksConfig& config);
REENACT_API JsonObject to_json(const WarperConfig& config);
/// Keeps defaults for absent fields and throws Error (invalid) for unknown fields and values out of range.
template <>
REENACT_API ReenactorConfig JsonObject::get() const;
template <>
REENACT_API DetectorConfig JsonObject::get() const;
template <>
REENACT_API SegmenterConfig JsonObject::get() const;
template <>
REENACT_API RecogniserConfig JsonObject::get() const;
template <>
REENACT_API LandmarksConfig JsonObject::get() const;
template <>
REENACT_API WarperConfig JsonObject::get() const;

}  // namespace reenact
