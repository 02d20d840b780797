// SPDX-License-Identifier: LGPL-2.1-or-later
// Stands in for the LibTorch module in the tests of the elements: networks whose results can be told in
// advance. The detector finds patches of fake_face_color, a pose holds the mean colour of its crop, a head is
// an ellipse whose colours are red and green of the identity and red of the pose.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <opencv2/imgproc.hpp>
#include <string>
#include <thread>

#include "fake_colors.h"
#include "reenact/backend.h"
#include "reenact/error.h"
#include "reenact/identity.h"

namespace reenact {
namespace {

/// Each network takes at least so long for a frame, where the environment asks for it.
std::chrono::milliseconds pretended_time() {
  const char* text = std::getenv("REENACT_FAKE_MILLISECONDS");
  return std::chrono::milliseconds(text ? std::atoi(text) : 0);
}

/// So that times remembered of one are not taken for those of another.
std::string engine_name() {
  const auto time = pretended_time().count();
  return time > 0 ? "fake fp32 of " + std::to_string(time) + " ms" : "fake fp32";
}

class FakePoseEncoder : public PoseEncoder {
 public:
  explicit FakePoseEncoder(const ReenactorConfig& config) : config_(config) {}
  std::string active_device() const override { return "cpu"; }
  std::string active_engine() const override { return engine_name(); }
  int image_size() const override { return config_.pose_image_size(); }
  int embedding_size() const override { return config_.pose_embedding_size; }
  void do_encode(const cv::Mat& rgb, std::span<float> pose) override {
    std::this_thread::sleep_for(pretended_time());
    const cv::Scalar mean = cv::mean(rgb);
    for (std::size_t i = 0; i < pose.size(); ++i) pose[i] = i < 3 ? float(mean[int(i)] / 255) : 0;
  }

 private:
  ReenactorConfig config_;
};

class FakeIdentityEncoder : public IdentityEncoder {
 public:
  explicit FakeIdentityEncoder(const ReenactorConfig& config) : config_(config) {}
  std::string active_device() const override { return "cpu"; }
  std::string active_engine() const override { return engine_name(); }
  int image_size() const override { return config_.image_size; }
  int embedding_size() const override { return config_.identity_embedding_size; }
  std::vector<float> do_encode(std::span<const cv::Mat> crops) override {
    std::vector<float> embedding(config_.identity_embedding_size, 0.0f);
    for (const cv::Mat& crop : crops) {
      const cv::Scalar mean = cv::mean(crop);
      for (int i = 0; i < 3; ++i) embedding[std::size_t(i)] += float(mean[i] / 255 / double(crops.size()));
    }
    return embedding;
  }

 private:
  ReenactorConfig config_;
};

class FakeGenerator : public Generator {
 public:
  explicit FakeGenerator(const ReenactorConfig& config) : config_(config) {}
  std::string active_device() const override { return "cpu"; }
  std::string active_engine() const override { return engine_name(); }
  int image_size() const override { return config_.image_size; }
  int pose_embedding_size() const override { return config_.pose_embedding_size; }
  int identity_embedding_size() const override { return config_.identity_embedding_size; }
  void do_set_identity(std::shared_ptr<const Identity> identity) override { identity_ = std::move(identity); }
  cv::Mat do_generate(std::span<const float> pose, AlphaMode) override {
    std::this_thread::sleep_for(pretended_time());
    picture_.create(config_.image_size, config_.image_size, CV_8UC4);
    picture_.setTo(cv::Scalar::all(0));
    const auto level = [](float value) { return std::clamp(std::round(double(value) * 255), 0.0, 255.0); };
    const int half = config_.image_size / 2;
    cv::ellipse(picture_, {half, half}, {half / 2, half * 3 / 4}, 0, 0, 360,
                {level(identity_->embedding[0]), level(identity_->embedding[1]), level(pose[0]), 255},
                cv::FILLED);
    return picture_;
  }

 private:
  ReenactorConfig config_;
  std::shared_ptr<const Identity> identity_;
  cv::Mat picture_;
};

class FakeDetector : public Detector {
 public:
  std::string active_device() const override { return "cpu"; }
  std::string active_engine() const override { return engine_name(); }
  std::vector<FaceBox> do_detect(const cv::Mat& rgb, float score_threshold, float) override {
    std::this_thread::sleep_for(pretended_time());
    constexpr float score = 0.99f;
    if (score < score_threshold) return {};
    cv::Mat mask, labels, stats, centers;
    const cv::Scalar tolerance = cv::Scalar::all(60);
    cv::inRange(rgb, fake_face_color - tolerance, fake_face_color + tolerance, mask);
    std::vector<FaceBox> faces;
    const int count = cv::connectedComponentsWithStats(mask, labels, stats, centers);
    for (int i = 1; i < count; ++i) {
      const auto stat = [&](int column) { return float(stats.at<int>(i, column)); };
      const float left = stat(cv::CC_STAT_LEFT), top = stat(cv::CC_STAT_TOP);
      faces.push_back({left, top, left + stat(cv::CC_STAT_WIDTH), top + stat(cv::CC_STAT_HEIGHT), score});
    }
    std::sort(faces.begin(), faces.end(), [](const FaceBox& a, const FaceBox& b) {
      return a.width() * a.height() > b.width() * b.height();
    });
    return faces;
  }
};

class FakeBackend : public Backend {
 public:
  bool supports(NetworkKind, const ModelFile&, const NetworkConfig&, const EngineOptions&) const override {
    return true;
  }
  std::unique_ptr<PoseEncoder> pose_encoder(std::shared_ptr<const ModelFile>, const ReenactorConfig& config,
                                            const EngineOptions&) override {
    return std::make_unique<FakePoseEncoder>(config);
  }
  std::unique_ptr<IdentityEncoder> identity_encoder(std::shared_ptr<const ModelFile>,
                                                    const ReenactorConfig& config,
                                                    const EngineOptions&) override {
    return std::make_unique<FakeIdentityEncoder>(config);
  }
  std::unique_ptr<Generator> generator(std::shared_ptr<const ModelFile>, const ReenactorConfig& config,
                                       const EngineOptions&) override {
    return std::make_unique<FakeGenerator>(config);
  }
  std::unique_ptr<Detector> detector(std::shared_ptr<const ModelFile>, const DetectorConfig&,
                                     const EngineOptions&) override {
    return std::make_unique<FakeDetector>();
  }
  std::unique_ptr<Segmenter> segmenter(std::shared_ptr<const ModelFile>, const SegmenterConfig&,
                                       const EngineOptions&) override {
    throw Error(ErrorCode::unsupported, "the fake backend has no segmenter");
  }
};

}  // namespace
}  // namespace reenact

extern "C" int reenact_backend_api_version() {
  return reenact::backend_api_version;
}

extern "C" reenact::Backend* reenact_backend() {
  static reenact::FakeBackend backend;
  return &backend;
}
