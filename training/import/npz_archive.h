// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace reenact::training {

/// A file that numpy.savez or savez_compressed wrote: arrays by name, each a .npy member of a zip archive. Nothing pickled is
/// read.
class NpzArchive {
 public:
  /// Throws Error: not_found, unreadable, and corrupt for what is no zip archive or holds more than is reasonable.
  explicit NpzArchive(const std::filesystem::path& path);
  ~NpzArchive();

  bool contains(const std::string& name) const;
  /// Names of all arrays, in the file's order.
  std::vector<std::string> names() const;

  struct Numbers {
    std::vector<std::int64_t> shape;
    std::vector<float> values;  ///< row-major, whatever the file's order
  };
  /// An array of float16, 32 or 64. Throws Error naming the file: wrong_kind where it is absent or of another type, corrupt
  /// where it is damaged or not finite.
  Numbers numbers(const std::string& name) const;
  /// A list of strings (numpy's <U). Throws Error as numbers().
  std::vector<std::string> texts(const std::string& name) const;

 private:
  struct Private;
  std::unique_ptr<Private> p_;
};

}  // namespace reenact::training
