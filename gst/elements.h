// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

namespace reenact {

GST_ELEMENT_REGISTER_DECLARE(reenactcrop)
GST_ELEMENT_REGISTER_DECLARE(reenactpose)
GST_ELEMENT_REGISTER_DECLARE(reenactidentity)
GST_ELEMENT_REGISTER_DECLARE(reenactgenerator)
GST_ELEMENT_REGISTER_DECLARE(reenactcompositor)
GST_ELEMENT_REGISTER_DECLARE(reenactbin)
GST_ELEMENT_REGISTER_DECLARE(reenactdecodebin)
GST_ELEMENT_REGISTER_DECLARE(reenactposesink)
GST_ELEMENT_REGISTER_DECLARE(reenactposesrc)
GST_ELEMENT_REGISTER_DECLARE(reenactposefilter)
GST_ELEMENT_REGISTER_DECLARE(reenactposeenc)
GST_ELEMENT_REGISTER_DECLARE(reenactposedec)

GType reenact_crop_get_type();
GType reenact_pose_get_type();
GType reenact_identity_get_type();
GType reenact_generator_get_type();
GType reenact_compositor_get_type();
GType reenact_bin_get_type();
GType reenact_decode_bin_get_type();
GType reenact_pose_sink_get_type();
GType reenact_pose_src_get_type();
GType reenact_pose_filter_get_type();
GType reenact_pose_enc_get_type();
GType reenact_pose_dec_get_type();

}  // namespace reenact
