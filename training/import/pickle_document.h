// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "reenact/safetensors.h"

namespace reenact::training {

/// A run of elements that tensors of a PyTorch file point into, as the pickle claims it to be.
struct PickledStorage {
  std::string_view key;  ///< its name inside the file
  DataType type = DataType::f32;
  std::int64_t element_count = 0;
};

/// A tensor as the pickle describes it; TorchArchive checks that it lies inside its storage.
struct PickledTensor {
  PickledStorage storage;
  std::int64_t offset = 0;            ///< first element in the storage
  std::vector<std::int64_t> shape;    ///< not negative
  std::vector<std::int64_t> strides;  ///< in elements, one for each dimension, not negative
  std::string name;                   ///< its key in the dictionary it was taken from; see tensors_in()

  std::int64_t element_count() const;
};

/// What a value in a pickle is.
enum class PickleKind {
  none,
  boolean,
  integer,
  big_integer,  ///< more than 64 bits; text() gives its little-endian two's complement bytes
  real,
  text,
  list,
  tuple,
  dictionary,  ///< dict and collections.OrderedDict
  name_space,  ///< argparse.Namespace
  path,        ///< pathlib.PosixPath
  callable,    ///< one of the few classes and functions the reader knows
  storage,
  tensor
};

std::string to_string(PickleKind kind);

class PickleValue;

/// All values of one pickle. They refer to each other by number, so that no nesting, sharing or cycle in the
/// file turns into recursion here. Texts point into the bytes that were read, which must outlive the
/// document.
class PickleDocument {
 public:
  using Id = std::uint32_t;
  struct Node {
    PickleKind kind = PickleKind::none;
    /// Lists, tuples: the elements; dictionaries: key, value, key, value...; name spaces: their dictionary,
    /// if any; tensors and storages: their number.
    std::variant<std::monostate, bool, std::int64_t, double, std::string_view, std::vector<Id>> content;
  };

  explicit PickleDocument(std::string source) : source_(std::move(source)) {}

  Id add(Node node);
  Id add_tensor(PickledTensor tensor);
  Id add_storage(PickledStorage storage);
  Id add_path(std::string path);
  Node& node(Id id) { return nodes_[id]; }
  const Node& node(Id id) const { return nodes_[id]; }
  std::size_t size() const { return nodes_.size(); }
  void set_root(Id id) { root_ = id; }

  PickleValue root() const;
  const PickledTensor& tensor(Id id) const { return tensors_[number(id)]; }
  const PickledStorage& storage(Id id) const { return storages_[number(id)]; }
  const std::vector<PickledTensor>& tensors() const { return tensors_; }
  const std::vector<PickledStorage>& storages() const { return storages_; }
  /// The file, for messages.
  const std::string& source() const { return source_; }

 private:
  std::size_t number(Id id) const {
    return static_cast<std::size_t>(std::get<std::int64_t>(nodes_[id].content));
  }

  std::string source_;
  std::vector<Node> nodes_;
  std::vector<PickledTensor> tensors_;
  std::vector<PickledStorage> storages_;
  std::deque<std::string> paths_;
  Id root_ = 0;
};

/// One value of a document; valid as long as the document. Getters throw Error (corrupt) that names the file,
/// the kind found and the kind wanted.
class PickleValue {
 public:
  PickleValue(const PickleDocument& document, PickleDocument::Id id) : document_(&document), id_(id) {}

  PickleKind kind() const { return document_->node(id_).kind; }
  bool boolean() const;
  std::int64_t integer() const;
  double number() const;          ///< of an integer or a real
  std::string_view text() const;  ///< of a text, a path or a big integer
  const PickledTensor& tensor() const;
  const PickledStorage& storage() const;

  /// Elements of a list or tuple.
  std::size_t size() const;
  PickleValue at(std::size_t index) const;

  bool is_dictionary() const { return kind() == PickleKind::dictionary || kind() == PickleKind::name_space; }
  /// The value under a text key of a dictionary or name space, the last one if it was set twice.
  std::optional<PickleValue> find(std::string_view key) const;
  /// As find(); throws Error (corrupt) when the key is absent.
  PickleValue at(std::string_view key) const;
  /// What is under text keys of a dictionary or name space; other keys are left out.
  std::map<std::string, PickleValue> entries() const;

 private:
  const PickleDocument::Node& expect(PickleKind wanted) const;
  const std::vector<PickleDocument::Id>& pairs() const;

  const PickleDocument* document_;
  PickleDocument::Id id_;
};

}  // namespace reenact::training
