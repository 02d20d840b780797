// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media/clip_writer.h"

#include <fcntl.h>
#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <mutex>
#include <queue>
#include <string>

#include "media/gstreamer.h"
#include "media/picture_file.h"
#include "reenact/error.h"
#include "reenact/temporary_name.h"

namespace reenact {
namespace fs = std::filesystem;
using media::make_element;

namespace {

struct Container {
  const char* ending;
  const char* muxer;
  bool one_rate;
};

constexpr Container containers[] = {{".mp4", "mp4mux", false},
                                    {".m4v", "mp4mux", false},
                                    {".mov", "qtmux", false},
                                    {".mkv", "matroskamux", false},
                                    {".avi", "avimux", true}};

const Container* container_of(const fs::path& path) {
  const std::string ending = lower_extension(path);
  for (const auto& container : containers)
    if (ending == container.ending) return &container;
  return nullptr;
}

/// Gives packets the times of their frames, which come out in the order they went in: an encoder rounds times to the ticks
/// that its format counts in, or makes its own.
class PacketTimes {
 public:
  void push(std::int64_t time, std::int64_t duration) {
    const std::scoped_lock lock(mutex_);
    frames_.push({static_cast<GstClockTime>(time), static_cast<GstClockTime>(duration)});
  }
  /// How many packets came out.
  std::int64_t packets() const {
    const std::scoped_lock lock(mutex_);
    return packets_;
  }
  void watch(GstPad* encoded) {
    gst_pad_add_probe(encoded, GST_PAD_PROBE_TYPE_BUFFER, packet_comes, this, nullptr);
  }

 private:
  struct Frame {
    GstClockTime time, duration;
  };
  static GstPadProbeReturn packet_comes(GstPad* pad, GstPadProbeInfo* info, gpointer self) {
    auto* times = static_cast<PacketTimes*>(self);
    const std::scoped_lock lock(times->mutex_);
    ++times->packets_;
    if (times->frames_.empty()) return GST_PAD_PROBE_OK;
    const auto frame = times->frames_.front();
    times->frames_.pop();
    GstEvent* event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
    const GstSegment* segment = nullptr;
    if (event) gst_event_parse_segment(event, &segment);
    auto* packet = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
    GST_BUFFER_PTS(packet) =
        segment ? gst_segment_position_from_running_time(segment, GST_FORMAT_TIME, frame.time) : frame.time;
    GST_BUFFER_DTS(packet) = GST_BUFFER_PTS(packet);
    GST_BUFFER_DURATION(packet) = frame.duration;
    GST_PAD_PROBE_INFO_DATA(info) = packet;
    if (event) gst_event_unref(event);
    return GST_PAD_PROBE_OK;
  }

  mutable std::mutex mutex_;
  std::queue<Frame> frames_;
  std::int64_t packets_ = 0;
};

}  // namespace

struct ClipWriter::Private {
  fs::path path, temporary;
  double frame_rate;
  const Container* container;
  PacketTimes times;
  media::Pipeline pipeline;
  GstElement* source = nullptr;
  cv::Size size;
  std::int64_t frames = 0;
  std::int64_t first_timestamp = 0;
  // The last frame waits for the next one, which tells how long it is shown.
  Owned<GstBuffer> waiting;
  std::int64_t waiting_time = 0, waiting_duration = 0;

  Private(fs::path target, double rate)
      : path(std::move(target)),
        temporary(temporary_name_for(path)),
        frame_rate(rate),
        container(container_of(path)) {}

  void open(cv::Size frame_size);
  GstElement* add_encoder();
  void push_waiting();
  void check_messages(GstClockTime patience);
  [[noreturn]] void fail(const std::string& reason) const {
    throw Error(ErrorCode::unreadable, "cannot write '" + path.string() + "': " + reason);
  }
};

GstElement* ClipWriter::Private::add_encoder() {
  if (container->one_rate) {
    GstElement* encoder = make_element("jpegenc");
    g_object_set(encoder, "quality", 95, nullptr);
    return pipeline.add(encoder);
  }
  GstElement* encoder = make_element("avenc_mpeg4");
  gst_util_set_object_arg(G_OBJECT(encoder), "pass", "quant");
  g_object_set(encoder, "quantizer", 3.0f, nullptr);
  return pipeline.add(encoder);
}

void ClipWriter::Private::open(cv::Size frame_size) {
  size = frame_size;
  std::error_code error;
  if (!path.parent_path().empty()) fs::create_directories(path.parent_path(), error);
  // GStreamer's own words about a folder that is missing or not writable do not say why.
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) fail(std::strerror(errno));
  ::close(descriptor);

  source = pipeline.add(make_element("appsrc"));
  GstElement* converter = pipeline.add(make_element("videoconvert"));
  GstElement* format = pipeline.add(make_element("capsfilter"));
  GstElement* encoder = add_encoder();
  GstElement* muxer = pipeline.add(make_element(container->muxer));
  GstElement* file = pipeline.add(make_element("filesink"));

  // Times inside MPEG-4 count in ticks of the rate that the encoder is told, of which it takes up to 65535 a second.
  gint rate = 60000, per_seconds = 1;
  if (container->one_rate) gst_util_double_to_fraction(frame_rate, &rate, &per_seconds);
  const Owned<GstCaps> caps(gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "RGB", "width",
                                                G_TYPE_INT, size.width, "height", G_TYPE_INT, size.height,
                                                "framerate", GST_TYPE_FRACTION, rate, per_seconds,
                                                "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, nullptr));
  g_object_set(source, "caps", caps.get(), "format", GST_FORMAT_TIME, "max-bytes", guint64{0}, nullptr);
  const Owned<GstCaps> stored(gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "I420", nullptr));
  // JPEG has the full range and BT.601 by definition.
  if (container->one_rate)
    gst_caps_set_simple(stored.get(), "colorimetry", G_TYPE_STRING, "1:4:0:0", nullptr);
  g_object_set(format, "caps", stored.get(), nullptr);
  g_object_set(file, "location", temporary.c_str(), "async", FALSE, nullptr);

  constexpr int ticks =
      240000;  // whole numbers of them make a frame at 24, 25, 30, 50, 60 a second and 1000/1001 of these
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(muxer), "movie-timescale"))
    g_object_set(muxer, "movie-timescale", ticks, nullptr);
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(muxer), "timecodescale"))
    // A block tells its time since the cluster's in 16 bits.
    g_object_set(muxer, "timecodescale", gint64{10 * GST_USECOND}, "max-cluster-duration",
                 gint64{300 * GST_MSECOND}, "min-cluster-duration", gint64{100 * GST_MSECOND}, nullptr);
  if (!gst_element_link_many(source, converter, format, encoder, muxer, file, nullptr))
    throw Error(ErrorCode::unsupported, "cannot write '" + path.string() +
                                            "': GStreamer's encoder and container do not fit each other");
  const Owned<GstPad> output(gst_element_get_static_pad(encoder, "src"));
  times.watch(output.get());
  const Owned<GstPad> track(gst_pad_get_peer(output.get()));
  if (track && g_object_class_find_property(G_OBJECT_GET_CLASS(track.get()), "trak-timescale"))
    g_object_set(track.get(), "trak-timescale", ticks, nullptr);
  pipeline.set_state(GST_STATE_PLAYING);
}

void ClipWriter::Private::check_messages(GstClockTime patience) {
  if (const auto message = pipeline.wait(GST_MESSAGE_ERROR, patience)) {
    const std::string reason = media::sentence_of(message.get());
    fail(reason);
  }
}

void ClipWriter::Private::push_waiting() {
  constexpr guint64 most_bytes = 64 << 20;
  constexpr GstClockTime patience = 2 * GST_MSECOND;
  GST_BUFFER_PTS(waiting.get()) = static_cast<GstClockTime>(waiting_time);
  GST_BUFFER_DURATION(waiting.get()) = static_cast<GstClockTime>(waiting_duration);
  times.push(waiting_time, waiting_duration);
  check_messages(0);
  // Not by appsrc's own blocking, which would never end after an error.
  while (gst_app_src_get_current_level_bytes(GST_APP_SRC(source)) > most_bytes) check_messages(patience);
  gst_app_src_push_buffer(GST_APP_SRC(source), waiting.release());
  ++frames;
}

bool ClipWriter::writes(const fs::path& path) {
  return container_of(path) != nullptr;
}

ClipWriter::ClipWriter(const fs::path& path, double frame_rate) {
  if (!writes(path))
    throw Error(ErrorCode::unsupported,
                "cannot write '" + path.string() + "', wanted a clip .mp4, .m4v, .mov, .mkv or .avi");
  constexpr double lowest = 0.1, highest = 1000;
  if (!(std::isfinite(frame_rate) && frame_rate > 0) ||
      (container_of(path)->one_rate && (frame_rate < lowest || frame_rate > highest)))
    throw Error(ErrorCode::invalid, "cannot write '" + path.string() + "' at " + std::to_string(frame_rate) +
                                        " frames a second, wanted 0.1 to 1000");
  p_ = std::make_unique<Private>(path, frame_rate);
}

ClipWriter::~ClipWriter() {
  if (!p_) return;
  p_->pipeline.set_state(GST_STATE_NULL);
  std::error_code error;
  if (p_->source) fs::remove(p_->temporary, error);
}

void ClipWriter::add(const cv::Mat& rgb, std::int64_t timestamp) {
  auto& p = *p_;
  if (rgb.type() != CV_8UC3 || rgb.empty())
    throw Error(ErrorCode::invalid,
                "'" + p.path.string() + "' is a clip and takes RGB pictures of 8 bits, wanted nothing else");
  if (!p.source) {
    p.open(rgb.size());
    p.first_timestamp = timestamp;
  }
  if (rgb.size() != p.size)
    throw Error(ErrorCode::invalid, "'" + p.path.string() + "' is a clip, wanted all pictures of one size");
  constexpr std::int64_t least_duration = 20'000;  // more than a tick of MPEG-4
  std::int64_t time = timestamp - p.first_timestamp;
  if (p.container->one_rate) {
    const double due = static_cast<double>(p.frames + (p.waiting ? 1 : 0)) * 1e9 / p.frame_rate;
    if (std::abs(static_cast<double>(time) - due) > 0.5e9 / p.frame_rate)
      throw Error(ErrorCode::invalid,
                  "'" + p.path.string() + "' can hold one frame rate only and a frame comes at " +
                      std::to_string(static_cast<double>(time) / 1e9) + " s where " +
                      std::to_string(due / 1e9) + " s was its turn, wanted .mp4, .mov or .mkv");
    time = std::llround(due);
  }
  if (p.waiting) {
    time = std::max(time, p.waiting_time + least_duration);
    p.waiting_duration = time - p.waiting_time;
    p.push_waiting();
  }
  // Rows of RGB video begin at multiples of four bytes.
  const auto width = static_cast<std::size_t>(rgb.cols) * 3, stride = (width + 3) / 4 * 4;
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, stride * static_cast<std::size_t>(rgb.rows), nullptr);
  GstMapInfo map;
  if (!buffer || !gst_buffer_map(buffer, &map, GST_MAP_WRITE)) p.fail("no memory for a frame");
  for (int y = 0; y < rgb.rows; ++y)
    std::memcpy(map.data + static_cast<std::size_t>(y) * stride, rgb.ptr(y), width);
  gst_buffer_unmap(buffer, &map);
  p.waiting.reset(buffer);
  p.waiting_time = time;
}

void ClipWriter::finish() {
  auto& p = *p_;
  if (!p.waiting) return;
  p.waiting_duration = std::llround(1e9 / p.frame_rate);
  p.push_waiting();
  gst_app_src_end_of_stream(GST_APP_SRC(p.source));
  const auto message =
      p.pipeline.wait(static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_EOS), GST_CLOCK_TIME_NONE);
  if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR) p.fail(media::sentence_of(message.get()));
  p.pipeline.set_state(GST_STATE_NULL);
  if (p.times.packets() != p.frames)
    p.fail("of " + std::to_string(p.frames) + " pictures " + std::to_string(p.times.packets()) +
           " were encoded");
  const int descriptor = ::open(p.temporary.c_str(), O_RDONLY | O_CLOEXEC);
  const int synced = descriptor < 0 ? -1 : ::fsync(descriptor), reason = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (synced != 0) p.fail(std::strerror(reason));
  std::error_code error;
  fs::rename(p.temporary, p.path, error);
  if (error) p.fail(error.message());
}

}  // namespace reenact
