// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-reenactidentity
 * @title: reenactidentity
 *
 * Says by a sticky event whose head the poses that pass move, and learns people from crops (action enrol).
 *
 *     gst-launch-1.0 v4l2src ! videoconvert ! reenactcrop ! reenactpose \
 *         ! reenactidentity identity-file=NAME.safetensors ! reenactgenerator ! videoconvert ! autovideosink
 *
 * Since: 0.1
 */
#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

#include <memory>
#include <mutex>
#include <string>

#include "base/element_description.h"
#include "base/element_error.h"
#include "base/engine_settings.h"
#include "base/glib.h"
#include "base/properties.h"
#include "base/time_segment.h"
#include "elements.h"
#include "enrolment_guide.h"
#include "reenact/enrolment.h"
#include "reenact/error.h"
#include "reenact/model_file.h"
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

struct IdentitySettings {
  std::string identity_file;
  EnrolmentGuide::Settings enrol;
};

using Row = Property<IdentitySettings>;
constexpr Row property_table[] = {
    Row("identity-file", "Identity file",
        "Whose head is drawn: a path, or a name looked for in the folders of REENACT_MODEL_PATH and among the "
        "installed models. "
        "A change while playing takes effect between two buffers; a file that cannot be used then "
        "gives a warning and leaves the identity as it is",
        member<&IdentitySettings::identity_file>, {}, set_while_playing),
    Row("enrol-countdown", "Enrolment countdown",
        "Seconds before the first picture of an enrolment is taken, each told by an element message",
        member<&IdentitySettings::enrol, &EnrolmentGuide::Settings::countdown>, {0, 60}, set_by_controller),
    Row("enrol-min-score", "Smallest enrolment score", "Pictures that score less are not learned from",
        member<&IdentitySettings::enrol, &EnrolmentGuide::Settings::least_score>, {0, 1}, set_by_controller)};
constexpr Properties<IdentitySettings> properties(property_table, first_own_property);

}  // namespace

struct ReenactIdentity::Private {
  // Under the object's lock.
  IdentitySettings settings;
  EngineSettings engine;  // of the identity encoder
  GstPad* crops_pad = nullptr;
  bool started = false;

  // Handed from whoever sets the property or learns to the streaming thread.
  std::mutex mutex;
  std::shared_ptr<const Identity> next;
  bool next_is_new = false;

  GstVideoInfo crops_info{};
  GstSegment crops_segment{};
  EnrolmentGuide guide;
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

/// Loads in the thread that sets the property, so that the stream never waits for the disk. False when the
/// file cannot be used: a show goes on with the identity it has.
bool switch_to_file(ReenactIdentity* self, const GValue* file) {
  const char* name = g_value_get_string(file);
  try {
    self->p->switch_to(load(name ? name : ""));
    return true;
  } catch (const std::exception& error) {
    post_warning(GST_ELEMENT(self), error);
    return false;
  }
}

/// Sets any property; false when there is none of that number.
bool set_under_lock(ReenactIdentity* self, guint id, const GValue* value) {
  return properties.set(self->p->settings, id, value) || engine_properties.set(self->p->engine, id, value);
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  ReenactIdentity* self = self_of(object);
  bool known = true, load_first = false;
  {
    const ObjectLock lock(object);
    load_first = self->p->started && g_str_equal(spec->name, "identity-file");
    if (!load_first) known = set_under_lock(self, id, value);
  }
  if (load_first && switch_to_file(self, value)) {
    const ObjectLock lock(object);
    known = set_under_lock(self, id, value);
  }
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const ReenactIdentity::Private& p = *self_of(object)->p;
  bool known = false;
  {
    const ObjectLock lock(object);
    known = properties.get(p.settings, id, value) || engine_properties.get(p.engine, id, value);
  }
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

gboolean start(GstBaseTransform* base) {
  ReenactIdentity* self = self_of(base);
  ReenactIdentity::Private& p = *self->p;
  return guarded(GST_ELEMENT(base), gboolean(FALSE), [&]() -> gboolean {
    std::string name;
    bool can_enrol = false;
    {
      const ObjectLock lock(base);
      name = p.settings.identity_file;
      can_enrol = p.crops_pad;
    }
    if (name.empty() && !can_enrol) {
      throw Error(
          ErrorCode::invalid,
          "reenactidentity has no identity: identity-file is not set and no crops come in to learn one from");
    }
    // Another one may be named meanwhile.
    for (std::string loaded;; name = loaded) {
      p.switch_to(load(name));
      const ObjectLock lock(base);
      loaded = p.settings.identity_file;
      if (loaded != name) continue;
      p.started = true;
      return TRUE;
    }
  });
}

gboolean stop(GstBaseTransform* base) {
  ReenactIdentity::Private& p = *self_of(base)->p;
  p.enrolment->cancel();
  {
    const ObjectLock lock(base);
    p.started = false;
  }
  p.switch_to(nullptr);
  p.engine.unloaded(GST_ELEMENT(base));
  return TRUE;
}

void before_transform(GstBaseTransform* base, GstBuffer* buffer) {
  const GstClockTime time = stream_time(base->segment, GST_BUFFER_PTS(buffer));
  if (GST_CLOCK_TIME_IS_VALID(time)) gst_object_sync_values(GST_OBJECT(base), time);
  ReenactIdentity::Private& p = *self_of(base)->p;
  std::shared_ptr<const Identity> identity;
  {
    const std::scoped_lock lock(p.mutex);
    if (!p.next_is_new) return;
    p.next_is_new = false;
    identity = p.next;
  }
  GST_DEBUG_OBJECT(base, "From the next buffer on: %s", identity ? identity->name.c_str() : "nobody");
  gst_pad_push_event(GST_BASE_TRANSFORM_SRC_PAD(base), new_identity_event(identity));
}

GstFlowReturn crops_chain(GstPad*, GstObject* parent, GstBuffer* buffer) {
  ReenactIdentity::Private& p = *self_of(parent)->p;
  const GstFlowReturn flow = guarded(GST_ELEMENT(parent), GST_FLOW_ERROR, [&] {
    auto* element = GST_ELEMENT(parent);
    if (!p.enrolment->collecting() || GST_VIDEO_INFO_WIDTH(&p.crops_info) == 0) return GST_FLOW_OK;
    const GstClockTime time = p.crops_segment.format == GST_FORMAT_TIME
                                  ? running_time(p.crops_segment, GST_BUFFER_PTS(buffer))
                                  : GST_BUFFER_PTS(buffer);
    const FaceMeta* face = get_face_meta(buffer);
    if (p.guide.counting_down(element, time) || is_faceless(buffer)) return GST_FLOW_OK;
    if (face && (face->flags & face_missing)) return GST_FLOW_OK;
    MappedFrame crop(p.crops_info, buffer, GST_MAP_READ);
    if (p.guide.take(element, crop.mat(CV_8UC3), face, time)) p.enrolment->add(crop.mat(CV_8UC3));
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
    GST_DEBUG_OBJECT(parent, "Crops are %" GST_PTR_FORMAT, caps);
    taken = gst_video_info_from_caps(&p.crops_info, caps);
  } else if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT) {
    gst_event_copy_segment(event, &p.crops_segment);
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
  {
    const ObjectLock lock(element);
    if (p.crops_pad) return nullptr;
  }
  GstPad* pad = gst_pad_new_from_template(pad_template, "crops");
  gst_pad_set_chain_function(pad, crops_chain);
  gst_pad_set_event_function(pad, crops_event);
  gst_pad_set_query_function(pad, crops_query);
  gst_pad_set_active(pad, TRUE);
  {
    const ObjectLock lock(element);
    p.crops_pad = pad;
  }
  gst_element_add_pad(element, pad);
  return pad;
}

void release_pad(GstElement* element, GstPad* pad) {
  ReenactIdentity::Private& p = *self_of(element)->p;
  {
    const ObjectLock lock(element);
    if (p.crops_pad == pad) p.crops_pad = nullptr;
  }
  gst_pad_set_active(pad, FALSE);
  gst_element_remove_pad(element, pad);
}

gboolean enrol(ReenactIdentity* self, guint crops, const gchar* location) {
  ReenactIdentity::Private& p = *self->p;
  EngineSettings engine;
  EnrolmentGuide::Settings guide;
  {
    const ObjectLock lock(self);
    if (!p.started || !p.crops_pad) return FALSE;
    engine = p.engine;
    guide = p.settings.enrol;
  }
  try {
    Enrolment::Request request;
    request.model = engine.model_path();
    request.options = engine.options();
    request.location = location ? location : "";
    request.crops = crops;
    request.learned_by = "reenactidentity enrol";
    GST_DEBUG_OBJECT(self, "Learns from the next %u crops with '%s'", crops, request.model.c_str());
    if (p.enrolment->collecting()) return FALSE;
    p.guide.begin(crops, guide);
    return p.enrolment->begin(request);
  } catch (const std::exception& error) {
    post_warning(GST_ELEMENT(self), error);
    return FALSE;
  }
}

void learned(ReenactIdentity* self, std::shared_ptr<const Identity> identity, const IdentityEncoder& encoder,
             const Enrolment::Request& request) {
  GST_DEBUG_OBJECT(self, "Learned '%s' with '%s' as %s on %s", identity->name.c_str(), request.model.c_str(),
                   encoder.active_engine().c_str(), encoder.active_device().c_str());
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

void install_signals(GObjectClass* object_class) {
  /**
   * ReenactIdentity::enrol:
   * @crops: how many crops to learn from
   * @location: (nullable): file to save the identity to
   *
   * Action: learns an identity from the next @crops crops with a face on the pad crops (fewer if it ends
   * before), on a thread of its own, then switches to it and posts an element message reenact-enrolled with
   * name and, if it was saved, location. Element messages tell of it before: reenact-enrol-countdown (seconds) for
   * each second of enrol-countdown, reenact-enrol-picture (number, of, taken, timestamp, score, sharpness, exposure,
   * size) for
   * each picture.
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
  install_engine_properties(object_class, "The reenactor whose identity encoder the action enrol runs",
                            default_model);
  properties.install(object_class);
  install_signals(object_class);
  describe_element(element_class,
                   {"Head identity", "Filter/Effect/Video",
                    "Says whose head the poses that pass move, and learns people from crops"},
                   {&sink_template, &src_template, &crops_template});
  element_class->request_new_pad = request_new_pad;
  element_class->release_pad = release_pad;
  transform_class->start = start;
  transform_class->stop = stop;
  transform_class->before_transform = before_transform;
}

static void reenact_identity_init(ReenactIdentity* self) {
  self->p = new ReenactIdentity::Private;
  self->p->engine.model_file = default_model;
  self->p->enrolment = std::make_unique<Enrolment>(
      [self](std::shared_ptr<const Identity> identity, const IdentityEncoder& encoder,
             const Enrolment::Request& request) { learned(self, std::move(identity), encoder, request); },
      [self](const std::exception& error) { post_warning(GST_ELEMENT(self), error); });
  gst_base_transform_set_passthrough(GST_BASE_TRANSFORM(self), TRUE);
}

}  // namespace reenact
