// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "reenact/model_file.h"

namespace reenact::training {

/// Mean and deviation of each of the numbers that describe pictures; both empty where nothing is known of them.
struct DescriptorScale {
  std::vector<float> mean, deviation;  // [d]
  /// The numbers brought to mean 0 and deviation 1, or as they are where nothing is known. Those that never vary become 0.
  std::vector<float> normalized(std::vector<float> numbers) const;
};
/// Of rows of one length, one at least.
DescriptorScale scale_of(const std::vector<std::vector<float>>& rows);

/// A file of kind `descriptors`: tensors `vectors` [N, d] and, where known, `mean` and `deviation` [d]; `names`, a JSON array of
/// the pictures' names, in its metadata.
struct DescriptorFile {
  std::map<std::string, std::vector<float>> vectors;  ///< by the names of the pictures, as stored
  DescriptorScale scale;
};

/// Throws Error: as ModelFile does, and wrong_kind for names that are missing or do not fit, numbers that are not finite, and
/// a mean or deviation of another length.
DescriptorFile read_descriptor_file(const std::filesystem::path& path);
/// Throws Error as write_safetensors() does. `info` tells licence and provenance.
void write_descriptor_file(const std::filesystem::path& path, const DescriptorFile& file, ModelInfo info);

}  // namespace reenact::training
