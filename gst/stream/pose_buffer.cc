// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream/pose_buffer.h"

#include <charconv>
#include <string>
#include <string_view>

#include "reenact/error.h"

namespace reenact {

GstCaps* new_pose_caps(int size) {
  const std::string dimensions = std::to_string(size) + ":1:1:1";
  return gst_caps_new_simple("other/tensors", "format", G_TYPE_STRING, "static", "num_tensors", G_TYPE_INT, 1,
                             "dimensions", G_TYPE_STRING, dimensions.c_str(), "types", G_TYPE_STRING,
                             "float32", nullptr);
}

int pose_size_of_caps(const GstCaps* caps) {
  if (!caps || gst_caps_get_size(caps) != 1) return 0;
  const char* dimensions = gst_structure_get_string(gst_caps_get_structure(caps, 0), "dimensions");
  if (!dimensions) return 0;
  std::string_view rest(dimensions);
  int size = 0;
  for (bool first = true; !rest.empty(); first = false) {
    const std::size_t colon = rest.find(':');
    const std::string_view part = rest.substr(0, colon);
    int number = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (error != std::errc() || end != part.data() + part.size() || number < 1) return 0;
    if (first) {
      size = number;
    } else if (number != 1) {
      return 0;
    }
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  }
  return size;
}

MappedPose::MappedPose(GstBuffer* buffer, int size, GstMapFlags flags) : buffer_(buffer) {
  const gsize wanted = gsize(size) * sizeof(float);
  if (!gst_buffer_map(buffer, &map_, flags))
    throw Error(ErrorCode::corrupt, "a pose buffer cannot be mapped");
  if (map_.size != wanted) {
    const gsize found = map_.size;
    gst_buffer_unmap(buffer, &map_);
    throw Error(ErrorCode::corrupt, "a pose buffer has " + std::to_string(found) + " bytes, wanted " +
                                        std::to_string(wanted) + " for " + std::to_string(size) + " floats");
  }
  values_ = {reinterpret_cast<float*>(map_.data), std::size_t(size)};
}

MappedPose::~MappedPose() {
  gst_buffer_unmap(buffer_, &map_);
}

}  // namespace reenact
