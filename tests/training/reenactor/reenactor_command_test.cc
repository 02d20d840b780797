// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <torch/torch.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <thread>

#include "reenact/config.h"
#include "reenact/model_file.h"
#include "support/environment_variable.h"
#include "support/run_program.h"
#include "support/small_face_dataset.h"
#include "support/temporary_folder.h"
#include "training/run/process_ranks.h"

namespace reenact::training {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using test::RunningProgram;
using testing::HasSubstr;

std::string bytes_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// `reenact-train reenactor` on drawn faces.
class ReenactorCommand : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<test::TemporaryFolder>();
    test::write_small_face_dataset(*folder_ / "data");
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static fs::path path(const std::string& name) { return *folder_ / name; }
  static nlohmann::json provenance_of(const fs::path& model) {
    return nlohmann::json::parse(ModelFile(model).info().provenance.text());
  }
  static fs::path checkpoint(const std::string& run, int step) {
    char name[64];
    std::snprintf(name, sizeof name, "checkpoint-%09d.safetensors", step);
    return path(run) / "checkpoints" / name;
  }
  static std::vector<std::string> arguments(const std::string& run, int steps,
                                            const std::vector<std::string>& more = {}) {
    std::vector<std::string> list = {
        "reenactor", "--run-dir", path(run), "--output",           path(run + ".safetensors"),
        "--threads", "1",         "--steps", std::to_string(steps)};
    for (const char* setting :
         {"networks.preset=lite", "networks.image_size=32", "networks.pose_input_size=32",
          "networks.num_channels=4", "networks.max_channels=8", "networks.identity_embedding_size=8",
          "networks.pose_embedding_size=8", "networks.projector_hidden=16",
          "networks.identity_encoder_width=0.25", "networks.pose_encoder_width=0.25",
          "discriminator.num_blocks=4", "identity.source=table", "training.batch_size=4",
          "run.checkpoint_every=2", "run.validate_every=1000", "run.sheet_every=1000",
          "run.keep_checkpoints=2", "loss.l1=10"}) {
      list.push_back("--set");
      list.push_back(setting);
    }
    list.push_back("--set");
    list.push_back("data.folder=" + path("data").string());
    list.insert(list.end(), more.begin(), more.end());
    return list;
  }
  static bool wait_for_file(const fs::path& file) {
    for (int i = 0; i < 6000 && !fs::exists(file); ++i) std::this_thread::sleep_for(5ms);
    return fs::exists(file);
  }
  static fs::path newest_checkpoint(const std::string& run) {
    fs::path newest;
    for (const auto& entry : fs::directory_iterator(path(run) / "checkpoints"))
      if (entry.path().extension() == ".safetensors") newest = std::max(newest, entry.path());
    return newest;
  }
  static std::unique_ptr<test::TemporaryFolder> folder_;
};
std::unique_ptr<test::TemporaryFolder> ReenactorCommand::folder_;

TEST_F(ReenactorCommand, AKilledRunResumesToTheSameModel) {
  const auto straight = test::run_program(arguments("straight", 30));
  ASSERT_EQ(straight.exit_code, 0) << straight.errors;
  EXPECT_THAT(straight.errors, HasSubstr("substitute for perceptual networks"));
  {
    RunningProgram killed(arguments("killed", 30));
    ASSERT_TRUE(wait_for_file(checkpoint("killed", 4)));
    killed.send(SIGKILL);
    ASSERT_EQ(killed.wait().exit_code, 128 + SIGKILL) << "it was to be killed before its end";
  }
  ASSERT_FALSE(fs::exists(path("killed.safetensors")));
  const auto resumed = test::run_program(arguments("killed", 30, {"--resume"}));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.errors;
  EXPECT_THAT(resumed.errors, HasSubstr("resumed from"));
  EXPECT_EQ(bytes_of(path("straight.safetensors")), bytes_of(path("killed.safetensors")));
}

TEST_F(ReenactorCommand, IsFoundByItsFormerNameToo) {
  auto list = arguments("former", 1);
  list.front() = "meta";
  const auto result = test::run_program(list);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(provenance_of(path("former.safetensors"))["command"], "reenact-train reenactor");
}

TEST_F(ReenactorCommand, TheLiveConfigurationsRunOneAfterTheOther) {
  constexpr int steps = 50;
  std::string before, finished;
  for (const std::string name : {"meta-live-pose", "meta-live", "meta-live-finish", "meta-live-free-pose",
                                 "meta-live-free", "meta-live-fit"}) {
    SCOPED_TRACE(name);
    std::vector<std::string> list = {"reenactor",
                                     "--config",
                                     REENACT_SOURCE "/training/configs/" + name + ".toml",
                                     "--run-dir",
                                     path(name),
                                     "--output",
                                     path(name + ".safetensors"),
                                     "--threads",
                                     "1",
                                     "--steps",
                                     std::to_string(steps)};
    std::vector<std::string> settings = {"networks.image_size=32",
                                         "networks.pose_input_size=32",
                                         "networks.num_channels=4",
                                         "networks.max_channels=8",
                                         "networks.identity_embedding_size=8",
                                         "networks.pose_embedding_size=8",
                                         "networks.projector_hidden=16",
                                         "networks.identity_encoder_width=0.25",
                                         "networks.pose_encoder_width=0.25",
                                         "discriminator.num_channels=4",
                                         "discriminator.num_blocks=2",
                                         "training.batch_size=4",
                                         "training.precision=float32",
                                         "data.folder=" + path("data").string()};
    if (name == "meta-live")
      settings.push_back("training.start_pose_from=" + before);
    else if (!before.empty())
      settings.push_back("training.start_from=" + (name == "meta-live-free" ? finished : before));
    if (name == "meta-live-finish") finished = checkpoint(name, steps);
    if (name.find("free") != std::string::npos) settings.push_back("disentangle.reader=" + finished);
    for (const auto& setting : settings) list.insert(list.end(), {"--set", setting});
    const auto result = test::run_program(list);
    ASSERT_EQ(result.exit_code, 0) << result.errors;
    const auto info = ModelFile(path(name + ".safetensors"), ModelKind::reenactor).info();
    EXPECT_EQ(info.config.get<ReenactorConfig>().preset, "live");
    const auto provenance = nlohmann::json::parse(info.provenance.text());
    EXPECT_EQ(provenance["step"], steps);
    EXPECT_GT(provenance["metrics"]["held_out_psnr"], 1);
    before = checkpoint(name, steps);
  }
}

TEST_F(ReenactorCommand, AFullDiskEndsNothing) {
  const auto steps = 4;
  rlimit unlimited{};
  getrlimit(RLIMIT_FSIZE, &unlimited);
  rlimit full = unlimited;
  full.rlim_cur = 40 * 1024;  // less than a checkpoint
  setrlimit(RLIMIT_FSIZE, &full);
  const auto result = test::run_program(arguments("full", steps));
  setrlimit(RLIMIT_FSIZE, &unlimited);
  EXPECT_EQ(result.exit_code, 1) << "the model could not be written either";
  EXPECT_THAT(result.errors, HasSubstr("checkpoint-000000002.safetensors"));
  EXPECT_THAT(result.errors, HasSubstr("checkpoint-000000004.safetensors"))
      << "it went on after the first failure";
  EXPECT_THAT(result.errors, HasSubstr("there is no earlier checkpoint"));
  EXPECT_FALSE(fs::exists(path("full.safetensors")));
}

TEST_F(ReenactorCommand, UnreadableEntriesAreCounted) {
  fs::copy(path("data"), path("damaged"), fs::copy_options::recursive);
  fs::resize_file(path("damaged") / "stills" / "0001.jpg", 10);
  fs::resize_file(path("damaged") / "clips" / "c0" / "labels.safetensors", 30);
  auto list = arguments("unreadable", 1);
  std::replace(list.begin(), list.end(), "data.folder=" + path("data").string(),
               "data.folder=" + path("damaged").string());
  const auto result = test::run_program(list);
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("1 clips and stills, 1 frames, 2 unreadable"));
  EXPECT_THAT(result.errors, HasSubstr("0001"));
}

TEST_F(ReenactorCommand, LearnsInBfloat16) {
  const auto result = test::run_program(
      arguments("bfloat16", 2, {"--device", "cpu", "--set", "training.precision=bfloat16"}));
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("training on cpu in bfloat16"));
  EXPECT_TRUE(fs::exists(path("bfloat16.safetensors")));
}

TEST_F(ReenactorCommand, DevicesAndTypesThatAreMissingAreOneSentence) {
  const auto expect_sentence = [](const std::vector<std::string>& list, const std::string& part) {
    const auto result = test::run_program(list);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.errors, testing::ContainsRegex("^reenact-train: [^\n]*" + part + "[^\n]*\n$"));
  };
  expect_sentence(arguments("gpu", 1, {"--device", "gpu"}), "\"gpu\", wanted auto, cpu, cuda or cuda:N");
  expect_sentence(arguments("half", 1, {"--device", "cpu", "--set", "training.precision=float16"}),
                  "float16\", which wants a GPU");
  expect_sentence(arguments("none", 1, {"--device", "cuda:1000"}), "cuda:1000 was asked for");
  if (!torch::cuda::is_available())
    expect_sentence(arguments("cuda", 1, {"--device", "cuda"}), "LibTorch finds no CUDA device here");
}

TEST_F(ReenactorCommand, InASlurmAllocationWithoutSrunItSaysSoOrRunsAlone) {
  const test::EnvironmentVariable tasks("SLURM_NTASKS", "8"), rank("SLURM_PROCID", "0"),
      nodes("SLURM_JOB_NODELIST", "localhost");
  const auto refused = test::run_program(arguments("batch", 1));
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.errors,
              testing::ContainsRegex("^reenact-train: [^\n]*SLURM_NTASKS is 8[^\n]*--alone[^\n]*\n$"));
  const auto alone = test::run_program(arguments("batch", 1, {"--alone"}));
  EXPECT_EQ(alone.exit_code, 0) << alone.errors;
  EXPECT_TRUE(fs::exists(path("batch.safetensors")));
}

#ifdef REENACT_WITH_GLOO

std::vector<std::string> rank_variables(int rank, std::uint16_t port) {
  return {"RANK=" + std::to_string(rank), "WORLD_SIZE=2", "MASTER_ADDR=127.0.0.1",
          "MASTER_PORT=" + std::to_string(port)};
}

TEST_F(ReenactorCommand, OnlyTheFirstProcessWrites) {
  const auto port = test::free_port();
  RunningProgram first(arguments("first", 4), rank_variables(0, port));
  RunningProgram second(arguments("second", 4), rank_variables(1, port));
  const auto first_result = first.wait(), second_result = second.wait();
  ASSERT_EQ(first_result.exit_code, 0) << first_result.errors;
  ASSERT_EQ(second_result.exit_code, 0) << second_result.errors;
  EXPECT_EQ(provenance_of(path("first.safetensors"))["step"], 4);
  EXPECT_FALSE(fs::exists(path("second.safetensors")));
  EXPECT_FALSE(fs::exists(path("second")));
  EXPECT_EQ(second_result.output, "");
  EXPECT_THAT(first_result.errors, HasSubstr("2 processes share each batch of 4"));
}

TEST_F(ReenactorCommand, ALostProcessEndsTheRunAndItResumes) {
  {
    const auto port = test::free_port();
    RunningProgram first(arguments("lost", 100'000), rank_variables(0, port));
    RunningProgram second(arguments("lost", 100'000), rank_variables(1, port));
    ASSERT_TRUE(wait_for_file(checkpoint("lost", 4)));
    second.send(SIGKILL);
    second.wait();
    const auto start = std::chrono::steady_clock::now();
    const auto result = first.wait();
    EXPECT_LT(std::chrono::steady_clock::now() - start, 60s);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.errors, HasSubstr("reenact-train: process 0 of 0 to 1 lost another one"));
  }
  const auto port = test::free_port();
  RunningProgram first(arguments("lost", 10'000, {"--resume"}), rank_variables(0, port));
  RunningProgram second(arguments("lost", 10'000, {"--resume"}), rank_variables(1, port));
  const auto before = newest_checkpoint("lost");
  for (int i = 0; i < 6000 && newest_checkpoint("lost") == before; ++i) std::this_thread::sleep_for(5ms);
  second.send(SIGTERM);  // one is told to stop, both do
  const auto second_result = second.wait(), first_result = first.wait();
  EXPECT_EQ(second_result.exit_code, 0) << second_result.errors;
  EXPECT_EQ(first_result.exit_code, 0) << first_result.errors;
  EXPECT_THAT(first_result.errors, HasSubstr("resumed from"));
  EXPECT_TRUE(fs::exists(path("lost.safetensors")));
}

TEST_F(ReenactorCommand, ABatchThatCannotBeSharedIsRefused) {
  RunningProgram program(arguments("odd", 1, {"--set", "training.batch_size=3"}),
                         rank_variables(0, test::free_port()));
  const auto result = program.wait();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("training.batch_size is 3, wanted a multiple of the 2 processes"));
}

#else

TEST_F(ReenactorCommand, SeveralProcessesNeedGloo) {
  RunningProgram program(arguments("none", 1), {"RANK=0", "WORLD_SIZE=2", "MASTER_ADDR=127.0.0.1"});
  const auto result = program.wait();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("this build has no Gloo"));
}

#endif

}  // namespace
}  // namespace reenact::training
