// SPDX-License-Identifier: LGPL-2.1-or-later
// The pose encoder against values computed with torchvision's network of the authors.
#include <gtest/gtest.h>

#include "support/parity_file.h"
#include "support/shared_data.h"
#include "torch/networks/mobilenet_v2.h"

namespace reenact::test {
namespace {

MobileNetV2 pose_encoder(const ParityFile& file, double dropout) {
  MobileNetV2 encoder(256, 1.0, dropout);
  load_state(*encoder, file.with_prefix("state."));
  return encoder;
}

TEST(PoseEncoderParity, EvaluationMode) {
  REENACT_SHARED_FILE(path, "parity/pose_encoder_mobilenetv2.safetensors");
  const ParityFile file(path);
  auto encoder = pose_encoder(file, 0.2);
  encoder->eval();
  torch::NoGradGuard no_grad;
  const auto rgb = file.at("in.pose_input_rgbs").select(1, 0);
  EXPECT_TRUE(is_close(encoder->feature_map(rgb), file.at("eval.features"), 1e-5, 1e-5));
  EXPECT_TRUE(is_close(encoder->forward(rgb), file.at("eval.pose_embedding"), 1e-5, 1e-5));
}

TEST(PoseEncoderParity, TrainingModeWithoutDropout) {
  REENACT_SHARED_FILE(path, "parity/pose_encoder_mobilenetv2.safetensors");
  const ParityFile file(path);
  auto encoder = pose_encoder(file, 0.0);
  encoder->train();
  EXPECT_TRUE(is_close(encoder->forward(file.at("in.pose_input_rgbs").select(1, 0)),
                       file.at("train_nodropout.pose_embedding"), 1e-3, 1e-3));
  const auto state = state_of(*encoder);
  const auto buffers = file.with_prefix("train_nodropout.after.buffer.");
  ASSERT_FALSE(buffers.empty());
  for (const auto& [name, expected] : buffers)
    EXPECT_TRUE(is_close(state.at(name), expected, 1e-3, 1e-3)) << name;
}

}  // namespace
}  // namespace reenact::test
