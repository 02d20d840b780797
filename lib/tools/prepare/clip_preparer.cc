// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/prepare/clip_preparer.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "media/jpeg_codec.h"
#include "offline/atomic_file.h"
#include "offline/picture_sink.h"
#include "reenact/safetensors.h"

namespace reenact::tools {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t landmark_count = 478;

/// Runs something that writes; what it throws is about the output.
template <typename Action>
void writing(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    throw OutputError(error.code(), error.what());
  } catch (const fs::filesystem_error& error) {
    throw OutputError(ErrorCode::unreadable,
                      "cannot write '" + error.path1().string() + "': " + error.code().message());
  }
}

/// Boxes [N, 5] in pixels of the source with their score, and landmarks [N, 478, 2], none of which is known.
void write_labels(const fs::path& path, const std::vector<SurveyedFrame>& frames) {
  constexpr std::uint16_t half_nan = 0x7e00;
  std::vector<float> boxes;
  for (const auto& [index, box] : frames)
    for (const float value : {box.left, box.top, box.right, box.bottom, box.score}) boxes.push_back(value);
  const auto count = static_cast<std::int64_t>(frames.size());
  const std::vector<std::uint16_t> landmarks(frames.size() * landmark_count * 2, half_nan);
  write_safetensors(
      path,
      {{"boxes", {DataType::f32, {count, 5}, std::as_bytes(std::span(boxes))}},
       {"landmarks", {DataType::f16, {count, landmark_count, 2}, std::as_bytes(std::span(landmarks))}}},
      {});
}

int median_window(const std::vector<SurveyedFrame>& frames, double crop_scale) {
  std::vector<int> sides;
  for (const auto& frame : frames) sides.push_back(crop_window(frame.box, crop_scale).width);
  std::nth_element(sides.begin(), sides.begin() + static_cast<std::ptrdiff_t>(sides.size() / 2), sides.end());
  return sides[sides.size() / 2];
}

void write_jpeg(const fs::path& path, const cv::Mat& rgb) {
  write_file_atomically(path, encode_jpeg(rgb));
}

}  // namespace

ClipPreparer::ClipPreparer(fs::path folder, const ClipOptions& options)
    : folder_(std::move(folder)), options_(options), cropper_(options.cropper, options.engine) {
  if (!options_.segmenter.empty()) segmenter_ = load_segmenter(options_.segmenter, options_.engine);
}

bool ClipPreparer::make(const ClipSource& source, ClipRecord& record, const std::function<bool()>& stopped) {
  record.crop_scale = options_.cropper.crop_scale;
  record.segmented = segmenter_ != nullptr;
  const auto survey = survey_source(source, cropper_, options_.survey, record, stopped);
  if (stopped()) return false;

  // The clip is made beside its place, so that the place holds a whole clip or none.
  const fs::path clip = folder_ / "clips" / source.id,
                 partial = folder_ / "clips" / ("." + source.id + ".part");
  writing([&] {
    fs::remove_all(partial);
    fs::create_directories(partial);
  });
  const auto drop_partial = [&partial] {
    std::error_code ignored;
    fs::remove_all(partial, ignored);
  };
  try {
    if (!survey.frames.empty()) write_clip(source, survey, partial, record, stopped);
  } catch (...) {
    drop_partial();
    throw;
  }
  if (stopped()) {
    drop_partial();
    return false;
  }
  writing([&] {
    // Without its record a half replaced clip counts as not made.
    fs::remove(record_path(folder_, source.id));
    fs::remove_all(clip);
    for (const auto* reason : drop_reason::all) fs::remove(folder_ / example_name(source.id, reason));
    if (!survey.frames.empty()) fs::rename(partial, clip);
    for (const auto& [reason, picture] : survey.examples) {
      const auto name = example_name(source.id, reason);
      write_jpeg(folder_ / name, picture);
      record.files.push_back(describe_file(folder_, name));
    }
    if (!survey.frames.empty())
      for (const char* name : {"rgb.mp4", "mask.mp4", "labels.safetensors"})
        record.files.push_back(describe_file(folder_, "clips/" + source.id + "/" + name));
  });
  drop_partial();
  record.kept = static_cast<std::int64_t>(survey.frames.size());
  return true;
}

void ClipPreparer::write_clip(const ClipSource& source, const Survey& survey, const fs::path& clip,
                              ClipRecord& record, const std::function<bool()>& stopped) {
  const double rate = survey.frame_rate / options_.survey.every;
  const auto colors = open_sink(clip / "rgb.mp4", rate), masks = open_sink(clip / "mask.mp4", rate);
  auto next = survey.frames.begin();
  for_each_picture(
      source, options_.survey.every, nullptr, [&](std::int64_t index, const cv::Mat& rgb, double) {
        if (index == next->index) {
          const cv::Mat crop = cropper_.cut(rgb, next->box, options_.size);
          // One after the other, as if nothing had been left out between them.
          const auto time = std::llround(static_cast<double>(next - survey.frames.begin()) * 1e9 / rate);
          cv::Mat mask;
          cv::cvtColor(
              segmenter_ ? segmenter_->segment(crop) : cv::Mat(crop.size(), CV_8UC1, cv::Scalar(255)), mask,
              cv::COLOR_GRAY2RGB);
          writing([&] {
            colors->add(crop, time);
            masks->add(mask, time);
          });
          ++next;
        }
        return next != survey.frames.end() && !stopped();
      });
  if (stopped()) return;
  if (next != survey.frames.end())
    throw Error(ErrorCode::unreadable,
                "'" + source.path.string() + "' changed while it was read: pictures are gone");
  writing([&] {
    colors->finish();
    masks->finish();
    write_labels(clip / "labels.safetensors", survey.frames);
  });
  record.crop_pixels = median_window(survey.frames, options_.cropper.crop_scale);
}

}  // namespace reenact::tools
