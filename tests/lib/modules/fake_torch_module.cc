// SPDX-License-Identifier: LGPL-2.1-or-later
// Stands in for the LibTorch module: its objects tell with which options they were made. Compiled once more as a module
// for another version of the interface, whose backend must not be asked for.
#include <cstdlib>

#include "reenact/backend.h"
#include "reenact/identity.h"

namespace reenact {
namespace {

template <typename Interface>
class Fake : public Interface {
 public:
  explicit Fake(const EngineOptions& options) : options_(options) {}
  std::string active_device() const override { return options_.device; }
  std::string active_engine() const override {
    return "fake " + to_string(options_.precision) + " " + std::to_string(options_.threads);
  }

 private:
  EngineOptions options_;
};

class FakePoseEncoder : public Fake<PoseEncoder> {
 public:
  using Fake::Fake;
  int image_size() const override { return 1; }
  int embedding_size() const override { return 1; }
  void do_encode(const cv::Mat&, std::span<float>) override {}
};

class FakeIdentityEncoder : public Fake<IdentityEncoder> {
 public:
  using Fake::Fake;
  int image_size() const override { return 2; }
  int embedding_size() const override { return 2; }
  std::vector<float> do_encode(std::span<const cv::Mat> crops) override {
    double sum = 0;
    for (const cv::Mat& crop : crops) sum += cv::mean(crop)[0];
    return {float(crops.size()), float(sum / double(crops.size()))};
  }
};

class FakeGenerator : public Fake<Generator> {
 public:
  using Fake::Fake;
  int image_size() const override { return 3; }
  int pose_embedding_size() const override { return 3; }
  int identity_embedding_size() const override { return 3; }
  void do_set_identity(std::shared_ptr<const Identity>) override {}
  cv::Mat do_generate(std::span<const float>, AlphaMode) override { return {}; }
};

class FakeDetector : public Fake<Detector> {
 public:
  using Fake::Fake;
  std::vector<FaceBox> do_detect(const cv::Mat&, float, float) override { return {}; }
};

class FakeSegmenter : public Fake<Segmenter> {
 public:
  using Fake::Fake;
  cv::Mat do_segment(const cv::Mat&) override { return {}; }
};

using File = std::shared_ptr<const ModelFile>;

class FakeBackend : public Backend {
 public:
  std::unique_ptr<PoseEncoder> pose_encoder(File, const ReenactorConfig&,
                                            const EngineOptions& options) override {
    return std::make_unique<FakePoseEncoder>(options);
  }
  std::unique_ptr<IdentityEncoder> identity_encoder(File, const ReenactorConfig&,
                                                    const EngineOptions& options) override {
    return std::make_unique<FakeIdentityEncoder>(options);
  }
  std::unique_ptr<Generator> generator(File, const ReenactorConfig&, const EngineOptions& options) override {
    return std::make_unique<FakeGenerator>(options);
  }
  std::unique_ptr<Detector> detector(File, const DetectorConfig&, const EngineOptions& options) override {
    return std::make_unique<FakeDetector>(options);
  }
  std::unique_ptr<Segmenter> segmenter(File, const SegmenterConfig&, const EngineOptions& options) override {
    return std::make_unique<FakeSegmenter>(options);
  }
};

}  // namespace
}  // namespace reenact

extern "C" int reenact_backend_api_version() {
#ifdef REENACT_TEST_OTHER_API_VERSION
  return reenact::backend_api_version + 41;
#else
  return reenact::backend_api_version;
#endif
}

extern "C" reenact::Backend* reenact_backend() {
#ifdef REENACT_TEST_OTHER_API_VERSION
  std::abort();
#endif
  static reenact::FakeBackend backend;
  return &backend;
}
