// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "reenact/engine.h"
#include "reenact/error.h"
#include "tools/prepare/frame_survey.h"

namespace reenact::tools {

/// The data set cannot be written: no reason to go on with the next source.
struct OutputError : Error {
  using Error::Error;
};

/// Everything that decides on the files of a clip.
struct ClipOptions {
  int size = 256;  ///< side of the crops, pixels
  SurveyOptions survey;
  FaceCropperOptions cropper;
  std::string segmenter;  ///< path of the model; empty: masks are white
  EngineOptions engine;
};

/// Turns sources into clips of the data set, one after another; each thread has its own.
class ClipPreparer {
 public:
  /// Throws Error as FaceCropper and load_segmenter() do.
  ClipPreparer(std::filesystem::path folder, const ClipOptions& options);

  /// Makes clips/<id>/{rgb.mp4,mask.mp4,labels.safetensors} out of a source, replacing what was there, and
  /// fills `record` in. A source with no picture worth keeping has no files. Returns false, with nothing
  /// changed, when `stopped()`. Throws Error for a source that cannot be read and OutputError.
  bool make(const ClipSource& source, ClipRecord& record, const std::function<bool()>& stopped);

 private:
  void write_clip(const ClipSource& source, const Survey& survey, const std::filesystem::path& clip,
                  ClipRecord& record, const std::function<bool()>& stopped);

  std::filesystem::path folder_;
  ClipOptions options_;
  FaceCropper cropper_;
  std::unique_ptr<Segmenter> segmenter_;
};

}  // namespace reenact::tools
