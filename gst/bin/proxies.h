// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <array>
#include <vector>

namespace reenact {

/// What reenactbin is made of, in the order of the stream.
enum Child {
  input,
  orient,
  crop,
  queue,
  pose,
  identity,
  generator,
  compositor,
  output,
  convert,
  child_count
};

struct ChildElement {
  const char* factory;
  const char* name;
};
inline constexpr std::array<ChildElement, child_count> children = {{{"videoconvert", "input"},
                                                                    {"videoflip", "orient"},
                                                                    {"reenactcrop", "crop"},
                                                                    {"queue", "queue"},
                                                                    {"reenactpose", "pose"},
                                                                    {"reenactidentity", "identity"},
                                                                    {"reenactgenerator", "generator"},
                                                                    {"reenactcompositor", "compositor"},
                                                                    {"queue", "output"},
                                                                    {"videoconvert", "convert"}}};

/// A property of the bin that stands for one of its children. Type, range, default and when it may be set are
/// those of the first child; that is also the one it is read from.
struct Proxy {
  const char *name, *nick, *blurb;
  const char* child_property;
  std::vector<Child> of;
  const char* own_default = nullptr;  ///< nick of an enum's value that the bin starts with instead
};

/// In the order of their numbers, from 1.
const std::vector<Proxy>& proxies();

/// The spec of a proxy, made from that of the child. GLib cannot copy a spec under another name.
GParamSpec* new_spec(const Proxy& proxy);

/// Lets a controller that is bound to the bin's property move it at the times of the frames that `child` works on. One that
/// is bound to the child itself takes its place.
void pass_on_controllers(GstObject* bin, const Proxy& proxy, GstObject* child);

}  // namespace reenact
