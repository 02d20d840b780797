// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/process_group.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "reenact/error.h"
#include "support/errors.h"
#include "training/run/process_ranks.h"

namespace reenact::training {
namespace {

using namespace std::chrono_literals;
using test::expect_error;
using Environment = std::map<std::string, std::string>;

ProcessPlace place_in(const Environment& environment) {
  return place_from_environment([&](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(ProcessPlace, NobodyLaunchedIsAlone) {
  EXPECT_EQ(place_in({}).count, 1);
  EXPECT_EQ(place_in({{"WORLD_SIZE", "1"}, {"RANK", "0"}}).count, 1);
  EXPECT_EQ(place_in({{"SLURM_NTASKS", "1"}}).count, 1);
}

TEST(ProcessPlace, TorchrunHasAStoreOfItsOwn) {
  const auto place = place_in({{"RANK", "2"},
                               {"WORLD_SIZE", "4"},
                               {"MASTER_ADDR", "node7"},
                               {"MASTER_PORT", "1234"},
                               {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                               {"TORCHELASTIC_RESTART_COUNT", "1"},
                               {"LOCAL_RANK", "0"},
                               {"SLURM_NTASKS", "2"}});
  EXPECT_EQ(place.rank, 2);
  EXPECT_EQ(place.local_rank, 0) << "the first of the second machine";
  EXPECT_EQ(place.count, 4);
  EXPECT_EQ(place.host, "node7");
  EXPECT_EQ(place.port, 1235);
  EXPECT_EQ(place.attempt, "1");
}

TEST(ProcessPlace, MpirunOnOneMachineNeedsNoAddress) {
  Environment environment = {
      {"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};
  EXPECT_EQ(place_in(environment).rank, 1);
  EXPECT_EQ(place_in(environment).host, "127.0.0.1");
  environment["OMPI_COMM_WORLD_LOCAL_SIZE"] = "1";
  expect_error([&] { place_in(environment); }, ErrorCode::invalid, {"MASTER_ADDR"});
}

TEST(ProcessPlace, SlurmMeetsAtTheFirstMachine) {
  Environment environment = {{"SLURM_PROCID", "3"}, {"SLURM_NTASKS", "8"}, {"SLURM_STEP_ID", "0"}};
  for (const auto& [list, host] : Environment{
           {"gpu[03-05,9],cpu1", "gpu03"}, {"gpu7", "gpu7"}, {"a1,b[2-3]", "a1"}, {"n[11,13]", "n11"}}) {
    environment["SLURM_JOB_NODELIST"] = list;
    EXPECT_EQ(place_in(environment).host, host);
  }
  EXPECT_EQ(place_in(environment).rank, 3);
  EXPECT_EQ(place_in(environment).local_rank, 3) << "SLURM_LOCALID is not set";
  environment["SLURM_LOCALID"] = "1";
  EXPECT_EQ(place_in(environment).local_rank, 1);
}

TEST(ProcessPlace, AnAllocationOfSlurmWithoutSrunIsRefusedAtOnce) {
  // A batch script has rank 0 and no step, a shell of salloc the step of interactive ones.
  for (const Environment& environment :
       {Environment{{"SLURM_NTASKS", "8"}, {"SLURM_PROCID", "0"}, {"SLURM_JOB_NODELIST", "gpu[1-8]"}},
        Environment{{"SLURM_NTASKS", "8"}},
        Environment{{"SLURM_NTASKS", "8"}, {"SLURM_PROCID", "0"}, {"SLURM_STEP_ID", "4294967290"}}}) {
    expect_error([&] { place_in(environment); }, ErrorCode::invalid,
                 {"SLURM_NTASKS is 8", "start it with srun", "--alone"});
  }
  EXPECT_EQ(place_in({{"SLURM_NTASKS", "1"}, {"SLURM_PROCID", "0"}}).count, 1) << "one task needs no srun";
}

TEST(ProcessPlace, RefusesWhatMakesNoSense) {
  expect_error(
      [] {
        place_in({{"WORLD_SIZE", "2"}});
      },
      ErrorCode::invalid, {"WORLD_SIZE", "RANK is not set"});
  expect_error(
      [] {
        place_in({{"WORLD_SIZE", "two"}, {"RANK", "0"}});
      },
      ErrorCode::invalid, {"WORLD_SIZE", "'two'"});
  expect_error(
      [] {
        place_in({{"WORLD_SIZE", "2"}, {"RANK", "2"}, {"MASTER_ADDR", "x"}});
      },
      ErrorCode::invalid, {"RANK", "'2'", "0 to 1"});
  expect_error(
      [] {
        place_in({{"WORLD_SIZE", "2"}, {"RANK", "1"}, {"MASTER_ADDR", "x"}, {"MASTER_PORT", "0"}});
      },
      ErrorCode::invalid, {"MASTER_PORT"});
}

TEST(ProcessGroup, OneIsItsOwnMean) {
  ProcessGroup group;
  auto tensor = torch::ones({2});
  group.average({tensor, torch::Tensor()});
  EXPECT_TRUE(torch::equal(tensor, torch::ones({2})));
  int runs = 0;
  group.on_main([&] { ++runs; });
  EXPECT_EQ(runs, 1);
  EXPECT_TRUE(group.any(true));
}

/// One test process starts the ranks as fresh copies of this program: threads of LibTorch do not survive a
/// fork.
class ProcessGroupRanks : public testing::Test {
 protected:
  void SetUp() override {
#ifndef REENACT_WITH_GLOO
    GTEST_SKIP() << "no Gloo in this build";
#endif
  }
  /// Whether this is the process that the test runner started; then the ranks have run.
  bool launched(int count) {
    if (place_from_environment().count > 1) return false;
    ranks_ = test::run_ranks(count);
    return true;
  }
  std::vector<test::RankResult> ranks_;
};

TEST_F(ProcessGroupRanks, MeansAndCopiesReachAll) {
  if (launched(3)) {
    for (const auto& rank : ranks_) EXPECT_EQ(rank.exit_code, 0) << rank.output;
    return;
  }
  ProcessGroup group(place_from_environment(), 10s);
  const float mine = static_cast<float>(group.rank());
  // Tensors of both types and of a layout that is not contiguous.
  const auto first = torch::full({2, 3}, mine).t(), second = torch::full({5}, 10 * mine, torch::kDouble);
  group.average({first, torch::Tensor(), second});
  EXPECT_TRUE(torch::equal(first, torch::ones({3, 2})));
  EXPECT_TRUE(torch::equal(second, torch::full({5}, 10.0, torch::kDouble)));

  torch::nn::BatchNorm1d norm(4);
  {
    torch::NoGradGuard no_grad;
    norm->weight.fill_(mine + 5);
    norm->running_mean.fill_(mine);
    norm->num_batches_tracked.fill_(group.rank() + 7);
  }
  group.average_batch_statistics(*norm);
  EXPECT_TRUE(torch::equal(norm->running_mean, torch::ones({4})));
  EXPECT_EQ(norm->num_batches_tracked.item<std::int64_t>(), group.rank() + 7);
  group.broadcast(*norm);
  EXPECT_EQ(norm->weight[0].item<float>(), 5);
  EXPECT_EQ(norm->num_batches_tracked.item<std::int64_t>(), 7);

  std::map<std::string, double> values = {{"a", group.rank()}, {"b", 1}};
  group.average(values);
  EXPECT_EQ(values, (std::map<std::string, double>{{"a", 1}, {"b", 1}}));
  EXPECT_TRUE(group.any(group.rank() == 2));
  EXPECT_FALSE(group.any(false));
}

TEST_F(ProcessGroupRanks, LongWorkOutlastsTheTimeout) {
  if (launched(2)) {
    for (const auto& rank : ranks_) EXPECT_EQ(rank.exit_code, 0) << rank.output;
    return;
  }
  ProcessGroup group(place_from_environment(), 1s);
  bool ran = false;
  group.on_main([&] {
    std::this_thread::sleep_for(2500ms);
    ran = true;
  });
  EXPECT_EQ(ran, group.is_main());
  EXPECT_FALSE(group.any(false));
}

TEST_F(ProcessGroupRanks, ALostProcessIsOneSentenceAtOnce) {
  if (launched(2)) {
    EXPECT_EQ(ranks_[0].exit_code, 0) << ranks_[0].output;
    EXPECT_EQ(ranks_[1].exit_code, 128 + SIGKILL);
    return;
  }
  ProcessGroup group(place_from_environment(), 20s);
  EXPECT_FALSE(group.any(false));
  if (group.rank() == 1) ::kill(::getpid(), SIGKILL);
  const auto start = std::chrono::steady_clock::now();
  expect_error([&] { group.any(false); }, ErrorCode::unreadable,
               {"process 0 of 0 to 1 lost another one", "--resume"});
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

TEST_F(ProcessGroupRanks, ASilentProcessIsOneSentenceAfterTheTimeout) {
  if (launched(2)) {
    EXPECT_EQ(ranks_[0].exit_code, 0) << ranks_[0].output;
    return;
  }
  ProcessGroup group(place_from_environment(), 1s);
  if (group.rank() == 1) {
    std::this_thread::sleep_for(3s);
    ::_exit(0);
  }
  expect_error([&] { group.any(false); }, ErrorCode::unreadable, {"lost another one"});
}

TEST_F(ProcessGroupRanks, AFailureOnTheFirstEndsTheOthers) {
  if (launched(2)) {
    EXPECT_EQ(ranks_[0].exit_code, 3) << ranks_[0].output;
    EXPECT_EQ(ranks_[1].exit_code, 0) << ranks_[1].output;
    return;
  }
  ProcessGroup group(place_from_environment(), 4s);
  if (group.is_main()) {
    EXPECT_THROW(group.on_main([] { throw std::runtime_error("full"); }), std::runtime_error);
    ::_exit(3);
  }
  expect_error([&] { group.on_main([] {}); }, ErrorCode::unreadable, {"lost another one"});
}

TEST_F(ProcessGroupRanks, AMissingProcessIsNamed) {
  ProcessPlace place;
  place.count = 2;
  place.port = test::free_port();
  expect_error([&] { ProcessGroup(place, 1s, 1s); }, ErrorCode::unreadable,
               {"waited", "process 1", "did not come"});
  place.rank = 1;
  expect_error([&] { ProcessGroup(place, 1s, 1s); }, ErrorCode::unreadable,
               {"cannot reach the others at 127.0.0.1"});
}

}  // namespace
}  // namespace reenact::training
