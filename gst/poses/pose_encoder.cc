// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-reenactposeenc
 * @title: reenactposeenc
 *
 * Codes poses, and where their faces lay, for a narrow line: a packet of some 20 bytes a frame, at once.
 *
 *     gst-launch-1.0 v4l2src ! videoconvert ! reenactcrop ! reenactpose ! reenactposeenc \
 *         ! rtpgstpay config-interval=1 ! udpsink host=HOST port=5004
 *
 * Since: 0.1
 */
#include <gst/base/gstbasetransform.h>

#include <algorithm>
#include <memory>
#include <string>

#include "base/element_description.h"
#include "base/element_error.h"
#include "base/settings.h"
#include "base/time_segment.h"
#include "elements.h"
#include "poses/coded_caps.h"
#include "poses/pose_frame.h"
#include "reenact/identity_packet.h"
#include "stream/identity_event.h"

GST_DEBUG_CATEGORY_STATIC(reenact_pose_encoder_debug);
#define GST_CAT_DEFAULT reenact_pose_encoder_debug

namespace reenact {

struct ReenactPoseEnc {
  struct Private;
  GstBaseTransform parent;
  Private* p;
};
struct ReenactPoseEncClass {
  GstBaseTransformClass parent_class;
};

namespace {

GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(REENACT_POSE_CAPS));
GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(REENACT_CODED_POSE_CAPS));

struct EncoderSettings {
  std::string model_file = "reenactor.safetensors";
  PoseBasisChoice basis = PoseBasisChoice::model;
  double precision = PoseCodecOptions().precision;
  int key_interval = 5;
  guint bitrate = 16000;
  double identity_interval = 0;
  bool send_identity = false;
};

using Row = Property<EncoderSettings>;
constexpr Row property_table[] = {
    Row("model-file", "Model file", "The reenactor whose poses come in; the receiver needs the same",
        member<&EncoderSettings::model_file>, {}, set_before_paused),
    Row("basis", "Basis", "The directions in which poses are measured; the receiver needs the same",
        member<&EncoderSettings::basis>, {}, set_before_paused),
    Row("precision", "Precision", "The quantiser's step, a share of the pose's length",
        member<&EncoderSettings::precision>, {1.0 / 4096, 1}, set_by_controller),
    Row("key-interval", "Key interval",
        "Frames from one key frame, from which a receiver can begin, to the next",
        member<&EncoderSettings::key_interval>, {1, 256}, set_by_controller),
    Row("bitrate", "Bit rate",
        "Most bits a second, headers of the network apart, held by a coarser precision where need be; 0: no limit",
        member<&EncoderSettings::bitrate>, {0, 1e9}, set_by_controller),
    Row("send-identity", "Send identity",
        "Send the identity that comes from reenactidentity ahead of the poses, about 2 kB",
        member<&EncoderSettings::send_identity>, {}, set_while_playing),
    Row("identity-interval", "Identity interval",
        "Seconds after which the identity is sent again, for receivers that come late; 0: never",
        member<&EncoderSettings::identity_interval>, {0, 3600}, set_by_controller)};
constexpr Properties<EncoderSettings> properties(property_table);

}  // namespace

struct ReenactPoseEnc::Private {
  EncoderSettings settings;  // under the object's lock
  bool key_wanted = false;   // too

  std::unique_ptr<PoseStreamEncoder> encoder;
  int pose_size = 0;
  double framerate = 0;  // 0: not known
  std::shared_ptr<const Identity> identity;
  bool identity_due = false;
  GstClockTime identity_sent = GST_CLOCK_TIME_NONE;  // PTS
};

enum Signal { request_key_frame_signal, signal_count };
static guint signals[signal_count];

GST_ELEMENT_REGISTER_DEFINE(reenactposeenc, "reenactposeenc", GST_RANK_NONE, reenact_pose_enc_get_type())
G_DEFINE_TYPE(ReenactPoseEnc, reenact_pose_enc, GST_TYPE_BASE_TRANSFORM)

namespace {

ReenactPoseEnc* self_of(gpointer object) {
  return reinterpret_cast<ReenactPoseEnc*>(object);
}
EncoderSettings& settings_of(gpointer object) {
  return self_of(object)->p->settings;
}

PoseCodecOptions options_of(const EncoderSettings& settings, double framerate) {
  PoseCodecOptions options;
  options.precision = settings.precision;
  options.key_interval = settings.key_interval;
  if (settings.bitrate > 0)
    options.most_bits = std::max(1, int(settings.bitrate / (framerate > 0 ? framerate : 25)));
  return options;
}

void request_key_frame(ReenactPoseEnc* self) {
  const ObjectLock lock(self);
  self->p->key_wanted = true;
}

GstCaps* transform_caps(GstBaseTransform*, GstPadDirection direction, GstCaps* caps, GstCaps* filter) {
  GstCaps* other = direction == GST_PAD_SINK ? coded_caps_of_poses(caps) : pose_caps_of_coded(caps);
  return filtered_caps(other, filter);
}

gboolean set_caps(GstBaseTransform* base, GstCaps* in, GstCaps*) {
  ReenactPoseEnc::Private& p = *self_of(base)->p;
  const EncoderSettings settings = copy_of(base, p.settings);
  return guarded(GST_ELEMENT(base), gboolean(FALSE), [&]() -> gboolean {
    const int size = pose_size_of_caps(in);
    if (size == 0) return FALSE;
    int numerator = 0, denominator = 1;
    p.framerate = 0;
    if (gst_structure_get_fraction(gst_caps_get_structure(in, 0), "framerate", &numerator, &denominator) &&
        numerator > 0)
      p.framerate = double(numerator) / denominator;
    p.encoder = std::make_unique<PoseStreamEncoder>(choose_basis(settings.basis, settings.model_file, size),
                                                    options_of(settings, p.framerate));
    p.pose_size = size;
    return TRUE;
  });
}

GstBuffer* new_packet(const std::vector<std::uint8_t>& bytes) {
  GstBuffer* packet = gst_buffer_new_allocate(nullptr, bytes.size(), nullptr);
  gst_buffer_fill(packet, 0, bytes.data(), bytes.size());
  return packet;
}

/// Whether the identity goes ahead of the pose at that time.
bool identity_is_due(const ReenactPoseEnc::Private& p, const EncoderSettings& settings, GstClockTime time) {
  if (!p.identity || !settings.send_identity) return false;
  if (p.identity_due) return true;
  return settings.identity_interval > 0 && GST_CLOCK_TIME_IS_VALID(time) &&
         GST_CLOCK_TIME_IS_VALID(p.identity_sent) &&
         (time < p.identity_sent ||
          time >= p.identity_sent + GstClockTime(settings.identity_interval * GST_SECOND));
}

GstFlowReturn send_identity(ReenactPoseEnc* self, GstClockTime time) {
  ReenactPoseEnc::Private& p = *self->p;
  p.identity_due = false;
  p.identity_sent = time;
  try {
    GstBuffer* packet = new_packet(write_identity_packet(*p.identity));
    GST_BUFFER_PTS(packet) = time;
    GST_BUFFER_FLAG_SET(packet, GST_BUFFER_FLAG_HEADER);
    GST_DEBUG_OBJECT(self, "%s goes ahead in %" G_GSIZE_FORMAT " bytes", p.identity->name.c_str(),
                     gst_buffer_get_size(packet));
    return gst_pad_push(GST_BASE_TRANSFORM_SRC_PAD(self), packet);
  } catch (const std::exception& error) {
    // The poses are of use to a receiver that has the identity's file.
    post_warning(GST_ELEMENT(self), error);
    p.identity.reset();
    return GST_FLOW_OK;
  }
}

GstFlowReturn generate_output(GstBaseTransform* base, GstBuffer** out) {
  ReenactPoseEnc* self = self_of(base);
  ReenactPoseEnc::Private& p = *self->p;
  Owned<GstBuffer> in(std::exchange(base->queued_buf, nullptr));
  if (!in) return GST_FLOW_OK;
  if (!p.encoder) return GST_FLOW_NOT_NEGOTIATED;
  const GstClockTime time = GST_BUFFER_PTS(in.get());
  const GstClockTime synced = stream_time(base->segment, time);
  if (GST_CLOCK_TIME_IS_VALID(synced)) gst_object_sync_values(GST_OBJECT(base), synced);
  EncoderSettings settings;
  bool key_wanted = false;
  {
    const ObjectLock lock(base);
    settings = p.settings;
    key_wanted = std::exchange(p.key_wanted, false);
  }
  if (identity_is_due(p, settings, time)) {
    if (const GstFlowReturn flow = send_identity(self, time); flow != GST_FLOW_OK) return flow;
  }
  return guarded(GST_ELEMENT(base), GST_FLOW_ERROR, [&] {
    p.encoder->set_options(options_of(settings, p.framerate));
    // What comes after a break is of no use to what was before it.
    if (key_wanted || GST_BUFFER_FLAG_IS_SET(in.get(), GST_BUFFER_FLAG_DISCONT))
      p.encoder->request_key_frame();
    *out = new_packet(p.encoder->encode(read_pose_frame(in.get(), p.pose_size)));
    gst_buffer_copy_into(*out, in.get(), GST_BUFFER_COPY_TIMESTAMPS, 0, gsize(-1));
    if (!p.encoder->last_was_key()) GST_BUFFER_FLAG_SET(*out, GST_BUFFER_FLAG_DELTA_UNIT);
    return GST_FLOW_OK;
  });
}

gboolean sink_event(GstBaseTransform* base, GstEvent* event) {
  ReenactPoseEnc::Private& p = *self_of(base)->p;
  std::shared_ptr<const Identity> identity;
  if (parse_identity_event(event, identity)) {
    p.identity_due = identity && identity != p.identity;
    p.identity = identity;
  } else if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) {
    request_key_frame(self_of(base));
  }
  return GST_BASE_TRANSFORM_CLASS(reenact_pose_enc_parent_class)
      ->sink_event(base, with_segment_of_time(GST_ELEMENT(base), event));
}

gboolean src_event(GstBaseTransform* base, GstEvent* event) {
  // What receivers that lost a packet send upstream, as rtpsession does for RTCP's picture loss indication.
  if (GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_UPSTREAM && gst_event_has_name(event, "GstForceKeyUnit"))
    request_key_frame(self_of(base));
  return GST_BASE_TRANSFORM_CLASS(reenact_pose_enc_parent_class)->src_event(base, event);
}

gboolean stop(GstBaseTransform* base) {
  ReenactPoseEnc::Private& p = *self_of(base)->p;
  p.encoder.reset();
  p.identity.reset();
  p.identity_due = false;
  p.identity_sent = GST_CLOCK_TIME_NONE;
  return TRUE;
}

void finalize(GObject* object) {
  delete self_of(object)->p;
  G_OBJECT_CLASS(reenact_pose_enc_parent_class)->finalize(object);
}

void install_signals(GObjectClass* object_class) {
  /**
   * ReenactPoseEnc::request-key-frame:
   *
   * Action: the next pose becomes a key frame, as the event GstForceKeyUnit from downstream asks for.
   */
  signals[request_key_frame_signal] =
      g_signal_new_class_handler("request-key-frame", G_OBJECT_CLASS_TYPE(object_class),
                                 GSignalFlags(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
                                 G_CALLBACK(request_key_frame), nullptr, nullptr, nullptr, G_TYPE_NONE, 0);
}

}  // namespace

static void reenact_pose_enc_class_init(ReenactPoseEncClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* transform_class = GST_BASE_TRANSFORM_CLASS(klass);
  GST_DEBUG_CATEGORY_INIT(reenact_pose_encoder_debug, "reenactposeenc", 0, "Pose codec, encoder");
  object_class->finalize = finalize;
  install_settings<properties, settings_of>(object_class);
  install_signals(object_class);
  describe_element(GST_ELEMENT_CLASS(klass),
                   {"Pose encoder for the wire", "Codec/Encoder",
                    "Codes poses and where their faces lay in a few kilobits a second"},
                   {&sink_template, &src_template});
  transform_class->transform_caps = transform_caps;
  transform_class->set_caps = set_caps;
  transform_class->generate_output = generate_output;
  // Never called; without one the base class would pass everything through.
  transform_class->transform = [](GstBaseTransform*, GstBuffer*, GstBuffer*) { return GST_FLOW_OK; };
  transform_class->sink_event = sink_event;
  transform_class->src_event = src_event;
  transform_class->stop = stop;
}

static void reenact_pose_enc_init(ReenactPoseEnc* self) {
  self->p = new ReenactPoseEnc::Private;
}

}  // namespace reenact
