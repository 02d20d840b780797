// SPDX-License-Identifier: LGPL-2.1-or-later
// Released checkpoints of full shape with constant weights; none was at hand.
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/temporary_folder.h"
#include "tests/training/import/constant_state_dict.h"
#include "tests/training/import/test_file.h"
#include "torch/load_weights.h"
#include "torch/networks/encoders.h"
#include "torch/networks/x2face.h"
#include "training/import/import_models.h"
#include "training/import/imported_weights.h"

namespace reenact::training {
namespace {

using test::TestFile;

float value_of(const TensorShapes& shapes, const std::string& name) {
  return static_cast<float>(std::distance(shapes.begin(), shapes.find(name))) / 64;
}

void add_norm(TensorShapes& shapes, const std::string& name, std::int64_t channels) {
  for (const char* part : {"weight", "bias", "running_mean", "running_var"})
    shapes[name + "." + part] = {channels};
}

/// One of X2Face's U-Nets as its authors name and shape it.
void add_unet(TensorShapes& shapes, std::string name, std::int64_t inner, std::int64_t outputs, bool skips) {
  const std::int64_t down[] = {64, 128, 256, 512, 512, 512, 512, inner},
                     up[] = {outputs, 64, 128, 256, 512, 512, 512, 512};
  for (int level = 0; level < 8; ++level) {
    const auto in = level == 0 ? 3 : down[level - 1];
    shapes[name + (level == 0 ? ".down.0.weight" : ".down.1.weight")] = {down[level], in, 4, 4};
    if (level > 0 && level < 7) add_norm(shapes, name + ".down.2", down[level]);
    const auto from = level == 7 ? inner : down[level] * (skips ? 2 : 1);
    shapes[name + ".up.2.weight"] = {up[level], from, 3, 3};
    if (level > 0) add_norm(shapes, name + ".up.3", up[level]);
    name += ".submodule";
  }
}

TensorShapes x2face_shapes() {
  TensorShapes shapes;
  add_unet(shapes, "pix2pixSampler.netG.model", 128, 2, false);
  add_unet(shapes, "pix2pixUnwrapped.netG.model", 512, 3, true);
  return shapes;
}

TEST(ImportX2Face, ReadsTheReleasedNames) {
  const auto shapes = x2face_shapes();
  const TestFile weights("x2face.pth", test::constant_state_dict(shapes, "state_dict"));
  const test::TemporaryFolder folder;
  import_x2face(weights.path(), folder / "warper.safetensors", folder / "encoder.safetensors", "unstated");
  const ModelFile warper(folder / "warper.safetensors", ModelKind::warper);
  X2Face network(warper.info().config.get<WarperConfig>());
  load_weights(*network, warper, "");
  const auto parameters = network->named_parameters();
  const std::string sampler = "pix2pixSampler.netG.model", unwrapped = "pix2pixUnwrapped.netG.model";
  EXPECT_EQ(parameters["x2drive.down0.conv.weight"].flatten()[0].item<float>(),
            value_of(shapes, sampler + ".down.0.weight"));
  EXPECT_EQ(parameters["x2drive.down2.bn.bias"][0].item<float>(),
            value_of(shapes, sampler + ".submodule.submodule.down.2.bias"));
  EXPECT_EQ(parameters["x2embed.up1.conv.weight"].flatten()[0].item<float>(),
            value_of(shapes, unwrapped + ".submodule.up.2.weight"));
  const ModelFile encoder(folder / "encoder.safetensors", ModelKind::reenactor);
  const auto config = encoder.info().config.get<ReenactorConfig>();
  EXPECT_EQ(config.pose_encoder, "x2face");
  EXPECT_EQ(config.pose_embedding_size, 128);
  EXPECT_NO_THROW(load_weights(*PoseEncoderNetwork(config), encoder, "pose."));
  EXPECT_EQ(encoder.info().licence, "unstated");
}

TEST(ImportFabNet, ReadsTheReleasedNames) {
  const std::int64_t channels[] = {32, 64, 128, 256, 256, 256, 256, 256};
  const int layers[] = {0, 2, 5, 8, 11, 14, 17, 20};
  TensorShapes shapes;
  for (int i = 0; i < 8; ++i) {
    const auto layer = "encoder." + std::to_string(layers[i]);
    shapes[layer + ".weight"] = {channels[i], i == 0 ? 3 : channels[i - 1], 4, 4};
    shapes[layer + ".bias"] = {channels[i]};
    if (i > 0 && i < 7) add_norm(shapes, "encoder." + std::to_string(layers[i] + 1), channels[i]);
  }
  shapes["decoder.2.weight"] = {256, 512, 3, 3};  // what draws is left out
  const TestFile weights("fabnet.pt", test::constant_state_dict(shapes, "state_dict_model"));
  const test::TemporaryFolder folder;
  import_fabnet(weights.path(), folder / "fabnet.safetensors", "");
  const ModelFile model(folder / "fabnet.safetensors", ModelKind::reenactor);
  PoseEncoderNetwork network(model.info().config.get<ReenactorConfig>());
  load_weights(*network, model, "pose.");
  const auto parameters = network->named_parameters();
  EXPECT_EQ(parameters["enc2.weight"].flatten()[0].item<float>(), value_of(shapes, "encoder.5.weight"));
  EXPECT_EQ(parameters["enc2_bn.bias"][0].item<float>(), value_of(shapes, "encoder.6.bias"));
  EXPECT_EQ(parameters["enc7.bias"][0].item<float>(), value_of(shapes, "encoder.20.bias"));
}

TEST(ImportOfComparedSystems, RefusesFilesOfAnotherKindInOneSentence) {
  const TestFile other("other.pth",
                       test::constant_state_dict({{"features.0.weight", {8, 3, 3, 3}}}, "state_dict"));
  const test::TemporaryFolder folder;
  test::expect_error([&] { import_x2face(other.path(), folder / "a.safetensors", "", ""); },
                     ErrorCode::wrong_kind, {"X2Face"});
  test::expect_error([&] { import_fabnet(other.path(), folder / "a.safetensors", ""); },
                     ErrorCode::wrong_kind, {"FAb-Net"});
  auto short_of_one = x2face_shapes();
  short_of_one.erase("pix2pixSampler.netG.model.submodule.up.3.bias");
  const TestFile damaged("damaged.pth", test::constant_state_dict(short_of_one, "state_dict"));
  test::expect_error([&] { import_x2face(damaged.path(), folder / "a.safetensors", "", ""); },
                     ErrorCode::wrong_kind, {"x2drive.up1.bn.bias"});
  test::expect_error([&] { import_x2face(damaged.path(), "", "", ""); }, ErrorCode::invalid,
                     {"nothing to write"});
  EXPECT_FALSE(std::filesystem::exists(folder / "a.safetensors"));
}

}  // namespace
}  // namespace reenact::training
