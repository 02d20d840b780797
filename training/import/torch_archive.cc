// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/import/torch_archive.h"

#include <glib.h>

#include <algorithm>
#include <cstring>

#include "reenact/error.h"
#include "training/import/byte_reader.h"

namespace reenact::training {
namespace {

std::unique_ptr<TorchContainer> open_container(std::span<const std::byte> bytes, const std::string& source) {
  const auto starts_with = [&](std::string_view mark) {
    return bytes.size() >= mark.size() && std::memcmp(bytes.data(), mark.data(), mark.size()) == 0;
  };
  if (starts_with("PK")) return open_zip_container(bytes, source);
  if (starts_with("\x80")) return open_legacy_container(bytes, source);
  throw Error(
      ErrorCode::corrupt,
      source + " begins neither as a zip archive nor as a pickle; a file that torch.save wrote was wanted");
}

/// Copies a tensor of any strides to row-major order, innermost dimension in the inner loop.
void copy_strided(const PickledTensor& tensor, std::span<const std::byte> from, std::byte* to) {
  const std::size_t element = size_of(tensor.storage.type), dimensions = tensor.shape.size();
  const std::int64_t inner = dimensions ? tensor.shape.back() : 1,
                     step = dimensions ? tensor.strides.back() : 1;
  std::vector<std::int64_t> index(dimensions, 0);
  for (std::int64_t left = tensor.element_count() / std::max<std::int64_t>(inner, 1); left > 0; --left) {
    std::int64_t position = tensor.offset;
    for (std::size_t d = 0; d + 1 < dimensions; ++d) position += index[d] * tensor.strides[d];
    for (std::int64_t i = 0; i < inner; ++i, position += step, to += element)
      std::memcpy(to, from.data() + static_cast<std::size_t>(position) * element, element);
    for (std::size_t d = dimensions - 1; d-- > 0;) {
      if (++index[d] < tensor.shape[d]) break;
      index[d] = 0;
    }
  }
}

bool is_contiguous(const PickledTensor& tensor) {
  std::int64_t expected = 1;
  for (std::size_t d = tensor.shape.size(); d-- > 0; expected *= tensor.shape[d])
    if (tensor.shape[d] != 1 && tensor.strides[d] != expected) return false;
  return true;
}

}  // namespace

TorchArchive::TorchArchive(const std::filesystem::path& path)
    : path_(path), map_(path), container_(open_container(map_.bytes(), quoted(path))) {
  for (const auto& storage : container_->object().storages()) container_->check(storage);
  for (const auto& tensor : container_->object().tensors()) check(tensor);
}

std::string TorchArchive::sha256() const {
  const auto bytes = map_.bytes();
  const std::unique_ptr<char, decltype(&g_free)> digest(
      g_compute_checksum_for_data(G_CHECKSUM_SHA256, reinterpret_cast<const guchar*>(bytes.data()),
                                  bytes.size()),
      &g_free);
  return digest.get();
}

void TorchArchive::check(const PickledTensor& tensor) const {
  std::int64_t count = 1, last = tensor.offset;
  bool overflow = false, empty = false;
  for (std::size_t d = 0; d < tensor.shape.size(); ++d) {
    overflow |= __builtin_mul_overflow(count, tensor.shape[d], &count);
    std::int64_t reach = 0;
    overflow |=
        __builtin_mul_overflow(std::max<std::int64_t>(tensor.shape[d] - 1, 0), tensor.strides[d], &reach);
    overflow |= __builtin_add_overflow(last, reach, &last);
    empty |= tensor.shape[d] == 0;
  }
  const auto size = tensor.storage.element_count;
  if (overflow || (empty ? tensor.offset > size : last >= size))
    throw Error(ErrorCode::corrupt, quoted(path_) + " describes a tensor that reaches beyond its storage " +
                                        printable(tensor.storage.key) + " of " + std::to_string(size) +
                                        " elements");
}

std::vector<std::byte> TorchArchive::read(const PickledTensor& tensor) const {
  constexpr std::int64_t largest_repetition = std::int64_t{1} << 30;
  const auto element = static_cast<std::int64_t>(size_of(tensor.storage.type));
  const std::int64_t count = tensor.element_count();
  if (count > tensor.storage.element_count && count > largest_repetition / element)
    throw Error(ErrorCode::corrupt, quoted(path_) + " repeats the elements of storage " +
                                        printable(tensor.storage.key) + " to a tensor of more than 1 GiB.");
  const auto storage = container_->read(tensor.storage);
  std::vector<std::byte> bytes(static_cast<std::size_t>(count * element));
  if (is_contiguous(tensor)) {
    const auto from = storage.subspan(static_cast<std::size_t>(tensor.offset * element), bytes.size());
    std::copy(from.begin(), from.end(), bytes.begin());
  } else {
    copy_strided(tensor, storage, bytes.data());
  }
  return bytes;
}

PickledTensors tensors_in(const PickleValue& dictionary) {
  PickledTensors tensors;
  for (const auto& [name, value] : dictionary.entries())
    if (value.kind() == PickleKind::tensor) tensors.emplace(name, value.tensor()).first->second.name = name;
  return tensors;
}

}  // namespace reenact::training
