// SPDX-License-Identifier: LGPL-2.1-or-later
#include "live_stream.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/base/gstbasesink.h>
#include <gst/video/video.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <sstream>
#include <stdexcept>

namespace reenact::soak {
namespace {

constexpr int longest_clip = 150;  // frames, to and fro
constexpr int audio_rate = 48000, audio_samples = 480;
constexpr GstClockTime audio_duration = GST_SECOND / 100;
constexpr GstClockTime settling = 200 * GST_MSECOND;

double milliseconds(GstClockTimeDiff time) {
  return double(time) / GST_MSECOND;
}

GstClockTime time_of_frame(int number, int frames_per_second) {
  return gst_util_uint64_scale_int(guint64(number), int(GST_SECOND), frames_per_second);
}

std::string caps_of(int width, int height, int frames_per_second) {
  return "video/x-raw,format=I420,width=" + std::to_string(width) + ",height=" + std::to_string(height) +
         ",framerate=" + std::to_string(frames_per_second) + "/1";
}

/// The pipeline of that description; throws std::runtime_error with GStreamer's words.
Owned<GstElement> parse(const std::string& description) {
  GError* error = nullptr;
  Owned<GstElement> pipeline(gst_parse_launch(description.c_str(), &error));
  if (error) {
    const std::string message = error->message;
    g_error_free(error);
    throw std::runtime_error(message);
  }
  return pipeline;
}

/// Whether a flash or a beep begins at `time`, which may have been rounded.
bool is_flash(GstClockTime time, GstClockTime every) {
  return (time + GST_MSECOND) % every < 2 * GST_MSECOND;
}

/// What the fake detector of the element tests takes for a face, on gray, moving sideways.
Owned<GstBuffer> drawn_frame(const GstVideoInfo& info, int number) {
  Owned<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr));
  GstVideoFrame frame;
  gst_video_frame_map(&frame, &info, buffer.get(), GST_MAP_WRITE);
  const int face_width = info.width / 5, face_height = info.height / 3;
  const int left = info.width / 3 + int(std::lround(info.width / 20 * std::sin(number * 0.2))),
            top = info.height / 3;
  // Of the skin colour that fake_colors.h names, in BT.601.
  const guint8 face[3] = {105, 176, 207}, wall[3] = {90, 128, 128};
  for (int plane = 0; plane < 3; ++plane) {
    const int shift = plane ? 1 : 0;
    auto* row = static_cast<guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, plane));
    for (int y = 0; y < info.height >> shift; ++y, row += GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane)) {
      std::memset(row, wall[plane], std::size_t(info.width >> shift));
      if (y >= top >> shift && y < (top + face_height) >> shift)
        std::memset(row + (left >> shift), face[plane], std::size_t(face_width >> shift));
    }
  }
  gst_video_frame_unmap(&frame);
  return buffer;
}

std::vector<Owned<GstBuffer>> frames_of_clip(const LiveOptions& options) {
  const Owned<GstElement> pipeline =
      parse("filesrc location=\"" + options.clip +
            "\" ! decodebin ! videoconvert ! videoscale ! video/x-raw,format=I420,width=" +
            std::to_string(options.width) + ",height=" + std::to_string(options.height) +
            " ! appsink name=out sync=false");
  Owned<GstElement> out(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  std::vector<Owned<GstBuffer>> frames;
  while (frames.size() < longest_clip) {
    GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(out.get()), 10 * GST_SECOND);
    if (!sample) break;
    GstBuffer* copy = gst_buffer_copy_deep(gst_sample_get_buffer(sample));
    frames.emplace_back(copy);
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  if (frames.empty()) throw std::runtime_error("no frame could be read from '" + options.clip + "'");
  return frames;
}

/// The frame with a white square in its upper left corner, or a black one.
Owned<GstBuffer> with_corner(GstBuffer* frame, const GstVideoInfo& info, bool white) {
  Owned<GstBuffer> copy(gst_buffer_copy_deep(frame));
  GstMapInfo map;
  gst_buffer_map(copy.get(), &map, GST_MAP_WRITE);
  for (int plane = 0; plane < 3; ++plane) {
    const int side = plane ? 16 : 32;
    const guint8 value = plane ? 128 : white ? 235 : 16;
    for (int y = 0; y < side; ++y)
      std::memset(map.data + info.offset[plane] + y * info.stride[plane], value, std::size_t(side));
  }
  gst_buffer_unmap(copy.get(), &map);
  return copy;
}

/// The mean of the corner of a picture whose first channel says how bright it is.
bool is_marked_picture(GstSample* sample) {
  GstVideoInfo info;
  GstVideoFrame frame;
  if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) ||
      !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ))
    return false;
  const auto* row = static_cast<const guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0)) +
                    8 * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0);
  const bool marked = row[8 * GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, 0)] > 128;
  gst_video_frame_unmap(&frame);
  return marked;
}

bool is_beep(GstSample* sample) {
  GstMapInfo map;
  if (!gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ)) return false;
  bool loud = false;
  for (gsize i = 0; i + 1 < map.size && !loud; i += 2)
    loud = std::abs(int(reinterpret_cast<const gint16*>(map.data)[i / 2])) > 8000;
  gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
  return loud;
}

template <typename Take>
GstFlowReturn take_sample(GstAppSink* sink, Take take) {
  GstSample* sample = gst_app_sink_pull_sample(sink);
  if (!sample) return GST_FLOW_EOS;
  take(sample);
  gst_sample_unref(sample);
  return GST_FLOW_OK;
}

constexpr double least_value = -2000, bin_width = 0.2;

}  // namespace

void Distribution::add(double value) {
  const double bin = (value - least_value) / bin_width;
  ++bins_[std::size_t(std::clamp(bin, 0.0, double(bins_.size() - 1)))];
  most_ = count_ == 0 ? value : std::max(most_, value);
  last_ = value;
  ++count_;
  if (value > 0) ++above_zero_;
}

double Distribution::percentile(double share) const {
  // As many values may lie above.
  int above = count_ - 1 - std::min(count_ - 1, int(double(count_) * share));
  for (std::size_t bin = bins_.size(); count_ > 0 && bin-- > 0;) {
    above -= bins_[bin];
    if (above < 0) return std::min(most_, least_value + bin_width * double(bin + 1));
  }
  return 0;
}

std::shared_ptr<const DriverFrames> load_frames(const LiveOptions& options) {
  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_I420, guint(options.width), guint(options.height));
  std::vector<Owned<GstBuffer>> read;
  if (options.clip.empty()) {
    for (int i = 0; i < 32; ++i) read.push_back(drawn_frame(info, i));
  } else {
    read = frames_of_clip(options);
  }
  auto frames = std::make_shared<DriverFrames>();
  frames->width = options.width;
  frames->height = options.height;
  for (const auto& frame : read) {
    frames->plain.push_back(with_corner(frame.get(), info, false));
    if (options.flashes) frames->marked.push_back(with_corner(frame.get(), info, true));
  }
  return frames;
}

LiveStream::LiveStream(const LiveOptions& options, std::shared_ptr<const DriverFrames> frames)
    : options_(options), frames_(frames ? std::move(frames) : load_frames(options)) {
  const std::string sync = options.sync ? "true" : "false";
  std::string text =
      "appsrc name=video-in is-live=true format=time caps=\"" +
      caps_of(frames_->width, frames_->height, options.frames_per_second) +
      "\" max-buffers=0 max-bytes=0 max-time=0 ! " + options.chain +
      " ! appsink name=video-out qos=true max-lateness=20000000 emit-signals=false sync=" + sync;
  if (options.audio) {
    text +=
        " appsrc name=audio-in is-live=true format=time max-bytes=0 "
        "caps=audio/x-raw,format=S16LE,layout=interleaved,channels=1,rate=48000 ! queue ! appsink name=audio-out "
        "sync=" +
        sync;
  }
  pipeline_ = parse(text);
  const auto get = [this](const char* name) {
    return Owned<GstElement>(gst_bin_get_by_name(GST_BIN(pipeline_.get()), name));
  };
  video_in_ = get("video-in"), audio_in_ = get("audio-in"), video_out_ = get("video-out"),
  audio_out_ = get("audio-out");

  Owned<GstPad> pad(gst_element_get_static_pad(video_out_.get(), "sink"));
  gst_pad_add_probe(
      pad.get(), GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad*, GstPadProbeInfo* info, gpointer data) {
        auto* self = static_cast<LiveStream*>(data);
        const GstClockTime latency = gst_base_sink_get_latency(GST_BASE_SINK(self->video_out_.get()));
        const double lateness = milliseconds(
            GST_CLOCK_DIFF(GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info)), self->running_time_now()));
        const std::lock_guard lock(self->mutex_);
        self->lateness_.add(lateness);
        // A sink has no latency before its first frame has come; that frame waits until there is one.
        if (!GST_CLOCK_TIME_IS_VALID(self->first_latency_)) return GST_PAD_PROBE_OK;
        self->excess_.add(lateness - milliseconds(GstClockTimeDiff(latency)));
        return GST_PAD_PROBE_OK;
      },
      this, nullptr);

  GstAppSinkCallbacks video{}, audio{};
  video.new_sample = [](GstAppSink* sink, gpointer data) {
    auto* self = static_cast<LiveStream*>(data);
    return take_sample(sink, [self, sink](GstSample* sample) {
      const GstClockTime now = self->running_time_now();
      const bool marked = self->options_.flashes && is_marked_picture(sample);
      const std::lock_guard lock(self->mutex_);
      if (self->shown_++ == 0) {
        self->first_latency_ = gst_base_sink_get_latency(GST_BASE_SINK(sink));
        self->excess_.add(self->lateness_.most() - milliseconds(GstClockTimeDiff(self->first_latency_)));
        self->first_shown_ = g_get_monotonic_time();
        self->first_shown_at_ = now;
      } else {
        self->longest_freeze_ = std::max(self->longest_freeze_, now - self->last_shown_at_);
      }
      self->last_shown_at_ = now;
      if (marked) self->flashes_.push_back({GST_BUFFER_PTS(gst_sample_get_buffer(sample)), now});
    });
  };
  audio.new_sample = [](GstAppSink* sink, gpointer data) {
    auto* self = static_cast<LiveStream*>(data);
    return take_sample(sink, [self, sink](GstSample* sample) {
      const GstClockTime now = self->running_time_now(),
                         latency = gst_base_sink_get_latency(GST_BASE_SINK(sink));
      const bool marked = is_beep(sample);
      const std::lock_guard lock(self->mutex_);
      if (marked) self->beeps_.push_back({GST_BUFFER_PTS(gst_sample_get_buffer(sample)), now});
      auto& latencies = self->audio_latencies_;
      if (latencies.empty() || latencies.back().second != latency) latencies.emplace_back(now, latency);
    });
  };
  gst_app_sink_set_callbacks(GST_APP_SINK(video_out_.get()), &video, this, nullptr);
  if (audio_out_) gst_app_sink_set_callbacks(GST_APP_SINK(audio_out_.get()), &audio, this, nullptr);
}

LiveStream::~LiveStream() {
  ending_ = true;
  for (std::thread& thread : threads_) thread.join();
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

void LiveStream::set_frames(std::shared_ptr<const DriverFrames> frames) {
  const std::lock_guard lock(mutex_);
  frames_ = std::move(frames);
}

void LiveStream::count_anew() {
  const std::lock_guard lock(mutex_);
  lateness_ = {};
  excess_ = {};
}

GstClockTime LiveStream::running_time_now() const {
  Owned<GstClock> clock(gst_element_get_clock(pipeline_.get()));
  return clock ? gst_clock_get_time(clock.get()) - gst_element_get_base_time(pipeline_.get()) : 0;
}

bool LiveStream::wait_until(GstClockTime running_time) {
  while (!ending_) {
    const GstClockTime now = running_time_now();
    if (now >= running_time) return true;
    g_usleep(gulong(std::min<GstClockTime>(running_time - now, 20 * GST_MSECOND) / GST_USECOND));
  }
  return false;
}

GstClockTime LiveStream::skip_to(GstClockTime running_time) const {
  const GstClockTime now = running_time_now();
  return now > running_time + GST_SECOND ? now : 0;
}

void LiveStream::push_video() {
  std::shared_ptr<const DriverFrames> frames;
  for (int number = 0; wait_until(time_of_frame(number, options_.frames_per_second)); ++number) {
    const GstClockTime present = skip_to(time_of_frame(number, options_.frames_per_second));
    number = std::max(number,
                      int(gst_util_uint64_scale_int(present, options_.frames_per_second, int(GST_SECOND))));
    const bool marked =
        options_.flashes && is_flash(time_of_frame(number, options_.frames_per_second), options_.flash_every);
    std::shared_ptr<const DriverFrames> before = std::move(frames);
    {
      const std::lock_guard lock(mutex_);
      frames = frames_;
    }
    if (before && (before->width != frames->width || before->height != frames->height)) {
      Owned<GstCaps> caps(
          gst_caps_from_string(caps_of(frames->width, frames->height, options_.frames_per_second).c_str()));
      gst_app_src_set_caps(GST_APP_SRC(video_in_.get()), caps.get());
    }
    // To and fro, so that the face never jumps.
    const int count = int(frames->plain.size()), at = count > 1 ? number % (2 * count - 2) : 0;
    const auto index = std::size_t(at < count ? at : 2 * count - 2 - at);
    GstBuffer* buffer = gst_buffer_copy((marked ? frames->marked : frames->plain)[index].get());
    GST_BUFFER_PTS(buffer) = time_of_frame(number, options_.frames_per_second);
    GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
    GST_BUFFER_DURATION(buffer) =
        time_of_frame(number + 1, options_.frames_per_second) - GST_BUFFER_PTS(buffer);
    ++pushed_;
    if (gst_app_src_push_buffer(GST_APP_SRC(video_in_.get()), buffer) != GST_FLOW_OK) return;
  }
}

void LiveStream::push_audio() {
  for (guint64 number = 0; wait_until(number * audio_duration); ++number) {
    number = std::max(number, skip_to(number * audio_duration) / audio_duration);
    const GstClockTime time = number * audio_duration;
    Owned<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, audio_samples * sizeof(gint16), nullptr));
    GstMapInfo map;
    gst_buffer_map(buffer.get(), &map, GST_MAP_WRITE);
    auto* samples = reinterpret_cast<gint16*>(map.data);
    const bool beep = options_.flashes && is_flash(time, options_.flash_every);
    for (int i = 0; i < audio_samples; ++i) samples[i] = beep ? (i / 24 % 2 ? 16000 : -16000) : 0;
    gst_buffer_unmap(buffer.get(), &map);
    GST_BUFFER_PTS(buffer.get()) = time;
    GST_BUFFER_DURATION(buffer.get()) = audio_duration;
    if (gst_app_src_push_buffer(GST_APP_SRC(audio_in_.get()), buffer.release()) != GST_FLOW_OK) return;
  }
}

void LiveStream::start() {
  started_ = g_get_monotonic_time();
  if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
    report_.error = "the pipeline does not play";
    return;
  }
  gst_element_get_state(pipeline_.get(), nullptr, nullptr, 0);
  // Everything in the pipeline runs on the clock from here on.
  while (GST_STATE(pipeline_.get()) != GST_STATE_PLAYING &&
         g_get_monotonic_time() - started_ < 30 * G_USEC_PER_SEC) {
    run(0.02);
    if (!report_.error.empty()) return;
    if (Owned<GstClock> clock(gst_element_get_clock(pipeline_.get()));
        clock && GST_STATE(video_in_.get()) == GST_STATE_PLAYING)
      break;
  }
  started_ = g_get_monotonic_time();
  threads_.emplace_back([this] { push_video(); });
  if (audio_in_) threads_.emplace_back([this] { push_audio(); });
}

void LiveStream::serve(GstMessage* message) {
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_ERROR: {
      GError* error = nullptr;
      gst_message_parse_error(message, &error, nullptr);
      report_.error = error->message;
      g_error_free(error);
      break;
    }
    case GST_MESSAGE_LATENCY: {
      GstElementFactory* factory =
          GST_IS_ELEMENT(message->src) ? gst_element_get_factory(GST_ELEMENT(message->src)) : nullptr;
      if (factory && g_str_has_prefix(GST_OBJECT_NAME(factory), "reenact")) {
        messages_.push_back(GstClockTime(g_get_monotonic_time()) * GST_USECOND);
        ++report_.messages_by[GST_MESSAGE_SRC_NAME(message)];
      }
      gst_bin_recalculate_latency(GST_BIN(pipeline_.get()));
      break;
    }
    case GST_MESSAGE_QOS:
      ++report_.dropped[GST_MESSAGE_SRC_NAME(message)];
      break;
    default:
      break;
  }
}

void LiveStream::run(double seconds, const std::function<void(double)>& each_turn) {
  Owned<GstBus> bus(gst_element_get_bus(pipeline_.get()));
  const gint64 end = g_get_monotonic_time() + gint64(seconds * G_USEC_PER_SEC);
  while (report_.error.empty() && g_get_monotonic_time() < end) {
    if (Owned<GstMessage> message(gst_bus_timed_pop(bus.get(), 20 * GST_MSECOND)); message)
      serve(message.get());
    if (each_turn) each_turn(double(g_get_monotonic_time() - started_) / G_USEC_PER_SEC);
  }
}

LiveReport LiveStream::stop() {
  ending_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  LiveReport report = report_;
  if (Owned<GstElement> watched(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "r"));
      watched && g_object_class_find_property(G_OBJECT_GET_CLASS(watched.get()), "stats")) {
    GstStructure* stats = nullptr;
    g_object_get(watched.get(), "stats", &stats, nullptr);
    gchar* text = gst_structure_to_string(stats);
    report.stats = text;
    g_free(text);
    gst_structure_free(stats);
  }
  GstStructure* sink_stats = gst_base_sink_get_stats(GST_BASE_SINK(video_out_.get()));
  guint64 dropped = 0;
  gst_structure_get_uint64(sink_stats, "dropped", &dropped);
  gst_structure_free(sink_stats);
  report.dropped_at_sink = int(dropped);
  report.latency = milliseconds(GstClockTimeDiff(gst_base_sink_get_latency(GST_BASE_SINK(video_out_.get()))));
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);

  const std::lock_guard lock(mutex_);
  report.pushed = pushed_;
  report.shown = shown_;
  if (GST_CLOCK_TIME_IS_VALID(first_latency_))
    report.first_latency = milliseconds(GstClockTimeDiff(first_latency_));
  report.lateness_p50 = lateness_.percentile(0.5);
  report.lateness_p99 = lateness_.percentile(0.99);
  report.lateness_max = lateness_.most();
  report.behind = lateness_.last();
  report.arrived = excess_.count();
  report.excess_p99 = excess_.percentile(0.99);
  report.excess_max = excess_.most();
  report.later_than_latency = excess_.above_zero();
  report.longest_freeze = milliseconds(GstClockTimeDiff(longest_freeze_));
  report.first_shown = double(first_shown_ - started_) / 1000;
  report.latency_messages = int(messages_.size());
  for (const GstClockTime time : messages_)
    if (time > GstClockTime(first_shown_) * GST_USECOND + settling) ++report.late_latency_messages;
  const GstClockTime settled = first_shown_at_ + settling;
  for (std::size_t i = 1; i < audio_latencies_.size(); ++i) {
    if (audio_latencies_[i].first > settled)
      report.latency_jump = std::max(
          report.latency_jump,
          std::abs(milliseconds(GST_CLOCK_DIFF(audio_latencies_[i - 1].second, audio_latencies_[i].second))));
  }
  double sum = 0;
  for (const Mark& picture : flashes_) {
    const auto beep = std::find_if(beeps_.begin(), beeps_.end(), [&](const Mark& sound) {
      return (sound.time + GST_MSECOND) / options_.flash_every ==
             (picture.time + GST_MSECOND) / options_.flash_every;
    });
    if (beep == beeps_.end()) continue;
    const double offset = milliseconds(GST_CLOCK_DIFF(beep->at, picture.at));
    ++report.flashes;
    report.offsets.push_back(offset);
    sum += offset;
    report.offset_worst = std::max(report.offset_worst, std::abs(offset));
  }
  report.offset_mean = report.flashes ? sum / report.flashes : 0;
  return report;
}

std::string to_text(const LiveReport& report) {
  std::ostringstream out;
  out.precision(1);
  out << std::fixed << "frames: " << report.pushed << " pushed, " << report.shown << " shown, "
      << report.dropped_at_sink << " dropped at the sink";
  for (const auto& [name, count] : report.dropped) out << ", " << count << " QoS messages of " << name;
  out << "\nlatency: " << report.first_latency << " ms at the first frame, " << report.latency
      << " ms at the end; arrival after the frame's time p50 " << report.lateness_p50 << ", p99 "
      << report.lateness_p99 << ", most " << report.lateness_max << " ms; beyond the latency then p99 "
      << report.excess_p99 << ", most " << report.excess_max << " ms; later than the latency "
      << report.later_than_latency << " of " << report.arrived
      << "\nlongest freeze: " << report.longest_freeze << " ms; first picture after " << report.first_shown
      << " ms; last picture " << report.behind << " ms after its time"
      << "\nlatency messages: " << report.latency_messages << ", " << report.late_latency_messages
      << " after the first 200 ms; largest jump of the audio after them " << report.latency_jump << " ms"
      << "\nflash after beep: " << report.flashes << " seen, mean " << report.offset_mean << ", worst "
      << report.offset_worst << " ms\n";
  for (const auto& [name, count] : report.messages_by)
    out << "latency messages of " << name << ": " << count << "\n";
  if (!report.stats.empty()) out << "stats: " << report.stats << "\n";
  if (!report.error.empty()) out << "error: " << report.error << "\n";
  return out.str();
}

}  // namespace reenact::soak
