// SPDX-License-Identifier: LGPL-2.1-or-later
// Counts what the CPU engine allocates while it draws. This program replaces operator new, so it stands
// alone.
#include <gtest/gtest.h>
#include <link.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <nlohmann/json.hpp>

#include "parity_model.h"
#include "reenact/backend.h"

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

TEST(Allocation, CounterSeesAllocations) {
  allocations = 0;
  counting = true;
  std::vector<int>* volatile vector = new std::vector<int>(100);
  counting = false;
  delete vector;
  EXPECT_GE(allocations.load(), 2);
}

TEST(Allocation, DrawingAllocatesNothing) {
  find_onednn();
  ASSERT_NE(onednn_begin, 0u);
  const ReenactorConfig config = small_config();
  const auto model = write_model("allocation", ModelKind::reenactor, config, random_generator(config, 5));
  EngineOptions options;
  options.precision = Precision::fp32;
  options.threads = 2;
  const auto generator = cpu_backend()->generator(model, options);
  auto identity = std::make_shared<Identity>();
  identity->embedding.assign(config.identity_embedding_size, 0.5f);
  generator->set_identity(identity);
  const std::vector<float> pose(config.pose_embedding_size, 0.25f);
  for (int warm_up = 0; warm_up < 3; ++warm_up) generator->generate(pose);
  allocations = allocations_of_onednn = 0;
  counting = true;
  for (int frame = 0; frame < 50; ++frame) generator->generate(pose);
  counting = false;
  RecordProperty("allocations_of_onednn_per_frame", std::to_string(allocations_of_onednn / 50));
  EXPECT_EQ(allocations.load(), 0);
}

}  // namespace
}  // namespace reenact::test
