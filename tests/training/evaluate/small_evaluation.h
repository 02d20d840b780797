// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "reenact/identity.h"
#include "support/random_weights.h"
#include "support/small_face_dataset.h"
#include "support/temporary_folder.h"
#include "torch/load_weights.h"
#include "torch/networks/encoders.h"
#include "torch/networks/generator.h"
#include "torch/networks/iresnet.h"
#include "torch/networks/landmark_network.h"

namespace reenact::test {

/// Drawn faces of two people who drive, and small networks of random weights: `data`, `reenactor.safetensors`,
/// `recogniser.safetensors`, `landmarks.safetensors`, which sees no movement, `seeing-landmarks.safetensors`, which does, and
/// the identities `nobody.safetensors` and, without a resting pose,
/// `restless.safetensors`.
class SmallEvaluation : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    test::write_small_face_dataset(*folder_ / "data");
    test::add_small_clip(*folder_ / "data", "c2", "p2", "val");
    torch::manual_seed(3);
    write_reenactor();
    RecogniserConfig recogniser{.width = 0.0625, .image_size = 32, .embedding_size = 8};
    ModelInfo info;
    info.kind = ModelKind::recogniser;
    info.config = to_json(recogniser);
    write_model(file("recogniser.safetensors"), info, weights_of(*IResNet(recogniser), "arc."));
    LandmarksConfig landmarks{.image_size = 32, .width = 0.1};
    LandmarkNetwork network(landmarks);
    {
      torch::NoGradGuard no_grad;
      network->named_parameters()["classifier.1.bias"].uniform_(0.2, 0.8);
    }
    info.kind = ModelKind::landmarks;
    info.config = to_json(landmarks);
    write_model(file("landmarks.safetensors"), info, weights_of(*network, "lmk."));
    randomize(network);
    {
      // Points stay within the picture, and move with what is seen.
      torch::NoGradGuard no_grad;
      network->named_parameters()["classifier.1.weight"].mul_(0.05);
      network->named_parameters()["classifier.1.bias"].uniform_(0.2, 0.8);
    }
    write_model(file("seeing-landmarks.safetensors"), info, weights_of(*network, "lmk."));
    Identity identity;
    identity.name = "nobody";
    identity.embedding.assign(8, 0.3f);
    identity.neutral_pose.assign(8, 0.1f);
    save_identity(file("nobody.safetensors"), identity, {});
    identity.neutral_pose.clear();
    save_identity(file("restless.safetensors"), identity, {});
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static void write_reenactor() {
    ReenactorConfig config;
    config.preset = "small";
    config.image_size = 32;
    config.num_channels = 8;
    config.max_channels = 16;
    config.identity_embedding_size = config.pose_embedding_size = 8;
    config.identity_encoder = "mobilenet_v2";
    config.identity_encoder_width = config.pose_encoder_width = 0.25;
    PoseEncoderNetwork pose(config);
    IdentityEncoderNetwork identity(config);
    GeneratorNetwork generator(config);
    randomize(pose);
    randomize(identity);
    randomize(generator);
    auto tensors = weights_of(*pose, "pose.");
    tensors.merge(weights_of(*identity, "idt."));
    tensors.merge(weights_of(*generator, "gen."));
    ModelInfo info;
    info.config = to_json(config);
    write_model(file("reenactor.safetensors"), info, tensors);
  }

  static std::string file(const std::string& name) { return *folder_ / name; }

 private:
  static inline std::unique_ptr<TemporaryFolder> folder_;
};

}  // namespace reenact::test
