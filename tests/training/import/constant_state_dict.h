// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "reenact/safetensors.h"
#include "tests/training/import/pickle_writer.h"
#include "training/import/imported_weights.h"

namespace reenact::test {

/// A state_dict whose tensors are constant: one element each, repeated by strides of 0. The i-th tensor by
/// name is filled with i / 64. With `entry` it stands under that name in a dict, as in a checkpoint.
inline std::string constant_state_dict(const training::TensorShapes& shapes, const std::string& entry = "") {
  PickleWriter writer;
  if (!entry.empty()) writer.op('}').mark().text(entry);
  writer.global("collections", "OrderedDict").ops(")R").mark();
  LegacyFile file;
  for (const auto& [name, shape] : shapes) {
    const auto key = std::to_string(file.storages.size());
    writer.text(name).tensor(key, 1, 0, shape, std::vector<std::int64_t>(shape.size(), 0));
    file.storages.push_back({key, {static_cast<float>(file.storages.size()) / 64}});
  }
  writer.op('u');
  if (!entry.empty()) writer.op('u');
  file.object = writer.stop();
  return file.bytes();
}

/// Every tensor of the file has the value that its place among `names` gives it.
inline void expect_constants(const SafetensorsFile& file, const training::TensorShapes& shapes,
                             const std::string& prefix) {
  float place = 0;
  for (const auto& [name, shape] : shapes) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(file.contains(prefix + name));
    const auto values = file.at(prefix + name).to_floats();
    EXPECT_EQ(file.at(prefix + name).shape, shape);
    EXPECT_EQ(values.front(), place / 64);
    EXPECT_EQ(values.back(), place / 64);
    ++place;
  }
}

}  // namespace reenact::test
