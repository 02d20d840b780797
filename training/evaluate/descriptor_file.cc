// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/descriptor_file.h"

#include <nlohmann/json.hpp>

#include "reenact/error.h"
#include "reenact/model_file.h"
#include "reenact/safetensors.h"

namespace reenact::training {

std::map<std::string, std::vector<float>> read_descriptors(const std::filesystem::path& path) {
  const ModelFile model(path, ModelKind::descriptors);
  const auto& vectors = model.file().at("vectors");
  const auto values = vectors.to_floats();
  const auto names = nlohmann::json::parse(
      model.file().metadata().count("names") ? model.file().metadata().at("names") : "[]", nullptr, false);
  if (vectors.shape.size() != 2 || !names.is_array() ||
      static_cast<std::int64_t>(names.size()) != vectors.shape[0])
    throw Error(ErrorCode::corrupt, "'" + path.string() + "' has " + std::to_string(names.size()) +
                                        " names, wanted one for each row of vectors");
  const auto size = static_cast<std::ptrdiff_t>(vectors.shape[1]);
  std::map<std::string, std::vector<float>> result;
  auto at = values.begin();
  for (const auto& name : names) {
    result[name.is_string() ? name.get<std::string>() : name.dump()] = {at, at + size};
    at += size;
  }
  return result;
}

}  // namespace reenact::training
