// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/glib.h"

namespace reenact::soak {

/// What a live stream is made of.
struct LiveOptions {
  int frames_per_second = 25;
  int width = 640, height = 480;  ///< of the driver's frames, pixels
  std::string clip;  ///< a clip whose frames drive; empty: a drawn face for the tests' fake networks
  /// What stands between the source and the video sink, in gst-launch's words; an element named `r` is asked for
  /// its property `stats`.
  std::string chain;
  bool sync = true;  ///< whether the sinks wait for the clock
  bool audio = true;
  bool flashes = true;  ///< a white picture and a beep at every full second
};

/// Times are milliseconds.
struct LiveReport {
  int pushed = 0, shown = 0;
  int dropped_at_sink = 0;
  std::map<std::string, int> dropped;      ///< by element, as QoS messages say
  std::map<std::string, int> messages_by;  ///< latency messages by element of ours
  double latency = 0;                      ///< of the pipeline, as configured at the end
  double lateness_p50 = 0, lateness_p99 = 0,
         lateness_max = 0;        ///< arrival at the sink after the frame's time
  int later_than_latency = 0;     ///< frames that arrived after the latency the sink had then
  double excess_p99 = 0;          ///< of arrival beyond the latency the sink had then; below 0: early
  double longest_freeze = 0;      ///< between two pictures shown
  double first_shown = 0;         ///< from PLAYING to the first picture
  int latency_messages = 0;       ///< from elements of ours, all
  int late_latency_messages = 0;  ///< of those, more than 200 ms after the first picture
  double latency_jump = 0;        ///< the largest change of the audio's latency after those 200 ms
  int flashes = 0;                ///< seen with their beep
  double offset_mean = 0;         ///< flash after beep, the mean
  double offset_worst = 0;        ///< the largest of either sign, without it
  double behind = 0;              ///< the last picture's arrival after its time
  std::string stats, error;
};

/// A live video and audio source on the pipeline's clock, the chain, and two sinks that are watched. One object runs
/// once.
class LiveStream {
 public:
  explicit LiveStream(const LiveOptions& options);
  ~LiveStream();
  LiveStream(const LiveStream&) = delete;
  LiveStream& operator=(const LiveStream&) = delete;

  GstElement* pipeline() { return pipeline_.get(); }
  void start();
  /// Serves the bus for so long; `each_turn` is called about every 20 ms with the seconds since start(). Ends early on
  /// an error.
  void run(double seconds, const std::function<void(double)>& each_turn = {});
  /// Frames pushed from now on have that size.
  void set_size(int width, int height);
  LiveReport stop();

 private:
  struct Arrival {
    GstClockTime time, at, latency;
  };
  struct Shown {
    GstClockTime time, at;
    bool marked;
  };

  void push_video();
  void push_audio();
  void serve(GstMessage* message);
  GstClockTime running_time_now() const;
  bool wait_until(GstClockTime running_time);
  void prepare_frames(const LiveOptions& options);

  LiveOptions options_;
  Owned<GstElement> pipeline_, video_in_, audio_in_, video_out_, audio_out_;
  std::vector<Owned<GstBuffer>> plain_, marked_;
  std::vector<std::thread> threads_;
  std::atomic<bool> ending_ = false;
  std::atomic<int> pushed_ = 0;
  std::mutex mutex_;
  std::vector<Arrival> arrivals_;
  std::vector<Shown> video_shown_, audio_shown_;
  std::vector<std::pair<GstClockTime, GstClockTime>> audio_latencies_;  // when and which
  std::vector<GstClockTime> messages_;
  std::atomic<bool> size_changed_ = false;
  gint64 started_ = 0, first_shown_ = 0;
  LiveReport report_;
};

/// The report as lines "name: value".
std::string to_text(const LiveReport& report);

/// Threads that keep so many cores busy while it lives.
class Load {
 public:
  explicit Load(int threads);
  ~Load();

 private:
  std::atomic<bool> ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace reenact::soak
