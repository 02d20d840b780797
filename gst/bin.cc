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
#include <utility>
#include <vector>

#include "base/element_description.h"
#include "base/glib.h"
#include "base/time_segment.h"
#include "compositor/key_pad.h"
#include "elements.h"
#include "reenact/identity.h"

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

GstStaticPadTemplate key_template = GST_STATIC_PAD_TEMPLATE(
    "key", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(REENACT_KEY_FORMATS)));

enum Child { input, orient, crop, queue, pose, identity, generator, compositor, convert, child_count };

struct ChildElement {
  const char* factory;
  const char* name;
};
constexpr std::array<ChildElement, child_count> children = {{{"videoconvert", "input"},
                                                             {"videoflip", "orient"},
                                                             {"reenactcrop", "crop"},
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
      {"pose-strength",
       "Pose strength",
       "How far the head moves from its resting pose, of generator",
       "pose-strength",
       {generator}},
      {"opacity", "Opacity", "Opacity of the head, of compositor", "opacity", {compositor}},
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

}  // namespace

struct ReenactBin::Private {
  std::array<GstElement*, child_count> elements{};  // owned by the bin
  const char* missing = nullptr;                    // a factory that is not installed
  GstPad* own_crops = nullptr;  // of identity, fed by crop since the first enrol; owned by it
  // What turns the background upright, while that pad is there; owned by the bin.
  GstElement *background_input = nullptr, *background_orient = nullptr;
};

enum Signal { enrol_signal, set_reference_signal, signal_count };
static guint signals[signal_count];

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

constexpr char key_queue_name[] = "key-queue";

/// The key comes from the thread that gives out the fill next: without a thread of its own whoever takes it would wait for
/// the fill, and that for him. Takes the pad, returns that of the queue.
GstPad* behind_queue(GstBin* bin, GstPad* key) {
  GstElement* queue = gst_element_factory_make("queue", key_queue_name);
  if (!queue) return key;
  g_object_set(queue, "max-size-buffers", 2u, "max-size-bytes", 0u, "max-size-time", guint64(0), nullptr);
  gst_bin_add(bin, queue);
  const Owned<GstPad> sink(gst_element_get_static_pad(queue, "sink"));
  gst_pad_link(key, sink.get());
  gst_object_unref(key);
  gst_element_sync_state_with_parent(queue);
  return gst_element_get_static_pad(queue, "src");
}

/// The pad of the child whose key the queue takes, after which the queue is gone; `target` where there is no queue.
Owned<GstPad> without_queue(GstBin* bin, Owned<GstPad> target) {
  const Owned<GstElement> queue(gst_bin_get_by_name(bin, key_queue_name));
  if (!queue || GST_ELEMENT(GST_OBJECT_PARENT(target.get())) != queue.get()) return target;
  const Owned<GstPad> sink(gst_element_get_static_pad(queue.get(), "sink"));
  Owned<GstPad> key(gst_pad_get_peer(sink.get()));
  gst_element_set_locked_state(queue.get(), TRUE);
  gst_element_set_state(queue.get(), GST_STATE_NULL);
  gst_bin_remove(bin, queue.get());
  return key;
}

/// Tells what follows a videoflip that turned the pictures that they are upright; later GStreamers than 1.22
/// do so themselves.
GstPadProbeReturn say_upright(GstPad* pad, GstPadProbeInfo* info, gpointer) {
  GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
  if (GST_EVENT_TYPE(event) != GST_EVENT_TAG) return GST_PAD_PROBE_OK;
  GstTagList* tags = nullptr;
  gst_event_parse_tag(event, &tags);
  const Owned<GstElement> flip(gst_pad_get_parent_element(pad));
  GstVideoOrientationMethod direction = GST_VIDEO_ORIENTATION_IDENTITY;
  if (flip) g_object_get(flip.get(), "video-direction", &direction, nullptr);
  if (direction != GST_VIDEO_ORIENTATION_AUTO || !gst_tag_list_get_tag_size(tags, GST_TAG_IMAGE_ORIENTATION))
    return GST_PAD_PROBE_OK;
  GstTagList* upright = gst_tag_list_copy(tags);
  gst_tag_list_add(upright, GST_TAG_MERGE_REPLACE, GST_TAG_IMAGE_ORIENTATION, "rotate-0", nullptr);
  GstEvent* changed = gst_event_new_tag(upright);
  gst_event_set_seqnum(changed, gst_event_get_seqnum(event));
  gst_event_unref(event);
  GST_PAD_PROBE_INFO_DATA(info) = changed;
  return GST_PAD_PROBE_OK;
}

/// Has a videoflip turn pictures as their image-orientation tag says, and consume the tag.
void turn_by_tag(GstElement* flip) {
  gst_util_set_object_arg(G_OBJECT(flip), "video-direction", "auto");
  const Owned<GstPad> src(gst_element_get_static_pad(flip, "src"));
  gst_pad_add_probe(src.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, say_upright, nullptr, nullptr);
}

/// Before the stock children see a segment that is not of time.
GstPadProbeReturn want_segment_of_time(GstPad*, GstPadProbeInfo* info, gpointer bin) {
  GST_PAD_PROBE_INFO_DATA(info) = with_segment_of_time(GST_ELEMENT(bin), GST_PAD_PROBE_INFO_EVENT(info));
  return GST_PAD_PROBE_OK;
}

void want_segment_of_time(ReenactBin* self, GstElement* input_child) {
  const Owned<GstPad> sink(gst_element_get_static_pad(input_child, "sink"));
  gst_pad_add_probe(sink.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, want_segment_of_time, self, nullptr);
}

constexpr char told_key[] = "reenact-turned-by-tag";

/// Whether pictures have to be turned: as the tag says, or always where `orient` was set to a direction of its own.
bool has_to_turn(GstPad* ghost, GstElement* orient_child) {
  GstVideoOrientationMethod direction = GST_VIDEO_ORIENTATION_IDENTITY;
  g_object_get(orient_child, "video-direction", &direction, nullptr);
  if (direction == GST_VIDEO_ORIENTATION_AUTO) return g_object_get_data(G_OBJECT(ghost), told_key) != nullptr;
  return direction != GST_VIDEO_ORIENTATION_IDENTITY;
}

/// Puts input and orient, which are linked to each other, between a ghost pad and its target. They are there only where
/// pictures have to be turned: not every format passes them, nor what other elements hung on the frames.
void insert_orientation(GstPad* ghost, GstElement* input_child, GstElement* orient_child) {
  const Owned<GstPad> src(gst_element_get_static_pad(orient_child, "src"));
  if (gst_pad_is_linked(src.get())) return;
  const Owned<GstPad> target(gst_ghost_pad_get_target(GST_GHOST_PAD(ghost)));
  const Owned<GstPad> sink(gst_element_get_static_pad(input_child, "sink"));
  gst_ghost_pad_set_target(GST_GHOST_PAD(ghost), sink.get());
  gst_pad_link(src.get(), target.get());
}

/// Undoes that and returns the ghost pad's own target.
GstPad* bypass_orientation(GstPad* ghost, GstElement* orient_child) {
  const Owned<GstPad> src(gst_element_get_static_pad(orient_child, "src"));
  GstPad* target = gst_pad_get_peer(src.get());
  if (!target) return gst_ghost_pad_get_target(GST_GHOST_PAD(ghost));
  gst_pad_unlink(src.get(), target);
  gst_ghost_pad_set_target(GST_GHOST_PAD(ghost), target);
  return target;
}

GstPadProbeReturn turn_when_told(GstPad* ghost, GstPadProbeInfo* info, gpointer bin) {
  const ReenactBin::Private& p = *self_of(bin)->p;
  const bool background = g_str_equal(GST_PAD_NAME(ghost), "background");
  GstElement* input_child = background ? p.background_input : p.elements[input];
  GstElement* orient_child = background ? p.background_orient : p.elements[orient];
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
    GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
    if (GST_EVENT_TYPE(event) != GST_EVENT_TAG) return GST_PAD_PROBE_OK;
    GstTagList* tags = nullptr;
    gst_event_parse_tag(event, &tags);
    const gchar* told = nullptr;
    if (gst_tag_list_peek_string_index(tags, GST_TAG_IMAGE_ORIENTATION, 0, &told))
      g_object_set_data(G_OBJECT(ghost), told_key, GINT_TO_POINTER(!g_str_equal(told, "rotate-0")));
  } else if (input_child && orient_child && has_to_turn(ghost, orient_child)) {
    insert_orientation(ghost, input_child, orient_child);
  }
  return GST_PAD_PROBE_OK;
}

void watch_orientation(ReenactBin* self, GstPad* ghost) {
  gst_pad_add_probe(ghost,
                    GstPadProbeType(GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_BUFFER |
                                    GST_PAD_PROBE_TYPE_BUFFER_LIST),
                    turn_when_told, self, nullptr);
}

/// Makes what turns the background upright; without the elements for it, it stays as it is.
void add_background_orientation(ReenactBin* self, GstPad* ghost) {
  ReenactBin::Private& p = *self->p;
  GstElement* input_child = gst_element_factory_make(children[input].factory, "background-input");
  GstElement* orient_child = gst_element_factory_make(children[orient].factory, "background-orient");
  if (!input_child || !orient_child) {
    if (input_child) gst_object_unref(input_child);
    if (orient_child) gst_object_unref(orient_child);
    return;
  }
  want_segment_of_time(self, input_child);
  turn_by_tag(orient_child);
  gst_bin_add_many(GST_BIN(self), input_child, orient_child, nullptr);
  gst_element_link(input_child, orient_child);
  gst_element_sync_state_with_parent(orient_child);
  gst_element_sync_state_with_parent(input_child);
  p.background_input = input_child;
  p.background_orient = orient_child;
  watch_orientation(self, ghost);
}

/// Takes that away.
void remove_background_orientation(ReenactBin* self) {
  ReenactBin::Private& p = *self->p;
  for (GstElement** child : {&p.background_input, &p.background_orient}) {
    gst_element_set_state(*child, GST_STATE_NULL);
    gst_bin_remove(GST_BIN(self), *child);
    *child = nullptr;
  }
}

/// The next stream may be upright.
void forget_orientation(GstElement* element) {
  const ReenactBin::Private& p = *self_of(element)->p;
  const auto forget = [element](const char* name, GstElement* orient_child) {
    const Owned<GstPad> ghost(gst_element_get_static_pad(element, name));
    if (!ghost || !orient_child) return;
    g_object_set_data(G_OBJECT(ghost.get()), told_key, nullptr);
    const Owned<GstPad> target(bypass_orientation(ghost.get(), orient_child));
  };
  forget("sink", p.elements[orient]);
  forget("background", p.background_orient);
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  const ReenactBin::Private& p = *self_of(element)->p;
  if (transition == GST_STATE_CHANGE_NULL_TO_READY && p.missing) {
    GST_ELEMENT_ERROR(element, CORE, MISSING_PLUGIN,
                      ("reenactbin needs the element %s, which is not installed", p.missing), (nullptr));
    return GST_STATE_CHANGE_FAILURE;
  }
  const GstStateChangeReturn changed =
      GST_ELEMENT_CLASS(reenact_bin_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) forget_orientation(element);
  return changed;
}

/// Gives each crop to the pad of identity that learns from them, in the thread that cuts it out.
GstPadProbeReturn learn_from(GstPad* crop_src, GstPadProbeInfo* info, gpointer crops) {
  auto* pad = static_cast<GstPad*>(crops);
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
    if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS)
      gst_pad_send_event(pad, gst_event_new_eos());
    return GST_PAD_PROBE_OK;
  }
  const Owned<GstCaps> caps(gst_pad_get_current_caps(crop_src)), known(gst_pad_get_current_caps(pad));
  if (!caps) return GST_PAD_PROBE_OK;
  if (!known || !gst_caps_is_equal(caps.get(), known.get())) {
    if (!known) gst_pad_send_event(pad, gst_event_new_stream_start("reenactbin-crops"));
    gst_pad_send_event(pad, gst_event_new_caps(caps.get()));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_send_event(pad, gst_event_new_segment(&segment));
  }
  gst_pad_chain(pad, gst_buffer_ref(GST_PAD_PROBE_INFO_BUFFER(info)));
  return GST_PAD_PROBE_OK;
}

/// Where nobody gave identity crops from outside, it learns from those of the bin.
void feed_own_crops(ReenactBin* self) {
  ReenactBin::Private& p = *self->p;
  if (!p.elements[crop] || !p.elements[identity]) return;
  const Owned<GstPad> there(gst_element_get_static_pad(p.elements[identity], "crops"));
  if (there) return;
  GstPad* crops = gst_element_request_pad_simple(p.elements[identity], "crops");
  if (!crops) return;
  p.own_crops = crops;
  const Owned<GstPad> src(gst_element_get_static_pad(p.elements[crop], "src"));
  gst_pad_add_probe(src.get(),
                    GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
                    learn_from, crops, gst_object_unref);
}

gboolean enrol(ReenactBin* self, guint crops, const gchar* location) {
  GstElement* child = self->p->elements[identity];
  gboolean begun = FALSE;
  if (!child || GST_STATE(child) < GST_STATE_PAUSED) return FALSE;
  feed_own_crops(self);
  g_signal_emit_by_name(child, "enrol", crops, location, &begun);
  return begun;
}

void set_reference(ReenactBin* self) {
  if (GstElement* child = self->p->elements[generator]) g_signal_emit_by_name(child, "set-reference");
}

void install_signals(GObjectClass* object_class) {
  /**
   * ReenactBin::enrol:
   * @crops: how many crops to learn from
   * @location: (nullable): file to save the identity to
   *
   * Action: as that of reenactidentity, from the driver's own crops where nothing comes in on the pad crops.
   *
   * Returns: whether it was begun: it is not while another one runs, or below PAUSED.
   */
  signals[enrol_signal] = g_signal_new_class_handler(
      "enrol", G_OBJECT_CLASS_TYPE(object_class), GSignalFlags(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
      G_CALLBACK(enrol), nullptr, nullptr, nullptr, G_TYPE_BOOLEAN, 2, G_TYPE_UINT, G_TYPE_STRING);
  /**
   * ReenactBin::set-reference:
   *
   * Action: that of reenactgenerator.
   */
  signals[set_reference_signal] = g_signal_new_class_handler(
      "set-reference", G_OBJECT_CLASS_TYPE(object_class), GSignalFlags(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
      G_CALLBACK(set_reference), nullptr, nullptr, nullptr, G_TYPE_NONE, 0);
}

GstPad* request_new_pad(GstElement* element, GstPadTemplate* pad_template, const gchar*, const GstCaps*) {
  const ReenactBin::Private& p = *self_of(element)->p;
  const char* name = GST_PAD_TEMPLATE_NAME_TEMPLATE(pad_template);
  const bool crops = g_str_equal(name, "crops");
  GstElement* child = p.elements[crops ? identity : compositor];
  if (!child || (crops && p.own_crops)) return nullptr;  // it learns from its own already
  Owned<GstPad> target(gst_element_request_pad_simple(child, name));
  if (!target) return nullptr;
  if (pad_template->direction == GST_PAD_SRC) target.reset(behind_queue(GST_BIN(element), target.release()));
  GstPad* ghost = gst_ghost_pad_new_from_template(name, target.get(), pad_template);
  if (g_str_equal(name, "background")) add_background_orientation(self_of(element), ghost);
  gst_pad_set_active(ghost, TRUE);
  gst_element_add_pad(element, ghost);
  return ghost;
}

void release_pad(GstElement* element, GstPad* ghost) {
  const ReenactBin::Private& p = *self_of(element)->p;
  gst_pad_set_active(ghost, FALSE);
  // An element that goes away has lost its children before its pads.
  const bool turned = g_str_equal(GST_PAD_NAME(ghost), "background") && p.background_orient &&
                      GST_BIN_NUMCHILDREN(element) > 0;
  Owned<GstPad> target(turned ? bypass_orientation(ghost, p.background_orient)
                              : gst_ghost_pad_get_target(GST_GHOST_PAD(ghost)));
  if (turned) remove_background_orientation(self_of(element));
  if (target && GST_PAD_IS_SRC(ghost)) target = without_queue(GST_BIN(element), std::move(target));
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
  install_signals(object_class);
  describe_element(element_class,
                   {"Head reenactment", "Filter/Effect/Video/Bin",
                    "Lets a driver's face move somebody else's head: crop, pose, identity, generator and "
                    "compositor in one, each reachable as a child of that name"},
                   {&sink_template, &background_template, &crops_template, &src_template, &key_template});
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
    if (i == input) want_segment_of_time(self, elements[i]);
    if (i == orient) turn_by_tag(elements[i]);
    if (i == queue) bound(elements[i]);
    // What is too late is left out by the crop, before there was work on it.
    if (i == pose || i == generator || i == convert) g_object_set(elements[i], "qos", FALSE, nullptr);
    gst_bin_add(GST_BIN(self), elements[i]);
    // What turns pictures is linked when pictures have to be turned.
    if (i > 0 && i != crop && elements[i - 1]) gst_element_link(elements[i - 1], elements[i]);
  }
  for (const Proxy& proxy : proxies()) {
    for (const Child child : proxy.of)
      if (proxy.own_default && elements[child])
        gst_util_set_object_arg(G_OBJECT(elements[child]), proxy.child_property, proxy.own_default);
  }
  add_ghost_pad(self, "sink", elements[crop], &sink_template);
  if (elements[input] && elements[orient]) {
    const Owned<GstPad> sink(gst_element_get_static_pad(GST_ELEMENT(self), "sink"));
    watch_orientation(self, sink.get());
  }
  add_ghost_pad(self, "src", elements[convert], &src_template);
}

}  // namespace reenact
