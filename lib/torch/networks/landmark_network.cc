// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/landmark_network.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "reenact/error.h"
#include "reenact/model_file.h"
#include "torch/load_weights.h"

namespace reenact {
namespace {

constexpr std::size_t crops_at_once = 32;

/// Meshes of squares of pictures, in pixels of those.
std::vector<std::vector<cv::Point2f>> look(LandmarkNetwork& network, const cv::Mat* crops,
                                           const std::vector<FaceSquare>& squares) {
  const int size = network->config().image_size;
  const auto count = static_cast<std::int64_t>(squares.size());
  auto bytes = torch::empty({count, size, size, 3}, torch::kUInt8);
  for (std::size_t i = 0; i < squares.size(); ++i)
    cut_square(crops[i], squares[i], size)
        .copyTo(cv::Mat(size, size, CV_8UC3, bytes[static_cast<std::int64_t>(i)].data_ptr()));
  const auto device = network->parameters().front().device();
  const auto rgb = bytes.to(device, torch::kFloat).div(255).permute({0, 3, 1, 2});
  const auto points = network->forward(rgb).to(torch::kCPU, torch::kFloat).contiguous();
  const float* values = points.data_ptr<float>();
  std::vector<std::vector<cv::Point2f>> meshes(squares.size());
  for (std::size_t i = 0; i < squares.size(); ++i)
    for (int k = 0; k < network->config().points; ++k, values += 2)
      meshes[i].emplace_back(squares[i].left + values[0] * squares[i].side,
                             squares[i].top + values[1] * squares[i].side);
  return meshes;
}

}  // namespace

LandmarkNetworkImpl::LandmarkNetworkImpl(const LandmarksConfig& config, double dropout)
    : MobileNetV2Impl(2 * config.points, config.width, dropout), config_(config) {}

torch::Tensor LandmarkNetworkImpl::forward(const torch::Tensor& rgb) {
  return MobileNetV2Impl::forward(rgb).to(torch::kFloat).view({rgb.size(0), config_.points, 2});
}

FaceSquare square_around(const std::vector<cv::Point2f>& mesh, double framing, float scale) {
  if (mesh.empty()) throw Error(ErrorCode::invalid, "a face mesh has no points");
  cv::Point2f least = mesh.front(), most = mesh.front();
  for (const auto& point : mesh) {
    least = {std::min(least.x, point.x), std::min(least.y, point.y)};
    most = {std::max(most.x, point.x), std::max(most.y, point.y)};
  }
  const float side =
      std::max(1e-3f, std::max(most.x - least.x, most.y - least.y)) * scale * static_cast<float>(framing);
  return {(least.x + most.x) / 2 * scale - side / 2, (least.y + most.y) / 2 * scale - side / 2, side};
}

cv::Mat cut_square(const cv::Mat& rgb, const FaceSquare& square, int size) {
  // Pixels are cells: the square's edge, not the middle of its first pixel, goes to the edge.
  const double step = square.side / size;
  const cv::Matx23d place(step, 0, square.left + step / 2 - 0.5, 0, step, square.top + step / 2 - 0.5);
  cv::Mat source = rgb, result;
  if (step > 1.5) {  // a linear lookup would leave pixels out
    const double shrink = 1 / step;
    cv::resize(rgb, source, {}, shrink, shrink, cv::INTER_AREA);
    const double x = static_cast<double>(source.cols) / rgb.cols,
                 y = static_cast<double>(source.rows) / rgb.rows;
    const cv::Matx23d smaller(step * x, 0, (square.left + step / 2) * x - 0.5, 0, step * y,
                              (square.top + step / 2) * y - 0.5);
    cv::warpAffine(source, result, smaller, {size, size}, cv::INTER_LINEAR | cv::WARP_INVERSE_MAP);
    return result;
  }
  cv::warpAffine(source, result, place, {size, size}, cv::INTER_LINEAR | cv::WARP_INVERSE_MAP);
  return result;
}

LandmarkNetwork load_landmark_network(const std::string& model, const torch::Device& device) {
  const ModelFile file(find_model(model), ModelKind::landmarks);
  const auto config = file.info().config.get<LandmarksConfig>();
  if (config.architecture == "fan")
    throw Error(
        ErrorCode::wrong_kind,
        "'" + file.path().string() + "' is a FAN of 68 points, wanted a landmark network of a face mesh");
  LandmarkNetwork network(config);
  load_weights(*network, file, "lmk.");
  network->to(device);
  network->eval();
  for (auto& parameter : network->parameters()) parameter.set_requires_grad(false);
  return network;
}

std::vector<std::vector<cv::Point2f>> find_landmarks(LandmarkNetwork& network,
                                                     const std::vector<cv::Mat>& crops) {
  for (const auto& crop : crops)
    if (crop.type() != CV_8UC3 || crop.empty() || crop.cols != crop.rows)
      throw Error(ErrorCode::invalid, "the landmark network wants square 8-bit pictures of three channels");
  torch::NoGradGuard no_grad;
  std::vector<std::vector<cv::Point2f>> all;
  for (std::size_t first = 0; first < crops.size(); first += crops_at_once) {
    const std::size_t count = std::min(crops_at_once, crops.size() - first);
    std::vector<FaceSquare> squares;
    for (std::size_t i = 0; i < count; ++i)
      squares.push_back({0, 0, static_cast<float>(crops[first + i].cols)});
    auto meshes = look(network, &crops[first], squares);
    for (int again = 0; again < 2; ++again) {
      for (std::size_t i = 0; i < count; ++i) {
        squares[i] = square_around(meshes[i], network->config().framing);
        // An untrained network may point anywhere.
        const float whole = static_cast<float>(crops[first + i].cols);
        squares[i].side = std::clamp(squares[i].side, whole / 8, whole * 4);
        squares[i].left = std::clamp(squares[i].left, -4 * whole, 4 * whole);
        squares[i].top = std::clamp(squares[i].top, -4 * whole, 4 * whole);
      }
      meshes = look(network, &crops[first], squares);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const float side = static_cast<float>(crops[first + i].cols);
      for (auto& point : meshes[i]) point = point / side;
      all.push_back(std::move(meshes[i]));
    }
  }
  return all;
}

}  // namespace reenact
