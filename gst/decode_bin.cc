// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-reenactdecodebin
 * @title: reenactdecodebin
 *
 * Decodes a clip as the program reenact does: decodebin, of which it shows the one stream that is the clip and no cover
 * picture, in the colors that the stream tells of itself.
 *
 *     gst-launch-1.0 filesrc location=clip.mp4 ! reenactdecodebin ! videoconvert ! \
 *         reenactbin identity-file=NAME.safetensors ! videoconvert ! autovideosink
 *
 * Since: 0.1
 */
#include <gst/gst.h>

#include <mutex>
#include <vector>

#include "base/element_description.h"
#include "base/element_error.h"
#include "elements.h"
#include "media/decoded_streams.h"
#include "media/stream_colors.h"

namespace reenact {

struct ReenactDecodeBin {
  struct Private;
  GstBin parent;
  Private* p;
};
struct ReenactDecodeBinClass {
  GstBinClass parent_class;
};

struct ReenactDecodeBin::Private {
  GstElement* decoder = nullptr;  // owned by the bin
  GstPad* source = nullptr;       // owned by the bin
  std::mutex mutex;
  std::vector<Owned<GstPad>> streams;
};

GST_ELEMENT_REGISTER_DEFINE(reenactdecodebin, "reenactdecodebin", GST_RANK_NONE,
                            reenact_decode_bin_get_type())
G_DEFINE_TYPE(ReenactDecodeBin, reenact_decode_bin, GST_TYPE_BIN)

namespace {

GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-raw"));

ReenactDecodeBin* self_of(gpointer object) {
  return reinterpret_cast<ReenactDecodeBin*>(object);
}

gboolean autoplug_continue(GstElement*, GstPad*, GstCaps* caps, gpointer) {
  return !media::is_no_video(caps);
}

void element_added(GstBin*, GstBin*, GstElement* element, gpointer) {
  media::prefer_colors_of_stream(element);
}

void pad_added(GstElement*, GstPad* pad, gpointer object) {
  auto& p = *self_of(object)->p;
  const std::scoped_lock lock(p.mutex);
  if (media::gives_video(pad)) p.streams.emplace_back(GST_PAD(gst_object_ref(pad)));
}

void pad_removed(GstElement*, GstPad* pad, gpointer object) {
  auto& p = *self_of(object)->p;
  const std::scoped_lock lock(p.mutex);
  std::erase_if(p.streams, [pad](const auto& stream) { return stream.get() == pad; });
  const Owned<GstPad> shown(gst_ghost_pad_get_target(GST_GHOST_PAD(p.source)));
  if (shown.get() == pad) gst_ghost_pad_set_target(GST_GHOST_PAD(p.source), nullptr);
}

/// decodebin has found all streams, and none of them flows yet.
void no_more_pads(GstElement*, gpointer object) {
  auto* self = GST_ELEMENT(object);
  guarded(self, false, [&] {
    auto& p = *self_of(object)->p;
    const std::scoped_lock lock(p.mutex);
    const auto chosen = media::main_stream(p.streams);
    if (chosen == p.streams.end()) {
      GST_ELEMENT_ERROR(self, STREAM, WRONG_TYPE, ("The stream holds no video."), (nullptr));
      return false;
    }
    for (auto stream = p.streams.cbegin(); stream != p.streams.cend(); ++stream) {
      if (stream == chosen)
        gst_ghost_pad_set_target(GST_GHOST_PAD(p.source), stream->get());
      else
        media::drain(stream->get(), GST_BIN(self));
    }
    return true;
  });
}

/// Of sinks that drained other streams.
void remove_sinks(ReenactDecodeBin* self) {
  std::vector<GstElement*> sinks;
  for (GList* child = GST_BIN_CHILDREN(self); child; child = child->next)
    if (child->data != self->p->decoder) sinks.push_back(GST_ELEMENT(child->data));
  for (GstElement* sink : sinks) {
    gst_element_set_state(sink, GST_STATE_NULL);
    gst_bin_remove(GST_BIN(self), sink);
  }
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  auto* self = self_of(element);
  if (!self->p->decoder) {
    if (transition == GST_STATE_CHANGE_NULL_TO_READY)
      GST_ELEMENT_ERROR(element, CORE, MISSING_PLUGIN, ("decodebin is not installed."), (nullptr));
    return GST_STATE_CHANGE_FAILURE;
  }
  const auto result = GST_ELEMENT_CLASS(reenact_decode_bin_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) remove_sinks(self);
  return result;
}

void finalize(GObject* object) {
  delete self_of(object)->p;
  G_OBJECT_CLASS(reenact_decode_bin_parent_class)->finalize(object);
}

}  // namespace

static void reenact_decode_bin_class_init(ReenactDecodeBinClass* klass) {
  auto* element_class = GST_ELEMENT_CLASS(klass);
  G_OBJECT_CLASS(klass)->finalize = finalize;
  describe_element(element_class,
                   {"Clip decoder", "Generic/Bin/Decoder",
                    "Decodes a clip's video in the colors that its stream tells, and no cover picture"},
                   {&sink_template, &src_template});
  element_class->change_state = change_state;
}

static void reenact_decode_bin_init(ReenactDecodeBin* self) {
  self->p = new ReenactDecodeBin::Private;
  auto& p = *self->p;
  p.decoder = gst_element_factory_make("decodebin", "decoder");
  const Owned<GstPadTemplate> sink(gst_static_pad_template_get(&sink_template)),
      source(gst_static_pad_template_get(&src_template));
  p.source = gst_ghost_pad_new_no_target_from_template("src", source.get());
  gst_element_add_pad(GST_ELEMENT(self), p.source);
  if (!p.decoder) return;
  gst_bin_add(GST_BIN(self), p.decoder);
  const Owned<GstPad> input(gst_element_get_static_pad(p.decoder, "sink"));
  gst_element_add_pad(GST_ELEMENT(self), gst_ghost_pad_new_from_template("sink", input.get(), sink.get()));
  g_signal_connect(p.decoder, "autoplug-continue", G_CALLBACK(autoplug_continue), nullptr);
  g_signal_connect(p.decoder, "deep-element-added", G_CALLBACK(element_added), nullptr);
  g_signal_connect(p.decoder, "pad-added", G_CALLBACK(pad_added), self);
  g_signal_connect(p.decoder, "pad-removed", G_CALLBACK(pad_removed), self);
  g_signal_connect(p.decoder, "no-more-pads", G_CALLBACK(no_more_pads), self);
}

}  // namespace reenact
