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

#include "base/element_description.h"
#include "base/glib.h"
#include "base/stage_statistics.h"
#include "bin/orientation.h"
#include "bin/proxies.h"
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

guint stats_property() {
  return guint(proxies().size()) + 1;
}

const Proxy* proxy_of(guint id) {
  return id >= 1 && id <= proxies().size() ? &proxies()[id - 1] : nullptr;
}

}  // namespace

struct ReenactBin::Private {
  std::array<GstElement*, child_count> elements{};  // owned by the bin
  const char* missing = nullptr;                    // a factory that is not installed
  GstPad* own_crops = nullptr;         // of identity, fed by crop since the first enrol; owned by it
  Orientation orientation;             // of the driver
  Orientation background_orientation;  // while that pad is there
};

enum Signal { enrol_signal, set_reference_signal, panic_signal, signal_count };
static guint signals[signal_count];

/// All properties but panic: a preset that is loaded in the middle of one must not end it.
static gchar** preset_property_names(GstPreset* preset) {
  const auto* usual = static_cast<const GstPresetInterface*>(g_type_default_interface_peek(GST_TYPE_PRESET));
  gchar** names = usual->get_property_names(preset);
  if (!names) return nullptr;
  gchar** end = names;
  for (gchar** name = names; *name; ++name) {
    if (g_str_equal(*name, "panic") || g_str_equal(*name, "compositor::panic")) {
      g_free(*name);
    } else {
      *end++ = *name;
    }
  }
  *end = nullptr;
  return names;
}

static void preset_init(gpointer interface, gpointer) {
  static_cast<GstPresetInterface*>(interface)->get_property_names = preset_property_names;
}

GST_ELEMENT_REGISTER_DEFINE(reenactbin, "reenactbin", GST_RANK_NONE, reenact_bin_get_type())
G_DEFINE_TYPE_WITH_CODE(ReenactBin, reenact_bin, GST_TYPE_BIN,
                        G_IMPLEMENT_INTERFACE(GST_TYPE_PRESET, preset_init))

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

/// Gives a pad back to the child that it was requested from.
void release_from_child(GstPad* pad) {
  const Owned<GstElement> child(gst_pad_get_parent_element(pad));
  if (child) gst_element_release_request_pad(child.get(), pad);
}

/// Takes the key away, which comes out at `ghost`, and the queue behind it.
void release_key(GstBin* bin, GstPad* ghost) {
  const Owned<GstPad> target(gst_ghost_pad_get_target(GST_GHOST_PAD(ghost)));
  Owned<GstElement> queue(gst_bin_get_by_name(bin, key_queue_name));
  if (!target || GST_OBJECT_PARENT(target.get()) != GST_OBJECT(queue.get())) queue.reset();
  Owned<GstPad> key(target ? GST_PAD(gst_object_ref(target.get())) : nullptr);
  if (queue) {
    const Owned<GstPad> sink(gst_element_get_static_pad(queue.get(), "sink"));
    key.reset(gst_pad_get_peer(sink.get()));
  }
  // The compositor first: a key that is refused while it is still there ends the fill.
  if (key) release_from_child(key.get());
  gst_pad_set_active(ghost, FALSE);
  if (queue) {
    gst_element_set_locked_state(queue.get(), TRUE);
    gst_element_set_state(queue.get(), GST_STATE_NULL);
    gst_bin_remove(bin, queue.get());
  }
  gst_element_remove_pad(GST_ELEMENT(bin), ghost);
}

/// Makes what turns the background upright; without the elements for it, it stays as it is.
void add_background_orientation(ReenactBin* self, GstPad* ghost) {
  Orientation made{gst_element_factory_make(children[input].factory, "background-input"),
                   gst_element_factory_make(children[orient].factory, "background-orient")};
  if (!made) {
    if (made.input) gst_object_unref(made.input);
    if (made.flip) gst_object_unref(made.flip);
    return;
  }
  self->p->background_orientation = made;
  gst_bin_add_many(GST_BIN(self), made.input, made.flip, nullptr);
  watch_orientation(GST_BIN(self), ghost, &self->p->background_orientation);
  gst_element_sync_state_with_parent(made.flip);
  gst_element_sync_state_with_parent(made.input);
}

/// Takes that away.
void remove_background_orientation(ReenactBin* self) {
  const Orientation made = std::exchange(self->p->background_orientation, {});
  for (GstElement* child : {made.input, made.flip}) {
    gst_element_set_state(child, GST_STATE_NULL);
    gst_bin_remove(GST_BIN(self), child);
  }
}

void forget_orientations(GstElement* element) {
  const ReenactBin::Private& p = *self_of(element)->p;
  const auto forget = [element](const char* name, const Orientation& orientation) {
    const Owned<GstPad> ghost(gst_element_get_static_pad(element, name));
    if (ghost && orientation) forget_orientation(ghost.get(), orientation);
  };
  forget("sink", p.orientation);
  forget("background", p.background_orientation);
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
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) forget_orientations(element);
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
  const bool begins = !known || GST_PAD_IS_EOS(pad);  // crops come after the end where somebody seeks
  if (begins || !gst_caps_is_equal(caps.get(), known.get())) {
    if (begins) gst_pad_send_event(pad, gst_event_new_stream_start("reenactbin-crops"));
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

void panic(ReenactBin* self) {
  g_object_set(self, "panic", TRUE, nullptr);
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
  /**
   * ReenactBin::panic:
   *
   * Action: sets panic, which takes the head away with the next picture; set the property to FALSE to bring it back.
   */
  signals[panic_signal] = g_signal_new_class_handler(
      "panic", G_OBJECT_CLASS_TYPE(object_class), GSignalFlags(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
      G_CALLBACK(panic), nullptr, nullptr, nullptr, G_TYPE_NONE, 0);
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
  if (GST_PAD_IS_SRC(ghost)) {
    release_key(GST_BIN(element), ghost);
    return;
  }
  const ReenactBin::Private& p = *self_of(element)->p;
  gst_pad_set_active(ghost, FALSE);
  // An element that goes away has lost its children before its pads.
  const bool turned = g_str_equal(GST_PAD_NAME(ghost), "background") && p.background_orientation &&
                      GST_BIN_NUMCHILDREN(element) > 0;
  const Owned<GstPad> target(turned ? bypass_orientation(ghost, p.background_orientation)
                                    : gst_ghost_pad_get_target(GST_GHOST_PAD(ghost)));
  if (turned) remove_background_orientation(self_of(element));
  gst_element_remove_pad(element, ghost);
  if (target) release_from_child(target.get());
}

void finalize(GObject* object) {
  delete self_of(object)->p;
  G_OBJECT_CLASS(reenact_bin_parent_class)->finalize(object);
}

void install_properties(GObjectClass* object_class) {
  guint id = 1;
  for (const Proxy& proxy : proxies()) g_object_class_install_property(object_class, id++, new_spec(proxy));
  install_stats(object_class, stats_property(),
                "Frames in, drawn and dropped, milliseconds a frame of each child, and the latency reported");
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

/// One frame lets the next face be found and cut out while a head is drawn, and more would only be delay. (The
/// compositor has a thread of its own anyway.) At the output a few pictures wait for their time, while the next ones
/// are drawn.
static void bound(GstElement* queue, guint frames) {
  g_object_set(queue, "max-size-buffers", frames, "max-size-bytes", 0u, "max-size-time", guint64(0), nullptr);
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
    if (i == queue) bound(elements[i], 1);
    if (i == output) bound(elements[i], 4);
    // What is too late is left out by the crop, before there was work on it.
    if (i == pose || i == generator || i == convert) g_object_set(elements[i], "qos", FALSE, nullptr);
    gst_bin_add(GST_BIN(self), elements[i]);
    // What turns pictures is linked where they have to be turned.
    if (i > crop && elements[i - 1]) gst_element_link(elements[i - 1], elements[i]);
  }
  for (const Proxy& proxy : proxies()) {
    for (const Child child : proxy.of) {
      if (!elements[child]) continue;
      if (proxy.own_default)
        gst_util_set_object_arg(G_OBJECT(elements[child]), proxy.child_property, proxy.own_default);
      pass_on_controllers(GST_OBJECT(self), proxy, GST_OBJECT(elements[child]));
    }
  }
  add_ghost_pad(self, "sink", elements[crop], &sink_template);
  self->p->orientation = {elements[input], elements[orient]};
  if (self->p->orientation) {
    const Owned<GstPad> sink(gst_element_get_static_pad(GST_ELEMENT(self), "sink"));
    watch_orientation(GST_BIN(self), sink.get(), &self->p->orientation);
  }
  add_ghost_pad(self, "src", elements[convert], &src_template);
}

}  // namespace reenact
