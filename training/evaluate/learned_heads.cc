// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/learned_heads.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "offline/sha256.h"
#include "torch/device.h"
#include "training/evaluate/face_measures.h"

namespace reenact::training {
std::string fingerprint_of(const std::vector<HeadFrame>& frames) {
  std::string bytes;
  for (const auto& frame : frames)
    for (const cv::Mat& picture : {frame.rgb, frame.mask}) {
      const cv::Mat whole = picture.isContinuous() ? picture : picture.clone();
      if (!whole.empty())
        bytes.append(reinterpret_cast<const char*>(whole.data), whole.total() * whole.elemSize());
    }
  return sha256_of_text(bytes);
}

LearnedHeads::LearnedHeads(const SystemEntry& entry, const LearningPlan& plan,
                           const std::filesystem::path& folder)
    : name_(entry.name), folder_(folder) {
  ComparedSystemOptions options;
  options.model = entry.model;
  options.personalise = entry.personalise;
  options.overrides = entry.overrides;
  options.perceptual = entry.perceptual;
  options.landmarks = plan.landmarks;
  options.expression = entry.expression;
  options.device = device_from(plan.device);
  options.seed = plan.seed;
  options.tune = plan.steps > 0;
  if (options.tune) options.overrides.push_back("run.steps=" + std::to_string(plan.steps));
  fingerprint_ = "system " + sha256_of_file(entry.model) + " " + sha256_of_text(tuning_settings(options));
  fingerprint_ += " seed " + std::to_string(plan.seed);
  if (!plan.landmarks.empty()) fingerprint_ += " landmarks " + sha256_of_file(plan.landmarks);
  if (!entry.perceptual.empty()) fingerprint_ += " perceptual " + sha256_of_file(entry.perceptual);
  if (!entry.expression.empty()) fingerprint_ += " expression " + sha256_of_file(entry.expression);
  system_ = load_compared_system(options);
}

LearnedHeads::LearnedHeads(std::string name, std::string fingerprint, std::unique_ptr<ComparedSystem> system,
                           std::filesystem::path folder)
    : name_(std::move(name)),
      fingerprint_(std::move(fingerprint)),
      folder_(std::move(folder)),
      system_(std::move(system)) {}

void LearnedHeads::bring(const ComparedPerson& person) {
  constexpr std::size_t name_length = 32;
  const auto key = sha256_of_text(fingerprint_ + fingerprint_of(person.identity)).substr(0, name_length);
  if (key == current_) return;
  const auto file = folder_ / (key + ".safetensors");
  if (std::filesystem::exists(file)) {
    system_->load(file);
  } else {
    const auto start = std::chrono::steady_clock::now();
    system_->learn(person.identity);
    std::filesystem::create_directories(folder_);
    system_->save(file);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    spdlog::info("{} learned {} in {:.0f} s", name_, person.name, seconds);
  }
  current_ = key;
}

std::vector<cv::Mat> LearnedHeads::draw(const ComparedPerson& person, const std::vector<HeadFrame>& driver) {
  bring(person);
  std::vector<cv::Mat> heads;
  for (const auto& frame : driver) heads.push_back(system_->draw(frame).clone());
  return heads;
}

std::vector<cv::Mat> LearnedHeads::shown(const std::vector<HeadFrame>& frames, bool masked) const {
  std::vector<cv::Mat> pictures;
  if (masked)
    pictures = without_background(frames);
  else
    for (const auto& frame : frames) pictures.push_back(frame.rgb);
  const auto part = system_->shown();
  for (auto& picture : pictures) {
    const int side = picture.cols;
    const cv::Rect window = cv::Rect(cvRound(part.x * side), cvRound(part.y * side),
                                     cvRound(part.width * side), cvRound(part.height * side)) &
                            cv::Rect(0, 0, side, side);
    if (window.width == side && window.height == side) continue;
    cv::Mat shown;
    cv::resize(picture(window), shown, {side, side}, 0, 0, cv::INTER_CUBIC);
    picture = shown;
  }
  return pictures;
}

}  // namespace reenact::training
