// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/bench_elements.h"

#include <gst/gst.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <opencv2/imgproc.hpp>
#include <stdexcept>
#include <thread>

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

void push_frames(GstElement* source, const ElementsRun& run) {
  const std::vector<Owned<GstBuffer>> buffers = buffers_of(run.frames);
  GstFlowReturn flow = GST_FLOW_OK;
  for (int i = 0; i < run.warm_up + run.counted && flow == GST_FLOW_OK; ++i) {
    Owned<GstBuffer> frame(gst_buffer_copy(buffers[i % buffers.size()].get()));
    GST_BUFFER_PTS(frame.get()) = gst_util_uint64_scale_int(i, GST_SECOND, 30);
    GST_BUFFER_DURATION(frame.get()) = GST_SECOND / 30;
    g_signal_emit_by_name(source, "push-buffer", frame.get(), &flow);
  }
  g_signal_emit_by_name(source, "end-of-stream", &flow);
}

/// Waits for the end of the stream; empty, or what went wrong before.
std::string failure_at_end(GstElement* pipeline) {
  Owned<GstBus> bus(gst_element_get_bus(pipeline));
  Owned<GstMessage> message(gst_bus_timed_pop_filtered(bus.get(), GST_CLOCK_TIME_NONE,
                                                       GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
  if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS) return {};
  GError* error = nullptr;
  gst_message_parse_error(message.get(), &error, nullptr);
  const std::string text = error->message;
  g_error_free(error);
  return text;
}

}  // namespace

nlohmann::ordered_json run_elements(const ElementsRun& run) {
  gst_init(nullptr, nullptr);
  const Owned<GstElement> pipeline = launch(run);
  std::vector<Clock::time_point> out;
  out.reserve(run.warm_up + run.counted);
  const Owned<GstElement> sink(gst_bin_get_by_name(GST_BIN(pipeline.get()), "sink"));
  const auto handed_off = +[](GstElement*, GstBuffer*, GstPad*, gpointer times) {
    static_cast<std::vector<Clock::time_point>*>(times)->push_back(Clock::now());
  };
  g_signal_connect(sink.get(), "handoff", G_CALLBACK(handed_off), &out);

  const auto begin = Clock::now();
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  std::thread pushing;
  Owned<GstElement> source;
  if (run.clip.empty()) {
    source.reset(gst_bin_get_by_name(GST_BIN(pipeline.get()), "source"));
    pushing = std::thread([&] { push_frames(source.get(), run); });
  }
  const std::string failure = failure_at_end(pipeline.get());
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);  // a push that waits for room returns now
  if (pushing.joinable()) pushing.join();
  if (!failure.empty()) throw std::runtime_error("the pipeline failed: " + failure);
  if (static_cast<int>(out.size()) < run.warm_up + 2) {
    throw std::runtime_error("only " + std::to_string(out.size()) + " frames came out of the pipeline");
  }

  const auto milliseconds = [](Clock::duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
  };
  const std::size_t last = std::min<std::size_t>(out.size(), run.warm_up + run.counted) - 1;
  std::vector<double> intervals;
  for (std::size_t i = run.warm_up; i <= last; ++i) intervals.push_back(milliseconds(out[i] - out[i - 1]));
  nlohmann::ordered_json line;
  line["median_ms"] = rounded(quantile(intervals, 0.5));
  line["p95_ms"] = rounded(quantile(intervals, 0.95));
  line["fps"] =
      rounded(1000 * static_cast<double>(intervals.size()) / milliseconds(out[last] - out[run.warm_up - 1]));
  line["first_frame_ms"] = rounded(milliseconds(out.front() - begin));
  line["frames"] = intervals.size();
  return line;
}

}  // namespace reenact::bench
