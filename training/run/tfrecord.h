// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace reenact::training {

/// CRC-32C (Castagnoli polynomial 0x1EDC6F41, reflected), as in RFC 3720.
std::uint32_t crc32c(std::string_view bytes);

/// One record of a TFRecord file: length (u64), masked CRC of the length, the bytes, masked CRC of the bytes;
/// all little-endian. Masking is ((crc >> 15) | (crc << 17)) + 0xa282ead8.
std::string tfrecord(std::string_view bytes);

}  // namespace reenact::training
