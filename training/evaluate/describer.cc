// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/describer.h"

#include <utility>

#include "offline/sha256.h"
#include "reenact/error.h"
#include "reenact/model_file.h"
#include "training/evaluate/measured_faces.h"

namespace reenact::training {
namespace {

std::string use_of(const std::filesystem::path& model, const std::string& what) {
  return what + " " + sha256_of_file(model);
}

class PoseDescriber : public Describer {
 public:
  PoseDescriber(const std::filesystem::path& model, const EngineOptions& engine)
      : Describer(model.stem().string(), use_of(model, "pose")), encoder_(load_pose_encoder(model, engine)) {}
  std::vector<float> describe(const cv::Mat& crop) override {
    std::vector<float> pose(static_cast<std::size_t>(encoder_->embedding_size()));
    encoder_->encode(crop, pose);
    return pose;
  }

 private:
  std::unique_ptr<PoseEncoder> encoder_;
};

class IdentityDescriber : public Describer {
 public:
  IdentityDescriber(const std::filesystem::path& model, const EngineOptions& engine)
      : Describer(model.stem().string() + " identity", use_of(model, "identity")),
        encoder_(load_identity_encoder(model, engine)) {}
  std::vector<float> describe(const cv::Mat& crop) override { return encoder_->encode({&crop, 1}); }

 private:
  std::unique_ptr<IdentityEncoder> encoder_;
};

class LandmarkDescriber : public Describer {
 public:
  LandmarkDescriber(const std::filesystem::path& model, const EngineOptions& engine)
      : Describer(model.stem().string(), use_of(model, "landmarks")), finder_(model.string(), "", engine) {}
  std::vector<float> describe(const cv::Mat& crop) override {
    const auto faces = finder_.find({crop});
    std::vector<float> coordinates;
    for (const auto& point : faces.front().points)
      for (const float value : {point.x, point.y}) coordinates.push_back(value / measured_side - 0.5f);
    return coordinates;
  }

 private:
  FacePointFinder finder_;
};

class RecogniserDescriber : public Describer {
 public:
  RecogniserDescriber(const std::filesystem::path& model, const std::string& landmarks,
                      const EngineOptions& engine)
      : Describer(model.stem().string(),
                  use_of(model, "recogniser") + use_of(find_model(landmarks), " aligned by")),
        finder_(landmarks, "", engine),
        recogniser_(model.string(), engine) {}
  std::vector<float> describe(const cv::Mat& crop) override {
    return recogniser_.describe({crop}, finder_.find({crop})).front();
  }

 private:
  FacePointFinder finder_;
  FaceRecogniser recogniser_;
};

}  // namespace

std::unique_ptr<Describer> pose_describer(const std::string& model, const EngineOptions& engine) {
  return std::make_unique<PoseDescriber>(find_model(model), engine);
}

std::unique_ptr<Describer> identity_describer(const std::string& model, const EngineOptions& engine) {
  return std::make_unique<IdentityDescriber>(find_model(model), engine);
}

std::unique_ptr<Describer> describer_of(const std::string& model, const std::string& landmarks,
                                        const EngineOptions& engine) {
  const auto path = find_model(model);
  const auto kind = ModelFile(path).info().kind;
  switch (kind) {
    case ModelKind::reenactor:
      return std::make_unique<PoseDescriber>(path, engine);
    case ModelKind::landmarks:
      return std::make_unique<LandmarkDescriber>(path, engine);
    case ModelKind::recogniser:
      return std::make_unique<RecogniserDescriber>(path, landmarks, engine);
    default:
      throw Error(ErrorCode::wrong_kind,
                  "'" + path.string() + "' is of kind " + to_string(kind) +
                      ", wanted a reenactor, landmarks or a recogniser to describe faces");
  }
}

}  // namespace reenact::training
