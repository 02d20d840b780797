// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>
#include <string>

namespace reenact::training {

/// Writes a TensorBoard event file (TFRecords of tensorflow.Event protocol buffers) into a folder.
///
/// Every object starts a new file, so that a resumed run adds to the curves of the run before. A write that
/// fails (full disk) is reported once in the log and dropped: curves are never worth a training run.
class EventWriter {
 public:
  /// Creates the folder if needed. Throws Error (unreadable) when the file cannot be created.
  explicit EventWriter(const std::filesystem::path& folder);
  ~EventWriter();
  EventWriter(const EventWriter&) = delete;
  EventWriter& operator=(const EventWriter&) = delete;

  void scalar(const std::string& tag, std::int64_t step, double value);
  /// `rgb` CV_8UC3, stored as PNG.
  void image(const std::string& tag, std::int64_t step, const cv::Mat& rgb);
  void flush();
  const std::filesystem::path& path() const;

 private:
  struct Private;
  std::unique_ptr<Private> p_;
};

}  // namespace reenact::training
