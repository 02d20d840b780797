// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <exception>
#include <utility>

namespace reenact {

/// Posts `error` on the bus as an error of `element`. A reenact::Error keeps its sentence and takes the
/// domain that suits its code (RESOURCE/NOT_FOUND, RESOURCE/OPEN_READ, STREAM/DECODE, STREAM/WRONG_TYPE,
/// LIBRARY/INIT, LIBRARY/SETTINGS).
void post_error(GstElement* element, const std::exception& error);
/// The same as a warning, for what the stream survives.
void post_warning(GstElement* element, const std::exception& error);

/// Runs `function` and returns its result; an exception becomes an error message on the bus and
/// `result_on_error`. Every GObject vfunc that may throw goes through here, since an exception must not
/// travel through C frames.
template <typename Result, typename Function>
Result guarded(GstElement* element, Result result_on_error, Function&& function) noexcept {
  try {
    return std::forward<Function>(function)();
  } catch (const std::exception& error) {
    post_error(element, error);
    return result_on_error;
  }
}

}  // namespace reenact
