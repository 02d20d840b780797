// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/enrolment.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace reenact {

bool Enrolment::begin(const Request& request) {
  const std::scoped_lock lock(mutex_);
  if (collecting_ || working_ || request.crops < 1) return false;
  request_ = request;
  crops_.clear();
  collecting_ = true;
  return true;
}

bool Enrolment::collecting() const {
  const std::scoped_lock lock(mutex_);
  return collecting_;
}

void Enrolment::add(const cv::Mat& rgb) {
  const std::scoped_lock lock(mutex_);
  if (!collecting_) return;
  crops_.push_back(rgb.clone());
  if (crops_.size() >= request_.crops) start_worker();
}

void Enrolment::end_of_crops() {
  const std::scoped_lock lock(mutex_);
  if (collecting_ && !crops_.empty()) start_worker();
}

void Enrolment::cancel() {
  std::thread worker;
  {
    const std::scoped_lock lock(mutex_);
    collecting_ = false;
    crops_.clear();
    worker = std::move(worker_);
  }
  if (worker.joinable()) worker.join();
}

void Enrolment::start_worker() {
  collecting_ = false;
  working_ = true;
  if (worker_.joinable()) worker_.join();  // one that has already said it is done
  worker_ = std::thread(&Enrolment::learn, this, request_, std::move(crops_));
  crops_.clear();
}

void Enrolment::learn(Request request, std::vector<cv::Mat> crops) {
  try {
    const auto encoder = load_identity_encoder(request.model, request.options);
    auto identity = std::make_shared<Identity>();
    identity->name = request.location.empty() ? "enrolled" : request.location.stem().string();
    identity->embedding = encoder->encode(crops);
    identity->thumbnail = crops.front();
    if (!request.location.empty()) {
      save_identity(request.location, *identity,
                    nlohmann::json{{"learned_by", request.learned_by},
                                   {"crops", crops.size()},
                                   {"model", request.model.filename().string()}});
    }
    learned_(std::move(identity), *encoder, request);
  } catch (const std::exception& error) {
    failed_(error);
  }
  const std::scoped_lock lock(mutex_);
  working_ = false;
}

}  // namespace reenact
