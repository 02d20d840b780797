// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/personalise/x2face_person.h"

#include <algorithm>
#include <random>
#include <span>
#include <string>

#include "reenact/error.h"
#include "reenact/model_file.h"
#include "reenact/pose_picture.h"
#include "reenact/safetensors.h"

namespace reenact::training {

std::vector<cv::Mat> choose_x2face_sources(const std::vector<HeadFrame>& pictures, int size,
                                           std::uint64_t seed) {
  std::vector<std::size_t> order(pictures.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::mt19937_64 random(seed);
  std::shuffle(order.begin(), order.end(), random);
  order.resize(std::min(order.size(), most_x2face_sources));
  std::vector<cv::Mat> sources;
  for (const auto i : order) sources.push_back(pose_picture(pictures[i].rgb, "x2face", size));
  return sources;
}

void save_x2face_person(const std::filesystem::path& path, Identity identity,
                        const std::vector<cv::Mat>& sources, const nlohmann::json& provenance) {
  if (sources.empty())
    throw Error(ErrorCode::invalid, "no picture of a person is there to write to '" + path.string() + "'");
  const int side = sources.front().cols;
  identity.embedding.assign(
      1, static_cast<float>(sources.size()));  // nothing reads it, but every such file has one
  identity.thumbnail = sources.front();
  std::vector<unsigned char> bytes;
  for (const auto& source : sources) {
    const cv::Mat whole = source.isContinuous() ? source : source.clone();
    bytes.insert(bytes.end(), whole.data, whole.data + whole.total() * 3);
  }
  const TensorView view{DataType::u8,
                        {static_cast<std::int64_t>(sources.size()), side, side, 3},
                        std::as_bytes(std::span(bytes))};
  save_identity(path, identity, provenance, {{"sources", view}});
}

std::vector<cv::Mat> load_x2face_person(const std::filesystem::path& path, int size) {
  const ModelFile file(path, ModelKind::identity);
  const auto& tensors = file.file().tensors();
  const auto found = tensors.find("sources");
  constexpr std::int64_t most = most_x2face_sources;
  if (found == tensors.end() || found->second.type != DataType::u8 || found->second.shape.size() != 4 ||
      found->second.shape[0] < 1 || found->second.shape[0] > most || found->second.shape[1] != size ||
      found->second.shape[2] != size || found->second.shape[3] != 3)
    throw Error(ErrorCode::wrong_kind, "'" + path.string() + "' has no sources of X2Face, wanted 1 to " +
                                           std::to_string(most) + " pictures of " + std::to_string(size) +
                                           " pixels");
  std::vector<cv::Mat> sources;
  const auto each = static_cast<std::size_t>(size) * static_cast<std::size_t>(size) * 3;
  const auto* bytes = reinterpret_cast<const unsigned char*>(found->second.bytes.data());
  for (std::size_t i = 0; i < static_cast<std::size_t>(found->second.shape[0]); ++i) {
    cv::Mat picture(size, size, CV_8UC3);
    std::copy_n(bytes + i * each, each, picture.data);
    sources.push_back(picture);
  }
  return sources;
}

}  // namespace reenact::training
