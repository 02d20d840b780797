// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>
#include <span>
#include <string>
#include <vector>

#include "reenact/crop.h"
#include "reenact/export.h"

/// Inference. Usage:
///
///     auto encoder = reenact::load_pose_encoder("reenactor.safetensors", {});
///     auto generator = reenact::load_generator("reenactor.safetensors", {});
///     generator->set_identity(reenact::load_identity("ada.safetensors"));
///     std::vector<float> pose(encoder->embedding_size());
///     encoder->encode(crop, pose);
///     cv::Mat rgba = generator->generate(pose);
///
/// Weights are loaded once per process for the same file, device and precision and shared by every object that uses them;
/// the objects below hold only the state of one stream. An object is used from one thread at a time.
///
/// What a call takes is checked here, once and alike for all backends; a backend overrides the do_ functions, which see
/// only arguments that are right.
namespace reenact {

struct Identity;

enum class Precision { automatic, fp32, bf16, fp16, int8 };
REENACT_API std::string to_string(Precision precision);

struct EngineOptions {
  std::string device = "auto";  ///< auto, cpu, cuda, cuda:N
  Precision precision = Precision::automatic;
  int threads = 0;               ///< threads for one call; 0: as many as the process may use
  std::string backend = "auto";  ///< auto, cpu (oneDNN), torch (reference)
};

/// What all networks tell about themselves.
class REENACT_API Network {
 public:
  virtual ~Network() = default;
  /// What really runs, e.g. "cpu", "cuda:0".
  virtual std::string active_device() const = 0;
  /// What really runs, e.g. "torch fp32".
  virtual std::string active_engine() const = 0;
};

/// MobileNetV2 of section 3: a crop to a pose descriptor.
class REENACT_API PoseEncoder : public Network {
 public:
  virtual int image_size() const = 0;      ///< side of the crops it takes, pixels
  virtual int embedding_size() const = 0;  ///< d_p
  /// `rgb` CV_8UC3, any size (scaled if it is not image_size square); `pose` has embedding_size elements. Throws Error
  /// (invalid) for others.
  void encode(const cv::Mat& rgb, std::span<float> pose);

 protected:
  virtual void do_encode(const cv::Mat& rgb, std::span<float> pose) = 0;
};

/// ResNeXt-50 of section 3: K crops of a person to the mean of their embeddings.
class REENACT_API IdentityEncoder : public Network {
 public:
  virtual int image_size() const = 0;
  virtual int embedding_size() const = 0;  ///< d_i
  /// `rgb_crops` CV_8UC3, at least one; returns [d_i]. Throws Error (invalid) for others.
  std::vector<float> encode(std::span<const cv::Mat> rgb_crops);

 protected:
  virtual std::vector<float> do_encode(std::span<const cv::Mat> rgb_crops) = 0;
};

/// How the colour of a generated head relates to its mask.
enum class AlphaMode {
  straight,      ///< colour as if opaque, for RGBA video
  premultiplied  ///< colour times mask, the authors' fake_rgbs
};

/// AdaIN generator of section 3: pose and identity to a head and its mask.
class REENACT_API Generator : public Network {
 public:
  virtual int image_size() const = 0;
  virtual int pose_embedding_size() const = 0;
  virtual int identity_embedding_size() const = 0;
  /// Takes effect with the next generate(). Throws Error: invalid for null, wrong_kind when the embedding or the personal
  /// weights do not fit; the identity set before then stays.
  void set_identity(std::shared_ptr<const Identity> identity);
  /// `pose` has pose_embedding_size elements; returns RGBA CV_8UC4, image_size square, alpha = mask. The picture is valid
  /// until the next call. Throws Error (invalid) when no identity was set, or the pose has another length or a value that
  /// is not finite.
  cv::Mat generate(std::span<const float> pose, AlphaMode alpha = AlphaMode::straight);

 protected:
  virtual void do_set_identity(std::shared_ptr<const Identity> identity) = 0;
  virtual cv::Mat do_generate(std::span<const float> pose, AlphaMode alpha) = 0;
  /// What generate() checks, for other ways to draw that a backend has.
  void check_drawable(std::span<const float> pose) const;

 private:
  bool has_identity_ = false;
};

/// S3FD: faces in a picture.
class REENACT_API Detector : public Network {
 public:
  /// `rgb` CV_8UC3 of any size, used as it is; boxes in its pixels after non-maximum suppression, best first. Throws Error
  /// (invalid) for other pictures.
  std::vector<FaceBox> detect(const cv::Mat& rgb, float score_threshold, float iou_threshold);

 protected:
  virtual std::vector<FaceBox> do_detect(const cv::Mat& rgb, float score_threshold, float iou_threshold) = 0;
};

/// Head and shoulders on a crop.
class REENACT_API Segmenter : public Network {
 public:
  /// `rgb` CV_8UC3 of any size; returns CV_8UC1 of the same size, 255 = person. Throws Error (invalid) for others.
  cv::Mat segment(const cv::Mat& rgb);

 protected:
  virtual cv::Mat do_segment(const cv::Mat& rgb) = 0;
};

/// Each throws Error: not_found, corrupt, wrong_kind for the file; unsupported for a device or precision that is not here.
REENACT_API std::unique_ptr<PoseEncoder> load_pose_encoder(const std::filesystem::path& reenactor,
                                                           const EngineOptions& options);
REENACT_API std::unique_ptr<IdentityEncoder> load_identity_encoder(const std::filesystem::path& reenactor,
                                                                   const EngineOptions& options);
REENACT_API std::unique_ptr<Generator> load_generator(const std::filesystem::path& reenactor,
                                                      const EngineOptions& options);
REENACT_API std::unique_ptr<Detector> load_detector(const std::filesystem::path& detector,
                                                    const EngineOptions& options);
REENACT_API std::unique_ptr<Segmenter> load_segmenter(const std::filesystem::path& segmenter,
                                                      const EngineOptions& options);

}  // namespace reenact
