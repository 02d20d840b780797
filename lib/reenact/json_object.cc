// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/json_object.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "reenact/error.h"

namespace reenact {

JsonObject::JsonObject(const std::string& text) {
  using nlohmann::json;
  // Our own writers nest a few levels; a limit keeps hostile nesting from becoming a deep tree.
  const auto limit_depth = [](int depth, json::parse_event_t, json&) {
    if (depth > 64) throw std::length_error("nested too deeply");
    return true;
  };
  json value;
  try {
    value = json::parse(text, limit_depth);
  } catch (const std::exception&) {
    throw Error(ErrorCode::invalid, "text that is not JSON, wanted a JSON object");
  }
  if (value.is_null()) return;
  if (!value.is_object())
    throw Error(ErrorCode::invalid, std::string("JSON of type ") + value.type_name() + ", wanted an object");
  text_ = text;
}

}  // namespace reenact
