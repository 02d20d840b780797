// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/device.h"

#include <gtest/gtest.h>

#include <string>

#include "support/errors.h"

namespace reenact {
namespace {

TEST(DeviceFrom, KnowsTheCpuAndRefusesOtherNames) {
  EXPECT_TRUE(device_from("cpu").is_cpu());
  EXPECT_TRUE(device_from("cpu", 3).is_cpu());
  for (const char* name : {"", "gpu", "cpu:0", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "mps"})
    test::expect_error([&] { device_from(name); }, ErrorCode::invalid, {std::string("\"") + name + "\""});
}

TEST(DeviceFrom, TellsThatThereIsNoGpu) {
  if (torch::cuda::is_available()) GTEST_SKIP() << "there is one";
  EXPECT_TRUE(device_from("auto", 2).is_cpu());
  for (const char* name : {"cuda", "cuda:0"})
    test::expect_error([&] { device_from(name); }, ErrorCode::unsupported,
                       {std::string("device ") + name + " was"});
}

TEST(DeviceFrom, CountsGpusRound) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "there is none";
  const int count = static_cast<int>(torch::cuda::device_count());
  EXPECT_EQ(device_from("auto"), torch::Device(torch::kCUDA, 0));
  EXPECT_EQ(device_from("cuda", count + 1),
            torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(1 % count)));
  const auto beyond = "cuda:" + std::to_string(count);
  test::expect_error([&] { device_from(beyond); }, ErrorCode::unsupported, {beyond});
}

}  // namespace
}  // namespace reenact
