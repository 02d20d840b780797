// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ffmpeg_frames.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libswscale/swscale.h>
}

#include <cmath>
#include <memory>
#include <opencv2/imgproc.hpp>
#include <stdexcept>

namespace reenact::test {
namespace {

void require_ffmpeg(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(std::string("FFmpeg: ") + what);
}

struct Free {
  void operator()(AVFormatContext* context) const { avformat_close_input(&context); }
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};
template <typename T>
using Held = std::unique_ptr<T, Free>;

/// Clockwise turns by 90 degrees that make the stream's pictures upright.
int quarter_turns(const AVStream* stream) {
  const auto* matrix = reinterpret_cast<const std::int32_t*>(
      av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, nullptr));
  if (!matrix) return 0;
  const auto turns = std::lround(-av_display_rotation_get(matrix) / 90);
  return static_cast<int>((turns % 4 + 4) % 4);
}

cv::Mat to_rgb(const AVFrame& frame, AVRational pixel_aspect) {
  const int width =
      pixel_aspect.num > 0 ? static_cast<int>(std::lround(frame.width * av_q2d(pixel_aspect))) : frame.width;
  const auto format = static_cast<AVPixelFormat>(frame.format);
  const Held<SwsContext> scaler(
      sws_getContext(frame.width, frame.height, format, width, frame.height, AV_PIX_FMT_RGB24,
                     SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, nullptr, nullptr, nullptr));
  require_ffmpeg(scaler != nullptr, "no conversion to RGB");
  const bool full = frame.color_range == AVCOL_RANGE_JPEG || format == AV_PIX_FMT_YUVJ420P;
  // Unknown matrices are BT.601's for small pictures.
  sws_setColorspaceDetails(
      scaler.get(),
      sws_getCoefficients(frame.colorspace == AVCOL_SPC_UNSPECIFIED ? SWS_CS_ITU601
                                                                    : static_cast<int>(frame.colorspace)),
      full, sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
  cv::Mat rgb(frame.height, width, CV_8UC3);
  std::uint8_t* const planes[] = {rgb.data};
  const int strides[] = {static_cast<int>(rgb.step)};
  sws_scale(scaler.get(), frame.data, frame.linesize, 0, frame.height, planes, strides);
  return rgb;
}

}  // namespace

std::vector<FfmpegFrame> ffmpeg_frames(const std::filesystem::path& path) {
  av_log_set_level(AV_LOG_QUIET);
  AVFormatContext* opened = nullptr;
  require_ffmpeg(avformat_open_input(&opened, path.c_str(), nullptr, nullptr) == 0, "cannot open the clip");
  const Held<AVFormatContext> clip(opened);
  require_ffmpeg(avformat_find_stream_info(clip.get(), nullptr) >= 0, "no streams");
  const AVCodec* codec = nullptr;
  const int index = av_find_best_stream(clip.get(), AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
  require_ffmpeg(index >= 0 && codec, "no video that can be decoded");
  AVStream* stream = clip->streams[index];
  const Held<AVCodecContext> decoder(avcodec_alloc_context3(codec));
  require_ffmpeg(avcodec_parameters_to_context(decoder.get(), stream->codecpar) >= 0 &&
                     avcodec_open2(decoder.get(), codec, nullptr) == 0,
                 "the decoder does not start");
  const int turns = quarter_turns(stream);
  constexpr int rotations[] = {0, cv::ROTATE_90_CLOCKWISE, cv::ROTATE_180, cv::ROTATE_90_COUNTERCLOCKWISE};
  const Held<AVFrame> frame(av_frame_alloc());
  const Held<AVPacket> packet(av_packet_alloc());
  std::vector<FfmpegFrame> frames;
  std::int64_t first = AV_NOPTS_VALUE;
  const auto take_frames = [&] {
    while (avcodec_receive_frame(decoder.get(), frame.get()) == 0) {
      if (first == AV_NOPTS_VALUE) first = frame->best_effort_timestamp;
      cv::Mat rgb = to_rgb(*frame, av_guess_sample_aspect_ratio(clip.get(), stream, frame.get()));
      if (turns > 0) cv::rotate(rgb, rgb, rotations[turns]);
      frames.push_back(
          {rgb, av_rescale_q(frame->best_effort_timestamp - first, stream->time_base, {1, 1'000'000'000})});
    }
  };
  while (av_read_frame(clip.get(), packet.get()) == 0) {
    if (packet->stream_index == index && avcodec_send_packet(decoder.get(), packet.get()) == 0) take_frames();
    av_packet_unref(packet.get());
  }
  avcodec_send_packet(decoder.get(), nullptr);
  take_frames();
  return frames;
}

}  // namespace reenact::test
