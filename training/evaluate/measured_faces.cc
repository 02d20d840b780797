// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/measured_faces.h"

#include <opencv2/imgproc.hpp>

#include "offline/sha256.h"
#include "reenact/error.h"
#include "reenact/model_file.h"
#include "torch/device.h"
#include "torch/load_weights.h"
#include "training/data/mesh_to_68.h"
#include "training/evaluate/face_measures.h"

namespace reenact::training {
namespace {

cv::Mat scaled_to(const cv::Mat& picture, int side) {
  if (picture.type() != CV_8UC3 || picture.empty() || picture.cols != picture.rows)
    throw Error(ErrorCode::invalid, "faces are measured in square 8-bit RGB pictures");
  if (picture.cols == side) return picture;
  cv::Mat result;
  cv::resize(picture, result, {side, side}, 0, 0, picture.cols > side ? cv::INTER_AREA : cv::INTER_CUBIC);
  return result;
}

std::vector<cv::Mat> scaled_to_measure(const std::vector<cv::Mat>& pictures) {
  std::vector<cv::Mat> scaled;
  for (const auto& picture : pictures) scaled.push_back(scaled_to(picture, measured_side));
  return scaled;
}

}  // namespace

FacePointFinder::FacePointFinder(const std::string& model, const std::string& detector,
                                 const EngineOptions& engine) {
  const auto device = device_from(engine.device);
  const ModelFile file(find_model(model), ModelKind::landmarks);
  const auto config = file.info().config.get<LandmarksConfig>();
  fingerprint_ = "landmarks " + sha256_of_file(file.path());
  if (config.architecture != "fan") {
    mesh_ = load_landmark_network(model, device);
    return;
  }
  fan_ = Fan(config);
  load_weights(*fan_, file, "fan.");
  fan_->to(device);
  fan_->eval();
  if (detector.empty()) return;
  const auto path = find_model(detector);
  detector_ = load_detector(path, engine);
  fingerprint_ += " detector " + sha256_of_file(path);
}

std::vector<FaceBox> FacePointFinder::boxes_of(const std::vector<cv::Mat>& pictures) {
  constexpr float least_score = 0.5f, most_overlap = 0.3f;
  constexpr float inner = measured_side / static_cast<float>(paper_crop_scale),
                  rim = (measured_side - inner) / 2;
  std::vector<FaceBox> boxes;
  for (const auto& picture : pictures) {
    boxes.push_back({rim, rim, rim + inner, rim + inner, 1});
    if (!detector_) continue;
    const auto found = detector_->detect(picture, least_score, most_overlap);
    boxes.back() = found.empty() ? FaceBox() : found.front();
  }
  return boxes;
}

std::vector<MeasuredFace> FacePointFinder::find(const std::vector<cv::Mat>& pictures) {
  const auto scaled = scaled_to_measure(pictures);
  std::vector<MeasuredFace> faces(pictures.size());
  if (fan_.is_empty()) {
    const auto meshes = find_landmarks(mesh_, scaled);
    for (std::size_t i = 0; i < faces.size(); ++i) {
      faces[i].five = five_points(meshes[i], measured_side);
      faces[i].points = mesh_to_68(meshes[i]);
      for (auto& point : faces[i].points) point *= measured_side;
    }
    return faces;
  }
  const auto boxes = boxes_of(scaled);
  const auto points = find_fan_points(fan_, scaled, boxes);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    if (boxes[i].width() <= 0) continue;
    faces[i].points = points[i];
    faces[i].five = five_points_of_68(points[i]);
  }
  return faces;
}

FaceRecogniser::FaceRecogniser(const std::string& model, const EngineOptions& engine)
    : network_(load_recogniser(model, device_from(engine.device))),
      fingerprint_("recogniser " + sha256_of_file(find_model(model))) {}

bool FaceRecogniser::published() const {
  return network_->config().width == 1 && network_->config().embedding_size == 512;
}

std::vector<std::vector<float>> FaceRecogniser::describe(const std::vector<cv::Mat>& pictures,
                                                         const std::vector<MeasuredFace>& faces) {
  const int side = network_->config().image_size;
  const auto scaled = scaled_to_measure(pictures);
  std::vector<cv::Mat> aligned;
  for (std::size_t i = 0; i < scaled.size(); ++i) {
    if (faces[i].found()) {
      aligned.push_back(aligned_face(scaled[i], faces[i].five, side));
      continue;
    }
    // Left, top and the size of what the released script takes of a crop without a face.
    const cv::Rect middle(53, 42, measured_side - 2 * 53, measured_side - 42 - 64);
    aligned.emplace_back();
    cv::resize(scaled[i](middle), aligned.back(), {side, side}, 0, 0, cv::INTER_CUBIC);
  }
  const auto vectors = describe_faces(network_, aligned).contiguous();
  std::vector<std::vector<float>> result;
  for (std::int64_t i = 0; i < vectors.size(0); ++i) {
    const float* values = vectors[i].data_ptr<float>();
    result.emplace_back(values, values + vectors.size(1));
  }
  return result;
}

}  // namespace reenact::training
