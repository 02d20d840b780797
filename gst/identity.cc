// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

#include <memory>
#include <mutex>
#include <string>

#include "base/element_error.h"
#include "base/engine_settings.h"
#include "elements.h"
#include "reenact/enrolment.h"
#include "reenact/error.h"
#include "stream/face_meta.h"
#include "stream/identity_event.h"
#include "stream/video_frame.h"

GST_DEBUG_CATEGORY_STATIC(reenact_identity_debug);
#define GST_CAT_DEFAULT reenact_identity_debug

namespace reenact {

/// reenactidentity: passes poses on and says whose head they move.
struct ReenactIdentity {
  struct Private;
  GstBaseTransform parent;
  Private* p;
};
struct ReenactIdentityClass {
  GstBaseTransformClass parent_class;
};

namespace {

constexpr char default_model[] = "reenactor.safetensors";

GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("other/tensors"));
GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("other/tensors"));
GstStaticPadTemplate crops_template = GST_STATIC_PAD_TEMPLATE("crops", GST_PAD_SINK, GST_PAD_REQUEST,
                                                              GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE("RGB")));

enum Property : guint { identity_file_property = EngineSettings::first_own_property };

}  // namespace

struct ReenactIdentity::Private {
  // Under the object's lock.
  std::string identity_file;
  EngineSettings engine{default_model};  // of the identity encoder
  GstPad* crops_pad = nullptr;
  bool started = false;

  // Handed from whoever sets the property or learns to the streaming thread.
  std::mutex mutex;
  std::shared_ptr<const Identity> next;
  bool next_is_new = false;

  GstVideoInfo crops_info{};
  std::unique_ptr<Enrolment> enrolment;

  void switch_to(std::shared_ptr<const Identity> identity) {
    const std::scoped_lock lock(mutex);
    next = std::move(identity);
    next_is_new = true;
  }
};

enum Signal { enrol_signal, signal_count };
static guint signals[signal_count];

GST_ELEMENT_REGISTER_DEFINE(reenactidentity, "reenactidentity", GST_RANK_NONE, reenact_identity_get_type())
G_DEFINE_TYPE(ReenactIdentity, reenact_identity, GST_TYPE_BASE_TRANSFORM)

namespace {

ReenactIdentity* self_of(gpointer object) {
  return reinterpret_cast<ReenactIdentity*>(object);
}

std::shared_ptr<const Identity> load(const std::string& name) {
  return name.empty() ? nullptr : load_identity(find_model(name));
}

/// Loads in the thread that sets the property, so that the stream never waits for the disk.
void set_identity_file(ReenactIdentity* self, const std::string& name) {
  ReenactIdentity::Private& p = *self->p;
  GST_OBJECT_LOCK(self);
  const bool started = p.started;
  if (!started) p.identity_file = name;
  GST_OBJECT_UNLOCK(self);
  if (!started) return;
  try {
    p.switch_to(load(name));
  } catch (const std::exception& error) {
    // A show goes on with the identity it has.
    post_warning(GST_ELEMENT(self), error);
    return;
  }
  GST_OBJECT_LOCK(self);
  p.identity_file = name;
  GST_OBJECT_UNLOCK(self);
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  if (id == identity_file_property) {
    const char* text = g_value_get_string(value);
    set_identity_file(self_of(object), text ? text : "");
    return;
  }
  GST_OBJECT_LOCK(object);
  const bool known = self_of(object)->p->engine.set_property(id, value);
  GST_OBJECT_UNLOCK(object);
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const ReenactIdentity::Private& p = *self_of(object)->p;
  bool known = true;
  GST_OBJECT_LOCK(object);
  if (id == identity_file_property) {
    g_value_set_string(value, p.identity_file.empty() ? nullptr : p.identity_file.c_str());
  } else {
    known = p.engine.get_property(id, value);
  }
  GST_OBJECT_UNLOCK(object);
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

gboolean start(GstBaseTransform* base) {
  ReenactIdentity* self = self_of(base);
  ReenactIdentity::Private& p = *self->p;
  return guarded(GST_ELEMENT(base), gboolean(FALSE), [&]() -> gboolean {
    GST_OBJECT_LOCK(base);
    const std::string name = p.identity_file;
    const bool can_enrol = p.crops_pad;
    GST_OBJECT_UNLOCK(base);
    if (name.empty() && !can_enrol) {
      throw Error(
          ErrorCode::invalid,
          "reenactidentity has no identity: identity-file is not set and no crops come in to learn one from");
    }
    p.switch_to(load(name));
    GST_OBJECT_LOCK(base);
    p.started = true;
    GST_OBJECT_UNLOCK(base);
    return TRUE;
  });
}

gboolean stop(GstBaseTransform* base) {
  ReenactIdentity::Private& p = *self_of(base)->p;
  p.enrolment->cancel();
  GST_OBJECT_LOCK(base);
  p.started = false;
  GST_OBJECT_UNLOCK(base);
  p.switch_to(nullptr);
  p.engine.unloaded(GST_ELEMENT(base));
  return TRUE;
}

void before_transform(GstBaseTransform* base, GstBuffer*) {
  ReenactIdentity::Private& p = *self_of(base)->p;
  std::shared_ptr<const Identity> identity;
  {
    const std::scoped_lock lock(p.mutex);
    if (!p.next_is_new) return;
    p.next_is_new = false;
    identity = p.next;
  }
  GST_INFO_OBJECT(base, "From the next buffer on: %s", identity ? identity->name.c_str() : "nobody");
  gst_pad_push_event(GST_BASE_TRANSFORM_SRC_PAD(base), new_identity_event(identity));
}

GstFlowReturn crops_chain(GstPad*, GstObject* parent, GstBuffer* buffer) {
  ReenactIdentity::Private& p = *self_of(parent)->p;
  const GstFlowReturn flow = guarded(GST_ELEMENT(parent), GST_FLOW_ERROR, [&] {
    if (p.enrolment->collecting() && !is_faceless(buffer) && GST_VIDEO_INFO_WIDTH(&p.crops_info) > 0) {
      const FaceMeta* face = get_face_meta(buffer);
      if (!face || !(face->flags & face_missing)) {
        MappedFrame crop(p.crops_info, buffer, GST_MAP_READ);
        p.enrolment->add(crop.mat(CV_8UC3));
      }
    }
    return GST_FLOW_OK;
  });
  gst_buffer_unref(buffer);
  return flow;
}

gboolean crops_event(GstPad*, GstObject* parent, GstEvent* event) {
  // Nothing of this pad concerns the poses, so no event of it goes downstream.
  ReenactIdentity::Private& p = *self_of(parent)->p;
  gboolean taken = TRUE;
  if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event, &caps);
    taken = gst_video_info_from_caps(&p.crops_info, caps);
  } else if (GST_EVENT_TYPE(event) == GST_EVENT_EOS) {
    p.enrolment->end_of_crops();
  }
  gst_event_unref(event);
  return taken;
}

gboolean crops_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  if (GST_QUERY_TYPE(query) == GST_QUERY_CAPS || GST_QUERY_TYPE(query) == GST_QUERY_ACCEPT_CAPS) {
    return gst_pad_query_default(pad, parent, query);
  }
  return FALSE;
}

GstPad* request_new_pad(GstElement* element, GstPadTemplate* pad_template, const gchar*, const GstCaps*) {
  ReenactIdentity::Private& p = *self_of(element)->p;
  GST_OBJECT_LOCK(element);
  const bool taken = p.crops_pad;
  GST_OBJECT_UNLOCK(element);
  if (taken) return nullptr;
  GstPad* pad = gst_pad_new_from_template(pad_template, "crops");
  gst_pad_set_chain_function(pad, crops_chain);
  gst_pad_set_event_function(pad, crops_event);
  gst_pad_set_query_function(pad, crops_query);
  gst_pad_set_active(pad, TRUE);
  GST_OBJECT_LOCK(element);
  p.crops_pad = pad;
  GST_OBJECT_UNLOCK(element);
  gst_element_add_pad(element, pad);
  return pad;
}

void release_pad(GstElement* element, GstPad* pad) {
  ReenactIdentity::Private& p = *self_of(element)->p;
  GST_OBJECT_LOCK(element);
  if (p.crops_pad == pad) p.crops_pad = nullptr;
  GST_OBJECT_UNLOCK(element);
  gst_pad_set_active(pad, FALSE);
  gst_element_remove_pad(element, pad);
}

gboolean enrol(ReenactIdentity* self, guint crops, const gchar* location) {
  ReenactIdentity::Private& p = *self->p;
  GST_OBJECT_LOCK(self);
  const EngineSettings engine = p.engine;
  const bool ready = p.started && p.crops_pad;
  GST_OBJECT_UNLOCK(self);
  if (!ready) return FALSE;
  try {
    Enrolment::Request request{engine.model_path(), engine.options(), location ? location : "", crops};
    return p.enrolment->begin(request);
  } catch (const std::exception& error) {
    post_warning(GST_ELEMENT(self), error);
    return FALSE;
  }
}

void learned(ReenactIdentity* self, std::shared_ptr<const Identity> identity, const IdentityEncoder& encoder,
             const Enrolment::Request& request) {
  self->p->engine.loaded(GST_ELEMENT(self), encoder, request.model);
  GstStructure* structure =
      gst_structure_new("reenact-enrolled", "name", G_TYPE_STRING, identity->name.c_str(), nullptr);
  if (!request.location.empty()) {
    gst_structure_set(structure, "location", G_TYPE_STRING, request.location.c_str(), nullptr);
  }
  self->p->switch_to(std::move(identity));
  gst_element_post_message(GST_ELEMENT(self), gst_message_new_element(GST_OBJECT(self), structure));
}

void finalize(GObject* object) {
  delete self_of(object)->p;
  G_OBJECT_CLASS(reenact_identity_parent_class)->finalize(object);
}

void install_properties(GObjectClass* object_class) {
  EngineSettings::install(object_class, "The reenactor whose identity encoder the action enrol runs",
                          default_model);
  g_object_class_install_property(
      object_class, identity_file_property,
      g_param_spec_string(
          "identity-file", "Identity file",
          "Whose head is drawn: a path, or a name looked for in the folders of REENACT_MODEL_PATH and among "
          "the installed models. A change while playing takes effect between two buffers; a file that "
          "cannot be used then gives a warning and leaves the identity as it is",
          nullptr, GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)));
  /**
   * ReenactIdentity::enrol:
   * @crops: how many crops to learn from
   * @location: (nullable): file to save the identity to
   *
   * Action: learns an identity from the next @crops crops with a face on the pad crops (fewer if it ends
   * before), on a thread of its own, then switches to it and posts an element message reenact-enrolled with
   * name and, if it was saved, location.
   *
   * Returns: whether it was begun: it is not while another one runs, without the pad, or below PAUSED.
   */
  signals[enrol_signal] = g_signal_new_class_handler(
      "enrol", G_OBJECT_CLASS_TYPE(object_class), GSignalFlags(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
      G_CALLBACK(enrol), nullptr, nullptr, nullptr, G_TYPE_BOOLEAN, 2, G_TYPE_UINT, G_TYPE_STRING);
}

}  // namespace

static void reenact_identity_class_init(ReenactIdentityClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  auto* transform_class = GST_BASE_TRANSFORM_CLASS(klass);
  GST_DEBUG_CATEGORY_INIT(reenact_identity_debug, "reenactidentity", 0, "Identity of the head");
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  install_properties(object_class);
  gst_element_class_set_static_metadata(
      element_class, "Head identity", "Filter/Effect/Video",
      "Says whose head the poses that pass move, and learns people from crops", "The gst-reenact authors");
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_add_static_pad_template(element_class, &crops_template);
  element_class->request_new_pad = request_new_pad;
  element_class->release_pad = release_pad;
  transform_class->start = start;
  transform_class->stop = stop;
  transform_class->before_transform = before_transform;
}

static void reenact_identity_init(ReenactIdentity* self) {
  self->p = new ReenactIdentity::Private;
  self->p->enrolment = std::make_unique<Enrolment>(
      [self](std::shared_ptr<const Identity> identity, const IdentityEncoder& encoder,
             const Enrolment::Request& request) { learned(self, std::move(identity), encoder, request); },
      [self](const std::exception& error) { post_warning(GST_ELEMENT(self), error); });
  gst_base_transform_set_passthrough(GST_BASE_TRANSFORM(self), TRUE);
}

}  // namespace reenact
