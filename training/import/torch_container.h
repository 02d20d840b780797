// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "training/import/pickle_document.h"

namespace reenact::training {

/// The outer shape of a file that torch.save wrote: one pickled object, and storages by key.
class TorchContainer {
 public:
  virtual ~TorchContainer() = default;

  /// "legacy" or "zip".
  virtual std::string name() const = 0;
  virtual const PickleDocument& object() const = 0;
  /// Throws Error (corrupt) naming the file when the storage is absent or has not exactly the size it claims.
  virtual void check(const PickledStorage& storage) const = 0;
  /// The storage's elements; valid until the next call. Throws Error (corrupt).
  virtual std::span<const std::byte> read(const PickledStorage& storage) = 0;
};

/// Bytes a storage claims to have. Throws Error (corrupt) naming `source` when they are more than 63 bits can
/// count.
std::int64_t claimed_bytes(const PickledStorage& storage, const std::string& source);

/// torch.save up to PyTorch 1.5: five pickles (magic number, version, machine, object, storage keys), then
/// for each storage a count and raw elements. `bytes` must outlive the container; `source` names them in
/// messages.
std::unique_ptr<TorchContainer> open_legacy_container(std::span<const std::byte> bytes,
                                                      const std::string& source);

/// torch.save since PyTorch 1.6: a zip archive with `<name>/data.pkl` and one stored (not deflated) entry
/// `<name>/data/<key>` for each storage. `bytes` must outlive the container.
std::unique_ptr<TorchContainer> open_zip_container(std::span<const std::byte> bytes,
                                                   const std::string& source);

}  // namespace reenact::training
