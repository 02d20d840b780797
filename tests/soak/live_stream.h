// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
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
  bool flashes = true;                    ///< white squares in the picture, and beeps
  GstClockTime flash_every = GST_SECOND;  ///< from one to the next, whole frames
};

/// Frames that drive, in I420.
struct DriverFrames {
  int width = 0, height = 0;
  std::vector<Owned<GstBuffer>> plain;
  std::vector<Owned<GstBuffer>> marked;  ///< the same with the white square of a flash
};
/// Those of the options' clip in the options' size; one object serves any number of streams. Throws
/// std::runtime_error where the clip cannot be read.
std::shared_ptr<const DriverFrames> load_frames(const LiveOptions& options);

/// Times are milliseconds.
struct LiveReport {
  int pushed = 0, shown = 0;
  int dropped_at_sink = 0;
  std::map<std::string, int> dropped;      ///< by element, as QoS messages say
  std::map<std::string, int> messages_by;  ///< latency messages by element of ours
  double latency = 0;                      ///< of the pipeline, as configured at the end
  double first_latency = 0;                ///< the same when the first picture was shown
  double lateness_p50 = 0, lateness_p99 = 0,
         lateness_max = 0;     ///< arrival at the sink after the frame's time
  int arrived = 0;             ///< frames that reached the sink, since count_anew() if it was called
  int later_than_latency = 0;  ///< of these, those after the latency the sink had then
  double excess_p99 = 0, excess_max = 0;  ///< of arrival beyond the latency the sink had then; below 0: early
  double longest_freeze = 0;              ///< between two pictures shown
  double first_shown = 0;                 ///< from PLAYING to the first picture
  int latency_messages = 0;               ///< from elements of ours, all
  int late_latency_messages = 0;          ///< of those, more than 200 ms after the first picture
  double latency_jump = 0;                ///< the largest change of the audio's latency after those 200 ms
  int flashes = 0;                        ///< seen with their beep
  std::vector<double> offsets;            ///< of these, flash after beep, in the order of the stream
  double offset_mean = 0;                 ///< flash after beep, the mean
  double offset_worst = 0;                ///< the largest of either sign, without it
  double behind = 0;                      ///< the last picture's arrival after its time
  std::string stats, error;
};

/// Counts of values in steps of 0.2, from -2,000 to 10,000; takes the same memory however many come.
class Distribution {
 public:
  void add(double value);
  /// The value that `share` of all, 0 to 1, do not exceed; 0 where none came.
  double percentile(double share) const;
  int count() const { return count_; }
  int above_zero() const { return above_zero_; }
  double most() const { return most_; }
  double last() const { return last_; }

 private:
  std::vector<int> bins_ = std::vector<int>(60000);
  int count_ = 0, above_zero_ = 0;
  double most_ = 0, last_ = 0;
};

/// A live video and audio source on the pipeline's clock, the chain, and two sinks that are watched. One object runs
/// once.
class LiveStream {
 public:
  /// `frames` of load_frames(), else those of the options are read. Throws std::runtime_error.
  explicit LiveStream(const LiveOptions& options, std::shared_ptr<const DriverFrames> frames = nullptr);
  ~LiveStream();
  LiveStream(const LiveStream&) = delete;
  LiveStream& operator=(const LiveStream&) = delete;

  GstElement* pipeline() { return pipeline_.get(); }
  void start();
  /// Serves the bus for so long; `each_turn` is called about every 20 ms with the seconds since start(). Ends early on
  /// an error.
  void run(double seconds, const std::function<void(double)>& each_turn = {});
  /// Forgets how late frames came so far.
  void count_anew();
  /// Frames pushed from now on are those.
  void set_frames(std::shared_ptr<const DriverFrames> frames);
  LiveReport stop();

 private:
  struct Mark {
    GstClockTime time, at;
  };

  void push_video();
  void push_audio();
  void serve(GstMessage* message);
  GstClockTime running_time_now() const;
  bool wait_until(GstClockTime running_time);
  /// A source that is behind by more than a second goes on with the present, as a camera does: that time; 0 otherwise.
  GstClockTime skip_to(GstClockTime running_time) const;

  const LiveOptions options_;
  Owned<GstElement> pipeline_, video_in_, audio_in_, video_out_, audio_out_;
  std::shared_ptr<const DriverFrames> frames_;  // under mutex_
  std::vector<std::thread> threads_;
  std::atomic<bool> ending_ = false;
  std::atomic<int> pushed_ = 0;
  std::mutex mutex_;
  Distribution lateness_, excess_;  // of arrival beyond the frame's time, and beyond the latency then
  GstClockTime first_latency_ = GST_CLOCK_TIME_NONE;
  int shown_ = 0;
  GstClockTime first_shown_at_ = 0, last_shown_at_ = 0;  // running time
  GstClockTime longest_freeze_ = 0;
  std::vector<Mark> flashes_, beeps_;
  std::vector<std::pair<GstClockTime, GstClockTime>> audio_latencies_;  // when and which
  std::vector<GstClockTime> messages_;
  gint64 started_ = 0, first_shown_ = 0;
  LiveReport report_;
};

/// The report as lines "name: value".
std::string to_text(const LiveReport& report);

}  // namespace reenact::soak
