// SPDX-License-Identifier: LGPL-2.1-or-later
// What somebody's ExpNet and FacePoseNet, or any other network, say of frames.
#include <nlohmann/json.hpp>

#include "offline/sha256.h"
#include "reenact/error.h"
#include "training/data/descriptor_file.h"
#include "training/data/head_rotation.h"
#include "training/import/byte_reader.h"
#include "training/import/import_models.h"
#include "training/import/imported_weights.h"
#include "training/import/npz_archive.h"

namespace reenact::training {
namespace {

/// An array [`rows`, `columns`], or as wide as it is where `columns` is 0.
NpzArchive::Numbers matrix(const NpzArchive& archive, const std::string& file, const std::string& name,
                           std::size_t rows, std::int64_t columns) {
  auto found = archive.numbers(name);
  if (found.shape.size() != 2 || found.shape[0] != static_cast<std::int64_t>(rows) || found.shape[1] < 1 ||
      (columns > 0 && found.shape[1] != columns))
    throw Error(ErrorCode::wrong_kind, file + " has " + name + " of " + shape_in_words(found.shape) +
                                           ", wanted " + std::to_string(rows) + "x" +
                                           (columns > 0 ? std::to_string(columns) : std::string("any")) +
                                           " as it has " + std::to_string(rows) + " names");
  return found;
}

/// A quaternion of FacePoseNet's rotation vector and ExpNet's expression, the 33 numbers of the paper's text.
std::vector<std::vector<float>> face_model_rows(const NpzArchive& archive, const std::string& file,
                                                std::size_t count) {
  constexpr std::int64_t expressions = 29, freedoms = 6;
  const auto expression = matrix(archive, file, "expression", count, expressions),
             pose = matrix(archive, file, "pose", count, freedoms);
  std::vector<std::vector<float>> rows;
  for (std::size_t i = 0; i < count; ++i) {
    const float* r = &pose.values[i * freedoms];
    const auto quaternion = quaternion_of(cv::Vec3d(r[0], r[1], r[2]));
    auto& row = rows.emplace_back(quaternion.begin(), quaternion.end());
    const auto first = expression.values.begin() + static_cast<std::ptrdiff_t>(i * expressions);
    row.insert(row.end(), first, first + expressions);
  }
  return rows;
}

std::vector<std::vector<float>> rows_of(const NpzArchive::Numbers& numbers) {
  std::vector<std::vector<float>> rows;
  const auto width = static_cast<std::ptrdiff_t>(numbers.shape[1]);
  for (auto at = numbers.values.begin(); at != numbers.values.end(); at += width)
    rows.emplace_back(at, at + width);
  return rows;
}

}  // namespace

std::vector<std::string> import_descriptors(const std::filesystem::path& numbers,
                                            const std::filesystem::path& output, const std::string& licence) {
  const NpzArchive archive(numbers);
  const auto file = quoted(numbers);
  const bool whole = archive.contains("vectors");
  if (!archive.contains("names") ||
      !(whole || (archive.contains("expression") && archive.contains("pose")))) {
    std::string held;
    for (const auto& name : archive.names()) held += (held.empty() ? "" : ", ") + printable(name);
    throw Error(ErrorCode::wrong_kind, file + " has the arrays " + (held.empty() ? "(none)" : held) +
                                           ", wanted names with expression and pose, or with vectors");
  }
  const auto names = archive.texts("names");
  if (names.empty()) throw Error(ErrorCode::wrong_kind, file + " has no names, wanted one for each picture");
  const auto rows = whole ? rows_of(matrix(archive, file, "vectors", names.size(), 0))
                          : face_model_rows(archive, file, names.size());
  DescriptorFile result;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!result.vectors.emplace(names[i], rows[i]).second)
      throw Error(ErrorCode::wrong_kind,
                  file + " has the name " + printable(names[i]) + " twice, wanted each once");
  result.scale = scale_of(rows);
  ModelInfo info;
  info.licence = licence;
  info.config = JsonObject(whole ? R"({"source":"vectors"})" : R"({"source":"3dmm"})");
  info.provenance =
      nlohmann::json{{"imported_from", numbers.filename().string()}, {"sha256", sha256_of_file(numbers)}};
  write_descriptor_file(output, result, info);
  return {"wrote " + quoted(output) + ": descriptors of " + std::to_string(names.size()) + " pictures, " +
          std::to_string(rows.front().size()) + " numbers each"};
}

}  // namespace reenact::training
