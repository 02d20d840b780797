// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/bench_elements.h"

#include <gst/gst.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <opencv2/imgproc.hpp>
#include <stdexcept>
#include <thread>
#include <utility>

#include "bench/largest_that_holds.h"
#include "bench/timing_statistics.h"

namespace reenact::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Unreference {
  void operator()(GstElement* element) const { gst_object_unref(element); }
  void operator()(GstBuffer* buffer) const { gst_buffer_unref(buffer); }
  void operator()(GstMessage* message) const { gst_message_unref(message); }
  void operator()(GstBus* bus) const { gst_object_unref(bus); }
};
template <typename T>
using Owned = std::unique_ptr<T, Unreference>;

std::string in_quotes(const std::filesystem::path& path) {
  return "\"" + path.string() + "\"";
}

std::string description(const ElementsRun& run) {
  const std::string format =
      "video/x-raw,format=I420,width=" + std::to_string(run.width) + ",height=" + std::to_string(run.height);
  const std::string source = run.clip.empty()
                                 ? "appsrc name=source format=time block=true max-buffers=2 caps=" + format +
                                       ",framerate=30/1,pixel-aspect-ratio=1/1"
                                 : "filesrc location=" + in_quotes(run.clip) +
                                       " ! decodebin ! videoconvert ! videoscale ! " + format;
  return source + " ! reenactbin name=reenact model-file=" + in_quotes(run.reenactor) +
         " detector-file=" + in_quotes(run.detector) + " identity-file=" + in_quotes(run.identity) +
         " device=" + run.device + " ! " + format + " ! fakesink name=sink sync=false signal-handoffs=true";
}

Owned<GstElement> launch(const ElementsRun& run) {
  GError* error = nullptr;
  Owned<GstElement> pipeline(gst_parse_launch(description(run).c_str(), &error));
  if (error) {
    const std::string message = error->message;
    g_error_free(error);
    throw std::runtime_error("the pipeline cannot be made (is build/gst in GST_PLUGIN_PATH?): " + message);
  }
  Owned<GstElement> bin(gst_bin_get_by_name(GST_BIN(pipeline.get()), "reenact"));
  gst_child_proxy_set(GST_CHILD_PROXY(bin.get()), "crop::detect-interval", run.detect_interval,
                      "crop::detect-size", run.detect_size, "crop::threads", run.threads, "pose::threads",
                      run.threads, "generator::threads", run.threads, nullptr);
  // Of the faces that random weights see, the one in the middle.
  const Owned<GstElement> crop(gst_bin_get_by_name(GST_BIN(bin.get()), "crop"));
  if (run.clip.empty()) gst_util_set_object_arg(G_OBJECT(crop.get()), "face-select", "center");
  return pipeline;
}

std::vector<Owned<GstBuffer>> buffers_of(const std::vector<cv::Mat>& frames) {
  std::vector<Owned<GstBuffer>> buffers;
  for (const cv::Mat& frame : frames) {
    cv::Mat planes;
    cv::cvtColor(frame, planes, cv::COLOR_RGB2YUV_I420);
    const gsize size = planes.total() * planes.elemSize();
    buffers.emplace_back(gst_buffer_new_memdup(planes.data, size));
  }
  return buffers;
}

/// Pushes frames again and again, as long as the pipeline takes them and `wants` says so of their number.
void push_frames(GstElement* source, const ElementsRun& run, const std::function<bool(int)>& wants) {
  const std::vector<Owned<GstBuffer>> buffers = buffers_of(run.frames);
  GstFlowReturn flow = GST_FLOW_OK;
  for (int i = 0; flow == GST_FLOW_OK && wants(i); ++i) {
    Owned<GstBuffer> frame(gst_buffer_copy(buffers[i % buffers.size()].get()));
    GST_BUFFER_PTS(frame.get()) = gst_util_uint64_scale_int(i, GST_SECOND, 30);
    GST_BUFFER_DURATION(frame.get()) = GST_SECOND / 30;
    g_signal_emit_by_name(source, "push-buffer", frame.get(), &flow);
  }
  g_signal_emit_by_name(source, "end-of-stream", &flow);
}

double milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

/// A pipeline that plays from its making to its end, and when its frames came out.
class PlayingPipeline {
 public:
  PlayingPipeline(const ElementsRun& run, std::function<bool(int)> wants_frame)
      : wants_frame_(std::move(wants_frame)), pipeline_(launch(run)) {
    out_.reserve(run.warm_up + run.counted);
    const Owned<GstElement> sink(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "sink"));
    g_signal_connect(sink.get(), "handoff", G_CALLBACK(handed_off), this);
    begin_ = Clock::now();
    gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
    if (!run.clip.empty()) return;
    source_.reset(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "source"));
    pushing_ = std::thread([this, &run] { push_frames(source_.get(), run, wants_frame_); });
  }
  ~PlayingPipeline() { stop(); }
  PlayingPipeline(const PlayingPipeline&) = delete;
  PlayingPipeline& operator=(const PlayingPipeline&) = delete;

  /// Waits so long for the end of the stream, and returns whether it has come. Throws std::runtime_error with
  /// what went wrong instead.
  bool at_end(GstClockTime wait) {
    const Owned<GstBus> bus(gst_element_get_bus(pipeline_.get()));
    const Owned<GstMessage> message(
        gst_bus_timed_pop_filtered(bus.get(), wait, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
    if (!message) return false;
    if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS) return true;
    GError* error = nullptr;
    gst_message_parse_error(message.get(), &error, nullptr);
    const std::string text = error->message;
    g_error_free(error);
    throw std::runtime_error("the pipeline failed: " + text);
  }
  void stop() {
    gst_element_set_state(pipeline_.get(), GST_STATE_NULL);  // a push that waits for room returns now
    if (pushing_.joinable()) pushing_.join();
  }
  Clock::time_point begin() const { return begin_; }
  int frames_so_far() const { return frames_; }
  /// When each frame came out; to be read after stop().
  const std::vector<Clock::time_point>& out() const { return out_; }

 private:
  static void handed_off(GstElement*, GstBuffer*, GstPad*, gpointer self) {
    auto& pipeline = *static_cast<PlayingPipeline*>(self);
    // From the first face on it is followed, and searched as in a live pipeline.
    if (pipeline.frames_ == 0) {
      const Owned<GstElement> crop(gst_bin_get_by_name(GST_BIN(pipeline.pipeline_.get()), "crop"));
      gst_util_set_object_arg(G_OBJECT(crop.get()), "face-select", "track");
      gst_util_set_object_arg(G_OBJECT(crop.get()), "background-search", "always");
    }
    pipeline.out_.push_back(Clock::now());
    ++pipeline.frames_;
  }

  std::function<bool(int)> wants_frame_;
  Owned<GstElement> pipeline_, source_;
  std::vector<Clock::time_point> out_;
  std::atomic<int> frames_ = 0;
  Clock::time_point begin_;
  std::thread pushing_;
};

/// Frames a second of each of `count` pipelines that run at once, while all of them do.
std::vector<double> fps_of_streams(const ElementsRun& run, int count) {
  std::atomic<bool> running =
      true;  // fast ones go on until the slowest has its frames, so that all meet the same load
  std::vector<std::unique_ptr<PlayingPipeline>> streams;
  struct Stop {
    std::atomic<bool>& running;
    ~Stop() { running = false; }
  } stop{running};
  for (int i = 0; i < count; ++i)
    streams.push_back(std::make_unique<PlayingPipeline>(run, [&running](int) { return running.load(); }));
  for (const auto& stream : streams) {
    while (stream->frames_so_far() < run.warm_up + run.counted) {
      if (stream->at_end(10 * GST_MSECOND)) throw std::runtime_error("a pipeline ended before its time");
    }
  }
  running = false;
  for (const auto& stream : streams) stream->stop();
  Clock::time_point first = Clock::time_point::min(), last = Clock::time_point::max();
  for (const auto& stream : streams) {
    first = std::max(first, stream->out()[run.warm_up - 1]);
    last = std::min(last, stream->out().back());
  }
  if (last <= first) return std::vector<double>(count, 0.0);  // one stood still while others were warming up
  std::vector<double> rates;
  for (const auto& stream : streams) {
    const auto& out = stream->out();
    const auto frames =
        std::upper_bound(out.begin(), out.end(), last) - std::upper_bound(out.begin(), out.end(), first);
    rates.push_back(1000 * static_cast<double>(frames) / milliseconds(last - first));
  }
  return rates;
}

}  // namespace

nlohmann::ordered_json run_elements(const ElementsRun& run) {
  gst_init(nullptr, nullptr);
  PlayingPipeline pipeline(run, [&run](int frame) { return frame < run.warm_up + run.counted; });
  pipeline.at_end(GST_CLOCK_TIME_NONE);
  pipeline.stop();
  const std::vector<Clock::time_point>& out = pipeline.out();
  if (static_cast<int>(out.size()) < run.warm_up + 2) {
    throw std::runtime_error("only " + std::to_string(out.size()) + " frames came out of the pipeline");
  }

  const std::size_t last = std::min<std::size_t>(out.size(), run.warm_up + run.counted) - 1;
  std::vector<double> intervals;
  for (std::size_t i = run.warm_up; i <= last; ++i) intervals.push_back(milliseconds(out[i] - out[i - 1]));
  nlohmann::ordered_json line;
  line["median_ms"] = rounded(quantile(intervals, 0.5));
  line["p95_ms"] = rounded(quantile(intervals, 0.95));
  line["fps"] =
      rounded(1000 * static_cast<double>(intervals.size()) / milliseconds(out[last] - out[run.warm_up - 1]));
  line["first_frame_ms"] = rounded(milliseconds(out.front() - pipeline.begin()));
  line["frames"] = intervals.size();
  return line;
}

nlohmann::ordered_json run_streams(const ElementsRun& run, int most) {
  gst_init(nullptr, nullptr);
  std::map<int, std::vector<double>> rates;
  nlohmann::ordered_json tried = nlohmann::ordered_json::array();
  const int held = largest_that_holds(most, [&](int count) {
    rates[count] = fps_of_streams(run, count);
    const double slowest = *std::min_element(rates[count].begin(), rates[count].end());
    tried.push_back({{"streams", count}, {"fps", rounded(slowest)}});
    return slowest >= stream_frame_rate;
  });
  nlohmann::ordered_json line;
  line["streams"] = held;
  const std::vector<double>& shown = rates.at(std::max(held, 1));
  line["fps"] = rounded(*std::min_element(shown.begin(), shown.end()));
  line["total_fps"] = rounded(std::accumulate(shown.begin(), shown.end(), 0.0));
  line["tried"] = std::move(tried);
  return line;
}

}  // namespace reenact::bench
