// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-reenactposedec
 * @title: reenactposedec
 *
 * Makes poses of what reenactposeenc coded, and fills in those that were lost on the way.
 *
 *     gst-launch-1.0 udpsrc port=5004 caps="application/x-rtp, media=application, encoding-name=X-GST, clock-rate=90000" \
 *         ! rtpjitterbuffer latency=30 do-lost=true ! rtpgstdepay ! reenactposedec \
 *         ! reenactidentity identity-file=NAME.safetensors ! reenactgenerator ! videoconvert ! autovideosink
 *
 * Since: 0.1
 */
#include <gst/base/gstbasetransform.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>

#include "base/element_description.h"
#include "base/element_error.h"
#include "base/settings.h"
#include "base/time_segment.h"
#include "elements.h"
#include "poses/coded_caps.h"
#include "poses/pose_frame.h"
#include "reenact/error.h"
#include "reenact/identity_packet.h"
#include "reenact/pose_interpolation.h"
#include "stream/face_place.h"
#include "stream/identity_event.h"
#include "stream/pose_buffer.h"

GST_DEBUG_CATEGORY_STATIC(reenact_pose_decoder_debug);
#define GST_CAT_DEFAULT reenact_pose_decoder_debug

namespace reenact {

struct ReenactPoseDec {
  struct Private;
  GstBaseTransform parent;
  Private* p;
};
struct ReenactPoseDecClass {
  GstBaseTransformClass parent_class;
};

namespace {

GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(REENACT_CODED_POSE_CAPS));
GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(REENACT_POSE_CAPS));

struct DecoderSettings {
  std::string model_file = "reenactor.safetensors";
  PoseBasisChoice basis = PoseBasisChoice::model;
  guint conceal = 12;
};

using Row = Property<DecoderSettings>;
constexpr Row property_table[] = {
    Row("model-file", "Model file", "The reenactor whose poses were coded",
        member<&DecoderSettings::model_file>, {}, set_before_paused),
    Row("basis", "Basis", "The directions in which poses were measured, as the sender has it",
        member<&DecoderSettings::basis>, {}, set_before_paused),
    Row("conceal", "Conceal",
        "Most poses in a row that are made up when theirs were lost, on the way from the pose before to the next "
        "one; 0: none",
        member<&DecoderSettings::conceal>, {0, 1000}, set_by_controller)};
constexpr Properties<DecoderSettings> properties(property_table);

struct Counts {
  guint64 decoded = 0, lost = 0, concealed = 0;
};
enum CountId : guint { decoded_id = properties.end_id(), lost_id, concealed_id };

}  // namespace

struct ReenactPoseDec::Private {
  // Under the object's lock.
  DecoderSettings settings;
  Counts counts;

  std::unique_ptr<PoseStreamDecoder> decoder;
  int pose_size = 0;
  bool placed = false;                           // whether places go out behind the poses
  PoseFrame last;                                // what the last buffer showed
  GstClockTime last_time = GST_CLOCK_TIME_NONE;  // its PTS; none: nothing came yet
  std::deque<Owned<GstBuffer>> ready;            // to go out, in their order
  std::vector<std::uint8_t> identity_packet;     // the one in use
};

GST_ELEMENT_REGISTER_DEFINE(reenactposedec, "reenactposedec", GST_RANK_NONE, reenact_pose_dec_get_type())
G_DEFINE_TYPE(ReenactPoseDec, reenact_pose_dec, GST_TYPE_BASE_TRANSFORM)

namespace {

ReenactPoseDec* self_of(gpointer object) {
  return reinterpret_cast<ReenactPoseDec*>(object);
}
DecoderSettings& settings_of(gpointer object) {
  return self_of(object)->p->settings;
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const ReenactPoseDec::Private& p = *self_of(object)->p;
  const ObjectLock lock(object);
  switch (id) {
    case decoded_id:
      g_value_set_uint64(value, p.counts.decoded);
      return;
    case lost_id:
      g_value_set_uint64(value, p.counts.lost);
      return;
    case concealed_id:
      g_value_set_uint64(value, p.counts.concealed);
      return;
    default:
      if (!properties.get(p.settings, id, value)) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void install_counts(GObjectClass* object_class) {
  const auto install = [object_class](guint id, const char* name, const char* nick, const char* blurb) {
    g_object_class_install_property(object_class, id,
                                    g_param_spec_uint64(name, nick, blurb, 0, G_MAXUINT64, 0, read_only));
  };
  install(decoded_id, "decoded", "Decoded", "Poses that came");
  install(lost_id, "lost", "Lost", "Poses that did not come, or not in time");
  install(concealed_id, "concealed", "Concealed", "Poses that were made up in place of lost ones");
}

GstCaps* transform_caps(GstBaseTransform*, GstPadDirection direction, GstCaps* caps, GstCaps* filter) {
  GstCaps* other = direction == GST_PAD_SINK ? pose_caps_of_coded(caps) : coded_caps_of_poses(caps);
  return filtered_caps(other, filter);
}

gboolean set_caps(GstBaseTransform* base, GstCaps* in, GstCaps* out) {
  ReenactPoseDec::Private& p = *self_of(base)->p;
  const DecoderSettings settings = copy_of(base, p.settings);
  return guarded(GST_ELEMENT(base), gboolean(FALSE), [&]() -> gboolean {
    int size = pose_size_of_coded_caps(in);
    if (size == 0) size = pose_size_of_caps(out);
    if (size == 0)
      throw Error(
          ErrorCode::invalid,
          "the coded poses that come in do not say how many numbers a pose has, wanted caps with pose-size");
    p.decoder = std::make_unique<PoseStreamDecoder>(choose_basis(settings.basis, settings.model_file, size));
    p.pose_size = size;
    p.placed = have_places(out);
    return TRUE;
  });
}

void forget_stream(ReenactPoseDec::Private& p) {
  if (p.decoder) p.decoder->reset();
  p.last = {};
  p.last_time = GST_CLOCK_TIME_NONE;
  p.ready.clear();
}

/// The frames between `p.last` and `next`, whose packets did not come.
void conceal(ReenactPoseDec::Private& p, const PoseFrame& next, GstClockTime time, guint lost) {
  const GstClockTime apart = (time - p.last_time) / (lost + 1);
  for (guint i = 1; i <= lost; ++i) {
    const double share = double(i) / (lost + 1);
    PoseFrame between = share < 0.5 ? p.last : next;
    between.pose.resize(std::size_t(p.pose_size));
    interpolate_poses(p.last.pose, next.pose, share, between.pose);
    if (p.last.placement && next.placement) {
      const auto way = [share](int from, int to) { return int(std::lround(from + share * (to - from))); };
      const cv::Rect &a = p.last.placement->crop, &b = next.placement->crop;
      between.placement->crop = {way(a.x, b.x), way(a.y, b.y), way(a.width, b.width),
                                 way(a.height, b.height)};
      between.placement->found = false;
    }
    GstBuffer* buffer = new_pose_buffer(between, p.pose_size);
    GST_BUFFER_PTS(buffer) = p.last_time + i * apart;
    GST_BUFFER_DURATION(buffer) = apart;
    p.ready.emplace_back(buffer);
  }
}

void take_identity(ReenactPoseDec* self, std::span<const std::uint8_t> packet) {
  ReenactPoseDec::Private& p = *self->p;
  if (std::ranges::equal(packet, p.identity_packet)) return;
  const std::shared_ptr<const Identity> identity = read_identity_packet(packet);
  p.identity_packet.assign(packet.begin(), packet.end());
  GST_DEBUG_OBJECT(self, "From here on the head of %s", identity->name.c_str());
  gst_pad_push_event(GST_BASE_TRANSFORM_SRC_PAD(self), new_identity_event(identity));
}

void take_pose(ReenactPoseDec* self, GstBuffer* in, std::span<const std::uint8_t> packet) {
  ReenactPoseDec::Private& p = *self->p;
  const std::optional<CodedPose> coded = p.decoder->decode(packet);
  if (!coded) {
    GST_DEBUG_OBJECT(self, "A packet is of no use without an earlier one, or too late");
    return;
  }
  const GstClockTime time = GST_BUFFER_PTS(in);
  guint concealed = 0;
  {
    const DecoderSettings settings = copy_of(self, p.settings);
    const bool both = !p.last.pose.empty() && !coded->frame.pose.empty();
    if (coded->lost > 0 && coded->lost <= settings.conceal && both && GST_CLOCK_TIME_IS_VALID(time) &&
        GST_CLOCK_TIME_IS_VALID(p.last_time) && time > p.last_time) {
      concealed = coded->lost;
      conceal(p, coded->frame, time, concealed);
    }
  }
  GstBuffer* buffer = new_pose_buffer(coded->frame, p.pose_size);
  gst_buffer_copy_into(buffer, in, GST_BUFFER_COPY_TIMESTAMPS, 0, gsize(-1));
  p.ready.emplace_back(buffer);
  p.last = coded->frame;
  p.last_time = time;
  const ObjectLock lock(self);
  ++p.counts.decoded;
  p.counts.lost += coded->lost;
  p.counts.concealed += concealed;
}

/// A packet that cannot be read is lost, and the show goes on; one of other poses or another version never will do.
GstFlowReturn take_packet(ReenactPoseDec* self, GstBuffer* in) {
  GstMapInfo map;
  if (!gst_buffer_map(in, &map, GST_MAP_READ)) return GST_FLOW_ERROR;
  const std::span<const std::uint8_t> packet(map.data, map.size);
  GstFlowReturn flow = GST_FLOW_OK;
  try {
    if (is_identity_packet(packet)) {
      take_identity(self, packet);
    } else {
      take_pose(self, in, packet);
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::corrupt) {
      post_warning(GST_ELEMENT(self), error);
    } else {
      post_error(GST_ELEMENT(self), error);
      flow = GST_FLOW_ERROR;
    }
  } catch (const std::exception& error) {
    post_error(GST_ELEMENT(self), error);
    flow = GST_FLOW_ERROR;
  }
  gst_buffer_unmap(in, &map);
  return flow;
}

GstFlowReturn generate_output(GstBaseTransform* base, GstBuffer** out) {
  ReenactPoseDec* self = self_of(base);
  ReenactPoseDec::Private& p = *self->p;
  if (Owned<GstBuffer> in(std::exchange(base->queued_buf, nullptr)); in) {
    if (!p.decoder) return GST_FLOW_NOT_NEGOTIATED;
    const GstClockTime time = stream_time(base->segment, GST_BUFFER_PTS(in.get()));
    if (GST_CLOCK_TIME_IS_VALID(time)) gst_object_sync_values(GST_OBJECT(base), time);
    if (const GstFlowReturn flow = take_packet(self, in.get()); flow != GST_FLOW_OK) return flow;
  }
  if (p.ready.empty()) return GST_FLOW_OK;
  *out = p.ready.front().release();
  if (p.placed) set_place(*out, p.pose_size);
  p.ready.pop_front();
  return GST_FLOW_OK;
}

gboolean sink_event(GstBaseTransform* base, GstEvent* event) {
  ReenactPoseDec::Private& p = *self_of(base)->p;
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) {
    forget_stream(p);
  } else if (GST_EVENT_TYPE(event) == GST_EVENT_GAP && GST_CLOCK_TIME_IS_VALID(p.last_time) &&
             copy_of(base, p.settings).conceal > 0) {
    // What rtpjitterbuffer says of a lost packet. Poses will be made up for it once the next one is here.
    gst_event_unref(event);
    return TRUE;
  }
  return GST_BASE_TRANSFORM_CLASS(reenact_pose_dec_parent_class)
      ->sink_event(base, with_segment_of_time(GST_ELEMENT(base), event));
}

gboolean stop(GstBaseTransform* base) {
  ReenactPoseDec::Private& p = *self_of(base)->p;
  forget_stream(p);
  p.decoder.reset();
  p.identity_packet.clear();
  const ObjectLock lock(base);
  p.counts = {};
  return TRUE;
}

void finalize(GObject* object) {
  delete self_of(object)->p;
  G_OBJECT_CLASS(reenact_pose_dec_parent_class)->finalize(object);
}

}  // namespace

static void reenact_pose_dec_class_init(ReenactPoseDecClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* transform_class = GST_BASE_TRANSFORM_CLASS(klass);
  GST_DEBUG_CATEGORY_INIT(reenact_pose_decoder_debug, "reenactposedec", 0, "Pose codec, decoder");
  object_class->finalize = finalize;
  install_settings<properties, settings_of>(object_class);
  object_class->get_property = get_property;
  install_counts(object_class);
  describe_element(GST_ELEMENT_CLASS(klass),
                   {"Pose decoder for the wire", "Codec/Decoder",
                    "Makes poses of what reenactposeenc coded, and fills in those that were lost"},
                   {&sink_template, &src_template});
  transform_class->transform_caps = transform_caps;
  transform_class->set_caps = set_caps;
  transform_class->generate_output = generate_output;
  // Never called; without one the base class would pass everything through.
  transform_class->transform = [](GstBaseTransform*, GstBuffer*, GstBuffer*) { return GST_FLOW_OK; };
  transform_class->sink_event = sink_event;
  transform_class->stop = stop;
}

static void reenact_pose_dec_init(ReenactPoseDec* self) {
  self->p = new ReenactPoseDec::Private;
}

}  // namespace reenact
