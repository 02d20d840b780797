// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/pose_track.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>

#include "reenact/error.h"
#include "reenact/model_file.h"
#include "reenact/safetensors.h"

namespace reenact {
namespace {

constexpr std::int64_t crop_values = 4, size_values = 2;

/// Row by row, of a tensor whose type and shape were checked.
std::vector<std::int32_t> integers_of(const TensorView& tensor) {
  std::vector<std::int32_t> values(tensor.bytes.size() / sizeof(std::int32_t));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

std::vector<FacePlacement> load_placements(const SafetensorsFile& file, std::int64_t count) {
  const char* const names[] = {"crops", "frame_sizes", "found"};
  const auto there = std::count_if(std::begin(names), std::end(names),
                                   [&](const char* name) { return file.contains(name); });
  if (there == 0) return {};
  const auto refuse = [&file](const std::string& found) {
    throw Error(ErrorCode::wrong_kind,
                "'" + file.path().string() + "' has " + found +
                    ", wanted crops I32 [N, 4], frame_sizes I32 [N, 2] and found BOOL [N], or none of them");
  };
  if (there != std::ssize(names)) refuse("only some of the tensors that place faces");
  const TensorView &crops = file.at("crops"), &sizes = file.at("frame_sizes"), &found = file.at("found");
  using Shape = std::vector<std::int64_t>;
  if (crops.type != DataType::i32 || crops.shape != Shape{count, crop_values} ||
      sizes.type != DataType::i32 || sizes.shape != Shape{count, size_values} ||
      found.type != DataType::boolean || found.shape != Shape{count})
    refuse("tensors of another shape that place faces");
  const auto crop = integers_of(crops), size = integers_of(sizes);
  std::vector<FacePlacement> placements(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < placements.size(); ++i) {
    placements[i].crop = {crop[4 * i], crop[4 * i + 1], crop[4 * i + 2], crop[4 * i + 3]};
    placements[i].frame = {size[2 * i], size[2 * i + 1]};
    placements[i].found = found.bytes[i] != std::byte{0};
    if (placements[i].crop.width <= 0 || placements[i].crop.height <= 0 || placements[i].frame.width <= 0 ||
        placements[i].frame.height <= 0)
      refuse("a crop window or a frame without pixels");
  }
  return placements;
}

}  // namespace

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
  track.placements = load_placements(model.file(), poses.shape[0]);
  return track;
}

void save_pose_track(const std::filesystem::path& path, const PoseTrack& track) {
  const auto refuse = [&path](const std::string& found) {
    throw Error(ErrorCode::invalid, "cannot write '" + path.string() + "': the pose track " + found);
  };
  if (track.poses.empty()) refuse("is empty");
  const auto count = static_cast<std::int64_t>(track.poses.size());
  const auto size = static_cast<std::int64_t>(track.poses.front().size());
  if (std::ssize(track.timestamps) != count) refuse("has another number of times than of poses");
  if (!track.placements.empty() && std::ssize(track.placements) != count)
    refuse("has another number of face placements than of poses");
  std::vector<float> values;
  for (const auto& pose : track.poses) {
    if (std::ssize(pose) != size) refuse("has poses of different lengths");
    values.insert(values.end(), pose.begin(), pose.end());
  }
  ModelInfo info;
  info.kind = ModelKind::pose_track;
  info.config = nlohmann::json{{"pose_embedding_size", size}};
  info.licence = track.licence;
  info.provenance = track.provenance;
  std::map<std::string, TensorView> tensors = {
      {"poses", {DataType::f32, {count, size}, std::as_bytes(std::span(values))}},
      {"timestamps", {DataType::i64, {count}, std::as_bytes(std::span(track.timestamps))}}};
  std::vector<std::int32_t> crops, sizes;
  std::vector<std::uint8_t> found;
  for (const auto& placement : track.placements) {
    const auto& crop = placement.crop;
    crops.insert(crops.end(), {crop.x, crop.y, crop.width, crop.height});
    sizes.insert(sizes.end(), {placement.frame.width, placement.frame.height});
    found.push_back(placement.found);
  }
  if (!track.placements.empty()) {
    tensors["crops"] = {DataType::i32, {count, crop_values}, std::as_bytes(std::span(crops))};
    tensors["frame_sizes"] = {DataType::i32, {count, size_values}, std::as_bytes(std::span(sizes))};
    tensors["found"] = {DataType::boolean, {count}, std::as_bytes(std::span(found))};
  }
  write_safetensors(path, tensors, to_metadata(info));
}

}  // namespace reenact
