// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/bench_codec.h"

#include <algorithm>
#include <random>
#include <span>

#include "media/picture_file.h"
#include "offline/picture_metrics.h"
#include "reenact/engine.h"
#include "reenact/error.h"
#include "reenact/pose_codec.h"
#include "reenact/pose_interpolation.h"
#include "reenact/pose_track.h"

namespace reenact::bench {
namespace {

using nlohmann::ordered_json;
using Poses = std::vector<std::vector<float>>;

constexpr std::size_t every_head = 20;

struct Setting {
  double precision;
  int key_interval;
  double loss;  // share of packets
};

constexpr Setting settings[] = {{0.01, 5, 0}, {0.02, 1, 0},   {0.02, 5, 0},   {0.02, 25, 0},
                                {0.04, 5, 0}, {0.01, 1, 0.1}, {0.01, 5, 0.1}, {0.01, 25, 0.1}};

/// Poses as a receiver shows them, those that were lost on the way between the ones around them.
Poses transmitted(const PoseTrack& track, const std::shared_ptr<const PoseBasis>& basis,
                  const Setting& setting, std::size_t& bytes) {
  PoseStreamEncoder encoder(basis, {.precision = setting.precision, .key_interval = setting.key_interval});
  PoseStreamDecoder decoder(basis);
  std::mt19937 random(1);
  std::uniform_real_distribution<double> chance;
  Poses shown(track.poses.size());
  std::size_t known = 0;  // poses that were shown so far
  bytes = 0;
  for (std::size_t i = 0; i < track.poses.size(); ++i) {
    PoseFrame frame;
    frame.pose = track.poses[i];
    if (!track.placements.empty()) frame.placement = track.placements[i];
    const auto packet = encoder.encode(frame);
    bytes += packet.size();
    if (i > 0 && chance(random) < setting.loss) continue;
    const auto coded = decoder.decode(packet);
    if (!coded) continue;
    shown[i] = coded->frame.pose;
    for (std::size_t k = known; k < i; ++k) {
      const double share = double(k + 1 - known) / double(i + 1 - known);
      shown[k].resize(shown[i].size());
      interpolate_poses(known > 0 ? shown[known - 1] : shown[i], shown[i], share, shown[k]);
    }
    known = i + 1;
  }
  for (; known < shown.size(); ++known) shown[known] = shown[known - 1];
  return shown;
}

cv::Mat head_of(Generator& generator, std::span<const float> pose) {
  return without_alpha(generator.generate(pose, AlphaMode::premultiplied));
}

}  // namespace

std::vector<ordered_json> bench_codec(const BenchOptions& options) {
  if (options.poses.empty() || options.identity.empty())
    throw Error(ErrorCode::invalid, "codec wants --poses and --identity, and a reenactor file as --model");
  const PoseTrack track = load_pose_track(options.poses);
  const auto model = find_model(options.model);
  const auto basis = load_pose_basis(model);
  EngineOptions engine;
  engine.threads = options.threads;
  const auto generator = load_generator(model, engine);
  generator->set_identity(load_identity(options.identity));
  std::vector<ordered_json> lines;
  for (const Setting& setting : settings) {
    std::size_t bytes = 0;
    const Poses shown = transmitted(track, basis, setting, bytes);
    double sum = 0, worst = 100;
    int heads = 0;
    for (std::size_t i = 0; i < shown.size(); i += every_head) {
      const cv::Mat sent = head_of(*generator, track.poses[i]);
      const double decibels = psnr(sent, head_of(*generator, shown[i]));
      sum += decibels;
      worst = std::min(worst, decibels);
      ++heads;
    }
    lines.push_back({{"case", "codec"},
                     {"precision", setting.precision},
                     {"key_interval", setting.key_interval},
                     {"loss", setting.loss},
                     {"kbit_s", double(bytes) * 8 * 25 / 1000 / double(shown.size())},
                     {"psnr", sum / heads},
                     {"worst_psnr", worst},
                     {"frames", shown.size()},
                     {"heads", heads}});
  }
  return lines;
}

}  // namespace reenact::bench
