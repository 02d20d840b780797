// SPDX-License-Identifier: LGPL-2.1-or-later
// FAN and iresnet files of full shape, with constant values.
#include <gtest/gtest.h>

#include "constant_state_dict.h"
#include "test_file.h"
#include "torch/load_weights.h"
#include "torch/networks/fan.h"
#include "torch/networks/iresnet.h"
#include "training/import/import_models.h"

namespace reenact::training {
namespace {

using test::constant_state_dict;
using test::expect_constants;
using test::expect_error;
using test::TestFile;

LandmarksConfig fan_of(int stacks) {
  return {.architecture = "fan", .points = 68, .image_size = 256, .stacks = stacks};
}

TEST(ImportLandmarks, NamesOfFaceAlignmentBecomeOursWithAsManyStacksAsThereAre) {
  for (const int stacks : {1, 4}) {
    const auto shapes = shapes_of(*Fan(fan_of(stacks)), "");
    const TestFile weights("fan.pth", constant_state_dict(shapes)), output("fan.safetensors");
    import_landmarks({weights.path(), output.path(), "BSD-3-Clause"}, "bgr");
    const ModelFile model(output.path(), ModelKind::landmarks);
    auto config = fan_of(stacks);
    config.channel_order = "bgr";
    EXPECT_EQ(model.info().config.get<LandmarksConfig>(), config);
    EXPECT_EQ(model.info().licence, "BSD-3-Clause");
    EXPECT_EQ(model.file().tensors().size(), shapes.size());
    expect_constants(model.file(), shapes, "fan.");
    EXPECT_NO_THROW(load_weights(*Fan(config), model, "fan."));
  }
}

TEST(ImportRecogniser, TellsTheDepthsApartByTheirBlocks) {
  for (const int depth : {18, 50, 100}) {
    RecogniserConfig config{.depth = depth};
    const auto shapes = shapes_of(*IResNet(config), "");
    const TestFile weights("iresnet.pth", constant_state_dict(shapes)), output("arc.safetensors");
    import_recogniser({weights.path(), output.path(), ""});
    const ModelFile model(output.path(), ModelKind::recogniser);
    EXPECT_EQ(model.info().config.get<RecogniserConfig>(), config);
    EXPECT_EQ(model.file().tensors().size(), shapes.size());
    if (depth == 100) expect_constants(model.file(), shapes, "arc.");
  }
}

TEST(ImportMeasuringNetworks, SayInOneSentenceWhatDoesNotFit) {
  const auto recogniser_shapes = shapes_of(*IResNet(RecogniserConfig()), "");
  auto fan_shapes = shapes_of(*Fan(fan_of(1)), "");
  const TestFile recogniser("iresnet.pth", constant_state_dict(recogniser_shapes)),
      output("none.safetensors");
  expect_error(ErrorCode::wrong_kind, "does not fit FAN with 1 stack", [&] {
    import_landmarks({recogniser.path(), output.path(), ""}, "rgb");
  });
  const TestFile fan("fan.pth", constant_state_dict(fan_shapes));
  expect_error(ErrorCode::wrong_kind, "does not fit iresnet18", [&] {
    import_recogniser({fan.path(), output.path(), ""});
  });
  fan_shapes["l0.weight"] = {10, 256, 1, 1};
  fan.write(constant_state_dict(fan_shapes));
  expect_error(ErrorCode::wrong_kind, "has fan.l0.weight of 10x256x1x1, wanted 68x256x1x1", [&] {
    import_landmarks({fan.path(), output.path(), ""}, "rgb");
  });
  EXPECT_FALSE(std::filesystem::exists(output.path()));
}

}  // namespace
}  // namespace reenact::training
