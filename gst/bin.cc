// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>
#include <gst/video/video.h>

#include <array>
#include <vector>

#include "elements.h"
#include "enum_types.h"

GST_DEBUG_CATEGORY_STATIC(reenact_bin_debug);
#define GST_CAT_DEFAULT reenact_bin_debug

namespace reenact {

/// reenactbin: the whole chain in one element, video to video.
struct ReenactBin {
  struct Private;
  GstBin parent;
  Private* p;
};
struct ReenactBinClass {
  GstBinClass parent_class;
};

namespace {

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL)));
GstStaticPadTemplate background_template = GST_STATIC_PAD_TEMPLATE(
    "background", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL)));
GstStaticPadTemplate crops_template = GST_STATIC_PAD_TEMPLATE("crops", GST_PAD_SINK, GST_PAD_REQUEST,
                                                              GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("RGB")));
GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL)));

enum Child { crop, queue, pose, identity, generator, compositor, convert, child_count };

struct ChildElement {
  const char* factory;
  const char* name;
};
constexpr std::array<ChildElement, child_count> children = {{{"reenactcrop", "crop"},
                                                             {"queue", "queue"},
                                                             {"reenactpose", "pose"},
                                                             {"reenactidentity", "identity"},
                                                             {"reenactgenerator", "generator"},
                                                             {"reenactcompositor", "compositor"},
                                                             {"videoconvert", "convert"}}};

enum Property : guint {
  identity_file_property = 1,
  model_file_property,
  detector_file_property,
  device_property,
  no_face_property,
  background_property,
  background_color_property,
  background_image_property
};

/// A property of the bin and those of its children that it stands for; read from the first.
struct Proxy {
  const char* child_property;
  std::vector<Child> of;
};

const Proxy* proxy_of(guint id) {
  static const Proxy identity_file{"identity-file", {identity}};
  static const Proxy model_file{"model-file", {pose, identity, generator}};
  static const Proxy detector_file{"model-file", {crop}};
  static const Proxy device{"device", {crop, pose, generator}};
  static const Proxy no_face{"no-face", {crop}};
  static const Proxy background{"background", {compositor}};
  static const Proxy background_color{"background-color", {compositor}};
  static const Proxy background_image{"background-image", {compositor}};
  switch (id) {
    case identity_file_property:
      return &identity_file;
    case model_file_property:
      return &model_file;
    case detector_file_property:
      return &detector_file;
    case device_property:
      return &device;
    case no_face_property:
      return &no_face;
    case background_property:
      return &background;
    case background_color_property:
      return &background_color;
    case background_image_property:
      return &background_image;
    default:
      return nullptr;
  }
}

}  // namespace

struct ReenactBin::Private {
  std::array<GstElement*, child_count> elements{};  // owned by the bin
  const char* missing = nullptr;                    // a factory that is not installed
};

GST_ELEMENT_REGISTER_DEFINE(reenactbin, "reenactbin", GST_RANK_NONE, reenact_bin_get_type())
G_DEFINE_TYPE(ReenactBin, reenact_bin, GST_TYPE_BIN)

namespace {

ReenactBin* self_of(gpointer object) {
  return reinterpret_cast<ReenactBin*>(object);
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  const ReenactBin::Private& p = *self_of(object)->p;
  const Proxy* proxy = proxy_of(id);
  if (!proxy) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    return;
  }
  for (const Child child : proxy->of) {
    if (p.elements[child]) g_object_set_property(G_OBJECT(p.elements[child]), proxy->child_property, value);
  }
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const ReenactBin::Private& p = *self_of(object)->p;
  const Proxy* proxy = proxy_of(id);
  if (!proxy) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    return;
  }
  GstElement* first = p.elements[proxy->of.front()];
  if (first) g_object_get_property(G_OBJECT(first), proxy->child_property, value);
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  const ReenactBin::Private& p = *self_of(element)->p;
  if (transition == GST_STATE_CHANGE_NULL_TO_READY && p.missing) {
    GST_ELEMENT_ERROR(element, CORE, MISSING_PLUGIN,
                      ("reenactbin needs the element %s, which is not installed", p.missing), (nullptr));
    return GST_STATE_CHANGE_FAILURE;
  }
  return GST_ELEMENT_CLASS(reenact_bin_parent_class)->change_state(element, transition);
}

GstPad* request_new_pad(GstElement* element, GstPadTemplate* pad_template, const gchar*, const GstCaps*) {
  const ReenactBin::Private& p = *self_of(element)->p;
  const char* name = GST_PAD_TEMPLATE_NAME_TEMPLATE(pad_template);
  GstElement* child = p.elements[g_str_equal(name, "crops") ? identity : compositor];
  if (!child) return nullptr;
  GstPad* target = gst_element_request_pad_simple(child, name);
  if (!target) return nullptr;
  GstPad* ghost = gst_ghost_pad_new_from_template(name, target, pad_template);
  gst_object_unref(target);
  gst_pad_set_active(ghost, TRUE);
  gst_element_add_pad(element, ghost);
  return ghost;
}

void release_pad(GstElement* element, GstPad* ghost) {
  GstPad* target = gst_ghost_pad_get_target(GST_GHOST_PAD(ghost));
  gst_pad_set_active(ghost, FALSE);
  gst_element_remove_pad(element, ghost);
  if (!target) return;
  GstElement* child = gst_pad_get_parent_element(target);
  if (child) {
    gst_element_release_request_pad(child, target);
    gst_object_unref(child);
  }
  gst_object_unref(target);
}

void finalize(GObject* object) {
  delete self_of(object)->p;
  G_OBJECT_CLASS(reenact_bin_parent_class)->finalize(object);
}

void install_properties(GObjectClass* object_class) {
  constexpr auto ready = GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  constexpr auto playing =
      GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  const auto install = [object_class](guint id, GParamSpec* spec) {
    g_object_class_install_property(object_class, id, spec);
  };
  install(identity_file_property, g_param_spec_string("identity-file", "Identity file",
                                                      "Whose head is drawn, of identity", nullptr, playing));
  install(model_file_property,
          g_param_spec_string("model-file", "Model file", "The reenactor, of pose, identity and generator",
                              "reenactor.safetensors", ready));
  install(detector_file_property,
          g_param_spec_string("detector-file", "Detector file", "The face detector, model-file of crop",
                              "detector.safetensors", ready));
  install(
      device_property,
      g_param_spec_string("device", "Device",
                          "Where the networks run: auto, cpu, cuda or cuda:N, of crop, pose and generator",
                          "auto", ready));
  install(no_face_property,
          g_param_spec_enum("no-face", "No face", "What to give out for frames without a face, of crop",
                            no_face_get_type(), static_cast<gint>(NoFace::hold), playing));
  install(background_property,
          g_param_spec_enum("background", "Background", "What the head is laid over, of compositor",
                            background_mode_get_type(), static_cast<gint>(BackgroundMode::pad), playing));
  install(background_color_property, g_param_spec_uint("background-color", "Background colour",
                                                       "Colour behind the head as 0xAARRGGBB, of compositor",
                                                       0, G_MAXUINT, 0xff303030, playing));
  install(background_image_property,
          g_param_spec_string("background-image", "Background image",
                              "Picture file for background=image, of compositor", nullptr, playing));
}

}  // namespace

static void reenact_bin_class_init(ReenactBinClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  GST_DEBUG_CATEGORY_INIT(reenact_bin_debug, "reenactbin", 0, "Head reenactment bin");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  install_properties(object_class);
  gst_element_class_set_static_metadata(
      element_class, "Head reenactment", "Filter/Effect/Video/Bin",
      "Lets a driver's face move somebody else's head: crop, pose, identity, generator and "
      "compositor in one, each reachable as a child of that name",
      "The gst-reenact authors");
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &background_template);
  gst_element_class_add_static_pad_template(element_class, &crops_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  element_class->change_state = change_state;
  element_class->request_new_pad = request_new_pad;
  element_class->release_pad = release_pad;
}

/// Lets the next face be found and cut out while a head is drawn. One frame is enough for that, and more
/// would only be delay. (The compositor has a thread of its own anyway.)
static void bound(GstElement* queue) {
  g_object_set(queue, "max-size-buffers", 1u, "max-size-bytes", 0u, "max-size-time", guint64(0), nullptr);
}

static void add_ghost_pad(ReenactBin* self, const char* name, GstElement* child,
                          GstStaticPadTemplate* static_template) {
  GstPadTemplate* pad_template = gst_static_pad_template_get(static_template);
  GstPad* target = child ? gst_element_get_static_pad(child, name) : nullptr;
  GstPad* ghost = target ? gst_ghost_pad_new_from_template(name, target, pad_template)
                         : gst_ghost_pad_new_no_target_from_template(name, pad_template);
  gst_element_add_pad(GST_ELEMENT(self), ghost);
  if (target) gst_object_unref(target);
  gst_object_unref(pad_template);
}

static void reenact_bin_init(ReenactBin* self) {
  self->p = new ReenactBin::Private;
  auto& elements = self->p->elements;
  for (int i = 0; i < child_count; ++i) {
    elements[i] = gst_element_factory_make(children[i].factory, children[i].name);
    if (!elements[i]) {
      self->p->missing = children[i].factory;
      continue;
    }
    if (i == queue) bound(elements[i]);
    gst_bin_add(GST_BIN(self), elements[i]);
    if (i > 0 && elements[i - 1]) gst_element_link(elements[i - 1], elements[i]);
  }
  add_ghost_pad(self, "sink", elements[crop], &sink_template);
  add_ghost_pad(self, "src", elements[convert], &src_template);
}

}  // namespace reenact
