// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "reenact/export.h"
#include "reenact/pose_basis.h"
#include "reenact/pose_track.h"

/// Poses on a narrow line: each frame becomes a packet of some 15 to 40 bytes at once, without waiting for later ones. What
/// is in a packet, bit by bit, stands in docs/pose-codec.md.
///
///     PoseStreamEncoder encoder(load_pose_basis(model), {});
///     PoseStreamDecoder decoder(load_pose_basis(model));
///     const CodedPose coded = decoder.decode(encoder.encode({pose}));
namespace reenact {

/// What travels of one frame.
struct PoseFrame {
  std::vector<float> pose;  ///< [d_p]; empty: nobody is seen
  std::optional<FacePlacement> placement;
  unsigned face = 0;  ///< another number: another face; the lowest 16 bits of it travel
};

struct PoseCodecOptions {
  /// The quantiser's step over the length of a pose, 1/4096 to 1.
  double precision = 0.01;
  /// Frames from one key frame, which needs no other, to the next: 1 to 256.
  int key_interval = 25;
  /// Bits that a frame may take on average, headers included; 0: as many as precision needs. Where they do not suffice the
  /// step grows, at a key frame.
  int most_bits = 0;
};

class PoseStreamEncoder {
 public:
  /// Throws Error (invalid) for options out of range.
  REENACT_API PoseStreamEncoder(std::shared_ptr<const PoseBasis> basis, const PoseCodecOptions& options);
  /// Other options from the next key frame on. Throws Error (invalid) for options out of range.
  REENACT_API void set_options(const PoseCodecOptions& options);
  /// The next frame becomes a key frame.
  void request_key_frame() { age_ = options_.key_interval; }
  /// The packet of a frame. Throws Error (invalid) for a pose that has another length than the basis or is not finite, and
  /// for a placement beyond 2^20 pixels.
  REENACT_API std::vector<std::uint8_t> encode(const PoseFrame& frame);
  /// Whether the packet given last is a key frame.
  bool last_was_key() const { return age_ == 1; }

 private:
  void begin_key_frame(double length);
  void count(std::size_t bytes);

  std::shared_ptr<const PoseBasis> basis_;
  PoseCodecOptions options_;
  std::uint16_t sequence_ = 0;
  int age_ = 256;  // frames since the key frame, of the next frame
  int step_code_ = 0;
  double coarser_ = 0;  // codes added to the step for most_bits
  double mean_bits_ = -1;
  std::vector<std::int32_t> levels_;   // quantised coefficients of the last pose
  std::array<std::int32_t, 7> key_{};  // placement and face of the key frame, zeros where it has no placement
  std::vector<float> coefficients_;
};

/// A packet's frame.
struct CodedPose {
  PoseFrame frame;
  unsigned lost = 0;  ///< packets missing between this one and the one decoded before it
  bool exact =
      true;  ///< false: packets since the key frame are missing, the pose is near until the next one comes
  bool key = false;
};

class PoseStreamDecoder {
 public:
  REENACT_API explicit PoseStreamDecoder(std::shared_ptr<const PoseBasis> basis);
  /// The frame in a packet; nothing while its key frame is missing, or when it is older than the one before. Throws Error:
  /// corrupt when the bytes are no such packet, unsupported for another version of the format, wrong_kind when it was made
  /// in another basis. No bytes do harm, and an error leaves the decoder as it was.
  REENACT_API std::optional<CodedPose> decode(std::span<const std::uint8_t> packet);
  /// Forgets the stream.
  REENACT_API void reset();

 private:
  std::shared_ptr<const PoseBasis> basis_;
  bool has_key_ = false, exact_ = true;
  std::uint16_t sequence_ = 0, key_sequence_ = 0;  // of the last frame and of its key frame
  int step_code_ = 0;
  std::vector<std::int32_t> levels_;
  std::array<std::int32_t, 7> key_{};  // as the encoder has it
};

}  // namespace reenact
