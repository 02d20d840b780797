// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream/pose_buffer.h"

#include <charconv>
#include <string>
#include <string_view>

#include "reenact/error.h"
#include "stream/face_place.h"

namespace reenact {

GstCaps* new_pose_caps(int size) {
  const std::string dimensions = std::to_string(size) + ":1:1:1";
  return gst_caps_new_simple("other/tensors", "format", G_TYPE_STRING, "static", "num_tensors", G_TYPE_INT, 1,
                             "dimensions", G_TYPE_STRING, dimensions.c_str(), "types", G_TYPE_STRING,
                             "float32", nullptr);
}

GstCaps* new_placed_pose_caps(int size) {
  const std::string dimensions = std::to_string(size) + ":1:1:1," + std::to_string(place_size) + ":1:1:1";
  GstCaps* caps = gst_caps_new_simple("other/tensors", "format", G_TYPE_STRING, "static", "num_tensors",
                                      G_TYPE_INT, 2, "dimensions", G_TYPE_STRING, dimensions.c_str(), "types",
                                      G_TYPE_STRING, "float32,float32", nullptr);
  gst_caps_append(caps, new_pose_caps(size));
  return caps;
}

namespace {

/// The first number of a tensor's dimensions whose others are 1; 0 for anything else.
int length_of(std::string_view dimensions) {
  std::string_view rest = dimensions;
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

/// The dimensions of a pose and, behind a comma, of its place; empty where there is none.
struct Dimensions {
  std::string_view pose, place;
};

Dimensions dimensions_of(const GstCaps* caps) {
  if (!caps || gst_caps_get_size(caps) != 1) return {};
  const char* text = gst_structure_get_string(gst_caps_get_structure(caps, 0), "dimensions");
  if (!text) return {};
  const std::string_view both(text);
  const std::size_t comma = both.find(',');
  if (comma == std::string_view::npos) return {both, {}};
  return {both.substr(0, comma), both.substr(comma + 1)};
}

}  // namespace

int pose_size_of_caps(const GstCaps* caps) {
  const auto [pose, place] = dimensions_of(caps);
  return place.empty() || length_of(place) == place_size ? length_of(pose) : 0;
}

bool have_places(const GstCaps* caps) {
  return length_of(dimensions_of(caps).place) == place_size;
}

MappedPose::MappedPose(GstBuffer* buffer, int size, GstMapFlags flags) : buffer_(buffer) {
  const gsize wanted = gsize(size) * sizeof(float), found = gst_buffer_get_size(buffer);
  if (found != wanted && found != wanted + place_size * sizeof(float)) {
    throw Error(ErrorCode::corrupt, "a pose buffer has " + std::to_string(found) + " bytes, wanted " +
                                        std::to_string(wanted) + " for " + std::to_string(size) + " floats");
  }
  // Whatever came through a socket is in one piece; elsewhere the place has a memory of its own.
  const bool apart = gst_buffer_n_memory(buffer) > 1 && gst_buffer_peek_memory(buffer, 0)->size == wanted;
  if (!gst_buffer_map_range(buffer, 0, apart ? 1 : -1, &map_, flags))
    throw Error(ErrorCode::corrupt, "a pose buffer cannot be mapped");
  values_ = {reinterpret_cast<float*>(map_.data), std::size_t(size)};
}

MappedPose::~MappedPose() {
  gst_buffer_unmap(buffer_, &map_);
}

}  // namespace reenact
