// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-reenactposefilter
 * @title: reenactposefilter
 *
 * Smooths, scales and limits poses, carries them over gaps, and makes another framerate of them, whichever downstream wants.
 *
 *     gst-launch-1.0 v4l2src ! videoconvert ! reenactcrop ! reenactpose ! reenactposefilter min-cutoff=2 \
 *         ! other/tensors,framerate=60/1 ! reenactidentity identity-file=NAME.safetensors ! reenactgenerator \
 *         ! videoconvert ! autovideosink
 *
 * Since: 0.1
 */
#include <gst/base/gstbasetransform.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <deque>
#include <utility>

#include "base/element_description.h"
#include "base/element_error.h"
#include "base/settings.h"
#include "base/sighting.h"
#include "base/time_segment.h"
#include "elements.h"
#include "reenact/pose_filter.h"
#include "reenact/pose_interpolation.h"
#include "stream/face_meta.h"
#include "stream/face_place.h"
#include "stream/pose_buffer.h"

GST_DEBUG_CATEGORY_STATIC(reenact_pose_filter_debug);
#define GST_CAT_DEFAULT reenact_pose_filter_debug

namespace reenact {

struct ReenactPoseFilter {
  struct Private;
  GstBaseTransform parent;
  Private* p;
};
struct ReenactPoseFilterClass {
  GstBaseTransformClass parent_class;
};

namespace {

GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(REENACT_POSE_CAPS));
GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(REENACT_POSE_CAPS));

using Row = Property<PoseFilterOptions>;
constexpr Row property_table[] = {
    Row("min-cutoff", "Smallest cutoff",
        "Cutoff of the One-Euro filter at rest in Hz, smoother the lower; 0: nothing is smoothed",
        member<&PoseFilterOptions::min_cutoff>, {0, 1000}, set_by_controller),
    Row("beta", "Beta", "Hz by which the cutoff grows when a pose moves by its own length in a second",
        member<&PoseFilterOptions::beta>, {0, 1000}, set_by_controller),
    Row("strength", "Strength",
        "How far poses lie from their mean: 0 stands still, 1 as they came, more exaggerates",
        member<&PoseFilterOptions::strength>, {0, 3}, set_by_controller),
    Row("max-deviation", "Largest deviation",
        "How far poses may lie from their mean, a share of its length; 0: no limit",
        member<&PoseFilterOptions::most_deviation>, {0, 10}, set_by_controller),
    Row("max-speed", "Largest speed", "How far poses may go in a second, in lengths of a pose; 0: no limit",
        member<&PoseFilterOptions::most_speed>, {0, 1000}, set_by_controller),
    Row("hold-time", "Hold time", "Seconds for which the last pose stays when nobody is seen",
        member<&PoseFilterOptions::hold_seconds>, {0, 3600}, set_by_controller),
    Row("ease-time", "Ease time", "Seconds in which a held pose goes over into those that come again",
        member<&PoseFilterOptions::ease_seconds>, {0, 60}, set_by_controller)};
constexpr Properties<PoseFilterOptions> properties(property_table);

}  // namespace

struct ReenactPoseFilter::Private {
  PoseFilterOptions settings;  // under the object's lock

  PoseFilter filter;
  int pose_size = 0;
  bool placed = false;                       // whether a place stands behind each pose
  std::atomic<GstClockTime> latency = 0;     // of another framerate, one interval of the poses that come in
  int numerator = 0, denominator = 1;        // framerate that goes out; 0: that of the input, pose by pose
  Owned<GstBuffer> before;                   // the filtered pose before this one, where the framerate changes
  GstClockTime first = GST_CLOCK_TIME_NONE;  // PTS that the outgoing framerate counts from
  guint64 sent = 0;                          // buffers since then
  std::deque<Owned<GstBuffer>> ready;        // to go out, in their order
};

GST_ELEMENT_REGISTER_DEFINE(reenactposefilter, "reenactposefilter", GST_RANK_NONE,
                            reenact_pose_filter_get_type())
G_DEFINE_TYPE(ReenactPoseFilter, reenact_pose_filter, GST_TYPE_BASE_TRANSFORM)

namespace {

ReenactPoseFilter* self_of(gpointer object) {
  return reinterpret_cast<ReenactPoseFilter*>(object);
}
PoseFilterOptions& settings_of(gpointer object) {
  return self_of(object)->p->settings;
}

GstCaps* transform_caps(GstBaseTransform*, GstPadDirection, GstCaps* caps, GstCaps* filter) {
  GstCaps* other = gst_caps_copy(caps);
  for (guint i = 0; i < gst_caps_get_size(other); ++i)
    gst_structure_set(gst_caps_get_structure(other, i), "framerate", GST_TYPE_FRACTION_RANGE, 0, 1, G_MAXINT,
                      1, nullptr);
  return filtered_caps(other, filter);
}

GstCaps* fixate_caps(GstBaseTransform*, GstPadDirection, GstCaps* caps, GstCaps* other) {
  other = gst_caps_make_writable(gst_caps_truncate(other));
  int numerator = 0, denominator = 1;
  GstStructure* structure = gst_caps_get_structure(other, 0);
  if (gst_structure_get_fraction(gst_caps_get_structure(caps, 0), "framerate", &numerator, &denominator)) {
    if (gst_structure_has_field(structure, "framerate"))
      gst_structure_fixate_field_nearest_fraction(structure, "framerate", numerator, denominator);
  } else {
    gst_structure_remove_field(structure, "framerate");
  }
  return gst_caps_fixate(other);
}

void forget_stream(ReenactPoseFilter::Private& p) {
  p.filter.reset();
  p.before.reset();
  p.first = GST_CLOCK_TIME_NONE;
  p.sent = 0;
  p.ready.clear();
}

gboolean set_caps(GstBaseTransform* base, GstCaps* in, GstCaps* out) {
  ReenactPoseFilter::Private& p = *self_of(base)->p;
  p.pose_size = pose_size_of_caps(in);
  if (p.pose_size == 0) return FALSE;
  p.placed = have_places(out);
  int in_numerator = 0, in_denominator = 1, numerator = 0, denominator = 1;
  gst_structure_get_fraction(gst_caps_get_structure(in, 0), "framerate", &in_numerator, &in_denominator);
  gst_structure_get_fraction(gst_caps_get_structure(out, 0), "framerate", &numerator, &denominator);
  const bool same =
      numerator == 0 || gst_util_fraction_compare(in_numerator, in_denominator, numerator, denominator) == 0;
  p.before.reset();
  p.first = GST_CLOCK_TIME_NONE;
  p.sent = 0;
  p.numerator = same ? 0 : numerator;
  p.denominator = denominator;
  GstClockTime latency = 0;
  if (!same)
    latency = in_numerator > 0
                  ? gst_util_uint64_scale(GST_SECOND, guint64(in_denominator), guint64(in_numerator))
                  : GST_SECOND / 25;
  if (p.latency.exchange(latency) != latency)
    gst_element_post_message(GST_ELEMENT(base), gst_message_new_latency(GST_OBJECT(base)));
  return TRUE;
}

/// A buffer with everything of `like` but its pose.
GstBuffer* with_pose(GstBuffer* like, std::span<const float> pose) {
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, pose.size_bytes(), nullptr);
  gst_buffer_copy_into(
      buffer, like,
      GstBufferCopyFlags(GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS | GST_BUFFER_COPY_META), 0,
      gsize(-1));
  gst_buffer_fill(buffer, 0, pose.data(), pose.size_bytes());
  if (is_faceless(buffer)) {
    GST_BUFFER_FLAG_UNSET(buffer, GST_BUFFER_FLAG_GAP);
    if (FaceMeta* meta = get_face_meta(buffer)) meta->flags |= face_missing | face_held;
  }
  return buffer;
}

/// The buffer with the pose as filtered; itself where that is the same.
Owned<GstBuffer> filtered(ReenactPoseFilter* self, Owned<GstBuffer> buffer) {
  ReenactPoseFilter::Private& p = *self->p;
  p.filter.set_options(copy_of(self, p.settings));
  const Sighting sighting = sighting_of(GST_BASE_TRANSFORM(self)->segment, buffer.get());
  std::span<const float> pose;
  if (is_faceless(buffer.get())) {
    pose = p.filter.filter({}, sighting);
    if (pose.empty()) return buffer;
  } else {
    const MappedPose given(buffer.get(), p.pose_size, GST_MAP_READ);
    pose = p.filter.filter(given.values(), sighting);
    if (std::ranges::equal(pose, given.values())) return buffer;
  }
  Owned<GstBuffer> changed(with_pose(buffer.get(), pose));
  if (p.placed) set_place(changed.get(), p.pose_size);
  return changed;
}

/// The pose that lies `share` of the way from `from` to `to`.
GstBuffer* between(ReenactPoseFilter::Private& p, GstBuffer* from, GstBuffer* to, double share) {
  GstBuffer* near = share < 0.5 ? from : to;
  if (share <= 0 || share >= 1 || is_faceless(from) || is_faceless(to)) return gst_buffer_copy(near);
  std::vector<float> pose(std::size_t(p.pose_size));
  {
    const MappedPose a(from, p.pose_size, GST_MAP_READ), b(to, p.pose_size, GST_MAP_READ);
    interpolate_poses(a.values(), b.values(), share, pose);
  }
  GstBuffer* buffer = with_pose(near, pose);
  const FaceMeta *a = get_face_meta(from), *b = get_face_meta(to);
  if (FaceMeta* meta = get_face_meta(buffer); meta && a && b && a->track_id == b->track_id) {
    const auto way = [share](int first, int second) {
      return int(std::lround(first + share * (second - first)));
    };
    meta->crop = {way(a->crop.x, b->crop.x), way(a->crop.y, b->crop.y), way(a->crop.width, b->crop.width),
                  way(a->crop.height, b->crop.height)};
  }
  if (p.placed) set_place(buffer, p.pose_size);
  return buffer;
}

/// Everything of the outgoing framerate up to `now`, the pose that just came.
void resample(ReenactPoseFilter::Private& p, Owned<GstBuffer> now) {
  const GstClockTime time = GST_BUFFER_PTS(now.get());
  if (!GST_CLOCK_TIME_IS_VALID(time)) return;
  const GstClockTime before = p.before ? GST_BUFFER_PTS(p.before.get()) : GST_CLOCK_TIME_NONE;
  // What came for so long was nothing or gap events: nobody was there.
  const GstClockTime longest = std::max<GstClockTime>(GST_SECOND, 4 * p.latency.load());
  const bool begins = !p.before || before >= time || time - before > longest;
  if (begins) {
    p.first = time;
    p.sent = 0;
  }
  for (;; ++p.sent) {
    const auto at = [&p](guint64 number) {
      return p.first +
             gst_util_uint64_scale(number * GST_SECOND, guint64(p.denominator), guint64(p.numerator));
    };
    const GstClockTime wanted = at(p.sent);
    if (wanted > time) break;
    GstBuffer* buffer = nullptr;
    if (begins || wanted == time) {
      buffer = gst_buffer_copy(now.get());
    } else {
      const GstClockTime from = GST_BUFFER_PTS(p.before.get());
      const double share = wanted <= from ? 0 : double(wanted - from) / double(time - from);
      buffer = between(p, p.before.get(), now.get(), share);
    }
    GST_BUFFER_PTS(buffer) = wanted;
    GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
    GST_BUFFER_DURATION(buffer) = at(p.sent + 1) - wanted;
    if (p.sent > 0) GST_BUFFER_FLAG_UNSET(buffer, GST_BUFFER_FLAG_DISCONT);
    p.ready.emplace_back(buffer);
  }
  p.before = std::move(now);
}

GstFlowReturn generate_output(GstBaseTransform* base, GstBuffer** out) {
  ReenactPoseFilter* self = self_of(base);
  ReenactPoseFilter::Private& p = *self->p;
  if (Owned<GstBuffer> in(std::exchange(base->queued_buf, nullptr)); in) {
    const GstClockTime synced = stream_time(base->segment, GST_BUFFER_PTS(in.get()));
    if (GST_CLOCK_TIME_IS_VALID(synced)) gst_object_sync_values(GST_OBJECT(base), synced);
    const GstFlowReturn flow = guarded(GST_ELEMENT(base), GST_FLOW_ERROR, [&] {
      in.reset(with_face_meta(in.release(), p.pose_size));
      Owned<GstBuffer> pose = filtered(self, std::move(in));
      if (p.numerator == 0) {
        p.ready.push_back(std::move(pose));
      } else {
        resample(p, std::move(pose));
      }
      return GST_FLOW_OK;
    });
    if (flow != GST_FLOW_OK) return flow;
  }
  if (p.ready.empty()) return GST_FLOW_OK;
  *out = p.ready.front().release();
  p.ready.pop_front();
  return GST_FLOW_OK;
}

gboolean sink_event(GstBaseTransform* base, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) forget_stream(*self_of(base)->p);
  return GST_BASE_TRANSFORM_CLASS(reenact_pose_filter_parent_class)
      ->sink_event(base, with_segment_of_time(GST_ELEMENT(base), event));
}

gboolean query(GstBaseTransform* base, GstPadDirection direction, GstQuery* query) {
  if (!GST_BASE_TRANSFORM_CLASS(reenact_pose_filter_parent_class)->query(base, direction, query))
    return FALSE;
  if (direction != GST_PAD_SRC || GST_QUERY_TYPE(query) != GST_QUERY_LATENCY) return TRUE;
  gboolean live = FALSE;
  GstClockTime least = 0, most = GST_CLOCK_TIME_NONE;
  gst_query_parse_latency(query, &live, &least, &most);
  const GstClockTime own = self_of(base)->p->latency;
  gst_query_set_latency(query, live, least + own, GST_CLOCK_TIME_IS_VALID(most) ? most + own : most);
  return TRUE;
}

gboolean stop(GstBaseTransform* base) {
  ReenactPoseFilter::Private& p = *self_of(base)->p;
  forget_stream(p);
  p.latency = 0;
  return TRUE;
}

void finalize(GObject* object) {
  delete self_of(object)->p;
  G_OBJECT_CLASS(reenact_pose_filter_parent_class)->finalize(object);
}

}  // namespace

static void reenact_pose_filter_class_init(ReenactPoseFilterClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* transform_class = GST_BASE_TRANSFORM_CLASS(klass);
  GST_DEBUG_CATEGORY_INIT(reenact_pose_filter_debug, "reenactposefilter", 0, "Pose filter");
  object_class->finalize = finalize;
  install_settings<properties, settings_of>(object_class);
  describe_element(GST_ELEMENT_CLASS(klass),
                   {"Pose filter", "Filter/Effect",
                    "Smooths, scales and limits poses, carries them over gaps and changes their framerate"},
                   {&sink_template, &src_template});
  transform_class->transform_caps = transform_caps;
  transform_class->fixate_caps = fixate_caps;
  transform_class->set_caps = set_caps;
  transform_class->generate_output = generate_output;
  // Never called; without one the base class would pass everything through.
  transform_class->transform = [](GstBaseTransform*, GstBuffer*, GstBuffer*) { return GST_FLOW_OK; };
  transform_class->sink_event = sink_event;
  transform_class->query = query;
  transform_class->stop = stop;
}

static void reenact_pose_filter_init(ReenactPoseFilter* self) {
  self->p = new ReenactPoseFilter::Private;
}

}  // namespace reenact
