// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-reenactbin
 * @title: reenactbin
 *
 * The whole chain in one element, video to video; each part is a child that GstChildProxy reaches by name.
 *
 *     gst-launch-1.0 v4l2src ! videoconvert ! reenactbin identity-file=NAME.safetensors \
 *         ! videoconvert ! autovideosink
 *
 * Since: 0.1
 */
#include <gst/gst.h>
#include <gst/video/video.h>

#include <array>
#include <string>
#include <vector>

#include "base/element_description.h"
#include "base/glib.h"
#include "elements.h"

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

/// A property of the bin that stands for one of its children. Type, range, default and when it may be set are
/// those of the first child; that is also the one it is read from.
struct Proxy {
  const char *name, *nick, *blurb;
  const char* child_property;
  std::vector<Child> of;
  const char* own_default = nullptr;  ///< nick of an enum's value that the bin starts with instead
};

/// In the order of their numbers, from 1.
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

guint stats_property() {
  return guint(proxies().size()) + 1;
}

const Proxy* proxy_of(guint id) {
  return id >= 1 && id <= proxies().size() ? &proxies()[id - 1] : nullptr;
}

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

/// The spec of a proxy, made from that of the child. GLib cannot copy a spec under another name.
GParamSpec* new_spec(const Proxy& proxy) {
  auto* child_class = static_cast<GObjectClass*>(g_type_class_ref(type_of(proxy.of.front())));
  const GParamSpec* child = g_object_class_find_property(child_class, proxy.child_property);
  // Controllers are bound to the child.
  const auto flags = GParamFlags((child->flags & ~GST_PARAM_CONTROLLABLE) | G_PARAM_STATIC_STRINGS);
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
  } else {
    const GParamSpecUInt* number = G_PARAM_SPEC_UINT(child);
    spec = g_param_spec_uint(proxy.name, proxy.nick, proxy.blurb, number->minimum, number->maximum,
                             number->default_value, flags);
  }
  g_type_class_unref(child_class);
  return spec;
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

/// Of all children together: frames, milliseconds of each stage, and what they add to the latency.
GstStructure* new_statistics(const ReenactBin::Private& p) {
  GstStructure* all = gst_structure_new_empty("reenact-stats");
  guint64 latency = 0, dropped = 0;
  for (const Child child : {crop, pose, generator, compositor}) {
    GstStructure* stage = nullptr;
    if (p.elements[child]) g_object_get(p.elements[child], "stats", &stage, nullptr);
    if (!stage) continue;
    guint64 stage_latency = 0, stage_dropped = 0;
    gst_structure_get_uint64(stage, "latency", &stage_latency);
    gst_structure_get_uint64(stage, "frames-dropped", &stage_dropped);
    latency += stage_latency;
    dropped += stage_dropped;
    if (child == crop) gst_structure_set_value(all, "frames-in", gst_structure_get_value(stage, "frames-in"));
    if (child == compositor)
      gst_structure_set_value(all, "frames-drawn", gst_structure_get_value(stage, "frames-drawn"));
    for (const char* field : {"mean-ms", "longest-ms"})
      gst_structure_set_value(all, (std::string(children[child].name) + "-" + field).c_str(),
                              gst_structure_get_value(stage, field));
    gst_structure_free(stage);
  }
  gst_structure_set(all, "frames-dropped", G_TYPE_UINT64, dropped, "latency", G_TYPE_UINT64, latency,
                    nullptr);
  return all;
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const ReenactBin::Private& p = *self_of(object)->p;
  if (id == stats_property()) {
    g_value_take_boxed(value, new_statistics(p));
    return;
  }
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
  const Owned<GstPad> target(gst_ghost_pad_get_target(GST_GHOST_PAD(ghost)));
  gst_pad_set_active(ghost, FALSE);
  gst_element_remove_pad(element, ghost);
  if (!target) return;
  const Owned<GstElement> child(gst_pad_get_parent_element(target.get()));
  if (child) gst_element_release_request_pad(child.get(), target.get());
}

void finalize(GObject* object) {
  delete self_of(object)->p;
  G_OBJECT_CLASS(reenact_bin_parent_class)->finalize(object);
}

void install_properties(GObjectClass* object_class) {
  guint id = 1;
  for (const Proxy& proxy : proxies()) g_object_class_install_property(object_class, id++, new_spec(proxy));
  g_object_class_install_property(
      object_class, stats_property(),
      g_param_spec_boxed(
          "stats", "Statistics",
          "Frames in, drawn and dropped, milliseconds a frame of each child, and the latency reported",
          GST_TYPE_STRUCTURE, GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
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
  describe_element(element_class,
                   {"Head reenactment", "Filter/Effect/Video/Bin",
                    "Lets a driver's face move somebody else's head: crop, pose, identity, generator and "
                    "compositor in one, each reachable as a child of that name"},
                   {&sink_template, &background_template, &crops_template, &src_template});
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
    // What is too late is left out by the crop, before there was work on it.
    if (i == pose || i == generator || i == convert) g_object_set(elements[i], "qos", FALSE, nullptr);
    gst_bin_add(GST_BIN(self), elements[i]);
    if (i > 0 && elements[i - 1]) gst_element_link(elements[i - 1], elements[i]);
  }
  for (const Proxy& proxy : proxies()) {
    for (const Child child : proxy.of)
      if (proxy.own_default && elements[child])
        gst_util_set_object_arg(G_OBJECT(elements[child]), proxy.child_property, proxy.own_default);
  }
  add_ghost_pad(self, "sink", elements[crop], &sink_template);
  add_ghost_pad(self, "src", elements[convert], &src_template);
}

}  // namespace reenact
