// SPDX-License-Identifier: LGPL-2.1-or-later
// Checkpoints of the authors' code for the systems that they compare theirs with, of full shape with constant weights: none
// was released. Names and shapes are written out here as their modules make them.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "constant_state_dict.h"
#include "reenact/identity.h"
#include "support/temporary_folder.h"
#include "test_file.h"
#include "torch/load_weights.h"
#include "torch/networks/discriminator.h"
#include "torch/networks/encoders.h"
#include "torch/networks/generator.h"
#include "training/import/authors_checkpoint.h"
#include "training/import/import_models.h"

namespace reenact::training {
namespace {

using test::expect_error;
using test::TestFile;

struct Sizes {
  std::int64_t channels = 64, most = 512, embedding = 512;
};

/// What torch.nn.utils.spectral_norm keeps of a layer.
void add_spectral(TensorShapes& shapes, const std::string& name, std::vector<std::int64_t> weight,
                  bool bias) {
  std::int64_t rest = 1;
  for (std::size_t i = 1; i < weight.size(); ++i) rest *= weight[i];
  shapes[name + ".weight_u"] = {weight[0]};
  shapes[name + ".weight_v"] = {rest};
  if (bias) shapes[name + ".bias"] = {weight[0]};
  shapes[name + ".weight_orig"] = std::move(weight);
}

void add_norm(TensorShapes& shapes, const std::string& name, std::int64_t channels, bool batch) {
  for (const char* part : {"weight", "bias"}) shapes[name + "." + part] = {channels};
  if (!batch) return;
  for (const char* part : {"running_mean", "running_var"}) shapes[name + "." + part] = {channels};
  shapes[name + ".num_batches_tracked"] = {};
}

/// One of the generators' blocks with AdaIN.
void add_adain_block(TensorShapes& shapes, const std::string& name, std::int64_t in, std::int64_t out,
                     bool upsample) {
  add_spectral(shapes, name + (upsample ? ".block.4" : ".block.3"), {out, in, 3, 3}, false);
  add_spectral(shapes, name + (upsample ? ".block.8" : ".block.7"), {out, out, 3, 3}, false);
  if (upsample) add_spectral(shapes, name + ".skip.1", {out, in, 1, 1}, true);
}

/// A generator as ours, of whose MLP FSTH+ has another.
TensorShapes own_generator(const Sizes& sizes, std::int64_t pose, bool plain_mlp) {
  TensorShapes shapes;
  const auto width = [&](int block) { return std::min(sizes.channels << (6 - block), sizes.most); };
  shapes["constant.constant"] = {1, width(0), 4, 4};
  std::int64_t numbers = 0;
  for (int block = 0; block < 8; ++block) {
    const auto in = width(std::max(0, block - 2)), out = width(std::max(0, block - 1));
    add_adain_block(shapes, "decoder_blocks." + std::to_string(block), in, out, block >= 2);
    numbers += 2 * (in + out);
  }
  numbers += 2 * width(6);
  add_spectral(shapes, "decoder_blocks.10", {4, width(6), 3, 3}, true);
  const auto joint = sizes.embedding + pose, hidden = std::max<std::int64_t>(512, joint);
  if (!plain_mlp) {
    add_spectral(shapes, "affine_params_projector.0", {hidden, joint}, true);
    add_spectral(shapes, "affine_params_projector.2", {numbers, hidden}, true);
    return shapes;
  }
  const std::pair<const char*, std::vector<std::int64_t>> layers[] = {
      {"0", {hidden, joint}}, {"2", {hidden, hidden}}, {"4", {numbers, hidden}}};
  for (const auto& [place, shape] : layers) {
    shapes["affine_params_projector." + std::string(place) + ".weight"] = shape;
    shapes["affine_params_projector." + std::string(place) + ".bias"] = {shape[0]};
  }
  return shapes;
}

/// FSTH's, with the AdaIN numbers as parameters where it was fine-tuned.
TensorShapes fsth_generator(const Sizes& sizes, bool fine_tuned) {
  TensorShapes shapes;
  const auto width = [&](int step) { return std::min(sizes.channels << step, sizes.most); };
  add_spectral(shapes, "down_block.1", {width(0), 3, 3, 3}, true);
  add_spectral(shapes, "down_block.4", {width(0), width(0), 3, 3}, true);
  add_spectral(shapes, "skip.0", {width(0), 3, 1, 1}, true);
  for (int i = 0; i < 3; ++i) {
    const auto name = "down_blocks." + std::to_string(i);
    add_norm(shapes, name + ".block.0", width(i), false);
    add_spectral(shapes, name + ".block.3", {width(i + 1), width(i), 3, 3}, false);
    add_norm(shapes, name + ".block.4", width(i + 1), false);
    add_spectral(shapes, name + ".block.7", {width(i + 1), width(i + 1), 3, 3}, false);
    add_spectral(shapes, name + ".skip.0", {width(i + 1), width(i), 1, 1}, true);
  }
  std::int64_t numbers = 0;
  const auto add_adain = [&](const std::string& name, std::int64_t channels) {
    numbers += 2 * channels;
    if (fine_tuned)
      for (const char* part : {".weight", ".bias"}) shapes[name + part] = {1, channels};
  };
  for (int block = 0; block < 8; ++block) {
    const auto name = "decoder_blocks." + std::to_string(block);
    const bool upsample = block >= 4;
    const auto in = block > 4 ? width(8 - block) : width(3), out = upsample ? width(7 - block) : width(3);
    add_adain_block(shapes, name, in, out, upsample);
    add_adain(name + ".block.0", in);
    add_adain(name + (upsample ? ".block.5" : ".block.4"), out);
  }
  add_adain("decoder_blocks.8", width(0));
  add_spectral(shapes, "decoder_blocks.11", {3, width(0), 3, 3}, true);
  add_spectral(shapes, "project", {numbers, sizes.embedding}, true);
  return shapes;
}

/// FSTH's embedder, which does not shrink with the generator.
TensorShapes fsth_embedder(const Sizes& sizes, std::int64_t in) {
  TensorShapes shapes;
  add_spectral(shapes, "down_block.1", {64, in, 3, 3}, true);
  add_spectral(shapes, "down_block.4", {64, 64, 3, 3}, true);
  add_spectral(shapes, "skip.0", {64, in, 1, 1}, true);
  const std::int64_t channels[] = {64, 128, 256, 512, 512, sizes.embedding};
  for (int i = 0; i < 5; ++i) {
    const auto name = "down_blocks." + std::to_string(i);
    add_spectral(shapes, name + ".block.2", {channels[i + 1], channels[i], 3, 3}, true);
    add_spectral(shapes, name + ".block.5", {channels[i + 1], channels[i + 1], 3, 3}, true);
    add_spectral(shapes, name + ".skip.0", {channels[i + 1], channels[i], 1, 1}, true);
  }
  return shapes;
}

TensorShapes discriminator(const Sizes& sizes, std::int64_t in, std::int64_t labels) {
  TensorShapes shapes;
  const bool fsth = in == 6;
  add_spectral(shapes, fsth ? "down_block.1" : "down_block.0", {sizes.channels, in, 3, 3}, true);
  add_spectral(shapes, fsth ? "down_block.4" : "down_block.2", {sizes.channels, sizes.channels, 3, 3}, true);
  add_spectral(shapes, "skip.0", {sizes.channels, in, 1, 1}, true);
  auto before = sizes.channels;
  for (int i = 0; i < 6; ++i) {
    const auto name = "blocks." + std::to_string(i);
    const auto out = i == 5 ? sizes.embedding : std::min(2 * before, sizes.most);
    add_spectral(shapes, name + ".block.2", {out, before, 3, 3}, true);
    add_spectral(shapes, name + ".block.5", {out, out, 3, 3}, true);
    if (i < 5 || before != out) add_spectral(shapes, name + ".skip.0", {out, before, 1, 1}, true);
    before = out;
  }
  add_spectral(shapes, "linear", {1, sizes.embedding}, true);
  add_spectral(shapes, "embed", {labels, sizes.embedding}, false);
  return shapes;
}

/// X2Face's driving network as the embedder holds it, its way up included.
void add_x2face(TensorShapes& shapes) {
  std::string name = "pose_encoder.pix2pixSampler.netG.model";
  const std::int64_t down[] = {64, 128, 256, 512, 512, 512, 512, 128};
  for (int level = 0; level < 8; ++level) {
    const auto in = level == 0 ? 3 : down[level - 1];
    shapes[name + (level == 0 ? ".down.0.weight" : ".down.1.weight")] = {down[level], in, 4, 4};
    if (level > 0 && level < 7) add_norm(shapes, name + ".down.2", down[level], true);
    shapes[name + ".up.2.weight"] = {level == 0 ? 2 : down[level - 1], down[level], 3, 3};
    name += ".submodule";
  }
  shapes["pose_encoder.pix2pixUnwrapped.netG.model.down.0.weight"] = {64, 3, 4, 4};
}

void add_fabnet(TensorShapes& shapes) {
  const std::int64_t channels[] = {32, 64, 128, 256, 256, 256, 256, 256};
  const int layers[] = {0, 2, 5, 8, 11, 14, 17, 20};
  for (int i = 0; i < 8; ++i) {
    const auto name = "pose_encoder." + std::to_string(layers[i]);
    shapes[name + ".weight"] = {channels[i], i == 0 ? 3 : channels[i - 1], 4, 4};
    shapes[name + ".bias"] = {channels[i]};
    if (i > 0 && i < 7) add_norm(shapes, "pose_encoder." + std::to_string(layers[i] + 1), channels[i], true);
  }
}

/// torchvision's ResNeXt, whose names our own network shares.
void add_resnext(TensorShapes& shapes) {
  ReenactorConfig config;
  for (const auto& [name, shape] : shapes_of(*IdentityEncoderNetwork(config), "identity_encoder."))
    shapes[name] = shape;
}

using Options = std::map<std::string, std::string>;

/// A checkpoint: each tensor is filled with 1 / 64 times its place among all of its network's.
std::string checkpoint_bytes(const std::map<std::string, TensorShapes>& networks, const Sizes& sizes,
                             const Options& texts) {
  test::PickleWriter writer;
  test::LegacyFile file;
  writer.op('}').mark();
  for (const auto& [network, shapes] : networks) {
    writer.text(network).global("collections", "OrderedDict").ops(")R").mark();
    float place = 0;
    for (const auto& [name, shape] : shapes) {
      const auto key = std::to_string(file.storages.size());
      writer.text(name).tensor(key, 1, 0, shape, std::vector<std::int64_t>(shape.size(), 0));
      file.storages.push_back({key, {place++ / 64}});
    }
    writer.op('u');
  }
  writer.text("args").global("argparse", "Namespace").ops(")\x81}").mark();
  for (const auto& [option, text] : texts) writer.text(option).text(text);
  const std::pair<const char*, std::int64_t> numbers[] = {{"image_size", 256},
                                                          {"num_channels", sizes.channels},
                                                          {"max_num_channels", sizes.most},
                                                          {"embed_channels", sizes.embedding},
                                                          {"dis_num_blocks", 7},
                                                          {"pose_embedding_size", 256}};
  for (const auto& [option, number] : numbers) writer.text(option).integer(number);
  file.object = writer.ops("ub").op('u').stop();
  return file.bytes();
}

struct Case {
  std::string name;
  Options options;
  std::map<std::string, TensorShapes> networks;
  ReenactorConfig config;
};

Case case_of(const std::string& name, const Sizes& sizes = {}, bool fine_tuned = false) {
  Case result{name, {{"norm_layer", "in"}, {"average_function", "sum"}}, {}, {}};
  auto& options = result.options;
  auto& networks = result.networks;
  auto& config = result.config;
  options["generator"] = "vector_pose_unsupervised_segmentation_noBottleneck";
  if (name == "X2Face+" || name == "FAb-Net+") {
    const bool x2face = name == "X2Face+";
    options["embedder"] = x2face ? "X2Face_pretrained_embResNeXt" : "whatever FAb-Net's is called";
    config.pose_encoder = x2face ? "x2face" : "fabnet";
    config.pose_embedding_size = x2face ? 128 : 256;
    networks["generator"] = own_generator(sizes, config.pose_embedding_size, false);
    add_resnext(networks["embedder"]);
    x2face ? add_x2face(networks["embedder"]) : add_fabnet(networks["embedder"]);
    networks["discriminator"] = discriminator(sizes, 3, 10);
  } else {
    config.pose_encoder = "none";
    config.identity_encoder = "conv_sum";
    const bool fsth = name == "FSTH";
    options["generator"] = fsth ? "FSTH" : "FSTH_plus";
    options["embedder"] = fsth ? "FSTH" : "no_pose_encoder";
    if (fsth) {
      config.architecture = "fsth";
      config.pose_source = "stickman";
      networks["generator"] = fsth_generator(sizes, fine_tuned);
    } else {
      config.projector = "leaky";
      config.pose_source = "keypoints68";
      config.pose_embedding_size = 136;
      networks["generator"] = own_generator(sizes, 136, true);
    }
    networks["embedder"] = fsth_embedder(sizes, fsth ? 6 : 3);
    networks["discriminator"] = discriminator(sizes, fsth ? 6 : 3, fine_tuned ? 1 : 10);
  }
  config.preset = "custom";
  return result;
}

/// The value that a tensor of a network was filled with.
float value_in(const Case& one, const std::string& network, const std::string& name) {
  const auto& shapes = one.networks.at(network);
  const auto found = shapes.find(name);
  if (found == shapes.end()) throw std::out_of_range(name);
  return static_cast<float>(std::distance(shapes.begin(), found)) / 64;
}

float first_value(const AuthorsCheckpoint& checkpoint, const PickledTensors& tensors,
                  const std::string& ours) {
  const auto& tensor = tensors.at(ours);
  const auto bytes = checkpoint.archive().read(tensor);
  return TensorView{tensor.storage.type, tensor.shape, bytes}.to_floats().front();
}

class ComparedCheckpoint : public testing::TestWithParam<const char*> {};

TEST_P(ComparedCheckpoint, OfFullSizeFitsOurNetworks) {
  const auto one = case_of(GetParam());
  const TestFile file("compared.pth", checkpoint_bytes(one.networks, {}, one.options));
  const AuthorsCheckpoint checkpoint(file.path());
  EXPECT_EQ(checkpoint.config(), one.config);
  EXPECT_FALSE(checkpoint.is_fine_tuned());
  EXPECT_FALSE(checkpoint.has(WeightsChoice::average));
  auto wanted = shapes_of(*make_head_generator(checkpoint.config()), "gen.");
  wanted.merge(shapes_of(*PoseEncoderNetwork(checkpoint.config()), "pose."));
  wanted.merge(shapes_of(*IdentityEncoderNetwork(checkpoint.config()), "idt."));
  EXPECT_EQ(first_difference(checkpoint.tensors(WeightsChoice::raw), wanted), "");
  DiscriminatorConfig config;
  config.in_channels = checkpoint.config().architecture == "fsth" ? 6 : 3;
  auto judging = shapes_of(*Discriminator(config), "dis.");
  std::erase_if(judging, [](const auto& entry) { return entry.first.starts_with("dis.embed."); });
  EXPECT_EQ(first_difference(checkpoint.discriminator(), judging), "");
}

INSTANTIATE_TEST_SUITE_P(Systems, ComparedCheckpoint, testing::Values("X2Face+", "FAb-Net+", "FSTH", "FSTH+"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase_if(name, [](char c) { return c == '-'; });
                           return name.ends_with('+') ? name.substr(0, name.size() - 1) + "Plus" : name;
                         });

TEST(ComparedCheckpoints, EveryTensorGoesWhereItsModuleIs) {
  const std::map<std::string, std::vector<std::array<const char*, 3>>> places = {
      {"X2Face+",
       {{"embedder", "pose_encoder.pix2pixSampler.netG.model.down.0.weight", "pose.down0.conv.weight"},
        {"embedder", "pose_encoder.pix2pixSampler.netG.model.submodule.submodule.down.1.weight",
         "pose.down2.conv.weight"},
        {"embedder", "pose_encoder.pix2pixSampler.netG.model.submodule.down.2.running_var",
         "pose.down1.bn.running_var"}}},
      {"FAb-Net+",
       {{"embedder", "pose_encoder.5.weight", "pose.enc2.weight"},
        {"embedder", "pose_encoder.6.bias", "pose.enc2_bn.bias"},
        {"embedder", "pose_encoder.20.bias", "pose.enc7.bias"}}},
      {"FSTH",
       {{"generator", "down_block.4.bias", "gen.stem.conv2.bias"},
        {"generator", "down_blocks.1.block.0.weight", "gen.down1.norm1.weight"},
        {"generator", "down_blocks.1.block.4.bias", "gen.down1.norm2.bias"},
        {"generator", "down_blocks.2.block.7.weight_v", "gen.down2.conv2.sn_v"},
        {"generator", "decoder_blocks.3.block.7.weight_u", "gen.res3.conv2.sn_u"},
        {"generator", "decoder_blocks.4.block.4.weight_u", "gen.up0.conv1.sn_u"},
        {"generator", "decoder_blocks.7.skip.1.bias", "gen.up3.skip.bias"},
        {"generator", "decoder_blocks.11.bias", "gen.out.bias"},
        {"generator", "project.bias", "gen.project.bias"},
        {"embedder", "down_blocks.4.block.5.bias", "idt.block4.conv2.bias"}}},
      {"FSTH+",
       {{"generator", "affine_params_projector.0.bias", "gen.proj.fc1.bias"},
        {"generator", "affine_params_projector.2.bias", "gen.proj.fc2.bias"},
        {"generator", "affine_params_projector.4.bias", "gen.proj.fc3.bias"},
        {"embedder", "skip.0.bias", "idt.stem.skip.bias"}}}};
  for (const auto& [name, tensors] : places) {
    SCOPED_TRACE(name);
    const auto one = case_of(name);
    const TestFile file("compared.pth", checkpoint_bytes(one.networks, {}, one.options));
    const AuthorsCheckpoint checkpoint(file.path());
    const auto found = checkpoint.tensors(WeightsChoice::raw);
    for (const auto& [network, theirs, ours] : tensors)
      EXPECT_EQ(first_value(checkpoint, found, ours), value_in(one, network, theirs)) << theirs;
  }
}

TEST(ComparedCheckpoints, BecomeModelsThatOurNetworksTake) {
  const Sizes small{.channels = 4, .most = 16, .embedding = 512};
  const test::TemporaryFolder folder;
  for (const std::string name : {"X2Face+", "FAb-Net+", "FSTH+"}) {
    SCOPED_TRACE(name);
    const auto one = case_of(name, small);
    const TestFile file("compared.pth", checkpoint_bytes(one.networks, small, one.options));
    AuthorsImport options;
    options.checkpoint = file.path();
    options.reenactor = folder / "reenactor.safetensors";
    options.weights = WeightsChoice::raw;
    ASSERT_EQ(import_authors_checkpoint(options).size(), 1u);
    const ModelFile model(options.reenactor, ModelKind::reenactor);
    const auto config = model.info().config.get<ReenactorConfig>();
    EXPECT_EQ(config.pose_source, one.config.pose_source);
    EXPECT_NO_THROW(load_weights(*make_head_generator(config), model, "gen."));
    EXPECT_NO_THROW(load_weights(*PoseEncoderNetwork(config), model, "pose."));
    EXPECT_NO_THROW(load_weights(*IdentityEncoderNetwork(config), model, "idt."));
    EXPECT_FALSE(model.file().contains("dis.score.weight"));
  }
}

TEST(ComparedCheckpoints, FineTunedFsthKeepsItsAdainNumbersAsTheirLayersBias) {
  const Sizes small{.channels = 4, .most = 16, .embedding = 512};
  const auto one = case_of("FSTH", small, true);
  const TestFile file("compared.pth", checkpoint_bytes(one.networks, small, one.options));
  const test::TemporaryFolder folder;
  AuthorsImport options;
  options.checkpoint = file.path();
  options.reenactor = folder / "fsth.safetensors";
  options.identity = folder / "ada.safetensors";
  options.weights = WeightsChoice::raw;
  options.with_discriminator = true;
  import_authors_checkpoint(options);
  const ModelFile model(options.reenactor, ModelKind::reenactor);
  EXPECT_TRUE(model.file().contains("dis.embed.weight"));
  EXPECT_EQ(model.file().at("gen.project.bias").to_floats().front(),
            value_in(one, "generator", "project.bias"));
  const auto identity = load_identity(options.identity);
  for (const float number : identity->embedding) EXPECT_EQ(number, 0);
  ASSERT_TRUE(identity->personal_weights);
  const auto bias = identity->personal_weights->file().at("gen.project.bias").to_floats();
  // Of each AdaIN layer in order its biases, then its weights: 16 channels at first, 4 at the end.
  ASSERT_EQ(bias.size(), 2u * (4 * 32 + 2 * 16 + 16 + 16 + 16 + 8 + 8 + 4 + 4));
  const auto value = [&](const std::string& tensor) { return value_in(one, "generator", tensor); };
  EXPECT_EQ(bias[0], value("decoder_blocks.0.block.0.bias"));
  EXPECT_EQ(bias[15], value("decoder_blocks.0.block.0.bias"));
  EXPECT_EQ(bias[16], value("decoder_blocks.0.block.0.weight"));
  EXPECT_EQ(bias[32], value("decoder_blocks.0.block.4.bias"));
  EXPECT_EQ(bias[64], value("decoder_blocks.1.block.0.bias"));
  EXPECT_EQ(bias[4 * 64 + 32], value("decoder_blocks.4.block.5.bias"));
  EXPECT_EQ(bias[bias.size() - 8], value("decoder_blocks.8.bias"));
  EXPECT_EQ(bias.back(), value("decoder_blocks.8.weight"));
}

TEST(ComparedCheckpoints, SayInOneSentenceWhatTheyAreNot) {
  const Sizes small{.channels = 4, .most = 16, .embedding = 512};
  const auto refused = [&](const Case& one, const std::string& words) {
    const TestFile file("compared.pth", checkpoint_bytes(one.networks, small, one.options));
    expect_error(ErrorCode::wrong_kind, words, [&] {
      AuthorsImport options;
      options.checkpoint = file.path();
      options.reenactor = file.path().string() + ".safetensors";
      options.weights = WeightsChoice::raw;
      import_authors_checkpoint(options);
    });
  };
  auto x2face = case_of("FSTH", small);
  x2face.options["generator"] = "X2Face";
  refused(x2face,
          "generator=X2Face, wanted vector_pose_unsupervised_segmentation_noBottleneck, FSTH or FSTH_plus");
  auto face_model = case_of("FAb-Net+", small);
  face_model.options["embedder"] = "ExpressionNet";
  std::erase_if(face_model.networks["embedder"],
                [](const auto& entry) { return entry.first.starts_with("pose_encoder."); });
  refused(face_model, "embedder=ExpressionNet");
  auto reflecting = case_of("FSTH", small);
  reflecting.options["gen_padding"] = "reflection";
  refused(reflecting, "gen_padding=reflection");
  auto short_of_one = case_of("FSTH", small);
  short_of_one.networks["generator"].erase("down_blocks.1.block.4.bias");
  refused(short_of_one, "lacks gen.down1.norm2.bias");
  auto half_tuned = case_of("FSTH", small, true);
  half_tuned.networks["generator"].erase("decoder_blocks.5.block.5.weight");
  const TestFile file("compared.pth", checkpoint_bytes(half_tuned.networks, small, half_tuned.options));
  expect_error(ErrorCode::wrong_kind, "lacks the weight of AdaIN layer 11",
               [&] { AuthorsCheckpoint(file.path()).adain_numbers(WeightsChoice::raw); });
}

}  // namespace
}  // namespace reenact::training
