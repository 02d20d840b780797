// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/descriptor_file.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "reenact/error.h"
#include "reenact/safetensors.h"

namespace reenact::training {
namespace {

[[noreturn]] void refuse_descriptors(const SafetensorsFile& file, const std::string& found,
                                     const std::string& wanted) {
  throw Error(ErrorCode::wrong_kind, "'" + file.path().string() + "' has " + found + ", wanted " + wanted);
}

std::vector<std::string> names_in(const SafetensorsFile& file, std::size_t wanted) {
  const auto entry = file.metadata().find("names");
  const auto names =
      nlohmann::json::parse(entry == file.metadata().end() ? "" : entry->second, nullptr, false);
  std::vector<std::string> result;
  if (names.is_array())
    for (const auto& name : names)
      if (name.is_string()) result.push_back(name.get<std::string>());
  if (result.size() != wanted)
    refuse_descriptors(file, std::to_string(result.size()) + " names",
                       "one for each of its " + std::to_string(wanted) + " vectors");
  return result;
}

std::vector<float> finite_numbers(const SafetensorsFile& file, const std::string& tensor) {
  auto values = file.at(tensor).to_floats();
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
    refuse_descriptors(file, "a number in " + tensor + " that is not finite", "finite ones");
  return values;
}

TensorView view_of(const std::vector<float>& values, std::vector<std::int64_t> shape) {
  return {DataType::f32, std::move(shape), std::as_bytes(std::span(values))};
}

}  // namespace

std::vector<float> DescriptorScale::normalized(std::vector<float> numbers) const {
  constexpr float least = 1e-6f;
  if (mean.size() == numbers.size() && deviation.size() == numbers.size())
    for (std::size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = deviation[i] < least ? 0 : (numbers[i] - mean[i]) / deviation[i];
  return numbers;
}

DescriptorScale scale_of(const std::vector<std::vector<float>>& rows) {
  const auto length = rows.front().size();
  std::vector<double> sum(length), squares(length);
  for (const auto& row : rows)
    for (std::size_t i = 0; i < length; ++i) sum[i] += row[i];
  const auto count = static_cast<double>(rows.size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < length; ++i) squares[i] += std::pow(row[i] - sum[i] / count, 2);
  DescriptorScale scale;
  for (std::size_t i = 0; i < length; ++i) {
    scale.mean.push_back(static_cast<float>(sum[i] / count));
    scale.deviation.push_back(static_cast<float>(std::sqrt(squares[i] / count)));
  }
  return scale;
}

DescriptorFile read_descriptor_file(const std::filesystem::path& path) {
  const ModelFile model(path, ModelKind::descriptors);
  const auto& file = model.file();
  const auto& shape = file.at("vectors").shape;
  if (shape.size() != 2 || shape[1] < 1)
    refuse_descriptors(file, "vectors of " + std::to_string(shape.size()) + " dimensions",
                       "a row for each picture");
  const auto values = finite_numbers(file, "vectors");
  const auto length = static_cast<std::ptrdiff_t>(shape[1]);
  DescriptorFile result;
  if (file.contains("mean") && file.contains("deviation")) {
    result.scale = {finite_numbers(file, "mean"), finite_numbers(file, "deviation")};
    for (const auto* numbers : {&result.scale.mean, &result.scale.deviation})
      if (static_cast<std::ptrdiff_t>(numbers->size()) != length)
        refuse_descriptors(file, "a mean or deviation of another length",
                           std::to_string(length) + " numbers");
  }
  auto row = values.begin();
  for (const auto& name : names_in(file, static_cast<std::size_t>(shape[0]))) {
    result.vectors[name] = {row, row + length};
    row += length;
  }
  return result;
}

void write_descriptor_file(const std::filesystem::path& path, const DescriptorFile& file, ModelInfo info) {
  info.kind = ModelKind::descriptors;
  auto names = nlohmann::json::array();
  std::vector<float> values;
  for (const auto& [name, vector] : file.vectors) {
    names.push_back(name);
    values.insert(values.end(), vector.begin(), vector.end());
  }
  const auto count = static_cast<std::int64_t>(names.size());
  const auto length = count > 0 ? static_cast<std::int64_t>(values.size()) / count : 0;
  std::map<std::string, TensorView> tensors = {{"vectors", view_of(values, {count, length})}};
  if (!file.scale.mean.empty()) {
    tensors["mean"] = view_of(file.scale.mean, {length});
    tensors["deviation"] = view_of(file.scale.deviation, {length});
  }
  auto metadata = to_metadata(info);
  metadata["names"] = names.dump();
  write_safetensors(path, tensors, metadata);
}

}  // namespace reenact::training
