// SPDX-License-Identifier: LGPL-2.1-or-later
#include "poses/coded_caps.h"

#include "reenact/error.h"
#include "reenact/model_file.h"

namespace reenact {
namespace {

/// Gives `to` the framerate of `from`, where that says one.
void copy_framerate(const GstStructure* from, GstStructure* to) {
  if (const GValue* framerate = gst_structure_get_value(from, "framerate"))
    gst_structure_set_value(to, "framerate", framerate);
}

}  // namespace

template <>
GType enum_type<PoseBasisChoice>() {
  static const GEnumValue values[] = {
      enum_value(PoseBasisChoice::model, "The directions in which the poses of model-file move most",
                 "model"),
      enum_value(PoseBasisChoice::plain, "The poses' own numbers, without a model", "plain"),
      {}};
  static const GType type = register_enum("ReenactPoseBasis", values);
  return type;
}

std::shared_ptr<const PoseBasis> choose_basis(PoseBasisChoice choice, const std::string& model_file,
                                              int size) {
  if (choice == PoseBasisChoice::plain) return PoseBasis::plain(size);
  const std::filesystem::path path = find_model(model_file);
  auto basis = load_pose_basis(path);
  if (basis->pose_size() != size)
    throw Error(ErrorCode::wrong_kind, "the poses that come in have " + std::to_string(size) +
                                           " numbers, and those of '" + path.string() + "' have " +
                                           std::to_string(basis->pose_size()));
  return basis;
}

GstCaps* pose_caps_of_coded(const GstCaps* caps) {
  GstCaps* poses = gst_caps_new_empty();
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    const GstStructure* structure = gst_caps_get_structure(caps, i);
    int size = 0;
    GstCaps* some = gst_structure_get_int(structure, "pose-size", &size) && size > 0
                        ? new_placed_pose_caps(size)
                        : gst_caps_from_string(REENACT_POSE_CAPS);
    for (guint k = 0; k < gst_caps_get_size(some); ++k)
      copy_framerate(structure, gst_caps_get_structure(some, k));
    gst_caps_append(poses, some);
  }
  return poses;
}

GstCaps* coded_caps_of_poses(const GstCaps* caps) {
  GstCaps* coded = gst_caps_new_empty();
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    GstCaps* one = gst_caps_from_string(REENACT_CODED_POSE_CAPS);
    GstCaps* source = gst_caps_copy_nth(caps, i);
    if (const int size = pose_size_of_caps(source); size > 0)
      gst_caps_set_simple(one, "pose-size", G_TYPE_INT, size, nullptr);
    copy_framerate(gst_caps_get_structure(source, 0), gst_caps_get_structure(one, 0));
    gst_caps_unref(source);
    coded = gst_caps_merge(coded, one);
  }
  return coded;
}

int pose_size_of_coded_caps(const GstCaps* caps) {
  int size = 0;
  if (!caps || gst_caps_get_size(caps) != 1) return 0;
  gst_structure_get_int(gst_caps_get_structure(caps, 0), "pose-size", &size);
  return size;
}

}  // namespace reenact
