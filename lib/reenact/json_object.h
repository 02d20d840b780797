// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "reenact/export.h"

namespace reenact {

/// A JSON object as text, so that no JSON library is part of this one's interface.
class JsonObject {
 public:
  JsonObject() = default;  ///< {}
  /// Throws Error (invalid) for text that is no JSON object; "null" stands for {}.
  REENACT_API explicit JsonObject(const std::string& text);
  /// The same of a value of nlohmann's library; bytes that are no UTF-8 are replaced.
  template <typename Json>
  requires requires { typename Json::error_handler_t; }
  JsonObject(const Json& value) : JsonObject(value.dump(-1, ' ', false, Json::error_handler_t::replace)) {}

  const std::string& text() const { return text_; }
  /// As one of the configurations of config.h.
  template <typename Config>
  Config get() const;
  bool operator==(const JsonObject&) const = default;  ///< the same text

 private:
  std::string text_ = "{}";
};

}  // namespace reenact
