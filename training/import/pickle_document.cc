// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/import/pickle_document.h"

#include <functional>
#include <numeric>

#include "reenact/enum_names.h"
#include "reenact/error.h"
#include "training/import/byte_reader.h"

namespace reenact::training {

namespace {

constexpr std::pair<const char*, PickleKind> kind_names[] = {
    {"None", PickleKind::none},
    {"a bool", PickleKind::boolean},
    {"an integer", PickleKind::integer},
    {"a big integer", PickleKind::big_integer},
    {"a number", PickleKind::real},
    {"a string", PickleKind::text},
    {"a list", PickleKind::list},
    {"a tuple", PickleKind::tuple},
    {"a dict", PickleKind::dictionary},
    {"an argparse.Namespace", PickleKind::name_space},
    {"a pathlib.PosixPath", PickleKind::path},
    {"a class or function", PickleKind::callable},
    {"a storage", PickleKind::storage},
    {"a tensor", PickleKind::tensor}};

}  // namespace

std::int64_t PickledTensor::element_count() const {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

std::string to_string(PickleKind kind) {
  const char* name = find_name(kind_names, kind);
  return name ? name : "nothing known";
}

PickleDocument::Id PickleDocument::add(Node node) {
  nodes_.push_back(std::move(node));
  return static_cast<Id>(nodes_.size() - 1);
}

PickleDocument::Id PickleDocument::add_tensor(PickledTensor tensor) {
  tensors_.push_back(std::move(tensor));
  return add({PickleKind::tensor, static_cast<std::int64_t>(tensors_.size() - 1)});
}

PickleDocument::Id PickleDocument::add_storage(PickledStorage storage) {
  storages_.push_back(storage);
  return add({PickleKind::storage, static_cast<std::int64_t>(storages_.size() - 1)});
}

PickleDocument::Id PickleDocument::add_path(std::string path) {
  paths_.push_back(std::move(path));
  return add({PickleKind::path, std::string_view(paths_.back())});
}

PickleValue PickleDocument::root() const {
  return {*this, root_};
}

const PickleDocument::Node& PickleValue::expect(PickleKind wanted) const {
  const auto& node = document_->node(id_);
  if (node.kind != wanted)
    throw Error(ErrorCode::corrupt, document_->source() + " holds " + to_string(node.kind) + " where " +
                                        to_string(wanted) + " was wanted");
  return node;
}

bool PickleValue::boolean() const {
  return std::get<bool>(expect(PickleKind::boolean).content);
}

std::int64_t PickleValue::integer() const {
  return std::get<std::int64_t>(expect(PickleKind::integer).content);
}

double PickleValue::number() const {
  if (kind() == PickleKind::integer) return static_cast<double>(integer());
  return std::get<double>(expect(PickleKind::real).content);
}

std::string_view PickleValue::text() const {
  const bool other = kind() == PickleKind::path || kind() == PickleKind::big_integer;
  return std::get<std::string_view>(expect(other ? kind() : PickleKind::text).content);
}

const PickledTensor& PickleValue::tensor() const {
  expect(PickleKind::tensor);
  return document_->tensor(id_);
}

const PickledStorage& PickleValue::storage() const {
  expect(PickleKind::storage);
  return document_->storage(id_);
}

std::size_t PickleValue::size() const {
  const auto& node = expect(kind() == PickleKind::list ? PickleKind::list : PickleKind::tuple);
  return std::get<std::vector<PickleDocument::Id>>(node.content).size();
}

PickleValue PickleValue::at(std::size_t index) const {
  const std::size_t count = size();
  if (index >= count)
    throw Error(ErrorCode::corrupt, document_->source() + " holds a sequence of " + std::to_string(count) +
                                        " where more than " + std::to_string(index) +
                                        " elements were wanted");
  return {*document_, std::get<std::vector<PickleDocument::Id>>(document_->node(id_).content)[index]};
}

const std::vector<PickleDocument::Id>& PickleValue::pairs() const {
  using Ids = std::vector<PickleDocument::Id>;
  if (kind() != PickleKind::name_space) return std::get<Ids>(expect(PickleKind::dictionary).content);
  const auto& fields = std::get<Ids>(document_->node(id_).content);
  static const Ids nothing;
  return fields.empty() ? nothing : PickleValue(*document_, fields.front()).pairs();
}

std::optional<PickleValue> PickleValue::find(std::string_view key) const {
  const auto& ids = pairs();
  for (std::size_t i = ids.size(); i >= 2; i -= 2) {
    const PickleValue candidate(*document_, ids[i - 2]);
    if (candidate.kind() == PickleKind::text && candidate.text() == key)
      return PickleValue(*document_, ids[i - 1]);
  }
  return std::nullopt;
}

PickleValue PickleValue::at(std::string_view key) const {
  if (const auto value = find(key)) return *value;
  throw Error(ErrorCode::corrupt, document_->source() + " has no entry " + printable(key));
}

std::map<std::string, PickleValue> PickleValue::entries() const {
  std::map<std::string, PickleValue> result;
  const auto& ids = pairs();
  for (std::size_t i = 0; i + 1 < ids.size(); i += 2) {
    const PickleValue key(*document_, ids[i]);
    if (key.kind() == PickleKind::text)
      result.insert_or_assign(std::string(key.text()), PickleValue(*document_, ids[i + 1]));
  }
  return result;
}

}  // namespace reenact::training
