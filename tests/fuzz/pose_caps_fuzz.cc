// SPDX-License-Identifier: LGPL-2.1-or-later
#include <numeric>
#include <string>

#include "base/glib.h"
#include "fuzz_target.h"
#include "quiet_gstreamer.h"
#include "reenact/error.h"
#include "stream/face_place.h"
#include "stream/pose_buffer.h"

namespace reenact::test {
namespace {

constexpr std::string_view tokens[] = {"other/tensors",
                                       "video/x-raw",
                                       ", format=(string)static",
                                       ", num_tensors=(int)1",
                                       ", types=(string)float32",
                                       ", dimensions=(string)8:1:1:1",
                                       ", dimensions=(string)\"8:1:1:1,20:1:1:1\"",
                                       ", dimensions=(string)\"\"",
                                       ", dimensions=(int)8",
                                       ", dimensions=(string){ 8, 16 }",
                                       ", dimensions=(string)2147483647",
                                       ", dimensions=(string)4294967304",
                                       ", dimensions=(string)8:",
                                       ", dimensions=(string):8",
                                       ", framerate=(fraction)25/1",
                                       ";",
                                       ":",
                                       "1",
                                       "-",
                                       "ANY",
                                       "EMPTY"};

}  // namespace

const std::span<const std::string_view> fuzz_tokens = tokens;

}  // namespace reenact::test

/// Caps up to the first newline, a buffer behind it: a pose is read only from a buffer of the size that the caps
/// say, whole.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reenact;
  test::start_quiet_gstreamer();
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t newline = std::min(input.find('\n'), input.size());
  const std::string text(input.substr(0, input.find('\0') < newline ? input.find('\0') : newline));
  const std::string_view bytes = newline < input.size() ? input.substr(newline + 1) : std::string_view();
  const Owned<GstCaps> caps(gst_caps_from_string(text.c_str()));
  if (!caps) return 0;
  const int count = pose_size_of_caps(caps.get());
  test::require(count >= 0, "a pose has no negative size");
  if (count == 0) return 0;
  const Owned<GstCaps> ours(new_pose_caps(count));
  test::require(pose_size_of_caps(ours.get()) == count, "caps of the size say the size");
  const Owned<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, bytes.size(), nullptr));
  gst_buffer_fill(buffer.get(), 0, bytes.data(), bytes.size());
  const std::size_t pose_bytes = static_cast<std::size_t>(count) * sizeof(float);
  const bool fits = bytes.size() == pose_bytes || bytes.size() == pose_bytes + place_size * sizeof(float);
  try {
    const MappedPose pose(buffer.get(), count, GST_MAP_READ);
    test::require(fits, "a buffer of another size is refused");
    test::require(pose.values().size_bytes() == pose_bytes, "a pose is all of its buffer but the place");
    add_face_meta_of_place(buffer.get(), count, buffer.get());
    volatile float sum = std::accumulate(pose.values().begin(), pose.values().end(), 0.0f);
    (void)sum;
    ++test::accepted_inputs;
  } catch (const Error& error) {
    test::require(!fits && error.code() == ErrorCode::corrupt, "a buffer of the right size is taken");
  }
  return 0;
}
