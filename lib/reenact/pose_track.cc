// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/pose_track.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>

#include "reenact/error.h"
#include "reenact/model_file.h"

namespace reenact {

double PoseTrack::frame_rate() const {
  if (timestamps.size() < 2 || timestamps.back() <= timestamps.front()) return 25;
  return static_cast<double>(timestamps.size() - 1) * 1e9 /
         (static_cast<double>(timestamps.back()) - static_cast<double>(timestamps.front()));
}

PoseTrack load_pose_track(const std::filesystem::path& path) {
  const ModelFile model(path, ModelKind::pose_track);
  const TensorView& poses = model.file().at("poses");
  const TensorView& timestamps = model.file().at("timestamps");
  if (poses.shape.size() != 2 || poses.shape[0] == 0 || poses.shape[1] == 0 ||
      timestamps.type != DataType::i64 || timestamps.shape != std::vector<std::int64_t>{poses.shape[0]})
    throw Error(ErrorCode::wrong_kind,
                "'" + path.string() +
                    "' is not a pose track of at least one pose, wanted poses [N, d_p] and "
                    "timestamps I64 [N]");
  const std::vector<float> values = poses.to_floats();
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
    throw Error(ErrorCode::wrong_kind,
                "'" + path.string() + "' has poses that are not finite, wanted finite ones");

  PoseTrack track;
  track.licence = model.info().licence;
  track.provenance = model.info().provenance;
  const auto size = poses.shape[1];
  for (auto pose = values.begin(); pose != values.end(); pose += size)
    track.poses.emplace_back(pose, pose + size);
  track.timestamps.resize(track.poses.size());
  std::memcpy(track.timestamps.data(), timestamps.bytes.data(), timestamps.bytes.size());
  if (!std::is_sorted(track.timestamps.begin(), track.timestamps.end()))
    throw Error(ErrorCode::wrong_kind,
                "'" + path.string() + "' has timestamps that go back, wanted growing ones");
  return track;
}

void save_pose_track(const std::filesystem::path& path, const PoseTrack& track) {
  if (track.poses.empty())
    throw Error(ErrorCode::invalid, "cannot write '" + path.string() + "': the pose track is empty");
  const auto count = static_cast<std::int64_t>(track.poses.size());
  const auto size = static_cast<std::int64_t>(track.poses.front().size());
  std::vector<float> values;
  for (const auto& pose : track.poses) values.insert(values.end(), pose.begin(), pose.end());
  ModelInfo info;
  info.kind = ModelKind::pose_track;
  info.config = {{"pose_embedding_size", size}};
  info.licence = track.licence;
  info.provenance = track.provenance;
  write_safetensors(path,
                    {{"poses", {DataType::f32, {count, size}, std::as_bytes(std::span(values))}},
                     {"timestamps", {DataType::i64, {count}, std::as_bytes(std::span(track.timestamps))}}},
                    to_metadata(info));
}

}  // namespace reenact
