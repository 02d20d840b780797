// SPDX-License-Identifier: LGPL-2.1-or-later
// The CPU backend's U-Net against the definition of its layers, computed here one by one in double.
#include "cpu/segmenter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "parity_model.h"
#include "reenact/backend.h"
#include "reenact/error.h"

namespace reenact::test {
namespace {

constexpr int picture_size = 16;

struct Planes {
  int channels = 0, size = 0;
  std::vector<double> values;
  double& at(int c, int y, int x) { return values[(static_cast<std::size_t>(c) * size + y) * size + x]; }
  double padded(int c, int y, int x) { return y < 0 || x < 0 || y >= size || x >= size ? 0.0 : at(c, y, x); }
};

Planes make(int channels, int size) {
  return {channels, size, std::vector<double>(channels * size * size)};
}

Planes convolve(Planes in, const FloatTensors& tensors, const std::string& convolution,
                const std::string& norm) {
  const std::vector<float>& weights = tensors.at(convolution + ".weight").values;
  Planes out = make(static_cast<int>(tensors.at(convolution + ".weight").shape[0]), in.size);
  for (int o = 0; o < out.channels; ++o) {
    const auto value = [&](const char* name) { return tensors.at(norm + name).values[o]; };
    for (int y = 0; y < in.size; ++y) {
      for (int x = 0; x < in.size; ++x) {
        double sum = 0;
        for (int c = 0; c < in.channels; ++c) {
          for (int k = 0; k < 9; ++k) {
            sum += weights[(o * in.channels + c) * 9 + k] * in.padded(c, y + k / 3 - 1, x + k % 3 - 1);
          }
        }
        const double normalised = (sum - value(".running_mean")) / std::sqrt(value(".running_var") + 1e-5);
        out.at(o, y, x) = std::max(0.0, normalised * value(".weight") + value(".bias"));
      }
    }
  }
  return out;
}

Planes block(Planes in, const FloatTensors& tensors, const std::string& name) {
  in = convolve(std::move(in), tensors, "unet." + name + ".conv1", "unet." + name + ".norm1");
  return convolve(std::move(in), tensors, "unet." + name + ".conv2", "unet." + name + ".norm2");
}

Planes pool(Planes in) {
  Planes out = make(in.channels, in.size / 2);
  for (int c = 0; c < in.channels; ++c) {
    for (int y = 0; y < out.size; ++y) {
      for (int x = 0; x < out.size; ++x) {
        out.at(c, y, x) = std::max({in.at(c, 2 * y, 2 * x), in.at(c, 2 * y, 2 * x + 1),
                                    in.at(c, 2 * y + 1, 2 * x), in.at(c, 2 * y + 1, 2 * x + 1)});
      }
    }
  }
  return out;
}

Planes upsample_and_join(Planes small, Planes skip) {
  Planes out = make(small.channels + skip.channels, skip.size);
  for (int c = 0; c < small.channels; ++c) {
    for (int y = 0; y < skip.size; ++y) {
      for (int x = 0; x < skip.size; ++x) {
        const double sy = std::max(0.0, (y + 0.5) / 2 - 0.5), sx = std::max(0.0, (x + 0.5) / 2 - 0.5);
        const int y0 = static_cast<int>(sy), x0 = static_cast<int>(sx);
        const int y1 = std::min(y0 + 1, small.size - 1), x1 = std::min(x0 + 1, small.size - 1);
        const double fy = sy - y0, fx = sx - x0;
        out.at(c, y, x) = (1 - fy) * ((1 - fx) * small.at(c, y0, x0) + fx * small.at(c, y0, x1)) +
                          fy * ((1 - fx) * small.at(c, y1, x0) + fx * small.at(c, y1, x1));
      }
    }
  }
  std::copy(skip.values.begin(), skip.values.end(),
            out.values.begin() + small.channels * skip.size * skip.size);
  return out;
}

SegmenterConfig config_here() {
  SegmenterConfig config;
  config.image_size = picture_size;
  config.base_channels = 4;
  config.levels = 2;
  return config;
}

FloatTensors random_unet(const SegmenterConfig& config) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  FloatTensors tensors;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape, float mean,
                       float deviation) {
    std::int64_t count = 1;
    for (std::int64_t size : shape) count *= size;
    FloatTensor tensor{std::move(shape), std::vector<float>(count)};
    for (float& value : tensor.values) value = mean + deviation * normal(random);
    tensors[name] = std::move(tensor);
  };
  const auto add_block = [&](const std::string& name, int in, int out) {
    for (int i : {1, 2}) {
      const std::string convolution = "unet." + name + ".conv" + std::to_string(i);
      const std::string norm = "unet." + name + ".norm" + std::to_string(i);
      add(convolution + ".weight", {out, i == 1 ? in : out, 3, 3}, 0, 0.2f);
      add(norm + ".weight", {out}, 1, 0.1f);
      add(norm + ".bias", {out}, 0, 0.3f);
      add(norm + ".running_mean", {out}, 0, 0.3f);
      add(norm + ".running_var", {out}, 1, 0.05f);
    }
  };
  int channels = config.base_channels;
  add_block("down0", 3, channels);
  for (int level = 1; level <= config.levels; ++level, channels *= 2) {
    add_block("down" + std::to_string(level), channels, 2 * channels);
  }
  for (int level = config.levels - 1; level >= 0; --level, channels /= 2) {
    add_block("up" + std::to_string(level), channels + channels / 2, channels / 2);
  }
  add("unet.out.weight", {1, channels, 1, 1}, 0, 0.5f);
  add("unet.out.bias", {1}, 0, 1);
  return tensors;
}

TEST(CpuSegmenter, FollowsTheDefinition) {
  const SegmenterConfig config = config_here();
  const FloatTensors tensors = random_unet(config);
  const auto model = write_model("unet", ModelKind::segmenter, to_json(config), tensors);
  std::mt19937 random(4);
  cv::Mat picture(picture_size, picture_size, CV_8UC3);
  for (std::size_t i = 0; i < picture.total() * 3; ++i) picture.data[i] = random() % 256;

  Planes in = make(3, picture_size);
  for (int y = 0; y < picture_size; ++y) {
    for (int x = 0; x < picture_size; ++x) {
      for (int c = 0; c < 3; ++c) in.at(c, y, x) = picture.at<cv::Vec3b>(y, x)[c] / 255.0;
    }
  }
  const Planes down0 = block(in, tensors, "down0"), down1 = block(pool(down0), tensors, "down1"),
               down2 = block(pool(down1), tensors, "down2");
  const Planes up1 = block(upsample_and_join(down2, down1), tensors, "up1");
  Planes up0 = block(upsample_and_join(up1, down0), tensors, "up0");

  for (int threads : {1, 2}) {
    EngineOptions options;
    options.threads = threads;
    const cv::Mat mask = cpu_backend()->segmenter(model, config_here(), options)->segment(picture);
    ASSERT_EQ(mask.type(), CV_8UC1);
    ASSERT_EQ(mask.size(), picture.size());
    for (int y = 0; y < picture_size; ++y) {
      for (int x = 0; x < picture_size; ++x) {
        double logit = tensors.at("unet.out.bias").values[0];
        for (int c = 0; c < up0.channels; ++c)
          logit += tensors.at("unet.out.weight").values[c] * up0.at(c, y, x);
        ASSERT_NEAR(mask.at<std::uint8_t>(y, x), 255 / (1 + std::exp(-logit)), 0.51) << y << ' ' << x;
      }
    }
  }
}

TEST(CpuSegmenter, MaskHasThePicturesSize) {
  const auto model =
      write_model("unet_size", ModelKind::segmenter, to_json(config_here()), random_unet(config_here()));
  const auto segmenter = cpu_backend()->segmenter(model, config_here(), {});
  EXPECT_EQ(segmenter->segment(cv::Mat(50, 70, CV_8UC3, cv::Scalar(1, 2, 3))).size(), cv::Size(70, 50));
  EXPECT_THROW(segmenter->segment(cv::Mat(5, 5, CV_8UC1)), Error);
}

}  // namespace
}  // namespace reenact::test
