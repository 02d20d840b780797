// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>
#include <opencv2/imgproc.hpp>

#include "media/picture_file.h"
#include "offline/contact_sheet.h"
#include "reenact/engine.h"
#include "reenact/identity.h"
#include "reenact/safetensors.h"
#include "support/errors.h"
#include "support/random_weights.h"
#include "support/run_program.h"
#include "support/temporary_folder.h"
#include "torch/load_weights.h"
#include "torch/networks/encoders.h"
#include "torch/networks/fsth_generator.h"
#include "torch/networks/x2face.h"
#include "training/compared/compared_system.h"
#include "training/data/descriptor_file.h"
#include "training/data/frame_descriptors.h"
#include "training/data/landmark_expression.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

constexpr int side = 32, identity_size = 8;

ReenactorConfig small_config() {
  ReenactorConfig config;
  config.image_size = config.pose_input_size = side;
  config.num_channels = 4;
  config.max_channels = 8;
  config.identity_embedding_size = identity_size;
  config.pose_embedding_size = 6;
  config.identity_encoder = "mobilenet_v2";
  config.identity_encoder_width = config.pose_encoder_width = 0.25;
  return config;
}

/// Small models of every system, by the names of their configurations.
ReenactorConfig config_of(const std::string& name) {
  auto config = small_config();
  if (name == "ours") return config;
  if (name == "x2face-plus" || name == "fabnet-plus") {
    config.pose_encoder = name.substr(0, name.find('-'));
    return config;
  }
  config.pose_encoder = "none";
  if (name == "3dmm-plus") {
    config.pose_source = "vector";
    config.pose_embedding_size = 33;
    return config;
  }
  config.identity_encoder = "conv_sum";
  if (name == "fsth-plus") {
    config.pose_source = "keypoints68";
    config.pose_embedding_size = 136;
    config.projector = "leaky";
  } else {
    config.architecture = "fsth";
    config.pose_source = "stickman";
  }
  return config;
}

const char* const reenactors[] = {"ours", "x2face-plus", "fabnet-plus", "fsth", "fsth-plus", "3dmm-plus"};

/// A picture with a bright disc, its mask, and facial points about it.
HeadFrame some_frame(int number) {
  HeadFrame frame;
  frame.rgb = cv::Mat(side, side, CV_8UC3, cv::Scalar(40, 30, 20));
  frame.mask = cv::Mat(side, side, CV_8UC1, cv::Scalar(0));
  const cv::Point center(13 + number, 16);
  cv::circle(frame.rgb, center, 8, {90, 150, 220}, cv::FILLED);
  cv::circle(frame.mask, center, 8, 255, cv::FILLED);
  for (int i = 0; i < 68; ++i)
    frame.landmarks.emplace_back((center.x + 6 * std::cos(0.3f * i)) / side,
                                 (16 + 6 * std::sin(0.3f * i)) / side);
  frame.descriptor.assign(33, 0.1f * static_cast<float>(number));
  return frame;
}

class ComparedSystems : public testing::Test {
 protected:
  std::string model(const std::string& name) const { return folder_ / (name + ".safetensors"); }

  void write_reenactor(const std::string& name, bool masked = true) const {
    torch::manual_seed(5);
    const auto config = config_of(name);
    PoseEncoderNetwork pose(config);
    const IdentityEncoderNetwork identity(config);
    auto generator = make_head_generator(config);
    // Networks that learned nothing hardly tell pictures apart: weights with which activations keep their size, and poses that
    // are long beside identities.
    test::randomize(pose);
    test::randomize(generator);
    constexpr double longer = 20;
    for (auto& item : pose->named_parameters())
      for (const char* last : {"classifier.1.weight", "down4.conv.weight", "enc4.weight"})
        if (item.key() == last) item.value().detach().mul_(longer);
    if (!masked) {
      torch::NoGradGuard no_grad;
      generator->named_parameters()["out.weight"][3].zero_();
      generator->named_parameters()["out.bias"][3].fill_(20);
    }
    auto tensors = weights_of(*pose, "pose.");
    tensors.merge(weights_of(*identity, "idt."));
    tensors.merge(weights_of(*generator, "gen."));
    ModelInfo info;
    info.config = to_json(config);
    write_model(model(name), info, tensors);
  }
  void write_warper() const {
    torch::manual_seed(6);
    const WarperConfig config{.image_size = side, .width = 0.125, .code_size = 6};
    ModelInfo info;
    info.kind = ModelKind::warper;
    info.config = to_json(config);
    X2Face network(config);
    test::randomize(network);
    write_model(model("x2face"), info, weights_of(*network, ""));
  }
  std::unique_ptr<ComparedSystem> system(const std::string& name) const {
    ComparedSystemOptions options;
    options.model = model(name);
    options.overrides = {"run.steps=2", "run.batch_size=2", "loss.l1=10", "loss.dice=0",
                         "tuning.generator_learning_rate=0.05"};
    return load_compared_system(options);
  }

  test::TemporaryFolder folder_;
  std::vector<HeadFrame> person_ = {some_frame(0), some_frame(1), some_frame(3)};
};

double difference(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_INF);
}

TEST_F(ComparedSystems, LearnAPersonDrawThemAndRememberThem) {
  for (const std::string name : reenactors) write_reenactor(name);
  write_warper();
  std::vector<std::string> names(std::begin(reenactors), std::end(reenactors));
  names.push_back("x2face");
  for (const auto& name : names) {
    SCOPED_TRACE(name);
    const auto first = system(name);
    test::expect_error([&] { first->draw(some_frame(2)); }, ErrorCode::invalid, {"no person was learned"});
    first->learn(person_);
    const auto head = first->draw(some_frame(2)), other = first->draw(some_frame(6));
    EXPECT_EQ(head.size(), cv::Size(side, side));
    EXPECT_EQ(head.type(), CV_8UC3);
    // FSTH's embedding is a sum over the picture, beside which facial points are nothing before anything was learned.
    if (name == "fsth-plus")
      EXPECT_NE(first->descriptor(some_frame(2)), first->descriptor(some_frame(6)));
    else
      EXPECT_GT(difference(head, other), 5) << "it does not see the driver";
    EXPECT_EQ(difference(head, first->draw(some_frame(2))), 0);
    const auto identity = folder_ / (name + "-person.safetensors");
    first->save(identity);
    const auto second = system(name);
    second->load(identity);
    EXPECT_LE(difference(second->draw(some_frame(2)), head), 1);
    EXPECT_EQ(first->image_size(), side);
    EXPECT_EQ(first->masked(), name != "fsth" && name != "x2face");
    if (name == "fsth") {
      test::expect_error([&] { first->descriptor(some_frame(1)); }, ErrorCode::unsupported,
                         {"pictures for poses"});
      continue;
    }
    EXPECT_EQ(first->descriptor(some_frame(1)).size(),
              name == "x2face" ? 6u : static_cast<std::size_t>(config_of(name).pose_embedding_size));
  }
}

TEST_F(ComparedSystems, DrivenByDescriptorsTakeThemOfFacialPoints) {
  std::vector<LandmarkExpression::Face> faces;
  for (int i = 0; i < 8; ++i) faces.push_back(some_frame(i).landmarks);
  for (std::size_t i = 0; i < faces.size(); ++i) faces[i][50].y += 0.02f * static_cast<float>(i);
  LandmarkExpression::fit(faces, std::vector<std::int64_t>(faces.size()))
      .write(folder_ / "expression.safetensors", {});
  write_reenactor("3dmm-plus");
  auto bare = some_frame(2);
  bare.descriptor.clear();
  auto open = bare;
  open.landmarks[50].y += 0.1f;
  const auto without = system("3dmm-plus");
  without->learn(person_);
  test::expect_error([&] { without->draw(bare); }, ErrorCode::invalid, {"no descriptor", "expression"});
  ComparedSystemOptions options;
  options.model = model("3dmm-plus");
  options.expression = folder_ / "expression.safetensors";
  options.tune = false;
  const auto with = load_compared_system(options);
  with->learn({bare});
  EXPECT_NE(with->descriptor(bare), with->descriptor(open));
  EXPECT_GT(difference(with->draw(bare), with->draw(open)), 0);
  EXPECT_EQ(with->descriptor(some_frame(3)), some_frame(3).descriptor) << "it brings its own";
}

TEST_F(ComparedSystems, DrivenByDescriptorsTakeThemOfFiles) {
  write_reenactor("3dmm-plus");
  DescriptorFile descriptors;
  for (const std::string source : {"person", "masks", "driver"}) {
    fs::create_directories(folder_ / source);
    for (int i = 0; i < 3; ++i) {
      const auto frame = some_frame(i);
      cv::Mat mask;
      cv::cvtColor(frame.mask, mask, cv::COLOR_GRAY2RGB);
      write_png(fs::path(folder_ / source) / (std::to_string(i) + ".png"),
                source == "masks" ? mask : frame.rgb);
      // The driver's second picture has none.
      if (source != "driver" || i != 1)
        descriptors.vectors[frame_name(source, static_cast<std::size_t>(i))] = some_frame(3 * i).descriptor;
    }
  }
  write_descriptor_file(folder_ / "descriptors.safetensors", descriptors, {});
  const auto run = [&](std::vector<std::string> arguments) {
    const std::vector<std::string> common = {"--model",
                                             model("3dmm-plus"),
                                             "--device",
                                             "cpu",
                                             "--already-cropped",
                                             "--descriptors",
                                             folder_ / "descriptors.safetensors"};
    arguments.insert(arguments.end(), common.begin(), common.end());
    return test::run_program(arguments);
  };
  const std::string person = folder_ / "person.safetensors";
  const auto learned = run({"personalise", folder_ / "person", "--masks", folder_ / "masks", "--steps", "1",
                            "--set", "run.batch_size=2", "--output", person});
  ASSERT_EQ(learned.exit_code, 0) << learned.errors;
  const auto draw = [&](const std::string& every) {
    return run(
        {"draw", folder_ / "driver", "--identity", person, "--every", every, "--output", folder_ / "heads"});
  };
  const auto drawn = draw("2");
  ASSERT_EQ(drawn.exit_code, 0) << drawn.errors;
  std::vector<cv::Mat> heads;
  for (const auto& entry : fs::directory_iterator(folder_ / "heads")) heads.push_back(read_rgb(entry.path()));
  ASSERT_EQ(heads.size(), 2u);
  EXPECT_GT(difference(heads[0], heads[1]), 5);
  const auto refused = draw("1");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.errors.find("has no descriptor"), std::string::npos) << refused.errors;
}

TEST_F(ComparedSystems, TuningLeavesForeignEncodersAndFsthsEmbeddingAlone) {
  for (const std::string name : {"x2face-plus", "fabnet-plus", "fsth"}) {
    SCOPED_TRACE(name);
    write_reenactor(name);
    const auto tuned = system(name);
    tuned->learn(person_);
    tuned->save(folder_ / "tuned.safetensors");
    const ModelFile before(model(name)), after(folder_ / "tuned.safetensors");
    int moved = 0;
    for (const auto& [tensor_name, view] : before.file().tensors()) {
      if (tensor_name.starts_with("idt.")) continue;
      const auto was = to_torch(view), is = to_torch(after.file().at(tensor_name));
      const bool stays = tensor_name.starts_with("pose.") || tensor_name == "gen.project.weight";
      // A running average of equal weights rounds.
      EXPECT_TRUE(!stays || torch::allclose(was, is, 1e-5, 1e-7)) << tensor_name;
      moved += !stays && !torch::allclose(was, is, 1e-5, 1e-7);
    }
    EXPECT_GT(moved, 10);
  }
}

TEST_F(ComparedSystems, WithoutTuningAreTheModelAndTheEncodedIdentity) {
  write_reenactor("ours");
  ComparedSystemOptions options;
  options.model = model("ours");
  options.tune = false;
  const auto untuned = load_compared_system(options);
  untuned->learn(person_);
  untuned->save(folder_ / "untuned.safetensors");
  const ModelFile before(model("ours")), after(folder_ / "untuned.safetensors");
  for (const auto& [name, view] : before.file().tensors())
    EXPECT_TRUE(!name.starts_with("gen.") || torch::equal(to_torch(view), to_torch(after.file().at(name))))
        << name;
}

TEST_F(ComparedSystems, ThatWereTrainedWithoutMasksDrawTheBackground) {
  write_reenactor("ours", /*masked=*/false);
  EXPECT_FALSE(system("ours")->masked());
  write_reenactor("ours");
  EXPECT_TRUE(system("ours")->masked());
}

TEST_F(ComparedSystems, WithoutPosesOfPicturesAreRefusedLiveInOneSentence) {
  for (const std::string name : {"fsth", "fsth-plus", "3dmm-plus"}) {
    SCOPED_TRACE(name);
    write_reenactor(name);
    test::expect_error([&] { load_pose_encoder(model(name), {}); }, ErrorCode::unsupported,
                       {name, "reenact-train draw"});
    test::expect_error([&] { load_generator(model(name), {}); }, ErrorCode::unsupported, {name});
  }
  write_warper();
  test::expect_error([&] { load_generator(model("x2face"), {}); }, ErrorCode::wrong_kind, {"is a warper"});
}

TEST_F(ComparedSystems, RefuseWhatTheyCannotLearnFrom) {
  write_reenactor("fsth-plus");
  write_warper();
  const auto points = system("fsth-plus");
  test::expect_error([&] { points->learn({}); }, ErrorCode::invalid, {"no pictures"});
  auto blind = person_;
  blind[0].landmarks.clear();
  test::expect_error([&] { points->learn(blind); }, ErrorCode::invalid, {"no facial points", "--landmarks"});
  points->learn(person_);
  points->save(folder_ / "points.safetensors");
  const auto warper = system("x2face");
  test::expect_error([&] { warper->learn({}); }, ErrorCode::invalid, {"no pictures"});
  test::expect_error([&] { warper->load(folder_ / "points.safetensors"); }, ErrorCode::wrong_kind,
                     {"no sources of X2Face"});
  test::expect_error([&] { points->load(model("x2face")); }, ErrorCode::wrong_kind, {"is a warper"});
  ComparedSystemOptions options;
  options.model = folder_ / "points.safetensors";
  test::expect_error([&] { load_compared_system(options); }, ErrorCode::wrong_kind,
                     {"identity", "wanted a reenactor or a warper"});
}

}  // namespace
}  // namespace reenact::training
