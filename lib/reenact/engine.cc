// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/engine.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "reenact/backend.h"
#include "reenact/enum_names.h"
#include "reenact/error.h"
#include "reenact/identity.h"

namespace reenact {
namespace {

constexpr std::pair<const char*, Precision> precision_names[] = {{"auto", Precision::automatic},
                                                                 {"fp32", Precision::fp32},
                                                                 {"bf16", Precision::bf16},
                                                                 {"fp16", Precision::fp16},
                                                                 {"int8", Precision::int8}};

constexpr std::pair<const char*, NetworkKind> network_names[] = {
    {"pose encoder", NetworkKind::pose_encoder},
    {"identity encoder", NetworkKind::identity_encoder},
    {"generator", NetworkKind::generator},
    {"detector", NetworkKind::detector},
    {"segmenter", NetworkKind::segmenter}};

void check_picture(const char* network, const cv::Mat& rgb) {
  if (!rgb.empty() && rgb.type() == CV_8UC3) return;
  throw Error(ErrorCode::invalid,
              std::string("the ") + network + " was given " +
                  (rgb.empty() ? "an empty picture" : "a picture of type " + cv::typeToString(rgb.type())) +
                  ", wanted 8-bit RGB");
}

}  // namespace

std::string to_string(Precision precision) {
  return name_of(precision_names, precision, "precision", "Precision");
}

std::string to_string(NetworkKind network) {
  return name_of(network_names, network, "network", "NetworkKind");
}

void PoseEncoder::encode(const cv::Mat& rgb, std::span<float> pose) {
  check_picture("pose encoder", rgb);
  if (pose.size() != static_cast<std::size_t>(embedding_size())) {
    throw Error(ErrorCode::invalid, "the pose encoder was given room for " + std::to_string(pose.size()) +
                                        " values, wanted " + std::to_string(embedding_size()));
  }
  do_encode(rgb, pose);
}

std::vector<float> IdentityEncoder::encode(std::span<const cv::Mat> rgb_crops) {
  if (rgb_crops.empty())
    throw Error(ErrorCode::invalid, "the identity encoder was given no picture, wanted at least one");
  for (const cv::Mat& crop : rgb_crops) check_picture("identity encoder", crop);
  return do_encode(rgb_crops);
}

void Generator::set_identity(std::shared_ptr<const Identity> identity) {
  if (!identity) throw Error(ErrorCode::invalid, "the generator was given a null identity, wanted one");
  if (identity->embedding.size() != static_cast<std::size_t>(identity_embedding_size())) {
    throw Error(ErrorCode::wrong_kind, "identity '" + identity->name + "' has an embedding of " +
                                           std::to_string(identity->embedding.size()) +
                                           " values, wanted the reenactor's " +
                                           std::to_string(identity_embedding_size()));
  }
  do_set_identity(std::move(identity));
  has_identity_ = true;
}

void Generator::check_drawable(std::span<const float> pose) const {
  if (!has_identity_)
    throw Error(ErrorCode::invalid,
                "the generator was asked for a head and has no identity, wanted one first");
  if (pose.size() != static_cast<std::size_t>(pose_embedding_size())) {
    throw Error(ErrorCode::invalid, "the pose has " + std::to_string(pose.size()) +
                                        " values, wanted the reenactor's " +
                                        std::to_string(pose_embedding_size()));
  }
  if (!std::all_of(pose.begin(), pose.end(), [](float value) { return std::isfinite(value); }))
    throw Error(ErrorCode::invalid, "the pose has a value that is not finite, wanted finite ones");
}

cv::Mat Generator::generate(std::span<const float> pose, AlphaMode alpha) {
  check_drawable(pose);
  return do_generate(pose, alpha);
}

std::vector<FaceBox> Detector::detect(const cv::Mat& rgb, float score_threshold, float iou_threshold) {
  check_picture("detector", rgb);
  return do_detect(rgb, score_threshold, iou_threshold);
}

cv::Mat Segmenter::segment(const cv::Mat& rgb) {
  check_picture("segmenter", rgb);
  return do_segment(rgb);
}

}  // namespace reenact
