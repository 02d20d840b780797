// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bin/proxies.h"

#include <gst/controller/gstproxycontrolbinding.h>

#include "elements.h"

namespace reenact {
namespace {

GType type_of(Child child) {
  switch (child) {
    case crop:
      return reenact_crop_get_type();
    case pose:
      return reenact_pose_get_type();
    case identity:
      return reenact_identity_get_type();
    case generator:
      return reenact_generator_get_type();
    default:
      return reenact_compositor_get_type();
  }
}

}  // namespace

const std::vector<Proxy>& proxies() {
  static const std::vector<Proxy> all = {
      {"identity-file", "Identity file", "Whose head is drawn, of identity", "identity-file", {identity}},
      {"model-file",
       "Model file",
       "The reenactor, of pose, identity and generator",
       "model-file",
       {pose, identity, generator}},
      {"detector-file", "Detector file", "The face detector, model-file of crop", "model-file", {crop}},
      {"device",
       "Device",
       "Where the networks run: auto, cpu, cuda or cuda:N, of crop, pose and generator",
       "device",
       {crop, pose, generator}},
      {"pose-mode",
       "Pose mode",
       "How the head takes the driver's pose, of generator",
       "pose-mode",
       {generator},
       "auto"},
      {"pose-strength",
       "Pose strength",
       "How far the head moves from its resting pose, of generator",
       "pose-strength",
       {generator}},
      {"bearing-strength",
       "Bearing strength",
       "How far the head turns, nods and tilts from its resting pose, on top of pose-strength, of generator",
       "bearing-strength",
       {generator}},
      {"mouth-strength",
       "Mouth strength",
       "How far the mouth moves from its resting pose, on top of pose-strength, of generator",
       "mouth-strength",
       {generator}},
      {"eyes-strength",
       "Eyes strength",
       "How far lids and brows move from their resting pose, on top of pose-strength, of generator",
       "eyes-strength",
       {generator}},
      {"identity-transition",
       "Identity transition",
       "Milliseconds in which one identity goes over into the next; 0: at once, of generator",
       "identity-transition",
       {generator}},
      {"enrol-countdown",
       "Enrolment countdown",
       "Seconds before the first picture of an enrolment is taken, of identity",
       "enrol-countdown",
       {identity}},
      {"enrol-min-score",
       "Smallest enrolment score",
       "Pictures that score less are not learned from, of identity",
       "enrol-min-score",
       {identity}},
      {"opacity", "Opacity", "Opacity of the head, of compositor", "opacity", {compositor}},
      {"panic",
       "Panic",
       "Show no head and nothing of the driver from the next picture on, of compositor",
       "panic",
       {compositor}},
      {"panic-shows",
       "Panic shows",
       "What is shown during panic, of compositor",
       "panic-shows",
       {compositor}},
      {"alpha-mode",
       "Alpha mode",
       "How colors relate to alpha with background=transparent, of compositor",
       "alpha-mode",
       {compositor}},
      {"no-face", "No face", "What to give out for frames without a face, of crop", "no-face", {crop}},
      {"background", "Background", "What the head is laid over, of compositor", "background", {compositor}},
      {"background-color",
       "Background color",
       "Color behind the head as 0xAARRGGBB, of compositor",
       "background-color",
       {compositor}},
      {"background-image",
       "Background image",
       "Picture file for background=image, of compositor",
       "background-image",
       {compositor}}};
  return all;
}

GParamSpec* new_spec(const Proxy& proxy) {
  auto* child_class = static_cast<GObjectClass*>(g_type_class_ref(type_of(proxy.of.front())));
  const GParamSpec* child = g_object_class_find_property(child_class, proxy.child_property);
  const auto flags = GParamFlags(child->flags | G_PARAM_STATIC_STRINGS);
  GParamSpec* spec = nullptr;
  if (G_IS_PARAM_SPEC_STRING(child)) {
    spec = g_param_spec_string(proxy.name, proxy.nick, proxy.blurb, G_PARAM_SPEC_STRING(child)->default_value,
                               flags);
  } else if (G_IS_PARAM_SPEC_ENUM(child)) {
    const GParamSpecEnum* choice = G_PARAM_SPEC_ENUM(child);
    const gint initial = proxy.own_default
                             ? g_enum_get_value_by_nick(choice->enum_class, proxy.own_default)->value
                             : choice->default_value;
    spec = g_param_spec_enum(proxy.name, proxy.nick, proxy.blurb, child->value_type, initial, flags);
  } else if (G_IS_PARAM_SPEC_BOOLEAN(child)) {
    spec = g_param_spec_boolean(proxy.name, proxy.nick, proxy.blurb,
                                G_PARAM_SPEC_BOOLEAN(child)->default_value, flags);
  } else if (G_IS_PARAM_SPEC_DOUBLE(child)) {
    const GParamSpecDouble* number = G_PARAM_SPEC_DOUBLE(child);
    spec = g_param_spec_double(proxy.name, proxy.nick, proxy.blurb, number->minimum, number->maximum,
                               number->default_value, flags);
  } else {
    const GParamSpecUInt* number = G_PARAM_SPEC_UINT(child);
    spec = g_param_spec_uint(proxy.name, proxy.nick, proxy.blurb, number->minimum, number->maximum,
                             number->default_value, flags);
  }
  g_type_class_unref(child_class);
  return spec;
}

void pass_on_controllers(GstObject* bin, const Proxy& proxy, GstObject* child) {
  const GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(child), proxy.child_property);
  if (!spec || !(spec->flags & GST_PARAM_CONTROLLABLE)) return;
  gst_object_add_control_binding(child,
                                 gst_proxy_control_binding_new(child, proxy.child_property, bin, proxy.name));
}

}  // namespace reenact
