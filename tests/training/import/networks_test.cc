// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <functional>

#include "constant_state_dict.h"
#include "pickle_writer.h"
#include "reenact/safetensors.h"
#include "support/shared_data.h"
#include "test_file.h"
#include "torch/load_weights.h"
#include "torch/networks/mobilenet_v2.h"
#include "torch/networks/resnext.h"
#include "torch/networks/s3fd.h"
#include "training/import/import_models.h"
#include "training/learning/content_loss.h"

namespace reenact::training {
namespace {

using test::constant_state_dict;
using test::expect_constants;
using test::expect_error;
using test::LegacyFile;
using test::PickleWriter;
using test::TestFile;

/// Names and shapes as PyTorch has them: those of the full-size parity files.
TensorShapes parity_shapes(
    const std::filesystem::path& path, const std::string& prefix,
    const std::function<std::vector<std::int64_t>(const std::string&)>& procedural_shape) {
  TensorShapes shapes;
  const SafetensorsFile parity(path);
  for (const auto& [name, tensor] : parity.tensors()) {
    const std::string state = prefix + "state.", bound = prefix + "bound.";
    if (name.starts_with(state)) shapes[name.substr(state.size())] = tensor.shape;
    if (name.starts_with(bound))
      shapes[name.substr(bound.size())] = procedural_shape(name.substr(bound.size()));
  }
  return shapes;
}

TEST(ImportDetector, NamesOfFaceAlignmentBecomeOurs) {
  REENACT_SHARED_FILE(parity, "parity/proc_s3fd_full.safetensors");
  const auto network_shapes = shapes_of(*S3fd(1.0), "");
  const auto shapes = parity_shapes(parity, "", [&](const auto& name) { return network_shapes.at(name); });
  ASSERT_EQ(shapes.size(), 65u);
  const TestFile weights("s3fd.pth", constant_state_dict(shapes)), output("detector.safetensors");
  DetectorConfig config;
  config.subtract_mean = false;
  import_detector(weights.path(), output.path(), config, "BSD-3-Clause");
  const ModelFile model(output.path(), ModelKind::detector);
  EXPECT_EQ(model.info().config.get<DetectorConfig>(), config);
  EXPECT_EQ(model.info().licence, "BSD-3-Clause");
  EXPECT_EQ(model.file().tensors().size(), 65u);
  expect_constants(model.file(), shapes, "s3fd.");
  EXPECT_NO_THROW(load_weights(*S3fd(1.0), model, "s3fd."));
}

TEST(ImportPerceptual, BothNamingsOfVggBecomeOurs) {
  REENACT_SHARED_FILE(parity, "parity/proc_vgg_losses_full.safetensors");
  // torchvision's file goes on beyond the last layer used, 28; all convolutions there have one shape.
  const auto shape_in = [](const TensorShapes& network) {
    return [&network](const std::string& name) -> std::vector<std::int64_t> {
      const auto found = network.find("features." + name);
      return found == network.end() ? std::vector<std::int64_t>{512, 512, 3, 3} : found->second;
    };
  };
  const auto vgg19_network = shapes_of(*VggFeatures(VggLayout::vgg19), "");
  const auto vgg16_network = shapes_of(*VggFeatures(VggLayout::vgg_face), "");
  const auto vgg16 = parity_shapes(parity, "vgg16.", shape_in(vgg16_network));
  ASSERT_EQ(vgg16.size(), 26u);
  TensorShapes torchvision;
  for (const auto& [name, shape] : parity_shapes(parity, "vgg19.", shape_in(vgg19_network)))
    torchvision["features." + name] = shape;
  ASSERT_EQ(torchvision.size(), 32u);
  torchvision["classifier.6.weight"] = {1000, 4096};
  const TestFile vgg19_file("vgg19.pth", constant_state_dict(torchvision));
  const TestFile vggface_file("vggface.pth", constant_state_dict(vgg16)), output("perceptual.safetensors");
  import_perceptual(vgg19_file.path(), vggface_file.path(), output.path(), "");
  const ModelFile model(output.path(), ModelKind::perceptual);
  EXPECT_EQ(model.file().tensors().size(), 52u);
  float place = 0;
  for (const auto& [name, shape] : torchvision) {
    if (vgg19_network.count(name)) {
      EXPECT_EQ(model.file().at("vgg19." + name).to_floats().front(), place / 64) << name;
    } else {
      EXPECT_FALSE(model.file().contains("vgg19." + name)) << name;
    }
    ++place;
  }
  expect_constants(model.file(), vgg16, "vggface.features.");
  const auto networks = load_perceptual_networks(output.path());
  EXPECT_FALSE(networks.vgg19.is_empty());
  EXPECT_FALSE(networks.vgg_face.is_empty());

  expect_error(ErrorCode::wrong_kind, "does not fit VGG-19",
               [&] { import_perceptual(vggface_file.path(), "", output.path(), ""); });
  expect_error(ErrorCode::invalid, "wanted --vgg19, --vggface or both",
               [&] { import_perceptual("", "", output.path(), ""); });
}

TEST(ImportEncoders, BackbonesComeWithoutTheirLastLayers) {
  // Key names against the authors' checkpoint are compared elsewhere; torchvision's differ by the class count
  // only.
  const auto pose = shapes_of(*MobileNetV2(1000), ""), identity = shapes_of(*ResNeXt50(1000), "");
  const TestFile pose_file("mobilenet.pth", constant_state_dict(pose));
  const TestFile identity_file("resnext.pth", constant_state_dict(identity)), output("encoders.safetensors");
  import_encoders(pose_file.path(), identity_file.path(), output.path(), "BSD-3-Clause");
  const ModelFile model(output.path(), ModelKind::reenactor);
  EXPECT_EQ(model.file().tensors().size(), pose.size() + identity.size() - 4);
  EXPECT_TRUE(model.file().contains("pose.features.18.1.running_var"));
  EXPECT_TRUE(model.file().contains("idt.layer4.2.bn3.running_mean"));
  EXPECT_FALSE(model.file().contains("pose.classifier.1.weight"));
  EXPECT_FALSE(model.file().contains("idt.fc.weight"));
  EXPECT_EQ(model.info().config.get<ReenactorConfig>(), reenactor_preset("paper"));

  import_encoders("", pose_file.path(), output.path(), "");
  const ModelFile narrow(output.path(), ModelKind::reenactor);
  EXPECT_TRUE(narrow.file().contains("idt.features.18.1.running_var"));
  EXPECT_EQ(narrow.info().config.get<ReenactorConfig>().identity_encoder, "mobilenet_v2");
  expect_error(ErrorCode::wrong_kind, "does not fit MobileNetV2",
               [&] { import_encoders(identity_file.path(), "", output.path(), ""); });
}

TEST(ImportDetector, RefusesValuesThatAreNotFinite) {
  auto shapes = shapes_of(*S3fd(1.0), "");
  LegacyFile file;
  PickleWriter writer;
  writer.op('}').mark();
  for (const auto& [name, shape] : shapes)
    writer.text(name).tensor(name == "fc7.bias" ? "1" : "0", 1, 0, shape,
                             std::vector<std::int64_t>(shape.size(), 0));
  file.object = writer.op('u').stop();
  file.storages = {{"0", {0.5f}}, {"1", {std::numeric_limits<float>::quiet_NaN()}}};
  const TestFile weights("nan.pth", file.bytes()), output("nan.safetensors");
  expect_error(ErrorCode::corrupt, "values in s3fd.fc7.bias that are not finite",
               [&] { import_detector(weights.path(), output.path(), DetectorConfig(), ""); });
  EXPECT_FALSE(std::filesystem::exists(output.path()));
}

TEST(ImportDetector, TakesAWrappedAndProfiledNetworkAndSaysWhatLooksLikeAMissingName) {
  const auto shapes = shapes_of(*S3fd(1.0), "");
  TensorShapes wrapped{{"module.total_ops", {1}}, {"module.fc7.total_params", {1}}}, renamed;
  for (const auto& [name, shape] : shapes) {
    wrapped["module._orig_mod." + name] = shape;
    renamed["module." + (name == "fc7.bias" ? "fc_7.bias" : name)] = shape;
  }
  const TestFile weights("wrapped.pth", constant_state_dict(wrapped)), output("wrapped.safetensors");
  import_detector(weights.path(), output.path(), DetectorConfig(), "");
  EXPECT_EQ(ModelFile(output.path(), ModelKind::detector).file().tensors().size(), shapes.size());

  weights.write(constant_state_dict(renamed));
  expect_error(
      ErrorCode::wrong_kind,
      "does not fit S3FD: it lacks s3fd.fc7.bias; what it has that looks most like it is module.fc_7.bias",
      [&] { import_detector(weights.path(), output.path(), DetectorConfig(), ""); });
}

TEST(ImportDetector, SaysWhatIsNoStateDict) {
  LegacyFile file;
  file.object = PickleWriter().op(']').stop();
  const TestFile list("list.pth", file.bytes()), output("none.safetensors");
  expect_error(ErrorCode::wrong_kind, "holds a list, wanted a state_dict",
               [&] { import_detector(list.path(), output.path(), DetectorConfig(), ""); });
  file.object = PickleWriter().op('}').stop();
  list.write(file.bytes());
  expect_error(ErrorCode::wrong_kind, "holds no tensors by name",
               [&] { import_detector(list.path(), output.path(), DetectorConfig(), ""); });
  expect_error(ErrorCode::wrong_kind, "has no entry 'generator'", [&] {
    AuthorsImport options;
    options.checkpoint = list.path();
    options.reenactor = output.path();
    import_authors_checkpoint(options);
  });
}

}  // namespace
}  // namespace reenact::training
