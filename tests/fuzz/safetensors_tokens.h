// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

namespace reenact::test {

/// Words of a safetensors header and of our metadata in it.
inline constexpr std::string_view safetensors_tokens[] = {"0",
                                                          "-1",
                                                          "1e9",
                                                          "18446744073709551615",
                                                          "9223372036854775808",
                                                          "4294967296",
                                                          "[",
                                                          "]",
                                                          "{",
                                                          "}",
                                                          ",",
                                                          ":",
                                                          "\"",
                                                          "\"dtype\":",
                                                          "\"shape\":[",
                                                          "\"data_offsets\":[0,0]",
                                                          "\"__metadata__\":{",
                                                          "null",
                                                          "\\u0000",
                                                          "F64",
                                                          "U8"};

}  // namespace reenact::test
