// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/checkpoint_folder.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace reenact::training {
namespace {

using test::expect_error;

Checkpoint holding(double value, std::int64_t count = 1000) {
  Checkpoint checkpoint;
  checkpoint.put("value", torch::full({count}, value));
  return checkpoint;
}

std::set<std::string> names_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.insert(entry.path().filename().string());
  return names;
}

TEST(CheckpointFolder, IsEmptyAtFirst) {
  test::TemporaryFolder folder;
  EXPECT_FALSE(CheckpointFolder(folder / "none", 3).latest());
  expect_error([&] { CheckpointFolder(folder.path(), 0); }, ErrorCode::invalid, {"at least 1"});
}

TEST(CheckpointFolder, KeepsTheNewest) {
  test::TemporaryFolder folder;
  CheckpointFolder checkpoints(folder / "run", 2);
  std::filesystem::create_directories(folder / "run");
  std::ofstream(folder / "run/checkpoint-best.safetensors") << "somebody's own file";
  for (const std::int64_t step : {1, 20, 300}) checkpoints.save(holding(static_cast<double>(step)), step, {});
  EXPECT_EQ(names_in(folder / "run"),
            (std::set<std::string>{"checkpoint-000000020.safetensors", "checkpoint-000000300.safetensors",
                                   "checkpoint-best.safetensors"}));
  EXPECT_EQ(checkpoints.latest(), folder / "run/checkpoint-000000300.safetensors");
  EXPECT_EQ(Checkpoint::load(*checkpoints.latest()).get("value")[0].item<double>(), 300);
}

TEST(CheckpointFolder, AShorterRunInAnOldFolderKeepsWhatItWrote) {
  test::TemporaryFolder folder;
  CheckpointFolder checkpoints(folder.path(), 1);
  checkpoints.save(holding(1), 900, {});
  checkpoints.save(holding(2), 10, {});
  EXPECT_EQ(names_in(folder.path()), std::set<std::string>{"checkpoint-000000010.safetensors"});
}

TEST(CheckpointFolder, PassesOverDamagedFiles) {
  test::TemporaryFolder folder;
  CheckpointFolder checkpoints(folder.path(), 3);
  checkpoints.save(holding(1), 1, {});
  checkpoints.save(holding(2), 2, {});
  std::filesystem::resize_file(folder / "checkpoint-000000002.safetensors", 500);
  std::ofstream(folder / "checkpoint-000000003.safetensors") << "";
  EXPECT_EQ(checkpoints.latest(), folder / "checkpoint-000000001.safetensors");
}

TEST(CheckpointFolder, AFullDiskLeavesTheLastGoodOne) {
  test::TemporaryFolder folder;
  CheckpointFolder checkpoints(folder.path(), 1);
  checkpoints.save(holding(1), 1, {});
  const auto before = names_in(folder.path());

  std::signal(SIGXFSZ, SIG_IGN);
  rlimit unlimited{};
  getrlimit(RLIMIT_FSIZE, &unlimited);
  rlimit full = unlimited;
  full.rlim_cur = 64 * 1024;
  setrlimit(RLIMIT_FSIZE, &full);
  expect_error([&] { checkpoints.save(holding(2, 100'000), 2, {}); }, ErrorCode::unreadable,
               {"checkpoint-000000002.safetensors", "checkpoint-000000001.safetensors' still stands"});
  setrlimit(RLIMIT_FSIZE, &unlimited);

  EXPECT_EQ(names_in(folder.path()), before) << "nothing half-written, nothing deleted";
  EXPECT_EQ(Checkpoint::load(*checkpoints.latest()).get("value")[0].item<double>(), 1);
  checkpoints.save(holding(3, 100'000), 3, {});
  EXPECT_EQ(Checkpoint::load(*checkpoints.latest()).get("value")[0].item<double>(), 3)
      << "and the run goes on";
}

TEST(CheckpointFolder, AReadOnlyPlaceIsOneSentence) {
  test::TemporaryFolder folder;
  std::ofstream(folder / "file") << "x";
  CheckpointFolder checkpoints(folder / "file", 1);
  expect_error([&] { checkpoints.save(holding(1), 1, {}); }, ErrorCode::unreadable,
               {"file", "there is no earlier checkpoint"});
}

/// Saves without end; each checkpoint holds its own step in every element.
[[noreturn]] void save_for_ever(const std::filesystem::path& folder, torch::Tensor values,
                                std::int64_t step) {
  CheckpointFolder checkpoints(folder, 2);
  Checkpoint checkpoint;
  checkpoint.put("value", values);
  auto* data = values.data_ptr<float>();
  for (;; ++step) {
    std::fill(data, data + values.numel(), static_cast<float>(step));
    checkpoints.save(checkpoint, step, {});
  }
}

TEST(CheckpointFolder, SurvivesKilledProcesses) {
  test::TemporaryFolder folder;
  const CheckpointFolder checkpoints(folder.path(), 2);
  const auto values = torch::zeros({1'000'000});
  std::int64_t next_step = 1;
  for (int attempt = 0; attempt < 8; ++attempt) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) save_for_ever(folder.path(), values, next_step);
    for (int wait = 0; wait < 3000 && !checkpoints.latest(); ++wait)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::this_thread::sleep_for(std::chrono::milliseconds(3 + 7 * attempt));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);

    const auto latest = checkpoints.latest();
    ASSERT_TRUE(latest);
    const auto stored = Checkpoint::load(*latest).get("value");
    const auto step = std::stoll(latest->stem().string().substr(std::string("checkpoint-").size()));
    EXPECT_TRUE(torch::equal(stored, torch::full({1'000'000}, static_cast<float>(step)))) << *latest;
    next_step = step + 1;
  }
  CheckpointFolder(folder.path(), 2).save(holding(0), next_step, {});
  for (const auto& name : names_in(folder.path()))
    EXPECT_TRUE(name.ends_with(".safetensors")) << name << " is a leftover of a killed process";
}

}  // namespace
}  // namespace reenact::training
