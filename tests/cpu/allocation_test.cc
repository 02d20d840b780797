// SPDX-License-Identifier: LGPL-2.1-or-later
// Counts what the CPU backend allocates while it draws, its threads and its memory. This program replaces
// operator new, so it stands alone.
#include <gtest/gtest.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <nlohmann/json.hpp>
#include <thread>

#include "cpu/kernels/instruction_set.h"
#include "parity_model.h"
#include "reenact/backend.h"
#include "reenact/identity.h"
#include "reenact/quantise.h"

namespace {

std::atomic<bool> counting = false;
std::atomic<long> allocations = 0;
std::atomic<long> allocations_of_onednn = 0;
std::uintptr_t onednn_begin = 0, onednn_end = 0;

// oneDNN's own code: it keeps a map of arguments for each primitive it runs.
void find_onednn() {
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void*) {
        if (!std::strstr(info->dlpi_name, "libdnnl")) return 0;
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          if (info->dlpi_phdr[i].p_type != PT_LOAD || !(info->dlpi_phdr[i].p_flags & PF_X)) continue;
          onednn_begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
          onednn_end = onednn_begin + info->dlpi_phdr[i].p_memsz;
        }
        return 1;
      },
      nullptr);
}

void count(void* caller) {
  if (!counting) return;
  const auto address = reinterpret_cast<std::uintptr_t>(caller);
  (address >= onednn_begin && address < onednn_end ? allocations_of_onednn : allocations).fetch_add(1);
}

void* allocate(std::size_t size) {
  if (void* memory = std::malloc(size ? size : 1)) return memory;
  throw std::bad_alloc();
}

void* allocate(std::size_t size, std::align_val_t alignment) {
  const std::size_t step = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(step, (size + step - 1) / step * step)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) {
  count(__builtin_return_address(0));
  return allocate(size);
}
void* operator new[](std::size_t size) {
  count(__builtin_return_address(0));
  return allocate(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  count(__builtin_return_address(0));
  return allocate(size, alignment);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace reenact::test {
namespace {

TEST(AllocationCounter, SeesAllocations) {
  allocations = 0;
  counting = true;
  std::vector<int>* volatile vector = new std::vector<int>(100);
  counting = false;
  delete vector;
  EXPECT_GE(allocations.load(), 2);
}

/// Threads of this process.
long threads_now() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

/// Resident memory, bytes.
long memory_now() {
  long total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

/// A small reenactor with ranges for int8, if the CPU has that.
std::shared_ptr<const ModelFile> small_model() {
  const ReenactorConfig config = small_config();
  const auto model =
      write_model("allocation", ModelKind::reenactor, to_json(config), random_generator(config, 5));
  const std::vector<std::vector<float>> identities = {std::vector<float>(config.identity_embedding_size,
                                                                         0.5f)},
                                        poses = {std::vector<float>(config.pose_embedding_size, 0.25f)};
  write_ranges(model->path(), *model, calibrate_generator(model, nullptr, identities, poses, 1));
  return std::make_shared<const ModelFile>(model->path(), ModelKind::reenactor);
}

std::unique_ptr<Generator> small_generator(Precision precision) {
  EngineOptions options;
  options.precision = precision;
  options.threads = 2;
  auto generator = cpu_backend()->generator(small_model(), small_config(), options);
  auto identity = std::make_shared<Identity>();
  identity->embedding.assign(small_config().identity_embedding_size, 0.5f);
  generator->set_identity(identity);
  return generator;
}

// The first to make an engine in this program, so that its threads can be counted.
TEST(Threads, AsManyAsAskedFor) {
  const long before = threads_now();
  const auto generator = small_generator(Precision::fp32);
  const std::vector<float> pose(small_config().pose_embedding_size, 0.25f);
  for (int frame = 0; frame < 20; ++frame) generator->generate(pose);
  const auto again = small_generator(Precision::fp32);
  for (int frame = 0; frame < 20; ++frame) again->generate(pose);
  const long wanted = std::min(2u, std::thread::hardware_concurrency());
  EXPECT_EQ(threads_now() - before, wanted - 1)
      << "the caller is the first one, and elements share the others";
}

class Allocation : public testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    if (GetParam() == Precision::bf16 && !cpu::has_arithmetic(cpu::Arithmetic::bf16))
      GTEST_SKIP() << "this CPU has no bf16";
    if (GetParam() == Precision::int8 && !cpu::has_arithmetic(cpu::Arithmetic::int8))
      GTEST_SKIP() << "this CPU has no int8";
    find_onednn();
    ASSERT_NE(onednn_begin, 0u);
  }
  const std::vector<float> pose_ = std::vector<float>(small_config().pose_embedding_size, 0.25f);
};

TEST_P(Allocation, DrawingAllocatesNothing) {
  const auto generator = small_generator(GetParam());
  for (int warm_up = 0; warm_up < 3; ++warm_up) generator->generate(pose_);
  allocations = allocations_of_onednn = 0;
  counting = true;
  for (int frame = 0; frame < 50; ++frame) generator->generate(pose_);
  counting = false;
  RecordProperty("allocations_of_onednn_per_frame", std::to_string(allocations_of_onednn / 50));
  EXPECT_EQ(allocations.load(), 0);
}

TEST_P(Allocation, MemoryStaysFlatOverTenThousandFrames) {
  const auto generator = small_generator(GetParam());
  for (int warm_up = 0; warm_up < 1000; ++warm_up) generator->generate(pose_);
  const long before = memory_now();
  for (int frame = 0; frame < 10000; ++frame) generator->generate(pose_);
  EXPECT_LE(memory_now() - before, 256 << 10) << "bytes";
}

INSTANTIATE_TEST_SUITE_P(Precisions, Allocation,
                         testing::Values(Precision::fp32, Precision::bf16, Precision::int8),
                         [](const auto& info) { return to_string(info.param); });

}  // namespace
}  // namespace reenact::test
