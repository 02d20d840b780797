// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/random_state.h"

#include <torch/torch.h>

#include <cstdlib>
#include <opencv2/core.hpp>
#include <sstream>

#include "reenact/error.h"
#include "training/run/checkpoint.h"

namespace reenact::training {
namespace {

constexpr const char* cpu_key = "random.cpu";
constexpr const char* cuda_key = "random.cuda";
constexpr const char* opencv_key = "random.opencv";

at::Generator generator_of(at::DeviceType device) {
  return at::globalContext().defaultGenerator(device);
}

}  // namespace

void seed_everything(std::uint64_t seed) {
  torch::manual_seed(seed);
  cv::theRNG() = cv::RNG(seed);
  std::srand(static_cast<unsigned>(seed));
}

void put_random_state(Checkpoint& checkpoint) {
  checkpoint.put(cpu_key, generator_of(at::kCPU).get_state());
  if (torch::cuda::is_available()) checkpoint.put(cuda_key, generator_of(at::kCUDA).get_state());
  checkpoint.put_text(opencv_key, std::to_string(cv::theRNG().state));
}

void get_random_state(const Checkpoint& checkpoint) {
  auto restore = [&checkpoint](at::DeviceType device, const char* key) {
    try {
      generator_of(device).set_state(checkpoint.get(key));
    } catch (const c10::Error&) {
      throw Error(ErrorCode::wrong_kind, "'" + checkpoint.path().string() + "' holds under '" + key +
                                             "' no state of a random generator that this LibTorch knows");
    }
  };
  restore(at::kCPU, cpu_key);
  if (torch::cuda::is_available() && checkpoint.contains(cuda_key)) restore(at::kCUDA, cuda_key);
  std::istringstream stream(checkpoint.text(opencv_key));
  stream >> cv::theRNG().state;
}

void put_random_state(Checkpoint& checkpoint, const std::string& key, const std::mt19937_64& generator) {
  std::ostringstream stream;
  stream << generator;
  checkpoint.put_text(key, stream.str());
}

void get_random_state(const Checkpoint& checkpoint, const std::string& key, std::mt19937_64& generator) {
  std::istringstream stream(checkpoint.text(key));
  if (!(stream >> generator))
    throw Error(ErrorCode::wrong_kind, "'" + checkpoint.path().string() + "' holds under '" + key +
                                           "' no state of a 64-bit Mersenne Twister");
}

}  // namespace reenact::training
