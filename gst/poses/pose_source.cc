// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-reenactposesrc
 * @title: reenactposesrc
 *
 * Plays a pose track in place of a driver: with seeks, in a loop, faster or slower, live or as fast as it is asked.
 *
 *     gst-launch-1.0 reenactposesrc location=poses.safetensors loop=true ! reenactidentity identity-file=NAME.safetensors \
 *         ! reenactgenerator ! reenactcompositor ! videoconvert ! autovideosink
 *
 * Since: 0.1
 */
#include <gst/base/gstbasesrc.h>
#include <gst/video/video.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "base/element_description.h"
#include "base/element_error.h"
#include "base/settings.h"
#include "elements.h"
#include "poses/pose_frame.h"
#include "reenact/error.h"
#include "reenact/model_file.h"
#include "reenact/pose_track.h"
#include "stream/face_place.h"
#include "stream/pose_buffer.h"

GST_DEBUG_CATEGORY_STATIC(reenact_pose_source_debug);
#define GST_CAT_DEFAULT reenact_pose_source_debug

namespace reenact {

struct ReenactPoseSrc {
  struct Private;
  GstBaseSrc parent;
  Private* p;
};
struct ReenactPoseSrcClass {
  GstBaseSrcClass parent_class;
};

namespace {

GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(REENACT_POSE_CAPS));

struct SourceSettings {
  std::string location;
  bool loop = false;
  double rate = 1;
  bool is_live = false;
};

using Row = Property<SourceSettings>;
constexpr Row property_table[] = {
    Row("location", "Location", "The pose track to play", member<&SourceSettings::location>, {},
        set_before_paused),
    Row("loop", "Loop", "Begin anew at the end; switched off, the round that is on is the last",
        member<&SourceSettings::loop>, {}, set_while_playing),
    Row("rate", "Rate", "How many times as fast as recorded poses come", member<&SourceSettings::rate>,
        {0.01, 100}, set_before_paused),
    Row("is-live", "Is live", "Give poses out when the clock says it is their time, as a camera does",
        member<&SourceSettings::is_live>, {}, set_before_paused)};
constexpr Properties<SourceSettings> properties(property_table);

}  // namespace

struct ReenactPoseSrc::Private {
  // Under the object's lock: asked for from other threads than the stream's.
  SourceSettings settings;
  Owned<GstCaps> caps;                          // null until the track is known
  GstClockTime duration = GST_CLOCK_TIME_NONE;  // of one round

  PoseTrack track;
  std::vector<GstClockTime> times;  // of the poses, at the rate that is played
  GstClockTime interval = 0;        // for which the last pose is shown
  guint64 next = 0;                 // counts on from round to round
  bool backwards = false;
  bool placed = false;  // whether places go out behind the poses
};

GST_ELEMENT_REGISTER_DEFINE(reenactposesrc, "reenactposesrc", GST_RANK_NONE, reenact_pose_src_get_type())
G_DEFINE_TYPE(ReenactPoseSrc, reenact_pose_src, GST_TYPE_BASE_SRC)

namespace {

ReenactPoseSrc* self_of(gpointer object) {
  return reinterpret_cast<ReenactPoseSrc*>(object);
}
SourceSettings& settings_of(gpointer object) {
  return self_of(object)->p->settings;
}

/// Of one round: to the end of the last pose.
GstClockTime round_duration(const ReenactPoseSrc::Private& p) {
  return p.times.back() + p.interval;
}

/// When the pose with that number, counted on from round to round, is shown.
GstClockTime time_of(const ReenactPoseSrc::Private& p, guint64 number) {
  const guint64 count = p.times.size();
  return number / count * round_duration(p) + p.times[number % count];
}

/// The pose that is shown at `time`, the first one before it begins.
guint64 number_at(const ReenactPoseSrc::Private& p, GstClockTime time) {
  const GstClockTime round = round_duration(p);
  const auto after = std::upper_bound(p.times.begin(), p.times.end(), time % round);
  const guint64 behind = guint64(after - p.times.begin());
  const guint64 number = time / round * p.times.size() + behind;
  return number > 0 ? number - 1 : 0;
}

GstCaps* new_caps(const ReenactPoseSrc::Private& p) {
  GstCaps* caps = new_placed_pose_caps(int(p.track.poses.front().size()));
  int numerator = 25, denominator = 1;
  // Recorded times are rounded; the framerates people use are what they were rounded from.
  if (!gst_video_guess_framerate(p.interval, &numerator, &denominator))
    gst_util_double_to_fraction(double(GST_SECOND) / double(p.interval), &numerator, &denominator);
  gst_caps_set_simple(caps, "framerate", GST_TYPE_FRACTION, numerator, denominator, nullptr);
  return caps;
}

gboolean start(GstBaseSrc* base) {
  ReenactPoseSrc::Private& p = *self_of(base)->p;
  return guarded(GST_ELEMENT(base), gboolean(FALSE), [&]() -> gboolean {
    const SourceSettings settings = copy_of(base, p.settings);
    if (settings.location.empty())
      throw Error(ErrorCode::invalid,
                  "reenactposesrc has no location, wanted the name of a pose track to play");
    p.track = load_pose_track(settings.location);
    p.times.clear();
    for (const std::int64_t time : p.track.timestamps) {
      if (time < 0)
        throw Error(ErrorCode::wrong_kind,
                    "'" + settings.location + "' has times before its start, wanted times from 0 on");
      p.times.push_back(settings.rate == 1 ? GstClockTime(time)
                                           : GstClockTime(std::llround(double(time) / settings.rate)));
    }
    p.interval = std::max<GstClockTime>(
        1, GstClockTime(std::llround(GST_SECOND / (p.track.frame_rate() * settings.rate))));
    p.next = 0;
    p.backwards = false;
    Owned<GstCaps> caps(new_caps(p));
    const ObjectLock lock(base);
    p.caps = std::move(caps);
    p.duration = round_duration(p);
    return TRUE;
  });
}

gboolean stop(GstBaseSrc* base) {
  ReenactPoseSrc::Private& p = *self_of(base)->p;
  {
    const ObjectLock lock(base);
    p.caps.reset();
    p.duration = GST_CLOCK_TIME_NONE;
  }
  p.track = {};
  p.times.clear();
  return TRUE;
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  // The base class asks on the way to PAUSED, before it starts the element.
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    gst_base_src_set_live(GST_BASE_SRC(element), copy_of(element, settings_of(element)).is_live);
  return GST_ELEMENT_CLASS(reenact_pose_src_parent_class)->change_state(element, transition);
}

GstCaps* get_caps(GstBaseSrc* base, GstCaps* filter) {
  GstCaps* caps = nullptr;
  {
    const ObjectLock lock(base);
    if (const auto& known = self_of(base)->p->caps) caps = gst_caps_ref(known.get());
  }
  return filtered_caps(caps ? caps : gst_pad_get_pad_template_caps(GST_BASE_SRC_PAD(base)), filter);
}

gboolean set_caps(GstBaseSrc* base, GstCaps* caps) {
  self_of(base)->p->placed = have_places(caps);
  return TRUE;
}

gboolean is_seekable(GstBaseSrc*) {
  return TRUE;
}

gboolean do_seek(GstBaseSrc* base, GstSegment* segment) {
  ReenactPoseSrc::Private& p = *self_of(base)->p;
  if (segment->format != GST_FORMAT_TIME || p.times.empty()) return FALSE;
  p.backwards = segment->rate < 0;
  if (p.backwards) {
    const GstClockTime end = GST_CLOCK_TIME_IS_VALID(segment->stop) ? segment->stop : round_duration(p);
    // One more than is shown last, since counting down takes one off first.
    p.next = end == 0 ? 0 : number_at(p, end - 1) + 1;
    segment->time = segment->start;
    return TRUE;
  }
  p.next = number_at(p, segment->position);
  if (!copy_of(base, p.settings).loop) p.next = std::min<guint64>(p.next, p.times.size());
  segment->time = segment->start;
  return TRUE;
}

gboolean query(GstBaseSrc* base, GstQuery* query) {
  const ReenactPoseSrc::Private& p = *self_of(base)->p;
  GstClockTime duration = GST_CLOCK_TIME_NONE;
  bool loop = false;
  {
    const ObjectLock lock(base);
    duration = p.duration;
    loop = p.settings.loop;
  }
  if (GST_QUERY_TYPE(query) == GST_QUERY_DURATION && GST_CLOCK_TIME_IS_VALID(duration)) {
    GstFormat format = GST_FORMAT_UNDEFINED;
    gst_query_parse_duration(query, &format, nullptr);
    if (format != GST_FORMAT_TIME || loop) return FALSE;
    gst_query_set_duration(query, GST_FORMAT_TIME, gint64(duration));
    return TRUE;
  }
  return GST_BASE_SRC_CLASS(reenact_pose_src_parent_class)->query(base, query);
}

/// For live sources: poses wait for their time.
void get_times(GstBaseSrc* base, GstBuffer* buffer, GstClockTime* from, GstClockTime* to) {
  *from = *to = GST_CLOCK_TIME_NONE;
  if (gst_base_src_is_live(base)) *from = GST_BUFFER_PTS(buffer);
}

/// The frame of a pose; zeros are what reenactpose gives when nobody is seen.
PoseFrame frame_of(const PoseTrack& track, std::size_t index) {
  PoseFrame frame;
  if (!track.placements.empty()) frame.placement = track.placements[index];
  const std::vector<float>& pose = track.poses[index];
  if (std::ranges::any_of(pose, [](float value) { return value != 0; })) frame.pose = pose;
  return frame;
}

GstFlowReturn create(GstBaseSrc* base, guint64, guint, GstBuffer** out) {
  ReenactPoseSrc::Private& p = *self_of(base)->p;
  const guint64 count = p.times.size();
  guint64 number = p.next;
  if (p.backwards) {
    if (number == 0) return GST_FLOW_EOS;
    p.next = --number;
  } else {
    if (number >= count && number % count == 0 && !copy_of(base, p.settings).loop) return GST_FLOW_EOS;
    ++p.next;
  }
  const GstClockTime time = time_of(p, number);
  if (!p.backwards && GST_CLOCK_TIME_IS_VALID(base->segment.stop) && time >= base->segment.stop)
    return GST_FLOW_EOS;
  if (p.backwards && time_of(p, number + 1) <= base->segment.start) return GST_FLOW_EOS;
  return guarded(GST_ELEMENT(base), GST_FLOW_ERROR, [&] {
    const std::size_t index = number % count;
    GstBuffer* buffer = new_pose_buffer(frame_of(p.track, index), int(p.track.poses[index].size()));
    GST_BUFFER_PTS(buffer) = time;
    const bool last = index + 1 == count && !copy_of(base, p.settings).loop;
    GST_BUFFER_DURATION(buffer) = last ? p.interval : time_of(p, number + 1) - time;
    GST_BUFFER_OFFSET(buffer) = number;
    GST_BUFFER_OFFSET_END(buffer) = number + 1;
    if (p.placed) set_place(buffer, int(p.track.poses[index].size()));
    *out = buffer;
    return GST_FLOW_OK;
  });
}

void finalize(GObject* object) {
  delete self_of(object)->p;
  G_OBJECT_CLASS(reenact_pose_src_parent_class)->finalize(object);
}

}  // namespace

static void reenact_pose_src_class_init(ReenactPoseSrcClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* src_class = GST_BASE_SRC_CLASS(klass);
  GST_DEBUG_CATEGORY_INIT(reenact_pose_source_debug, "reenactposesrc", 0, "Pose track player");
  object_class->finalize = finalize;
  install_settings<properties, settings_of>(object_class);
  describe_element(GST_ELEMENT_CLASS(klass),
                   {"Pose track player", "Source/File", "Plays a pose track in place of a driver"},
                   {&src_template});
  GST_ELEMENT_CLASS(klass)->change_state = change_state;
  src_class->start = start;
  src_class->stop = stop;
  src_class->get_caps = get_caps;
  src_class->set_caps = set_caps;
  src_class->is_seekable = is_seekable;
  src_class->do_seek = do_seek;
  src_class->query = query;
  src_class->get_times = get_times;
  src_class->create = create;
}

static void reenact_pose_src_init(ReenactPoseSrc* self) {
  self->p = new ReenactPoseSrc::Private;
  gst_base_src_set_format(GST_BASE_SRC(self), GST_FORMAT_TIME);
}

}  // namespace reenact
