// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/clip_reader.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/pbutils/missing-plugins.h>
#include <gst/video/video.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "media/decoded_streams.h"
#include "media/frame_converter.h"
#include "media/gstreamer.h"
#include "media/orientation.h"
#include "media/packet_count.h"
#include "media/picture_file.h"
#include "media/stream_colors.h"
#include "reenact/error.h"

namespace reenact {

struct ClipReader::Private {
  std::filesystem::path path;
  int threads;
  GstElement* sink = nullptr;
  std::mutex mutex;  // what follows is filled by threads of the pipeline
  std::vector<Owned<GstPad>> streams;
  std::map<GstElement*, std::unique_ptr<media::PacketCount>> decoders;
  media::PacketCount* shown = nullptr;  // of the decoder whose frames are read
  std::atomic<bool> no_video = false, has_other_streams = false;
  // After all that its threads use, so that it stops before they go.
  media::Pipeline pipeline;

  std::deque<Owned<GstSample>> decoded;  // by the constructor, not given out yet
  media::FrameConverter converter;
  int orientation = upright_orientation;
  double frame_rate = 25;
  std::int64_t frames = 0, damaged = 0;
  std::optional<GstClockTime> first_time;
  std::int64_t last_timestamp = 0;
  std::string missing, ended_by;

  Private(const std::filesystem::path& path, ClipColors colors, int threads)
      : path(path), threads(threads), converter(colors == ClipColors::grey) {}

  void open();
  GstElement* add_source();
  void connect(GstElement* decodebin);
  void choose_stream();
  GstElement* add_deinterlacer(const char* field);
  Owned<GstSample> pull();
  Owned<GstSample> take();
  void find_frame_rate();
  void read_messages();
  bool at_end() { return no_video || !ended_by.empty() || gst_app_sink_is_eos(GST_APP_SINK(sink)); }
  std::int64_t timestamp_of(GstSample* sample);
  [[noreturn]] void refuse() const;
};

namespace {

/// Which field of interlaced video comes first; null for progressive video.
const char* first_field(GstPad* pad) {
  Owned<GstCaps> caps(gst_pad_get_current_caps(pad));
  if (!caps) caps.reset(gst_pad_query_caps(pad, nullptr));
  if (!caps || gst_caps_get_size(caps.get()) == 0) return nullptr;
  const GstStructure* structure = gst_caps_get_structure(caps.get(), 0);
  const gchar *mode = gst_structure_get_string(structure, "interlace-mode"),
              *order = gst_structure_get_string(structure, "field-order");
  if (!mode || g_str_equal(mode, "progressive")) return nullptr;
  return order && g_str_equal(order, "bottom-field-first") ? "bottom" : "top";
}

GstClockTime running_time(GstSample* sample) {
  return gst_segment_to_running_time(gst_sample_get_segment(sample), GST_FORMAT_TIME,
                                     GST_BUFFER_PTS(gst_sample_get_buffer(sample)));
}

/// Spares the decoder a copy: it may lay frames out as it likes, since they come with a GstVideoMeta.
GstPadProbeReturn accept_any_layout(GstPad*, GstPadProbeInfo* info, gpointer) {
  GstQuery* query = GST_PAD_PROBE_INFO_QUERY(info);
  if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION) return GST_PAD_PROBE_OK;
  gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  return GST_PAD_PROBE_HANDLED;
}

}  // namespace

void ClipReader::Private::connect(GstElement* decodebin) {
  // Sound and subtitles are not decoded.
  g_signal_connect(decodebin, "autoplug-continue",
                   G_CALLBACK(+[](GstElement*, GstPad*, GstCaps* caps, Private* self) -> gboolean {
                     const bool other = media::is_no_video(caps);
                     if (other) self->has_other_streams = true;
                     return !other;
                   }),
                   this);
  g_signal_connect(decodebin, "pad-added", G_CALLBACK(+[](GstElement*, GstPad* pad, Private* self) {
                     const std::scoped_lock lock(self->mutex);
                     if (media::gives_video(pad)) self->streams.emplace_back(GST_PAD(gst_object_ref(pad)));
                   }),
                   this);
  g_signal_connect(decodebin, "no-more-pads", G_CALLBACK(+[](GstElement* element, Private* self) {
                     // No exception may leave a signal.
                     try {
                       self->choose_stream();
                     } catch (const Error& error) {
                       GST_ELEMENT_ERROR(element, CORE, MISSING_PLUGIN, ("%s", error.what()), (nullptr));
                     }
                   }),
                   this);
  g_signal_connect(
      decodebin, "deep-element-added", G_CALLBACK(+[](GstBin*, GstBin*, GstElement* element, Private* self) {
        media::prefer_colors_of_stream(element);
        if (!GST_IS_VIDEO_DECODER(element)) return;
        if (self->threads > 0 && g_object_class_find_property(G_OBJECT_GET_CLASS(element), "max-threads"))
          g_object_set(element, "max-threads", self->threads, nullptr);
        const std::scoped_lock lock(self->mutex);
        auto& count = self->decoders[element];
        count = std::make_unique<media::PacketCount>();
        count->watch(element);
      }),
      this);
}

/// Runs when decodebin has found all streams and before any of them flows.
void ClipReader::Private::choose_stream() {
  const std::scoped_lock lock(mutex);
  const auto chosen = media::main_stream(streams);
  no_video = streams.empty();
  for (auto pad = streams.cbegin(); pad != streams.end(); ++pad) {
    if (pad != chosen) {
      media::drain(pad->get(), GST_BIN(pipeline.get()));
      continue;
    }
    const char* field = first_field(pad->get());
    GstElement* target = field ? add_deinterlacer(field) : sink;
    const Owned<GstPad> input(gst_element_get_static_pad(target, "sink"));
    gst_pad_link(pad->get(), input.get());
  }
  if (no_video) return;
  const auto decoder = decoders.find(media::element_behind(chosen->get()).get());
  if (decoder != decoders.end()) shown = decoder->second.get();
}

/// A frame of the field that comes first, so that it is of one moment and keeps its time; frames of mixed video that are
/// not interlaced pass as they are.
GstElement* ClipReader::Private::add_deinterlacer(const char* field) {
  GstElement* element = pipeline.add(media::make_element("deinterlace"));
  gst_util_set_object_arg(G_OBJECT(element), "fields", field);
  // Of the methods that look at neighboring frames, those of 1.22 lose times or colors.
  gst_util_set_object_arg(G_OBJECT(element), "method", "linear");
  gst_element_link(element, sink);
  gst_element_sync_state_with_parent(element);
  return element;
}

/// The file; a picture as one packet, since its decoders, unlike those of clips, take the whole file at once.
GstElement* ClipReader::Private::add_source() {
  if (!is_still_picture(path)) {
    GstElement* source = pipeline.add(media::make_element("filesrc"));
    g_object_set(source, "location", path.c_str(), nullptr);
    return source;
  }
  gchar* content = nullptr;
  gsize size = 0;
  if (!g_file_get_contents(path.c_str(), &content, &size, nullptr))
    throw Error(ErrorCode::unreadable, "cannot read '" + path.string() + "'");
  GstElement* source = pipeline.add(media::make_element("appsrc"));
  gst_app_src_push_buffer(GST_APP_SRC(source), gst_buffer_new_wrapped(content, size));
  gst_app_src_end_of_stream(GST_APP_SRC(source));
  return source;
}

void ClipReader::Private::open() {
  GstElement* source = add_source();
  GstElement* decodebin = pipeline.add(media::make_element("decodebin"));
  sink = pipeline.add(media::make_element("appsink"));
  constexpr guint most_frames_waiting = 3;
  const Owned<GstCaps> raw(gst_caps_new_empty_simple("video/x-raw"));
  g_object_set(sink, "caps", raw.get(), "sync", FALSE, "max-buffers", most_frames_waiting,
               "enable-last-sample", FALSE, "wait-on-eos", FALSE, nullptr);
  const Owned<GstPad> input(gst_element_get_static_pad(sink, "sink"));
  gst_pad_add_probe(input.get(), GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, accept_any_layout, nullptr, nullptr);
  connect(decodebin);
  gst_element_link(source, decodebin);
  pipeline.set_state(GST_STATE_PLAYING);
  decoded.push_back(pull());
  if (!decoded.front()) refuse();
}

/// The next frame to give out; null at the end.
Owned<GstSample> ClipReader::Private::take() {
  if (decoded.empty()) return pull();
  auto sample = std::move(decoded.front());
  decoded.pop_front();
  return sample;
}

/// Of caps, else of the distance between the first two frames.
void ClipReader::Private::find_frame_rate() {
  const auto told = converter.frame_rate();
  if (told) frame_rate = *told;
  if (told || !decoded.front()) return;
  auto second = pull();
  if (!second) return;
  const auto from = running_time(decoded.front().get()), to = running_time(second.get());
  if (GST_CLOCK_TIME_IS_VALID(from) && GST_CLOCK_TIME_IS_VALID(to) && to > from)
    frame_rate = 1e9 / static_cast<double>(to - from);
  decoded.push_back(std::move(second));
}

void ClipReader::Private::refuse() const {
  std::string reason = "it holds no video";
  if (!missing.empty())
    reason = "GStreamer has no " + missing + " installed";
  else if (!ended_by.empty() && !(has_other_streams && streams.empty()))
    reason = ended_by;
  else if (!streams.empty())
    reason = "no frame of it can be decoded";
  throw Error(ErrorCode::unreadable, "cannot read '" + path.string() + "': " + reason);
}

/// The next frame of the decoder; null at the end.
Owned<GstSample> ClipReader::Private::pull() {
  constexpr GstClockTime patience = 20 * GST_MSECOND;
  int waits = 0;
  while (true) {
    const bool ended = at_end();
    GstMiniObject* object = gst_app_sink_try_pull_object(GST_APP_SINK(sink), ended ? 0 : patience);
    if (object && GST_IS_SAMPLE(object)) return Owned<GstSample>(GST_SAMPLE(object));
    if (object) {
      if (GST_IS_EVENT(object) && GST_EVENT_TYPE(object) == GST_EVENT_TAG) {
        GstTagList* tags = nullptr;
        gst_event_parse_tag(GST_EVENT(object), &tags);
        gchar* tag = nullptr;
        if (gst_tag_list_get_string(tags, GST_TAG_IMAGE_ORIENTATION, &tag))
          orientation = orientation_of_tag(tag);
        g_free(tag);
      }
      gst_mini_object_unref(object);
      continue;
    }
    read_messages();
    if (ended) return {};
    // decodebin can lose the error of a demuxer that fails while it is being connected, and then nothing comes any more.
    // Counted in waits and not in time, so that a process that was stopped meanwhile does not give up.
    constexpr int most_waits = 500;
    if (++waits > most_waits && ended_by.empty()) ended_by = "the file is damaged or its reading has stalled";
  }
}

void ClipReader::Private::read_messages() {
  while (const auto message =
             pipeline.wait(static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT), 0)) {
    if (gst_is_missing_plugin_message(message.get())) {
      gchar* text = gst_missing_plugin_message_get_description(message.get());
      if (missing.empty() && text) missing = text;
      g_free(text);
    } else if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR && ended_by.empty()) {
      ended_by = media::sentence_of(message.get());
    }
  }
}

std::int64_t ClipReader::Private::timestamp_of(GstSample* sample) {
  const GstClockTime time = running_time(sample);
  if (GST_CLOCK_TIME_IS_VALID(time)) {
    if (!first_time) first_time = time;
    const auto elapsed = static_cast<std::int64_t>(time) - static_cast<std::int64_t>(*first_time);
    last_timestamp = std::max(last_timestamp, elapsed);
  } else if (frames > 0) {
    last_timestamp += std::llround(1e9 / frame_rate);
  }
  return last_timestamp;
}

ClipReader::ClipReader(const std::filesystem::path& path, ClipColors colors, int threads) {
  if (!std::filesystem::exists(path))
    throw Error(ErrorCode::not_found, "found no clip '" + path.string() + "'");
  p_ = std::make_unique<Private>(path, colors, threads);
  p_->open();
  p_->converter.set_caps(gst_sample_get_caps(p_->decoded.front().get()), path);
  p_->find_frame_rate();
}

ClipReader::~ClipReader() = default;

std::optional<ClipReader::Frame> ClipReader::next() {
  auto& p = *p_;
  const auto sample = p.take();
  if (!sample) return {};
  p.converter.set_caps(gst_sample_get_caps(sample.get()), p.path);
  GstBuffer* buffer = gst_sample_get_buffer(sample.get());
  p.damaged += GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_CORRUPTED);
  const auto timestamp = p.timestamp_of(sample.get());
  ++p.frames;
  return Frame{turned_upright(p.converter.picture_of(buffer), p.orientation), timestamp};
}

bool ClipReader::skip() {
  auto& p = *p_;
  const auto sample = p.take();
  if (!sample) return false;
  p.damaged += GST_BUFFER_FLAG_IS_SET(gst_sample_get_buffer(sample.get()), GST_BUFFER_FLAG_CORRUPTED);
  p.timestamp_of(sample.get());
  ++p.frames;
  return true;
}

double ClipReader::frame_rate() const {
  return p_->frame_rate;
}

std::int64_t ClipReader::count() const {
  gint64 duration = 0;
  if (!gst_element_query_duration(p_->pipeline.get(), GST_FORMAT_TIME, &duration) || duration <= 0) return 0;
  return std::llround(static_cast<double>(duration) / 1e9 * p_->frame_rate);
}

std::int64_t ClipReader::lost() const {
  return p_->damaged + (p_->shown && p_->at_end() ? p_->shown->lost() : 0);
}

std::string ClipReader::problems() const {
  std::vector<std::string> parts;
  if (const auto packets = lost() - p_->damaged)
    parts.push_back(std::to_string(packets) + (packets == 1 ? " packet" : " packets") +
                    " could not be decoded");
  if (p_->damaged > 0)
    parts.push_back(std::to_string(p_->damaged) + (p_->damaged == 1 ? " frame is" : " frames are") +
                    " damaged");
  if (!p_->ended_by.empty())
    parts.push_back("it ends after " + std::to_string(p_->frames) + " frames: " + p_->ended_by);
  std::string sentence;
  for (const auto& part : parts) sentence += (sentence.empty() ? "" : ", ") + part;
  return sentence;
}

}  // namespace reenact
