// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/element_error.h"

#include <new>

#include "reenact/error.h"

namespace reenact {
namespace {

struct MessageCode {
  GQuark domain;
  gint code;
};

MessageCode code_of(const std::exception& error) {
  if (const auto* ours = dynamic_cast<const Error*>(&error)) {
    switch (ours->code()) {
      case ErrorCode::not_found:
        return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND};
      case ErrorCode::unreadable:
        return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ};
      case ErrorCode::corrupt:
        return {GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE};
      case ErrorCode::wrong_kind:
        return {GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE};
      case ErrorCode::unsupported:
        return {GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT};
      case ErrorCode::invalid:
        return {GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS};
    }
  }
  if (dynamic_cast<const std::bad_alloc*>(&error)) {
    return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT};
  }
  return {GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED};
}

void post(GstElement* element, GstMessageType type, const std::exception& error) {
  const MessageCode code = code_of(error);
  gst_element_message_full(element, type, code.domain, code.code, g_strdup(error.what()), nullptr, __FILE__,
                           "reenact", __LINE__);
}

}  // namespace

void post_error(GstElement* element, const std::exception& error) {
  post(element, GST_MESSAGE_ERROR, error);
}

void post_warning(GstElement* element, const std::exception& error) {
  post(element, GST_MESSAGE_WARNING, error);
}

}  // namespace reenact
