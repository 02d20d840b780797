// SPDX-License-Identifier: LGPL-2.1-or-later
// Keeps live pipelines running while identities, sizes and backgrounds come and go, and watches memory, threads and
// lateness. docs/reliability.md says what it measured.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "live_stream.h"

namespace {

using reenact::Owned;
using reenact::soak::LiveStream;

constexpr const char* usage =
    "soak --identities FILE,FILE[,...] [--seconds S] [--streams N] [--clip FILE] [--fps N] [--size-every S]\n"
    "     [--background-every S] [--warm-up S] [--sample-every S] [--growth PERCENT] [--late PERCENT]\n"
    "Prints memory and threads every so many seconds (10); exits with 1 when after the warm-up memory grew by more than\n"
    "so many percent (2) from its mean in the first quarter to that in the last, the number of threads changed by more\n"
    "than those of the backgrounds, or more than so many percent (1) of a pipeline's frames came later than the latency; and when a pipeline failed or showed nothing.\n";

/// The number behind `key` in /proc/self/status.
long status(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.rfind(key + ":", 0) == 0) return std::atol(line.c_str() + key.size() + 1);
  return 0;
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
    end = list.find(',', begin);
    parts.push_back(list.substr(begin, end - begin));
  }
  return parts;
}

/// A live test picture behind the head, until it is dropped.
class Background {
 public:
  explicit Background(GstElement* pipeline) : pipeline_(pipeline) {
    Owned<GstElement> chain(gst_bin_get_by_name(GST_BIN(pipeline), "r"));
    GError* error = nullptr;
    source_ = gst_parse_bin_from_description(
        "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=25/1 ! queue",
        TRUE, &error);
    g_clear_error(&error);
    gst_bin_add(GST_BIN(pipeline), source_);
    pad_.reset(gst_element_request_pad_simple(chain.get(), "background"));
    Owned<GstPad> out(gst_element_get_static_pad(source_, "src"));
    gst_pad_link(out.get(), pad_.get());
    gst_element_sync_state_with_parent(source_);
  }
  ~Background() {
    Owned<GstElement> chain(gst_bin_get_by_name(GST_BIN(pipeline_), "r"));
    Owned<GstPad> out(gst_element_get_static_pad(source_, "src"));
    // The pad goes first, so that a buffer that waits in it does not keep the source from stopping.
    gst_pad_unlink(out.get(), pad_.get());
    gst_element_release_request_pad(chain.get(), pad_.get());
    gst_element_set_locked_state(source_, TRUE);
    gst_element_set_state(source_, GST_STATE_NULL);
    gst_bin_remove(GST_BIN(pipeline_), source_);
  }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

 private:
  GstElement *pipeline_, *source_;
  Owned<GstPad> pad_;
};

/// How much more the last quarter holds than the first, on average: single values depend on the frames in flight.
double growth_in_percent(const std::vector<long>& memory) {
  const std::size_t quarter = std::max<std::size_t>(1, memory.size() / 4);
  if (memory.size() < 2 * quarter) return 0;
  const auto sum = [&](std::size_t begin) {
    const auto from = memory.begin() + std::ptrdiff_t(begin);
    return std::accumulate(from, from + std::ptrdiff_t(quarter), 0.0);
  };
  const double first = sum(0);
  return 100 * (sum(memory.size() - quarter) - first) / first;
}

struct Plan {
  std::vector<std::string> identities;
  double size_every = 60, background_every = 14;
  std::array<std::shared_ptr<const reenact::soak::DriverFrames>, 2> sizes;
};

/// What is changed in one pipeline, as time goes on.
class Changes {
 public:
  Changes(LiveStream& stream, const Plan& plan) : stream_(stream), plan_(plan) {}
  void at(double seconds) {
    if (int(seconds) != second_) {
      second_ = int(seconds);
      Owned<GstElement> chain(gst_bin_get_by_name(GST_BIN(stream_.pipeline()), "r"));
      const auto next = std::size_t(second_) % plan_.identities.size();
      g_object_set(chain.get(), "identity-file", plan_.identities[next].c_str(), nullptr);
    }
    if (plan_.size_every > 0 && int(seconds / plan_.size_every) != size_) {
      size_ = int(seconds / plan_.size_every);
      stream_.set_frames(plan_.sizes[std::size_t(size_) % plan_.sizes.size()]);
    }
    if (plan_.background_every > 0) {
      const bool wanted = int(seconds / (plan_.background_every / 2)) % 2;
      if (wanted && !background_) background_ = std::make_unique<Background>(stream_.pipeline());
      if (!wanted) background_.reset();
    }
  }

 private:
  LiveStream& stream_;
  const Plan& plan_;
  int second_ = -1, size_ = 0;
  std::unique_ptr<Background> background_;
};

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  reenact::soak::LiveOptions options;
  Plan plan;
  double seconds = 300, warm_up = -1, sample_every = 10, growth = 2, late = 1;
  int streams = 4;
  for (int i = 1; i < argc; i += 2) {
    const std::string argument = argv[i];
    if (i + 1 == argc) return std::cerr << usage, 2;
    const std::string value = argv[i + 1];
    if (argument == "--identities") {
      plan.identities = split(value);
    } else if (argument == "--seconds") {
      seconds = std::atof(value.c_str());
    } else if (argument == "--streams") {
      streams = std::atoi(value.c_str());
    } else if (argument == "--clip") {
      options.clip = value;
    } else if (argument == "--fps") {
      options.frames_per_second = std::atoi(value.c_str());
    } else if (argument == "--size-every") {
      plan.size_every = std::atof(value.c_str());
    } else if (argument == "--background-every") {
      plan.background_every = std::atof(value.c_str());
    } else if (argument == "--warm-up") {
      warm_up = std::atof(value.c_str());
    } else if (argument == "--sample-every") {
      sample_every = std::max(0.1, std::atof(value.c_str()));
    } else if (argument == "--growth") {
      growth = std::atof(value.c_str());
    } else if (argument == "--late") {
      late = std::atof(value.c_str());
    } else {
      return std::cerr << usage, 2;
    }
  }
  if (plan.identities.empty() || plan.identities.front().empty()) return std::cerr << usage, 2;
  // Each state is to be seen several times before memory counts: heaps keep the most they held.
  if (warm_up < 0) warm_up = std::min(seconds / 2, 10 * std::max(plan.size_every, plan.background_every));
  options.chain = "reenactbin name=r identity-file=\"" + plan.identities.front() + "\"";
  options.flashes = false;
  try {
    for (auto& frames : plan.sizes) {
      frames = load_frames(options);
      options.width = 480, options.height = 360;
    }
    std::vector<std::unique_ptr<LiveStream>> all;
    for (int i = 0; i < streams; ++i)
      all.push_back(std::make_unique<LiveStream>(options, plan.sizes.front()));
    std::vector<std::thread> threads;
    for (auto& stream : all) {
      threads.emplace_back([&stream, &plan, seconds] {
        stream->start();
        Changes changes(*stream, plan);
        stream->run(seconds, [&changes](double time) { changes.at(time); });
      });
    }
    std::vector<long> kept;  // memory after the warm-up
    long least_threads = 0, most_threads = 0;
    const gint64 began = g_get_monotonic_time();
    for (double time = 0; time < seconds; time += sample_every) {
      std::this_thread::sleep_for(std::chrono::duration<double>(std::min(sample_every, seconds - time)));
      const double now = double(g_get_monotonic_time() - began) / G_USEC_PER_SEC;
      const long memory = status("VmRSS"), count = status("Threads");
      std::cout << "after " << int(now) << " s: " << memory << " kB, " << count << " threads" << std::endl;
      if (now < warm_up) continue;
      if (kept.empty()) {
        least_threads = most_threads = count;
        for (auto& stream : all) stream->count_anew();
      }
      kept.push_back(memory);
      least_threads = std::min(least_threads, count), most_threads = std::max(most_threads, count);
    }
    for (std::thread& thread : threads) thread.join();
    bool failed = false;
    for (auto& stream : all) {
      const auto report = stream->stop();
      std::cout << to_text(report);
      const bool too_late = report.later_than_latency > late / 100 * report.arrived;
      failed = failed || !report.error.empty() || report.shown == 0 || too_late;
    }
    const double grown = growth_in_percent(kept);
    if (!kept.empty()) {
      const auto [least, most] = std::minmax_element(kept.begin(), kept.end());
      std::cout << "memory after " << warm_up << " s: " << *least << " to " << *most << " kB, grew by "
                << grown << " % from the first quarter to the last; " << least_threads << " to "
                << most_threads << " threads" << std::endl;
    }
    // Two threads come and go with each background.
    const long of_backgrounds = plan.background_every > 0 ? 3L * streams : 0;
    return failed || grown > growth || most_threads - least_threads > of_backgrounds;
  } catch (const std::exception& error) {
    std::cerr << "soak: " << error.what() << "\n";
    return 1;
  }
}
