// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/fan.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <string>

#include "reenact/error.h"

namespace reenact {
namespace nn = torch::nn;
namespace {

constexpr int fan_features = 256, fan_depth = 4, fan_map_side = 64;
/// Side of the window over the face box: 200 pixels for a box whose sides add up to 195.
constexpr float fan_box_share = 200.0f / 195, fan_lift = 0.12f;

nn::Conv2d fan_convolution(int in, int out, int kernel, bool bias) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).padding(kernel / 2).bias(bias));
}

/// Three convolutions of a half, a quarter and a quarter of the channels, put side by side and added to the input.
class HourglassBlockImpl : public nn::Module {
 public:
  HourglassBlockImpl(int in, int out) {
    bn1_ = register_module("bn1", nn::BatchNorm2d(in));
    conv1_ = register_module("conv1", fan_convolution(in, out / 2, 3, false));
    bn2_ = register_module("bn2", nn::BatchNorm2d(out / 2));
    conv2_ = register_module("conv2", fan_convolution(out / 2, out / 4, 3, false));
    bn3_ = register_module("bn3", nn::BatchNorm2d(out / 4));
    conv3_ = register_module("conv3", fan_convolution(out / 4, out / 4, 3, false));
    if (in != out)
      downsample_ =
          register_module("downsample", nn::Sequential(nn::BatchNorm2d(in), nn::Functional(torch::relu),
                                                       fan_convolution(in, out, 1, false)));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const auto first = conv1_(torch::relu(bn1_(x)));
    const auto second = conv2_(torch::relu(bn2_(first)));
    const auto third = conv3_(torch::relu(bn3_(second)));
    return torch::cat({first, second, third}, 1) + (downsample_.is_empty() ? x : downsample_->forward(x));
  }

 private:
  nn::BatchNorm2d bn1_ = nullptr, bn2_ = nullptr, bn3_ = nullptr;
  nn::Conv2d conv1_ = nullptr, conv2_ = nullptr, conv3_ = nullptr;
  nn::Sequential downsample_ = nullptr;
};
TORCH_MODULE(HourglassBlock);

class HourglassImpl : public nn::Module {
 public:
  HourglassImpl() {
    for (int level = fan_depth; level > 0; --level)
      for (const char* branch : {"b1_", "b2_", "b3_"}) add(branch + std::to_string(level));
    add("b2_plus_1");
  }
  torch::Tensor forward(const torch::Tensor& x) { return at(fan_depth, x); }

 private:
  void add(const std::string& name) { register_module(name, HourglassBlock(fan_features, fan_features)); }
  torch::Tensor block(const std::string& name, const torch::Tensor& x) {
    return named_children()[name]->as<HourglassBlock>()->forward(x);
  }
  torch::Tensor at(int level, const torch::Tensor& x) {
    const auto number = std::to_string(level);
    const auto beside = block("b1_" + number, x);
    auto below = block("b2_" + number, torch::avg_pool2d(x, 2, 2));
    below = level > 1 ? at(level - 1, below) : block("b2_plus_1", below);
    below = block("b3_" + number, below);
    return beside + torch::upsample_nearest2d(below, {x.size(2), x.size(3)});
  }
};
TORCH_MODULE(Hourglass);

}  // namespace

FanImpl::FanImpl(const LandmarksConfig& config) : config_(config) {
  register_module("conv1", nn::Conv2d(nn::Conv2dOptions(3, 64, 7).stride(2).padding(3)));
  register_module("bn1", nn::BatchNorm2d(64));
  register_module("conv2", HourglassBlock(64, 128));
  register_module("conv3", HourglassBlock(128, 128));
  register_module("conv4", HourglassBlock(128, fan_features));
  for (int i = 0; i < config.stacks; ++i) {
    const auto number = std::to_string(i);
    register_module("m" + number, Hourglass());
    register_module("top_m_" + number, HourglassBlock(fan_features, fan_features));
    register_module("conv_last" + number, fan_convolution(fan_features, fan_features, 1, true));
    register_module("bn_end" + number, nn::BatchNorm2d(fan_features));
    register_module("l" + number, fan_convolution(fan_features, config.points, 1, true));
    if (i + 1 == config.stacks) continue;
    register_module("bl" + number, fan_convolution(fan_features, fan_features, 1, true));
    register_module("al" + number, fan_convolution(config.points, fan_features, 1, true));
  }
}

torch::Tensor FanImpl::forward(const torch::Tensor& pictures) {
  const auto children = named_children();
  const auto convolve = [&](const std::string& name, const torch::Tensor& x) {
    return children[name]->as<nn::Conv2d>()->forward(x);
  };
  const auto normalise = [&](const std::string& name, const torch::Tensor& x) {
    return torch::relu(children[name]->as<nn::BatchNorm2d>()->forward(x));
  };
  const auto block = [&](const std::string& name, const torch::Tensor& x) {
    return children[name]->as<HourglassBlock>()->forward(x);
  };
  auto before = block("conv2", normalise("bn1", convolve("conv1", pictures)));
  before = block("conv4", block("conv3", torch::avg_pool2d(before, 2, 2)));
  torch::Tensor maps;
  for (int i = 0; i < config_.stacks; ++i) {
    const auto number = std::to_string(i);
    const auto seen = block("top_m_" + number, children["m" + number]->as<Hourglass>()->forward(before));
    const auto last = normalise("bn_end" + number, convolve("conv_last" + number, seen));
    maps = convolve("l" + number, last);
    if (i + 1 < config_.stacks)
      before = before + convolve("bl" + number, last) + convolve("al" + number, maps);
  }
  return maps;
}

namespace {

struct FanPlace {
  float center_x, center_y, side;
  explicit FanPlace(const FaceBox& box)
      : center_x((box.left + box.right) / 2),
        center_y((box.top + box.bottom) / 2 - fan_lift * box.height()),
        side(std::max(1.0f, (box.width() + box.height()) * fan_box_share)) {}
  /// From a map of so many cells a side to the picture, cut to whole numbers.
  cv::Point at(float x, float y, float cells) const {
    return {static_cast<int>(center_x + side * (x / cells - 0.5f)),
            static_cast<int>(center_y + side * (y / cells - 0.5f))};
  }
};

}  // namespace

cv::Rect fan_window(const FaceBox& box) {
  const FanPlace place(box);
  // The corners are those of the first and the last pixel of the network's picture, counted from 1.
  constexpr float size = 256;
  const cv::Point first = place.at(1, 1, size), last = place.at(size, size, size);
  return {first.x, first.y, std::max(1, last.x - first.x), std::max(1, last.y - first.y)};
}

std::vector<cv::Point2f> fan_points(const torch::Tensor& heat_maps, const FaceBox& box) {
  const auto maps = heat_maps.to(torch::kCPU, torch::kFloat).contiguous();
  const FanPlace place(box);
  std::vector<cv::Point2f> points;
  for (std::int64_t k = 0; k < maps.size(0); ++k) {
    const cv::Mat map(fan_map_side, fan_map_side, CV_32FC1, maps[k].data_ptr());
    cv::Point highest;
    cv::minMaxLoc(map, nullptr, nullptr, nullptr, &highest);
    cv::Point2f found(static_cast<float>(highest.x) + 1,
                      static_cast<float>(highest.y) + 1);  // counted from 1
    if (highest.x > 0 && highest.x < fan_map_side - 1 && highest.y > 0 && highest.y < fan_map_side - 1) {
      const auto towards = [](float less, float more) {
        return more > less ? 0.25f : more < less ? -0.25f : 0.0f;
      };
      found.x += towards(map.at<float>(highest.y, highest.x - 1), map.at<float>(highest.y, highest.x + 1));
      found.y += towards(map.at<float>(highest.y - 1, highest.x), map.at<float>(highest.y + 1, highest.x));
    }
    points.push_back(place.at(found.x - 0.5f, found.y - 0.5f, fan_map_side));
  }
  return points;
}

std::vector<std::vector<cv::Point2f>> find_fan_points(Fan& network, const std::vector<cv::Mat>& pictures,
                                                      const std::vector<FaceBox>& boxes) {
  if (pictures.size() != boxes.size())
    throw Error(ErrorCode::invalid, "there are " + std::to_string(boxes.size()) + " face boxes for " +
                                        std::to_string(pictures.size()) + " pictures, wanted one for each");
  constexpr std::size_t at_once = 8;
  const int size = network->config().image_size;
  const bool swap = network->config().channel_order == "bgr";
  const auto device = network->parameters().front().device();
  torch::NoGradGuard no_grad;
  std::vector<std::vector<cv::Point2f>> points;
  for (std::size_t first = 0; first < pictures.size(); first += at_once) {
    const std::size_t count = std::min(at_once, pictures.size() - first);
    auto bytes = torch::empty({static_cast<std::int64_t>(count), size, size, 3}, torch::kUInt8);
    for (std::size_t i = 0; i < count; ++i) {
      const auto& picture = pictures[first + i];
      if (picture.type() != CV_8UC3 || picture.empty())
        throw Error(ErrorCode::invalid, "the face alignment network wants 8-bit pictures of three channels");
      const auto window = fan_window(boxes[first + i]);
      cv::Mat cut(window.size(), CV_8UC3, cv::Scalar::all(0)), seen;
      const auto inside = window & cv::Rect(0, 0, picture.cols, picture.rows);
      if (!inside.empty()) picture(inside).copyTo(cut(inside - window.tl()));
      cv::resize(cut, seen, {size, size}, 0, 0, cv::INTER_LINEAR);
      if (swap) cv::cvtColor(seen, seen, cv::COLOR_RGB2BGR);
      seen.copyTo(cv::Mat(size, size, CV_8UC3, bytes[static_cast<std::int64_t>(i)].data_ptr()));
    }
    const auto maps = network->forward(bytes.to(device, torch::kFloat).div(255).permute({0, 3, 1, 2}));
    for (std::size_t i = 0; i < count; ++i)
      points.push_back(fan_points(maps[static_cast<std::int64_t>(i)], boxes[first + i]));
  }
  return points;
}

}  // namespace reenact
