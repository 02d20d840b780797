// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "reenact/export.h"
#include "reenact/identity.h"

namespace reenact {

/// An identity as one packet that goes ahead of poses (docs/pose-codec.md): name, consent, licence, embedding and resting
/// pose, bit for bit, about 2 kB; the thumbnail stays. Throws Error: unsupported for an identity with weights of its own,
/// which is megabytes long, invalid for one that is longer than the format allows.
REENACT_API std::vector<std::uint8_t> write_identity_packet(const Identity& identity);
/// Whether the packet says that it holds an identity and no pose.
REENACT_API bool is_identity_packet(std::span<const std::uint8_t> packet);
/// The identity in a packet. Throws Error: corrupt when the bytes are no such packet or its numbers are not finite,
/// unsupported for another version of the format.
REENACT_API std::shared_ptr<const Identity> read_identity_packet(std::span<const std::uint8_t> packet);

}  // namespace reenact
