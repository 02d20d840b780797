// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>
#include <string>

#include "base/properties.h"
#include "reenact/pose_basis.h"
#include "stream/pose_buffer.h"

namespace reenact {

/// Template of every pad that carries coded poses, one packet a buffer (docs/pose-codec.md).
#define REENACT_CODED_POSE_CAPS \
  "application/x-reenact-pose, version=(int)1, framerate=(fraction)[0/1, 2147483647/1]"

enum class PoseBasisChoice {
  model,  ///< computed from model-file
  plain   ///< the poses' own coordinates
};
template <>
GType enum_type<PoseBasisChoice>();

/// The basis that the properties model-file and basis name, for poses of `size` numbers. Throws Error as load_pose_basis()
/// does, and wrong_kind for a model of other poses.
std::shared_ptr<const PoseBasis> choose_basis(PoseBasisChoice choice, const std::string& model_file,
                                              int size);

/// Caps of poses for the coded ones of `caps`, or the other way round: the framerate stays, and the poses' size.
GstCaps* pose_caps_of_coded(const GstCaps* caps);
GstCaps* coded_caps_of_poses(const GstCaps* caps);
/// Numbers in a pose of coded poses, 0 when the caps do not say.
int pose_size_of_coded_caps(const GstCaps* caps);

}  // namespace reenact
