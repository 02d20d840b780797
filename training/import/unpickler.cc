// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/import/unpickler.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "reenact/error.h"

namespace reenact::training {

/// The classes and functions that a pickle may name. Storage classes follow `storage`, one for each DataType.
enum class Unpickler::Callable : std::int64_t {
  ordered_dict,
  name_space,
  path,
  rebuild_tensor,
  rebuild_tensor_v2,
  rebuild_parameter,
  storage
};

namespace {

/// Opcodes of Python's pickle protocols that PyTorch's files use.
enum Opcode : std::uint8_t {
  op_mark = '(',
  op_stop = '.',
  op_none = 'N',
  op_new_true = 0x88,
  op_new_false = 0x89,
  op_bin_int = 'J',
  op_bin_int1 = 'K',
  op_bin_int2 = 'M',
  op_long1 = 0x8a,
  op_bin_float = 'G',
  op_bin_string = 'T',
  op_short_bin_string = 'U',
  op_bin_unicode = 'X',
  op_short_bin_unicode = 0x8c,
  op_bin_unicode8 = 0x8d,
  op_empty_list = ']',
  op_append = 'a',
  op_appends = 'e',
  op_empty_tuple = ')',
  op_tuple = 't',
  op_tuple1 = 0x85,
  op_tuple2 = 0x86,
  op_tuple3 = 0x87,
  op_empty_dict = '}',
  op_set_item = 's',
  op_set_items = 'u',
  op_bin_get = 'h',
  op_long_bin_get = 'j',
  op_bin_put = 'q',
  op_long_bin_put = 'r',
  op_memoize = 0x94,
  op_global = 'c',
  op_stack_global = 0x93,
  op_reduce = 'R',
  op_new_object = 0x81,
  op_build = 'b',
  op_bin_persid = 'Q',
  op_proto = 0x80,
  op_frame = 0x95,
};

struct StorageClass {
  std::string_view name;
  DataType type;
};
constexpr std::array storage_classes = {
    StorageClass{"FloatStorage", DataType::f32}, StorageClass{"DoubleStorage", DataType::f64},
    StorageClass{"HalfStorage", DataType::f16},  StorageClass{"BFloat16Storage", DataType::bf16},
    StorageClass{"LongStorage", DataType::i64},  StorageClass{"IntStorage", DataType::i32},
    StorageClass{"ShortStorage", DataType::i16}, StorageClass{"CharStorage", DataType::i8},
    StorageClass{"ByteStorage", DataType::u8},   StorageClass{"BoolStorage", DataType::boolean},
};

constexpr std::size_t longest_name = 256, longest_path = 4096;

}  // namespace

Unpickler::Unpickler(ByteReader& reader) : reader_(reader), document_(reader.source()) {}

PickleDocument Unpickler::read(ByteReader& reader) {
  return Unpickler(reader).run();
}

PickleDocument Unpickler::run() {
  const auto first = reader_.take_number<std::uint8_t>(), protocol = reader_.take_number<std::uint8_t>();
  if (first != op_proto || protocol < 2 || protocol > 5) fail("is no pickle of protocol 2 to 5");
  for (;;) {
    spend(1);
    const auto opcode = reader_.take_number<std::uint8_t>();
    if (opcode == op_stop) break;
    execute(opcode);
  }
  const Id root = pop();
  if (!stack_.empty() || !marks_.empty()) fail("ends with objects that belong to nothing");
  check_nesting(root);
  document_.set_root(root);
  return std::move(document_);
}

void Unpickler::execute(std::uint8_t opcode) {
  switch (opcode) {
    case op_mark:
      return marks_.push_back(stack_.size());
    case op_none:
      return push({});
    case op_new_true:
    case op_new_false:
      return push({PickleKind::boolean, opcode == op_new_true});
    case op_bin_int:
      return push_integer(reader_.take_number<std::int32_t>());
    case op_bin_int1:
      return push_integer(reader_.take_number<std::uint8_t>());
    case op_bin_int2:
      return push_integer(reader_.take_number<std::uint16_t>());
    case op_long1:
      return push_big_integer();
    case op_bin_float: {
      // The one big-endian number of the format.
      const auto bits = __builtin_bswap64(reader_.take_number<std::uint64_t>());
      return push({PickleKind::real, std::bit_cast<double>(bits)});
    }
    case op_short_bin_string:
    case op_short_bin_unicode:
      return push_text(reader_.take_number<std::uint8_t>());
    case op_bin_string:
    case op_bin_unicode:
      return push_text(reader_.take_number<std::uint32_t>());
    case op_bin_unicode8:
      return push_text(reader_.take_number<std::uint64_t>());
    case op_empty_list:
      return push({PickleKind::list, std::vector<Id>()});
    case op_append: {
      const Id element = pop();
      return append(top(), {element});
    }
    case op_appends: {
      const auto elements = pop_to_mark();
      return append(top(), elements);
    }
    case op_empty_tuple:
      return push({PickleKind::tuple, std::vector<Id>()});
    case op_tuple:
      return push({PickleKind::tuple, pop_to_mark()});
    case op_tuple1:
    case op_tuple2:
    case op_tuple3:
      return push({PickleKind::tuple, tuple_of(opcode - op_tuple1 + 1)});
    case op_empty_dict:
      return push({PickleKind::dictionary, std::vector<Id>()});
    case op_set_item: {
      const auto pair = tuple_of(2);
      return set_items(top(), pair);
    }
    case op_set_items: {
      const auto pairs = pop_to_mark();
      return set_items(top(), pairs);
    }
    case op_bin_get:
      return recall(reader_.take_number<std::uint8_t>());
    case op_long_bin_get:
      return recall(reader_.take_number<std::uint32_t>());
    case op_bin_put:
      return remember(reader_.take_number<std::uint8_t>());
    case op_long_bin_put:
      return remember(reader_.take_number<std::uint32_t>());
    case op_memoize:
      return remember(memo_count_);
    case op_global: {
      const auto module = reader_.take_line(longest_name), name = reader_.take_line(longest_name);
      return push_global(module, name);
    }
    case op_stack_global: {
      const auto names = tuple_of(2);
      return push_global(text_of(names[0]), text_of(names[1]));
    }
    case op_reduce:
      return reduce();
    case op_new_object:
      return construct();
    case op_build:
      return build();
    case op_bin_persid:
      return resolve_storage();
    case op_frame: {
      // Only a promise about buffering; the bytes inside are ordinary opcodes.
      const auto length = reader_.take_number<std::uint64_t>();
      if (length > reader_.remaining()) fail("claims a frame longer than the file");
      return;
    }
    default: {
      char number[8];
      std::snprintf(number, sizeof number, "0x%02x", opcode);
      throw Error(ErrorCode::unsupported, reader_.source() + " uses the pickle opcode " + number +
                                              ", which no PyTorch checkpoint needs, at byte " +
                                              std::to_string(reader_.position() - 1) +
                                              "; nothing of it was run");
    }
  }
}

void Unpickler::check_nesting(Id root) const {
  struct Visit {
    Id id;
    std::size_t next;
    int tallest;  // height of the tallest child so far
  };
  constexpr int unseen = 0, open = -1;
  std::vector<int> heights(document_.size(), unseen);
  std::vector<Visit> visits{{root, 0, 0}};
  heights[root] = open;
  while (!visits.empty()) {
    auto& visit = visits.back();
    const auto* children = std::get_if<std::vector<Id>>(&document_.node(visit.id).content);
    int finished = unseen;
    if (children && visit.next < children->size()) {
      const Id child = (*children)[visit.next++];
      finished = heights[child];
      if (finished == open) fail("holds a value that contains itself");
      if (finished == unseen) {
        heights[child] = open;
        visits.push_back({child, 0, 0});
      }
    } else {
      finished = heights[visit.id] = visit.tallest + 1;
      visits.pop_back();
    }
    if (!visits.empty()) visits.back().tallest = std::max(visits.back().tallest, finished);
    if (finished > max_depth || visits.size() > max_depth)
      fail("nests values more than " + std::to_string(max_depth) + " deep");
  }
}

void Unpickler::spend(std::size_t steps) {
  if (steps > static_cast<std::size_t>(steps_left_))
    fail("holds more than " + std::to_string(max_steps) + " objects, far more than any checkpoint");
  steps_left_ -= static_cast<std::int64_t>(steps);
}

void Unpickler::fail(const std::string& what) const {
  throw Error(ErrorCode::corrupt, reader_.source() + " " + what + " (pickle, byte " +
                                      std::to_string(reader_.position()) +
                                      "); a PyTorch checkpoint was wanted");
}

PickleDocument::Id Unpickler::pop() {
  const Id id = top();
  stack_.pop_back();
  return id;
}

PickleDocument::Id Unpickler::top() const {
  // What lies below the last mark is not to be touched.
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("takes an object that is not there");
  return stack_.back();
}

std::vector<PickleDocument::Id> Unpickler::pop_to_mark() {
  if (marks_.empty()) fail("lacks the mark of a sequence");
  const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<Id> elements(first, stack_.end());
  stack_.erase(first, stack_.end());
  marks_.pop_back();
  return elements;
}

std::vector<PickleDocument::Id> Unpickler::tuple_of(std::size_t count) {
  std::vector<Id> elements(count);
  for (std::size_t i = count; i > 0; --i) elements[i - 1] = pop();
  return elements;
}

std::vector<PickleDocument::Id>& Unpickler::sequence(Id id, PickleKind wanted) {
  auto& node = document_.node(id);
  if (node.kind != wanted)
    fail("holds " + to_string(node.kind) + " where " + to_string(wanted) + " was wanted");
  return std::get<std::vector<Id>>(node.content);
}

std::string_view Unpickler::text_of(Id id) const {
  const auto& node = document_.node(id);
  if (node.kind != PickleKind::text) fail("holds " + to_string(node.kind) + " where a string was wanted");
  return std::get<std::string_view>(node.content);
}

std::int64_t Unpickler::integer_of(Id id) const {
  const auto& node = document_.node(id);
  if (node.kind != PickleKind::integer)
    fail("holds " + to_string(node.kind) + " where an integer was wanted");
  return std::get<std::int64_t>(node.content);
}

void Unpickler::push_text(std::uint64_t length) {
  push({PickleKind::text, reader_.take_text(length)});
}

void Unpickler::push_big_integer() {
  const auto bytes = reader_.take_text(reader_.take_number<std::uint8_t>());
  if (bytes.size() > sizeof(std::int64_t)) return push({PickleKind::big_integer, bytes});
  std::int64_t value = !bytes.empty() && bytes.back() < 0 ? -1 : 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  push_integer(value);
}

void Unpickler::remember(std::uint32_t index) {
  if (index >= max_steps) fail("numbers its objects beyond " + std::to_string(max_steps));
  if (index >= memo_.size()) memo_.resize(index + 1);
  if (!memo_[index]) ++memo_count_;
  memo_[index] = top();
}

void Unpickler::recall(std::uint32_t index) {
  if (index >= memo_.size() || !memo_[index])
    fail("refers to object " + std::to_string(index) + ", which is not there");
  stack_.push_back(*memo_[index]);
}

void Unpickler::append(Id target, const std::vector<Id>& elements) {
  auto& list = sequence(target, PickleKind::list);
  list.insert(list.end(), elements.begin(), elements.end());
}

void Unpickler::set_items(Id target, const std::vector<Id>& pairs) {
  if (pairs.size() % 2) fail("gives a dict a key without a value");
  auto& items = sequence(target, PickleKind::dictionary);
  items.insert(items.end(), pairs.begin(), pairs.end());
}

void Unpickler::push_global(std::string_view module, std::string_view name) {
  struct Known {
    std::string_view module, name;
    Callable callable;
  };
  static constexpr std::array known = {
      Known{"collections", "OrderedDict", Callable::ordered_dict},
      Known{"argparse", "Namespace", Callable::name_space},
      Known{"pathlib", "PosixPath", Callable::path},
      Known{"pathlib._local", "PosixPath", Callable::path},
      Known{"torch._utils", "_rebuild_tensor", Callable::rebuild_tensor},
      Known{"torch._utils", "_rebuild_tensor_v2", Callable::rebuild_tensor_v2},
      Known{"torch._utils", "_rebuild_parameter", Callable::rebuild_parameter},
  };
  for (const auto& entry : known)
    if (entry.module == module && entry.name == name)
      return push({PickleKind::callable, static_cast<std::int64_t>(entry.callable)});
  for (std::size_t i = 0; module == "torch" && i < storage_classes.size(); ++i)
    if (storage_classes[i].name == name)
      return push({PickleKind::callable,
                   static_cast<std::int64_t>(Callable::storage) + static_cast<std::int64_t>(i)});
  throw Error(ErrorCode::unsupported,
              reader_.source() + " asks for the Python object " + printable(module) + "." + printable(name) +
                  ", which is refused and was not run; only tensors, dicts, lists, tuples, numbers, strings, "
                  "argparse.Namespace and pathlib.PosixPath are read");
}

void Unpickler::resolve_storage() {
  const auto& id = sequence(pop(), PickleKind::tuple);
  if (id.size() < 5 || id.size() > 6 || text_of(id[0]) != "storage")
    fail("refers to something that is no storage");
  const auto& type = document_.node(id[1]);
  const auto number = type.kind == PickleKind::callable ? std::get<std::int64_t>(type.content) : 0;
  if (number < static_cast<std::int64_t>(Callable::storage)) fail("gives a storage no element type");
  if (id.size() == 6 && document_.node(id[5]).kind != PickleKind::none)
    throw Error(ErrorCode::unsupported, reader_.source() + " holds a view of a storage, which is not read");
  PickledStorage storage;
  storage.type =
      storage_classes[static_cast<std::size_t>(number - static_cast<std::int64_t>(Callable::storage))].type;
  storage.key = text_of(id[2]);
  storage.element_count = integer_of(id[4]);
  if (storage.element_count < 0) fail("claims a storage of negative size");
  stack_.push_back(document_.add_storage(storage));
}

void Unpickler::construct() {
  const auto pair = tuple_of(2);
  const auto& type = document_.node(pair[0]);
  if (type.kind != PickleKind::callable ||
      std::get<std::int64_t>(type.content) != static_cast<std::int64_t>(Callable::name_space) ||
      !sequence(pair[1], PickleKind::tuple).empty())
    fail("makes an object of something that is no argparse.Namespace");
  push({PickleKind::name_space, std::vector<Id>()});
}

void Unpickler::reduce() {
  const auto pair = tuple_of(2);
  const auto& function = document_.node(pair[0]);
  if (function.kind != PickleKind::callable) fail("calls " + to_string(function.kind));
  const auto callable = static_cast<Callable>(std::get<std::int64_t>(function.content));
  spend(sequence(pair[1], PickleKind::tuple).size());
  const std::vector<Id> arguments = sequence(pair[1], PickleKind::tuple);
  switch (callable) {
    case Callable::ordered_dict:
      return stack_.push_back(ordered_dict(arguments));
    case Callable::path:
      return stack_.push_back(path(arguments));
    case Callable::rebuild_tensor:
      if (arguments.size() != 4)
        fail("describes a tensor by " + std::to_string(arguments.size()) + " values, not 4");
      return stack_.push_back(rebuild_tensor(arguments));
    case Callable::rebuild_tensor_v2:
      if (arguments.size() != 6)
        fail("describes a tensor by " + std::to_string(arguments.size()) + " values, not 6");
      return stack_.push_back(rebuild_tensor(arguments));
    case Callable::rebuild_parameter:
      if (arguments.size() != 3 || document_.node(arguments[0]).kind != PickleKind::tensor)
        fail("makes a parameter of something that is no tensor");
      return stack_.push_back(arguments[0]);
    default:
      fail("calls a class that is not to be called");
  }
}

void Unpickler::build() {
  const auto pair = tuple_of(2);
  const auto state = document_.node(pair[1]).kind;
  if (document_.node(pair[0]).kind == PickleKind::name_space) {
    auto& fields = sequence(pair[0], PickleKind::name_space);
    if (state != PickleKind::dictionary || !fields.empty())
      fail("fills an argparse.Namespace in an unknown way");
    fields.push_back(pair[1]);
  } else if (document_.node(pair[0]).kind != PickleKind::dictionary || state != PickleKind::dictionary) {
    // An OrderedDict's own attributes (the state_dict's module versions) are of no use here.
    fail("sets attributes of " + to_string(document_.node(pair[0]).kind));
  }
  stack_.push_back(pair[0]);
}

PickleDocument::Id Unpickler::rebuild_tensor(const std::vector<Id>& arguments) {
  const auto& storage = document_.node(arguments[0]);
  if (storage.kind != PickleKind::storage) fail("describes a tensor without a storage");
  PickledTensor tensor;
  tensor.storage = document_.storage(arguments[0]);
  tensor.offset = integer_of(arguments[1]);
  tensor.shape = sizes_of(arguments[2]);
  tensor.strides = sizes_of(arguments[3]);
  if (tensor.offset < 0 || tensor.shape.size() != tensor.strides.size())
    fail("describes a tensor by an impossible offset, shape or stride");
  return document_.add_tensor(std::move(tensor));
}

PickleDocument::Id Unpickler::ordered_dict(const std::vector<Id>& arguments) {
  if (arguments.size() > 1) fail("makes an OrderedDict of several values");
  std::vector<Id> items;
  if (!arguments.empty()) {
    // Python 2 wrote the items as one list of [key, value] lists.
    const auto& list = sequence(arguments[0], PickleKind::list);
    spend(list.size());
    for (const Id entry : list) {
      const auto kind = document_.node(entry).kind == PickleKind::list ? PickleKind::list : PickleKind::tuple;
      const auto& pair = sequence(entry, kind);
      if (pair.size() != 2) fail("makes an OrderedDict of something that is no pair");
      items.insert(items.end(), pair.begin(), pair.end());
    }
  }
  return document_.add({PickleKind::dictionary, std::move(items)});
}

PickleDocument::Id Unpickler::path(const std::vector<Id>& parts) {
  std::string joined;
  for (const Id part : parts) {
    const auto text = text_of(part);
    if (joined.size() + text.size() >= longest_path) fail("holds a path of more than 4096 characters");
    spend(text.size());
    if (!joined.empty() && joined.back() != '/') joined += '/';
    joined += text;
  }
  return document_.add_path(std::move(joined));
}

std::vector<std::int64_t> Unpickler::sizes_of(Id tuple) const {
  const auto& node = document_.node(tuple);
  if (node.kind != PickleKind::tuple) fail("gives a tensor's shape as " + to_string(node.kind));
  const auto& ids = std::get<std::vector<Id>>(node.content);
  if (ids.size() > max_dimensions) fail("holds a tensor of " + std::to_string(ids.size()) + " dimensions");
  std::vector<std::int64_t> sizes;
  for (const Id id : ids) {
    sizes.push_back(integer_of(id));
    if (sizes.back() < 0) fail("holds a tensor of negative size or stride");
  }
  return sizes;
}

}  // namespace reenact::training
