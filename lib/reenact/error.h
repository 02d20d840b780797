// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <stdexcept>
#include <string>

#include "reenact/export.h"

namespace reenact {

/// What went wrong, so that a caller can choose a GStreamer error domain or an exit code.
enum class ErrorCode {
  not_found,    ///< the file is not there
  unreadable,   ///< it is there and cannot be read or written
  corrupt,      ///< truncated, inconsistent, or not safetensors at all
  wrong_kind,   ///< a valid model file of another kind, version or shape
  unsupported,  ///< this build or machine cannot do it (no CUDA, no such precision)
  invalid       ///< an argument or a configuration value makes no sense
};

/// Every error of the library: what() is one sentence that names the file, what was found and what was wanted.
class REENACT_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace reenact
