// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/prepare/prepare_run.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <opencv2/core.hpp>
#include <thread>

#include "offline/atomic_file.h"
#include "offline/sha256.h"
#include "reenact/model_file.h"

namespace reenact::tools {
namespace fs = std::filesystem;
namespace {

/// Digest of everything that decides on the files of a clip.
std::string settings_digest(const ClipOptions& options) {
  constexpr int version = 1;  // of this code's own doing
  const auto& cropper = options.cropper;
  nlohmann::json json = {{"version", version},
                         {"size", options.size},
                         {"every", options.survey.every},
                         {"least_face", options.survey.least_face},
                         {"least_sharpness", options.survey.least_sharpness},
                         {"already_cropped", cropper.already_cropped},
                         {"loader_crop", cropper.loader_crop},
                         {"detect_size", cropper.finder.detect_size},
                         {"score_threshold", cropper.finder.score_threshold},
                         {"crop_scale", cropper.crop_scale},
                         {"detector", ""},
                         {"segmenter", ""}};
  if (!cropper.already_cropped) json["detector"] = sha256_of_file(find_model(cropper.detector));
  if (!options.segmenter.empty()) json["segmenter"] = sha256_of_file(options.segmenter);
  return sha256_of_text(json.dump());
}

std::string settings_in_words(const PrepareOptions& options) {
  const auto& clip = options.clip;
  return fmt::format(
      "Last run: 1 of {} pictures, crops of {} pixels a side, {} times the face box; faces from {} pixels "
      "and sharpness {} "
      "on; {}.",
      clip.survey.every, clip.size, clip.cropper.crop_scale, clip.survey.least_face,
      clip.survey.least_sharpness,
      clip.segmenter.empty() ? "no segmenter" : "masks by " + fs::path(clip.segmenter).filename().string());
}

class PrepareRun {
 public:
  PrepareRun(const PrepareOptions& options, const std::function<bool()>& stopped)
      : options_(options), stopped_(stopped) {}

  PrepareSummary run() {
    const auto all = list_sources(options_.sources, options_.prefix, options_.output);
    sources_ = sources_of_shard(all, options_.shard);
    if (all.empty())
      throw Error(ErrorCode::not_found, "found no clip and no picture in '" +
                                            options_.sources.front().string() +
                                            (options_.sources.size() > 1 ? "' and the other sources" : "'"));
    settings_ = settings_digest(options_.clip);
    try_output();
    const auto jobs = std::clamp(options_.jobs, 1, std::max(1, static_cast<int>(sources_.size())));
    std::vector<std::unique_ptr<ClipPreparer>> preparers;
    for (int i = 0; i < jobs; ++i)
      preparers.push_back(std::make_unique<ClipPreparer>(options_.output, options_.clip));
    begun_ = last_shown_ = Clock::now();

    std::vector<std::thread> threads;
    for (int i = 1; i < jobs; ++i) threads.emplace_back([this, &preparers, i] { work(*preparers[i]); });
    work(*preparers[0]);
    for (auto& thread : threads) thread.join();

    summary_.stopped = stopped_();
    try {
      summary_.totals = write_data_tables(options_.output, settings_in_words(options_));
    } catch (...) {
      if (!failure_) throw;  // else the first thing that went wrong is told
    }
    if (failure_) std::rethrow_exception(failure_);
    return summary_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// Fails now rather than after an hour.
  void try_output() const {
    std::error_code error;
    for (const char* name : {records_folder, "clips"}) {
      fs::create_directories(options_.output / name, error);
      if (error)
        throw Error(ErrorCode::unreadable,
                    "cannot write '" + (options_.output / name).string() + "': " + error.message());
    }
    const auto trial = options_.output / records_folder / ".trial";
    write_file_atomically(trial, {});
    fs::remove(trial, error);
  }

  void work(ClipPreparer& preparer) {
    try {
      for (auto i = next_++; i < sources_.size() && !over(); i = next_++) {
        const auto outcome = treat(sources_[i], preparer);
        const std::lock_guard guard(mutex_);
        if (outcome) ++(summary_.*outcome);
        show_progress();
      }
    } catch (...) {
      const std::lock_guard guard(mutex_);
      if (!failure_) failure_ = std::current_exception();
      failed_ = true;
    }
  }

  bool over() const { return failed_ || stopped_(); }

  /// Which count of the summary the source belongs to; none when stopped.
  int PrepareSummary::*treat(const ClipSource& source, ClipPreparer& preparer) {
    ClipRecord record;
    record.id = source.id;
    record.person = source.person;
    record.source = source.name;
    record.settings = settings_;
    record.split = is_validation_person(source.person, options_.validation_share) ? "val" : "train";
    record.ship = options_.ship ? "yes" : "no";
    record.licence = options_.licence;
    try {
      record.state = state_of(source);
      if (auto earlier = load_record(record_path(options_.output, source.id))) {
        if (is_of_other_source(*earlier, record)) {
          spdlog::warn("'{}' is left out: '{}' holds the clip {} of another source already, wanted --prefix",
                       source.path.string(), options_.output.string(), source.id);
          return &PrepareSummary::failed;
        }
        if (stands_for(*earlier, record)) return keep(*earlier, record);
      }
      if (!preparer.make(source, record, [this] { return over(); })) return nullptr;
    } catch (const OutputError&) {
      throw;
    } catch (const Error& error) {
      record.error = error.what();
    } catch (const cv::Exception& error) {
      record.error = "OpenCV cannot cope with '" + source.path.string() + "': " + error.err;
    }
    if (!record.error.empty()) {
      spdlog::warn("left out: {}", record.error);
      return fail(record);
    }
    save(record);
    return &PrepareSummary::made;
  }

  /// A failure is put down unless an earlier run made something of this source: that stays.
  int PrepareSummary::*fail(const ClipRecord& record) {
    const auto earlier = load_record(record_path(options_.output, record.id));
    if (!earlier || earlier->files.empty()) save(record);
    return &PrepareSummary::failed;
  }

  static bool is_of_other_source(const ClipRecord& earlier, const ClipRecord& now) {
    return earlier.error.empty() && earlier.state.origin != now.state.origin &&
           earlier.state.bytes != now.state.bytes;
  }

  bool stands_for(const ClipRecord& earlier, const ClipRecord& now) const {
    // A collection that was moved has other origins, and may have lost its times.
    const bool same =
        earlier.state.bytes == now.state.bytes &&
        (earlier.state.modified == now.state.modified || earlier.state.origin != now.state.origin);
    return same && earlier.error.empty() && earlier.settings == now.settings &&
           earlier.is_whole(options_.output);
  }

  int PrepareSummary::*keep(ClipRecord earlier, const ClipRecord& now) {
    if (std::tie(earlier.person, earlier.split, earlier.ship, earlier.licence) !=
        std::tie(now.person, now.split, now.ship, now.licence)) {
      earlier.person = now.person;
      earlier.split = now.split;
      earlier.ship = now.ship;
      earlier.licence = now.licence;
      save(earlier);
    }
    return &PrepareSummary::resumed;
  }

  void save(const ClipRecord& record) const {
    try {
      save_record(options_.output, record);
    } catch (const Error& error) {
      throw OutputError(error.code(), error.what());
    }
  }

  void show_progress() {
    constexpr std::chrono::seconds interval(10);
    const auto now = Clock::now();
    if (now - last_shown_ < interval) return;
    last_shown_ = now;
    const auto done = summary_.made + summary_.resumed + summary_.failed;
    const double seconds = std::chrono::duration<double>(now - begun_).count();
    spdlog::info("{} of {} sources ({} made, {} were there, {} failed), {:.0f} s to go", done,
                 sources_.size(), summary_.made, summary_.resumed, summary_.failed,
                 seconds * static_cast<double>(sources_.size() - static_cast<std::size_t>(done)) / done);
  }

  const PrepareOptions& options_;
  const std::function<bool()>& stopped_;
  std::vector<ClipSource> sources_;
  std::string settings_;
  Clock::time_point begun_, last_shown_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;  // guards the two below and last_shown_
  PrepareSummary summary_;
  std::exception_ptr failure_;
};

}  // namespace

bool is_validation_person(const std::string& person, double share) {
  constexpr double hashes = 4294967296.0;
  return static_cast<double>(std::stoul(sha256_of_text(person).substr(0, 8), nullptr, 16)) < share * hashes;
}

PrepareSummary prepare_data(const PrepareOptions& options, const std::function<bool()>& stopped) {
  return PrepareRun(options, stopped).run();
}

}  // namespace reenact::tools
