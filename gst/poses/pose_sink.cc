// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-reenactposesink
 * @title: reenactposesink
 *
 * Records poses with their times, and where their faces lay, in a pose track, for reenactposesrc or `reenact render`.
 * What comes after the end of the stream, behind a flushing seek, goes to NAME-2, NAME-3 and so on.
 *
 *     gst-launch-1.0 -e v4l2src ! videoconvert ! reenactcrop ! reenactpose ! reenactposesink location=poses.safetensors
 *
 * Since: 0.1
 */
#include <gst/base/gstbasesink.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "base/element_description.h"
#include "base/element_error.h"
#include "base/settings.h"
#include "base/time_segment.h"
#include "elements.h"
#include "poses/pose_frame.h"
#include "reenact/error.h"
#include "reenact/pose_track.h"
#include "stream/pose_buffer.h"

GST_DEBUG_CATEGORY_STATIC(reenact_pose_sink_debug);
#define GST_CAT_DEFAULT reenact_pose_sink_debug

namespace reenact {

struct ReenactPoseSink {
  struct Private;
  GstBaseSink parent;
  Private* p;
};
struct ReenactPoseSinkClass {
  GstBaseSinkClass parent_class;
};

namespace {

GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(REENACT_POSE_CAPS));

struct SinkSettings {
  std::string location;
  std::string licence;
};

using Row = Property<SinkSettings>;
constexpr Row property_table[] = {
    Row("location", "Location", "The pose track to write, at the end of the stream or when the element stops",
        member<&SinkSettings::location>, {}, set_before_paused),
    Row("licence", "Licence", "Licence of the pose track, an SPDX expression or a sentence",
        member<&SinkSettings::licence>, {}, set_before_paused)};
constexpr Properties<SinkSettings> properties(property_table);

}  // namespace

struct ReenactPoseSink::Private {
  SinkSettings settings;  // under the object's lock

  int pose_size = 0;
  PoseTrack track;  // what came since it was written last
  bool placed = true;
  bool finished = false;  // whether a recording was written to the location since the start
};

GST_ELEMENT_REGISTER_DEFINE(reenactposesink, "reenactposesink", GST_RANK_NONE, reenact_pose_sink_get_type())
G_DEFINE_TYPE(ReenactPoseSink, reenact_pose_sink, GST_TYPE_BASE_SINK)

namespace {

ReenactPoseSink* self_of(gpointer object) {
  return reinterpret_cast<ReenactPoseSink*>(object);
}
SinkSettings& settings_of(gpointer object) {
  return self_of(object)->p->settings;
}

gboolean start(GstBaseSink* base) {
  ReenactPoseSink::Private& p = *self_of(base)->p;
  return guarded(GST_ELEMENT(base), gboolean(FALSE), [&]() -> gboolean {
    if (copy_of(base, p.settings).location.empty())
      throw Error(ErrorCode::invalid,
                  "reenactposesink has no location, wanted the name of a pose track to write");
    p.track = {};
    p.placed = true;
    p.finished = false;
    return TRUE;
  });
}

gboolean set_caps(GstBaseSink* base, GstCaps* caps) {
  ReenactPoseSink::Private& p = *self_of(base)->p;
  const int size = pose_size_of_caps(caps);
  if (size == 0) return FALSE;
  return guarded(GST_ELEMENT(base), gboolean(FALSE), [&]() -> gboolean {
    if (!p.track.poses.empty() && size != p.pose_size)
      throw Error(ErrorCode::wrong_kind,
                  "poses of " + std::to_string(size) + " numbers come in after those of " +
                      std::to_string(p.pose_size) + ", and a pose track holds poses of one length");
    p.pose_size = size;
    return TRUE;
  });
}

/// Where nobody is seen stands a pose of zeros, as reenactpose gives it, with the place of the face before.
void add(ReenactPoseSink::Private& p, PoseFrame frame, GstClockTime time) {
  PoseTrack& track = p.track;
  if (frame.pose.empty()) frame.pose.assign(std::size_t(p.pose_size), 0.0f);
  track.poses.push_back(std::move(frame.pose));
  track.timestamps.push_back(std::int64_t(time));
  if (!frame.placement && !track.placements.empty()) {
    frame.placement = track.placements.back();
    frame.placement->found = false;
  }
  p.placed = p.placed && frame.placement;
  if (frame.placement) track.placements.push_back(*frame.placement);
}

GstFlowReturn render(GstBaseSink* base, GstBuffer* buffer) {
  ReenactPoseSink::Private& p = *self_of(base)->p;
  return guarded(GST_ELEMENT(base), GST_FLOW_ERROR, [&] {
    const GstClockTime time = running_time(base->segment, GST_BUFFER_PTS(buffer));
    if (!GST_CLOCK_TIME_IS_VALID(time))
      throw Error(ErrorCode::corrupt, "a pose without a time comes in, and a pose track holds times");
    // After a seek back, which running time does not show, or from a source that is out of order.
    const GstClockTime last = p.track.timestamps.empty() ? 0 : GstClockTime(p.track.timestamps.back());
    add(p, read_pose_frame(buffer, p.pose_size), std::max(time, last));
    return GST_FLOW_OK;
  });
}

/// The first of NAME-2, NAME-3, ... that is not there yet.
std::filesystem::path free_name_beside(const std::filesystem::path& location) {
  std::filesystem::path name;
  int number = 2;
  do {
    name = location;
    name.replace_filename(location.stem().string() + "-" + std::to_string(number++) +
                          location.extension().string());
  } while (std::filesystem::exists(name));
  return name;
}

gboolean write(GstBaseSink* base) {
  ReenactPoseSink::Private& p = *self_of(base)->p;
  if (p.track.poses.empty()) return TRUE;
  const SinkSettings settings = copy_of(base, p.settings);
  return guarded(GST_ELEMENT(base), gboolean(FALSE), [&]() -> gboolean {
    PoseTrack track = std::exchange(p.track, {});
    if (!std::exchange(p.placed, true)) track.placements.clear();
    track.licence = settings.licence;
    track.provenance = JsonObject(R"({"recorded_by":"reenactposesink"})");
    // What comes after the end, behind a flushing seek, must not cost the recording that ended.
    const std::string location =
        p.finished ? free_name_beside(settings.location).string() : settings.location;
    save_pose_track(location, track);
    p.finished = true;
    GST_INFO_OBJECT(base, "Wrote %" G_GSIZE_FORMAT " poses to '%s'", track.poses.size(), location.c_str());
    GstStructure* recorded =
        gst_structure_new("reenact-recorded", "location", G_TYPE_STRING, location.c_str(), "poses",
                          G_TYPE_UINT, guint(track.poses.size()), nullptr);
    gst_element_post_message(GST_ELEMENT(base), gst_message_new_element(GST_OBJECT(base), recorded));
    return TRUE;
  });
}

gboolean event(GstBaseSink* base, GstEvent* event) {
  // Written before the end is told to the application, which may read the file then.
  if (GST_EVENT_TYPE(event) == GST_EVENT_EOS) write(base);
  return GST_BASE_SINK_CLASS(reenact_pose_sink_parent_class)
      ->event(base, with_segment_of_time(GST_ELEMENT(base), event));
}

void finalize(GObject* object) {
  delete self_of(object)->p;
  G_OBJECT_CLASS(reenact_pose_sink_parent_class)->finalize(object);
}

}  // namespace

static void reenact_pose_sink_class_init(ReenactPoseSinkClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* sink_class = GST_BASE_SINK_CLASS(klass);
  GST_DEBUG_CATEGORY_INIT(reenact_pose_sink_debug, "reenactposesink", 0, "Pose track writer");
  object_class->finalize = finalize;
  install_settings<properties, settings_of>(object_class);
  describe_element(GST_ELEMENT_CLASS(klass),
                   {"Pose track writer", "Sink/File",
                    "Records poses, their times and where their faces lay in a pose track"},
                   {&sink_template});
  sink_class->start = start;
  sink_class->stop = write;
  sink_class->set_caps = set_caps;
  sink_class->render = render;
  sink_class->event = event;
}

static void reenact_pose_sink_init(ReenactPoseSink* self) {
  self->p = new ReenactPoseSink::Private;
  // As fast as poses come: a recording needs no clock.
  gst_base_sink_set_sync(GST_BASE_SINK(self), FALSE);
}

}  // namespace reenact
