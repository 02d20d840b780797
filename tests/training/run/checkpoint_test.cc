// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/checkpoint.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <opencv2/core.hpp>

#include "support/errors.h"
#include "support/temporary_folder.h"
#include "training/run/random_state.h"

namespace reenact::training {
namespace {

using test::expect_error;

/// Parameters, buffers of two types, a branch without gradients and channels_last weights.
struct SmallNetwork : torch::nn::Module {
  SmallNetwork() {
    convolution =
        register_module("convolution", torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 5, 3).padding(1)));
    norm = register_module("norm", torch::nn::BatchNorm2d(5));
    output = register_module("output", torch::nn::Linear(5, 2));
    unused = register_module("unused", torch::nn::Linear(2, 2));
    convolution->to(torch::kFloat32);
    convolution->weight.set_data(convolution->weight.contiguous(torch::MemoryFormat::ChannelsLast));
  }
  torch::Tensor forward(const torch::Tensor& input) {
    auto features = torch::relu(norm(convolution(input)));
    features = torch::dropout(features, 0.3, is_training());
    return output(features.mean({2, 3}));
  }
  torch::nn::Conv2d convolution{nullptr};
  torch::nn::BatchNorm2d norm{nullptr};
  torch::nn::Linear output{nullptr}, unused{nullptr};
};

using MakeOptimizer = std::function<std::unique_ptr<torch::optim::Optimizer>(std::vector<torch::Tensor>)>;

struct TrainingRun {
  explicit TrainingRun(const MakeOptimizer& make) : optimizer(make(network.parameters())) {}

  std::vector<float> train(int steps) {
    std::vector<float> losses;
    for (int i = 0; i < steps; ++i) {
      std::uniform_int_distribution<int> choose(0, 1);
      const auto input = torch::randn({4, 3, 6, 6}).contiguous(torch::MemoryFormat::ChannelsLast);
      const auto target = torch::full(
          {4, 2}, static_cast<float>(choose(choice)) + static_cast<float>(cv::theRNG().uniform(0., 1.)));
      optimizer->zero_grad();
      auto loss = torch::mse_loss(network.forward(input), target);
      loss.backward();
      optimizer->step();
      losses.push_back(loss.item<float>());
    }
    return losses;
  }
  void put(Checkpoint& checkpoint) {
    checkpoint.put_module("network", network);
    checkpoint.put_optimizer("optimizer", *optimizer);
    put_random_state(checkpoint);
    put_random_state(checkpoint, "choice", choice);
  }
  void get(const Checkpoint& checkpoint) {
    checkpoint.get_module("network", network);
    checkpoint.get_optimizer("optimizer", *optimizer);
    get_random_state(checkpoint);
    get_random_state(checkpoint, "choice", choice);
  }

  SmallNetwork network;
  std::unique_ptr<torch::optim::Optimizer> optimizer;
  std::mt19937_64 choice{5};
};

struct NamedOptimizer {
  const char* name;
  MakeOptimizer make;
};
void PrintTo(const NamedOptimizer& optimizer, std::ostream* out) {
  *out << optimizer.name;
}

class ExactResume : public testing::TestWithParam<NamedOptimizer> {};

TEST_P(ExactResume, FivePlusFiveStepsEqualTen) {
  test::TemporaryFolder folder;
  seed_everything(3);
  TrainingRun straight(GetParam().make);
  auto expected = straight.train(10);

  seed_everything(3);
  {
    TrainingRun first(GetParam().make);
    first.train(5);
    Checkpoint checkpoint;
    first.put(checkpoint);
    checkpoint.save(folder / "run.safetensors", {});
  }
  seed_everything(99);  // a new process starts from somewhere else
  TrainingRun second(GetParam().make);
  second.choice.seed(1);
  second.train(2);
  second.get(Checkpoint::load(folder / "run.safetensors"));
  const auto losses = second.train(5);

  EXPECT_EQ(losses, std::vector<float>(expected.begin() + 5, expected.end()));
  const auto wanted = straight.network.named_parameters(), found = second.network.named_parameters();
  for (const auto& item : wanted) EXPECT_TRUE(torch::equal(item.value(), found[item.key()])) << item.key();
  const auto wanted_buffers = straight.network.named_buffers(),
             found_buffers = second.network.named_buffers();
  for (const auto& item : wanted_buffers)
    EXPECT_TRUE(torch::equal(item.value(), found_buffers[item.key()])) << item.key();
}

INSTANTIATE_TEST_SUITE_P(
    Optimizers, ExactResume,
    testing::Values(NamedOptimizer{"adam",
                                   [](auto parameters) {
                                     return std::make_unique<torch::optim::Adam>(
                                         parameters, torch::optim::AdamOptions(1e-2).betas({0.5, 0.99}));
                                   }},
                    NamedOptimizer{"amsgrad",
                                   [](auto parameters) {
                                     return std::make_unique<torch::optim::Adam>(
                                         parameters, torch::optim::AdamOptions(1e-2).amsgrad(true));
                                   }},
                    NamedOptimizer{"adamw",
                                   [](auto parameters) {
                                     return std::make_unique<torch::optim::AdamW>(
                                         parameters, torch::optim::AdamWOptions(1e-2));
                                   }},
                    NamedOptimizer{"sgd",
                                   [](auto parameters) {
                                     return std::make_unique<torch::optim::SGD>(
                                         parameters, torch::optim::SGDOptions(1e-2).momentum(0.9));
                                   }}),
    [](const auto& info) { return info.param.name; });

class CheckpointTest : public testing::Test {
 protected:
  std::filesystem::path path_of(const Checkpoint& checkpoint, const ModelInfo& info = {}) {
    checkpoint.save(folder_ / "c.safetensors", info);
    return folder_ / "c.safetensors";
  }
  test::TemporaryFolder folder_;
};

TEST_F(CheckpointTest, KeepsEveryTypeShapeAndLayout) {
  Checkpoint checkpoint;
  std::map<std::string, torch::Tensor> tensors;
  for (const auto type : {torch::kBool, torch::kUInt8, torch::kInt8, torch::kInt16, torch::kInt32,
                          torch::kInt64, torch::kFloat16, torch::kBFloat16, torch::kFloat32, torch::kFloat64})
    tensors[std::string("type ") + c10::toString(type)] = torch::randn({3, 2}).mul(3).to(type);
  tensors["scalar"] = torch::tensor(0.1);
  tensors["empty"] = torch::empty({0, 4});
  tensors["transposed"] = torch::randn({4, 3}).t();
  tensors["with gradient"] = torch::randn({2}, torch::requires_grad());
  for (const auto& [name, tensor] : tensors) checkpoint.put(name, tensor);
  checkpoint.put_text("note", "any \"text\"\nat all");
  ModelInfo info;
  info.config = JsonObject(R"({"width": 3})");
  info.licence = "CC0-1.0";

  const auto loaded = Checkpoint::load(path_of(checkpoint, info));
  ASSERT_EQ(loaded.tensors().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(loaded.get(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(loaded.get(name), tensor)) << name;
  }
  EXPECT_EQ(loaded.text("note"), "any \"text\"\nat all");
  EXPECT_EQ(loaded.info().kind, ModelKind::checkpoint);
  EXPECT_EQ(loaded.info().config, info.config);
  EXPECT_EQ(loaded.info().licence, "CC0-1.0");
}

TEST_F(CheckpointTest, RefusesTypesTheFormatDoesNotHold) {
  Checkpoint checkpoint;
  checkpoint.put("complex", torch::zeros({2}, torch::kComplexFloat));
  expect_error([&] { path_of(checkpoint); }, ErrorCode::unsupported, {"ComplexFloat"});
}

TEST_F(CheckpointTest, NamesWhatDoesNotFitAndChangesNothing) {
  SmallNetwork network;
  Checkpoint checkpoint;
  checkpoint.put_module("network", network);
  const auto good = path_of(checkpoint);
  const auto weight_before = network.output->weight.clone();

  auto altered = [&](const std::function<void(Checkpoint&)>& change) {
    Checkpoint copy = Checkpoint::load(good);
    for (const auto& item : network.named_parameters())
      copy.put("network." + item.key(), item.value().detach() + 1);
    change(copy);
    copy.save(folder_ / "altered.safetensors", {});
    return Checkpoint::load(folder_ / "altered.safetensors");
  };
  const auto reshaped = altered([](Checkpoint& c) { c.put("network.unused.weight", torch::zeros({7, 2})); });
  expect_error([&] { reshaped.get_module("network", network); }, ErrorCode::wrong_kind,
               {"altered.safetensors", "network.unused.weight", "[7, 2]", "[2, 2]"});
  const auto retyped = altered([](Checkpoint& c) {
    c.put("network.unused.weight", torch::zeros({2, 2}, torch::kFloat64));
  });
  expect_error([&] { retyped.get_module("network", network); }, ErrorCode::wrong_kind, {"Double", "Float"});
  EXPECT_TRUE(torch::equal(network.output->weight, weight_before));

  struct Wider : SmallNetwork {
    Wider() { register_parameter("more", torch::zeros({3})); }
  } wider;
  expect_error([&] { reshaped.get_module("network", wider); }, ErrorCode::wrong_kind, {"network.more"});
  struct Narrower : torch::nn::Module {
    Narrower() { register_module("output", torch::nn::Linear(5, 2)); }
  } narrower;
  expect_error([&] { Checkpoint::load(good).get_module("network", narrower); }, ErrorCode::wrong_kind,
               {"holds 11 tensors of network", "makes 2"});
  expect_error([&] { reshaped.get_module("other", network); }, ErrorCode::wrong_kind, {"other."});
  expect_error([&] { reshaped.text("absent"); }, ErrorCode::wrong_kind, {"'absent'"});
  expect_error([&] { reshaped.get("absent"); }, ErrorCode::wrong_kind, {"'absent'"});
}

TEST_F(CheckpointTest, RefusesTheStateOfAnotherOptimizer) {
  SmallNetwork network;
  torch::optim::Adam optimizer(network.parameters());
  network.forward(torch::randn({2, 3, 6, 6})).sum().backward();
  optimizer.step();
  Checkpoint checkpoint;
  checkpoint.put_optimizer("adam", optimizer);
  const auto loaded = Checkpoint::load(path_of(checkpoint));
  torch::optim::Adam fewer({network.output->weight});
  expect_error([&] { loaded.get_optimizer("adam", fewer); }, ErrorCode::wrong_kind,
               {"8 parameters of adam", "makes 1"});
  auto parameters = network.parameters();
  std::reverse(parameters.begin(), parameters.end());
  torch::optim::Adam reordered(parameters);
  expect_error([&] { loaded.get_optimizer("adam", reordered); }, ErrorCode::wrong_kind, {"adam.", "exp_avg"});
  torch::optim::RMSprop other(network.parameters());
  expect_error([&] { checkpoint.put_optimizer("other", other); }, ErrorCode::unsupported, {"Adam"});
}

/// An optimiser that tells its state itself.
struct OwnOptimizer {
  std::map<std::string, torch::Tensor> state_tensors() const { return {{"velocity", velocity}}; }
  void set_state_tensors(const std::map<std::string, torch::Tensor>& state) {
    velocity = state.at("velocity");
  }
  torch::Tensor velocity = torch::zeros({3});
};

TEST_F(CheckpointTest, TakesOptimizersOfOurOwn) {
  OwnOptimizer optimizer;
  optimizer.velocity = torch::randn({3});
  Checkpoint checkpoint;
  checkpoint.put_optimizer("own", optimizer);
  OwnOptimizer again;
  Checkpoint::load(path_of(checkpoint)).get_optimizer("own", again);
  EXPECT_TRUE(torch::equal(again.velocity, optimizer.velocity));
}

TEST_F(CheckpointTest, RefusesDamagedRandomStates) {
  Checkpoint checkpoint;
  checkpoint.put("random.cpu", torch::zeros({7}, torch::kUInt8));
  checkpoint.put_text("twister", "no numbers");
  std::mt19937_64 generator;
  expect_error([&] { get_random_state(checkpoint); }, ErrorCode::wrong_kind, {"random.cpu"});
  expect_error([&] { get_random_state(checkpoint, "twister", generator); }, ErrorCode::wrong_kind,
               {"Mersenne"});
}

}  // namespace
}  // namespace reenact::training
