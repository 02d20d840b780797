// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/device.h"

#include <charconv>
#include <string_view>

#include "reenact/error.h"

namespace reenact {
namespace {

/// N of "cuda:N".
int gpu_in(const std::string& name) {
  constexpr std::string_view prefix = "cuda:";
  int index = -1;
  const char* end = name.data() + name.size();
  if (name.starts_with(prefix)) {
    const auto [stopped, error] = std::from_chars(name.data() + prefix.size(), end, index);
    if (error == std::errc() && stopped == end && index >= 0) return index;
  }
  throw Error(ErrorCode::invalid, "the device is \"" + name + "\", wanted auto, cpu, cuda or cuda:N");
}

}  // namespace

torch::Device device_from(const std::string& name, int nth) {
  if (name == "cpu") return torch::kCPU;
  const bool any = name == "auto" || name == "cuda";
  const int wanted = any ? nth : gpu_in(name);
  const int count = torch::cuda::is_available() ? static_cast<int>(torch::cuda::device_count()) : 0;
  if (count == 0) {
    if (name == "auto") return torch::kCPU;
    throw Error(ErrorCode::unsupported,
                "device " + name + " was asked for, but LibTorch finds no CUDA device here");
  }
  if (!any && wanted >= count)
    throw Error(ErrorCode::unsupported, "device " + name + " was asked for, but there are only " +
                                            std::to_string(count) + " CUDA devices");
  return torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(any ? wanted % count : wanted));
}

}  // namespace reenact
