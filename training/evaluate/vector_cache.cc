// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/vector_cache.h"

#include <algorithm>
#include <span>

#include "offline/sha256.h"
#include "reenact/error.h"
#include "reenact/safetensors.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;
using Rows = std::vector<std::vector<float>>;

Rows read_rows(const fs::path& path) {
  const SafetensorsFile file(path);
  const auto& lengths = file.at("lengths");
  const auto counts = lengths.to_floats(), values = file.at("values").to_floats();
  Rows rows;
  std::size_t at = 0;
  for (const float count : counts) {
    const auto length = static_cast<std::size_t>(count);
    if (at + length > values.size())
      throw Error(ErrorCode::corrupt, "'" + path.string() + "' holds fewer numbers than it tells");
    rows.emplace_back(values.begin() + static_cast<std::ptrdiff_t>(at),
                      values.begin() + static_cast<std::ptrdiff_t>(at + length));
    at += length;
  }
  return rows;
}

void write_rows(const fs::path& path, const Rows& rows) {
  std::vector<float> lengths, values;
  for (const auto& row : rows) {
    lengths.push_back(static_cast<float>(row.size()));
    values.insert(values.end(), row.begin(), row.end());
  }
  const auto view = [](const std::vector<float>& list) {
    return TensorView{
        DataType::f32, {static_cast<std::int64_t>(list.size())}, std::as_bytes(std::span(list))};
  };
  write_safetensors(path, {{"lengths", view(lengths)}, {"values", view(values)}}, {});
}

}  // namespace

Rows cached_vectors(const fs::path& folder, const std::string& key, const std::function<Rows()>& make) {
  constexpr std::size_t name_length = 32;
  const auto path = folder / (sha256_of_text(key).substr(0, name_length) + ".safetensors");
  if (fs::exists(path)) {
    try {
      return read_rows(path);
    } catch (const Error&) {
    }
  }
  auto rows = make();
  fs::create_directories(folder);
  write_rows(path, rows);
  return rows;
}

}  // namespace reenact::training
