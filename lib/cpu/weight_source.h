// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reenact/model_file.h"
#include "reenact/safetensors.h"

namespace reenact::cpu {

/// Where a network finds its tensors by name: a model file, over which a person's own weights may lie.
class WeightSource {
 public:
  explicit WeightSource(std::shared_ptr<const ModelFile> file,
                        std::shared_ptr<const ModelFile> personal = nullptr);

  /// Lays a tensor in memory over the file's.
  void add(const std::string& name, std::vector<float> values) { added_[name] = std::move(values); }

  bool contains(const std::string& name) const;
  /// Values of a tensor of that shape; throws Error (wrong_kind) naming file and both shapes.
  std::vector<float> floats(const std::string& name, std::initializer_list<std::int64_t> shape) const;
  /// Values of a tensor of any shape.
  std::vector<float> floats(const std::string& name) const;
  /// `name`.weight, divided by its spectral norm where `name`.sn_u and `name`.sn_v are stored (section 4.3 of
  /// the released code's description: sigma = u . (W v), W viewed as [out, rest]).
  std::vector<float> folded_weight(const std::string& name, std::initializer_list<std::int64_t> shape) const;

  std::string path() const { return file_->path().string(); }

 private:
  const TensorView& view(const std::string& name) const;

  std::shared_ptr<const ModelFile> file_;
  std::shared_ptr<const ModelFile> personal_;
  std::map<std::string, std::vector<float>> added_;
};

}  // namespace reenact::cpu
