// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <opencv2/core.hpp>
#include <string>
#include <thread>
#include <vector>

#include "reenact/engine.h"
#include "reenact/export.h"
#include "reenact/identity.h"

namespace reenact {

/// Learns an identity from crops of a person, on a thread of its own so that no stream waits. One request is open
/// at a time; every member may be called from any thread.
class Enrolment {
 public:
  struct Request {
    std::filesystem::path model;                    ///< reenactor whose identity encoder is used
    EngineOptions options;                          ///< what it runs on
    std::filesystem::path location;                 ///< file to which the identity is saved, or empty
    unsigned crops = 8;                             ///< how many crops to wait for, at least 1
    std::string learned_by = "reenact::Enrolment";  ///< who asked, for the provenance in the file
  };
  using Learned =
      std::function<void(std::shared_ptr<const Identity>, const IdentityEncoder&, const Request&)>;
  using Failed = std::function<void(const std::exception&)>;

  /// One of the callbacks runs for every request that got its crops, on the worker's thread. `failed` is told what
  /// load_identity_encoder(), IdentityEncoder::encode() or save_identity() threw. Neither may call this object.
  Enrolment(Learned learned, Failed failed) : learned_(std::move(learned)), failed_(std::move(failed)) {}
  ~Enrolment() { cancel(); }

  /// Collects from now on. False while an earlier request is still open.
  REENACT_API bool begin(const Request& request);
  REENACT_API bool collecting() const;
  /// One crop, CV_8UC3 RGB, is copied; the last one of a request starts the learning.
  REENACT_API void add(const cv::Mat& rgb);
  /// No more crops will come: learns from those that did, if any.
  REENACT_API void end_of_crops();
  /// Forgets an open request and waits for the worker.
  REENACT_API void cancel();

 private:
  void learn(Request request, std::vector<cv::Mat> crops);
  void start_worker();  // with mutex_ held

  Learned learned_;
  Failed failed_;
  mutable std::mutex mutex_;
  bool collecting_ = false, working_ = false;
  Request request_;
  std::vector<cv::Mat> crops_;
  std::thread worker_;
};

}  // namespace reenact
