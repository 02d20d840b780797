// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/weight_source.h"

#include <cmath>
#include <utility>

#include "reenact/error.h"
#include "reenact/safetensors.h"

namespace reenact::cpu {
namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

}  // namespace

WeightSource::WeightSource(std::shared_ptr<const ModelFile> file, std::shared_ptr<const ModelFile> personal)
    : file_(std::move(file)), personal_(std::move(personal)) {}

bool WeightSource::contains(const std::string& name) const {
  return added_.contains(name) || (personal_ && personal_->file().contains(name)) ||
         file_->file().contains(name);
}

const TensorView& WeightSource::view(const std::string& name) const {
  if (personal_ && personal_->file().contains(name)) return personal_->file().at(name);
  return file_->file().at(name);
}

std::vector<float> WeightSource::floats(const std::string& name) const {
  const auto added = added_.find(name);
  return added != added_.end() ? added->second : view(name).to_floats();
}

std::vector<float> WeightSource::floats(const std::string& name,
                                        std::initializer_list<std::int64_t> shape) const {
  if (const auto added = added_.find(name); added != added_.end()) return added->second;
  const TensorView& tensor = view(name);
  const std::vector<std::int64_t> wanted(shape);
  if (tensor.shape != wanted) {
    const bool personal = personal_ && personal_->file().contains(name);
    throw Error(ErrorCode::wrong_kind, (personal ? *personal_ : *file_).path().string() + ": tensor " + name +
                                           " has shape " + shape_text(tensor.shape) + ", wanted " +
                                           shape_text(wanted));
  }
  return tensor.to_floats();
}

std::vector<float> WeightSource::folded_weight(const std::string& name,
                                               std::initializer_list<std::int64_t> shape) const {
  std::vector<float> weight = floats(name + ".weight", shape);
  if (!contains(name + ".sn_u")) return weight;
  const std::int64_t rows = *shape.begin();
  const std::int64_t columns = static_cast<std::int64_t>(weight.size()) / rows;
  const std::vector<float> u = floats(name + ".sn_u", {rows});
  const std::vector<float> v = floats(name + ".sn_v", {columns});
  double sigma = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    double product = 0;
    for (std::int64_t column = 0; column < columns; ++column) {
      product += static_cast<double>(weight[row * columns + column]) * v[column];
    }
    sigma += product * u[row];
  }
  if (!(std::abs(sigma) > 0)) {
    throw Error(ErrorCode::corrupt, path() + ": the spectral norm of " + name + " is zero or not a number");
  }
  const float factor = static_cast<float>(1.0 / sigma);
  for (float& value : weight) value *= factor;
  return weight;
}

}  // namespace reenact::cpu
