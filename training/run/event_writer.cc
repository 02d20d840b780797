// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/event_writer.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "event.pb.h"
#include "media/png_codec.h"
#include "reenact/error.h"
#include "training/run/tfrecord.h"

namespace reenact::training {
namespace {

using Clock = std::chrono::system_clock;
constexpr std::size_t longest_buffer = 1 << 18;
constexpr auto longest_delay = std::chrono::seconds(10);

/// "events.out.tfevents.<seconds>.<host>.<process>.<number>": TensorBoard reads the files of a folder in this
/// order.
std::string file_name() {
  static std::atomic<unsigned> number = 0;
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(Clock::now().time_since_epoch()).count();
  return "events.out.tfevents." + std::to_string(seconds) + "." + host + "." + std::to_string(::getpid()) +
         "." + std::to_string(number++);
}

}  // namespace

struct EventWriter::Private {
  std::filesystem::path path;
  int descriptor = -1;
  off_t good_size = 0;  // bytes of whole records in the file
  bool complained = false;
  std::string buffer;
  Clock::time_point last_flush = Clock::now();

  void append(proto::Event& event) {
    event.set_wall_time(std::chrono::duration<double>(Clock::now().time_since_epoch()).count());
    buffer += tfrecord(event.SerializeAsString());
    if (buffer.size() > longest_buffer || Clock::now() - last_flush > longest_delay) flush();
  }

  void flush() {
    last_flush = Clock::now();
    std::string_view rest = buffer;
    while (!rest.empty()) {
      const ssize_t written = ::write(descriptor, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        drop(errno);
        break;
      }
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    if (rest.empty()) good_size += static_cast<off_t>(buffer.size());
    buffer.clear();
  }

  /// Half a record would make TensorBoard stop reading there for ever.
  void drop(int reason) {
    const bool cut =
        ::ftruncate(descriptor, good_size) == 0 && ::lseek(descriptor, good_size, SEEK_SET) == good_size;
    if (!complained || !cut)
      spdlog::warn("cannot write the event file '{}': {}; its curves have a gap here", path.string(),
                   std::strerror(reason));
    complained = true;
  }
};

EventWriter::EventWriter(const std::filesystem::path& folder) : p_(std::make_unique<Private>()) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  p_->path = folder / file_name();
  p_->descriptor = ::open(p_->path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (p_->descriptor < 0)
    throw Error(ErrorCode::unreadable,
                "cannot create the event file '" + p_->path.string() + "': " + std::strerror(errno));
  proto::Event event;
  event.set_file_version("brain.Event:2");
  p_->append(event);
  p_->flush();
}

EventWriter::~EventWriter() {
  p_->flush();
  ::close(p_->descriptor);
}

void EventWriter::scalar(const std::string& tag, std::int64_t step, double value) {
  proto::Event event;
  event.set_step(step);
  auto* entry = event.mutable_summary()->add_value();
  entry->set_tag(tag);
  entry->set_simple_value(static_cast<float>(value));
  p_->append(event);
}

void EventWriter::image(const std::string& tag, std::int64_t step, const cv::Mat& rgb) {
  if (rgb.type() != CV_8UC3 || rgb.empty())
    throw Error(ErrorCode::invalid, "cannot log the image '" + tag + "', wanted an 8-bit RGB picture");
  const auto png = encode_png(rgb);
  proto::Event event;
  event.set_step(step);
  auto* entry = event.mutable_summary()->add_value();
  entry->set_tag(tag);
  auto* image = entry->mutable_image();
  image->set_height(rgb.rows);
  image->set_width(rgb.cols);
  image->set_colorspace(3);
  image->set_encoded_image_string(png.data(), png.size());
  p_->append(event);
}

void EventWriter::flush() {
  p_->flush();
}

const std::filesystem::path& EventWriter::path() const {
  return p_->path;
}

}  // namespace reenact::training
