// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "training/import/memory_map.h"
#include "training/import/torch_container.h"

namespace reenact::training {

/// A file that torch.save wrote (.pth, .pt), of either container, opened without Python.
///
/// Every tensor in it has been checked to lie inside its storage, and every storage inside the file. Throws
/// Error: not_found, unreadable, corrupt, or unsupported for what it refuses (see Unpickler).
class TorchArchive {
 public:
  explicit TorchArchive(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  /// "legacy" or "zip".
  std::string container() const { return container_->name(); }
  /// SHA-256 of the file, hexadecimal.
  std::string sha256() const;
  PickleValue root() const { return container_->object().root(); }

  /// The tensor's elements in row-major order, without gaps. Throws Error (corrupt) when a damaged zip entry
  /// holds it, or when it repeats elements (stride 0) to more than 1 GiB.
  std::vector<std::byte> read(const PickledTensor& tensor) const;

 private:
  void check(const PickledTensor& tensor) const;

  std::filesystem::path path_;
  MemoryMap map_;
  std::unique_ptr<TorchContainer> container_;
};

using PickledTensors = std::map<std::string, PickledTensor>;

/// The tensors directly under text keys of a dictionary, such as a state_dict; other entries are left out.
PickledTensors tensors_in(const PickleValue& dictionary);

}  // namespace reenact::training
