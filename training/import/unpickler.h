// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "training/import/byte_reader.h"
#include "training/import/pickle_document.h"

namespace reenact::training {

/// Reads one pickle (protocol 2 to 5) of those that PyTorch writes, and runs nothing.
///
/// It knows None, bools, numbers, strings, lists, tuples, dicts, collections.OrderedDict, argparse.Namespace,
/// pathlib.PosixPath, and PyTorch's tensors, parameters and storages. Every other class or function is
/// refused by its name, every other opcode by its number. The work is bounded: at most `max_steps` opcodes
/// and copied elements, values nested at most `max_depth` deep, none inside itself, strings never longer than
/// the bytes that hold them. Every violation throws Error (corrupt, or unsupported for what is refused).
class Unpickler {
 public:
  static constexpr std::int64_t max_steps = 2'000'000;  ///< a full-size checkpoint takes about 100,000
  static constexpr int max_depth = 64;
  static constexpr std::size_t max_dimensions = 8;

  /// From the reader's position to the pickle's STOP, where the reader is left. The document's texts point
  /// into the reader's bytes.
  static PickleDocument read(ByteReader& reader);

 private:
  using Id = PickleDocument::Id;
  enum class Callable : std::int64_t;

  explicit Unpickler(ByteReader& reader);
  PickleDocument run();
  void execute(std::uint8_t opcode);
  void check_nesting(Id root) const;
  void spend(std::size_t steps);
  [[noreturn]] void fail(const std::string& what) const;

  void push(PickleDocument::Node node) { stack_.push_back(document_.add(std::move(node))); }
  Id pop();
  Id top() const;
  std::vector<Id> pop_to_mark();
  std::vector<Id>& sequence(Id id, PickleKind wanted);
  std::vector<Id> tuple_of(std::size_t count);
  std::string_view text_of(Id id) const;
  std::int64_t integer_of(Id id) const;

  void push_integer(std::int64_t value) { push({PickleKind::integer, value}); }
  void push_text(std::uint64_t length);
  void push_big_integer();
  void push_global(std::string_view module, std::string_view name);
  void remember(std::uint32_t index);
  void recall(std::uint32_t index);
  void append(Id target, const std::vector<Id>& elements);
  void set_items(Id target, const std::vector<Id>& pairs);
  void resolve_storage();
  void construct();
  void reduce();
  void build();
  Id rebuild_tensor(const std::vector<Id>& arguments);
  Id ordered_dict(const std::vector<Id>& arguments);
  Id path(const std::vector<Id>& parts);
  std::vector<std::int64_t> sizes_of(Id tuple) const;

  ByteReader& reader_;
  PickleDocument document_;
  std::vector<Id> stack_;
  std::vector<std::size_t> marks_;
  std::vector<std::optional<Id>> memo_;
  std::uint32_t memo_count_ = 0;
  std::int64_t steps_left_ = max_steps;
};

}  // namespace reenact::training
