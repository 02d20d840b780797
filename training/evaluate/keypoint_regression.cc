// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/keypoint_regression.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "reenact/error.h"
#include "training/evaluate/statistics.h"

namespace reenact::training {
namespace nn = torch::nn;
namespace {

constexpr std::int64_t keypoint_numbers = 10;

struct KeypointTensors {
  torch::Tensor features, points;  // [N, d], [N, 10]
};

KeypointTensors keypoint_tensors(const std::vector<KeypointSample>& samples) {
  const auto count = static_cast<std::int64_t>(samples.size());
  const auto size = static_cast<std::int64_t>(samples.front().features.size());
  KeypointTensors tensors{torch::empty({count, size}), torch::empty({count, keypoint_numbers})};
  for (std::int64_t i = 0; i < count; ++i) {
    const auto& sample = samples[static_cast<std::size_t>(i)];
    if (static_cast<std::int64_t>(sample.features.size()) != size)
      throw Error(ErrorCode::invalid, "features have " + std::to_string(size) + " and " +
                                          std::to_string(sample.features.size()) +
                                          " numbers, wanted one length");
    std::copy(sample.features.begin(), sample.features.end(), tensors.features[i].data_ptr<float>());
    float* points = tensors.points[i].data_ptr<float>();
    for (const auto& point : sample.points) {
      *points++ = point.x;
      *points++ = point.y;
    }
  }
  return tensors;
}

/// Per cent of the distance between the eyes, one a picture.
std::vector<double> keypoint_errors(const torch::Tensor& found, const torch::Tensor& wanted) {
  const auto distances = (found - wanted).view({-1, 5, 2}).norm(2, 2).mean(1);
  const auto eyes = (wanted.slice(1, 0, 2) - wanted.slice(1, 2, 4)).norm(2, 1).clamp_min(1e-6);
  const auto shares = (100 * distances / eyes).to(torch::kDouble).contiguous();
  return {shares.data_ptr<double>(), shares.data_ptr<double>() + shares.numel()};
}

}  // namespace

nn::Sequential keypoint_network(std::int64_t features, int hidden) {
  if (hidden == 0) return nn::Sequential(nn::Linear(features, keypoint_numbers));
  return nn::Sequential(nn::Linear(features, hidden), nn::ReLU(), nn::Linear(hidden, keypoint_numbers));
}

KeypointResult regress_keypoints(const std::vector<KeypointSample>& training,
                                 const std::vector<KeypointSample>& test, const KeypointOptions& options) {
  if (training.size() < 10 || test.empty())
    throw Error(ErrorCode::invalid, "there are " + std::to_string(training.size()) +
                                        " faces to learn from and " + std::to_string(test.size()) +
                                        " to test on, wanted 10 and 1 at least");
  torch::manual_seed(options.seed);
  const auto all = keypoint_tensors(training), tested = keypoint_tensors(test);
  const auto held_back =
      std::max<std::int64_t>(1, std::llround(options.stopping_share * static_cast<double>(training.size())));
  const auto count = all.features.size(0) - held_back;
  const auto mean = all.features.slice(0, 0, count).mean(0);
  const auto deviation = (all.features.slice(0, 0, count) - mean).pow(2).mean(0).sqrt().clamp_min(1e-6);
  const auto prepared = [&](const torch::Tensor& features) { return (features - mean) / deviation; };
  const auto features = prepared(all.features), mean_face = all.points.slice(0, 0, count).mean(0);

  auto network = keypoint_network(all.features.size(1), options.hidden);
  KeypointResult result;
  for (const auto& parameter : network->parameters()) result.parameters += parameter.numel();
  {
    torch::NoGradGuard no_grad;
    network->parameters().back().copy_(mean_face);
  }
  const auto error_of = [&](const torch::Tensor& of, const torch::Tensor& wanted) {
    torch::NoGradGuard no_grad;
    return keypoint_errors(network->forward(of), wanted);
  };
  torch::optim::Adam optimizer(network->parameters(), torch::optim::AdamOptions(options.learning_rate));
  std::vector<torch::Tensor> best;
  double least = std::numeric_limits<double>::infinity();
  constexpr int most_reductions = 3;
  int since = 0, reductions = 0;
  for (; result.epochs < options.most_epochs; ++result.epochs) {
    const auto order = torch::randperm(count, torch::kLong);
    for (const auto& part : order.split(options.batch_size)) {
      optimizer.zero_grad();
      torch::mse_loss(network->forward(features.index_select(0, part)), all.points.index_select(0, part))
          .backward();
      optimizer.step();
    }
    const double error = mean_of(error_of(features.slice(0, count), all.points.slice(0, count)));
    if (error < least) {
      least = error;
      since = 0;
      best.clear();
      for (const auto& parameter : network->parameters()) best.push_back(parameter.detach().clone());
    } else if (++since >= options.patience) {
      if (++reductions > most_reductions) break;
      since = 0;
      auto& group = static_cast<torch::optim::AdamOptions&>(optimizer.param_groups()[0].options());
      group.lr(group.lr() / 5);
    }
  }
  {
    torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < best.size(); ++i) network->parameters()[i].copy_(best[i]);
  }
  result.of_pictures = error_of(prepared(tested.features), tested.points);
  result.error = mean_of(result.of_pictures);
  result.mean_face_error = mean_of(keypoint_errors(mean_face.unsqueeze(0), tested.points));
  return result;
}

}  // namespace reenact::training
