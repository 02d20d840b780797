// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/import/unpickler.h"

#include <gtest/gtest.h>

#include <functional>

#include "pickle_writer.h"
#include "test_file.h"

namespace reenact::training {
namespace {

using test::expect_error;
using test::PickleWriter;

PickleDocument read(const std::string& bytes) {
  ByteReader reader(std::as_bytes(std::span(bytes)), "'test'");
  return Unpickler::read(reader);
}

void expect_pickle_refused(ErrorCode code, const std::string& words, const std::string& bytes) {
  expect_error(code, words, [&] { read(bytes); });
}

TEST(Unpickler, ReadsPlainValues) {
  // {"a": [1, -2, 2**40, True, None], "b": (0.5, "x"), "c": {}} in protocol 2.
  PickleWriter writer;
  writer.op('}').mark().text("a").op(']').mark().ops("K\x01").integer(-2).integer(std::int64_t{1} << 40);
  writer.ops("\x88Ne").text("b").real(0.5).ops("U\x01x\x86").text("c").ops("}u");
  const auto bytes = writer.stop();
  const auto document = read(bytes);
  const auto root = document.root();
  const auto list = root.at("a");
  ASSERT_EQ(list.size(), 5u);
  EXPECT_EQ(list.at(0).integer(), 1);
  EXPECT_EQ(list.at(1).integer(), -2);
  EXPECT_EQ(list.at(2).integer(), std::int64_t{1} << 40);
  EXPECT_TRUE(list.at(3).boolean());
  EXPECT_EQ(list.at(4).kind(), PickleKind::none);
  EXPECT_EQ(root.at("b").at(0).number(), 0.5);
  EXPECT_EQ(root.at("b").at(1).text(), "x");
  EXPECT_TRUE(root.at("c").is_dictionary());
  EXPECT_FALSE(root.find("d").has_value());
  EXPECT_EQ(root.entries().size(), 3u);
}

TEST(Unpickler, ReadsNegativeAndShortLongs) {
  PickleWriter writer;
  writer.mark()
      .ops(std::string("\x8a\x00", 2))
      .ops("\x8a\x01\xff")
      .ops("\x8a\x02")
      .raw(std::int16_t{-300})
      .tuple();
  const auto bytes = writer.stop();
  const auto document = read(bytes);
  EXPECT_EQ(document.root().at(std::size_t{0}).integer(), 0);
  EXPECT_EQ(document.root().at(1).integer(), -1);
  EXPECT_EQ(document.root().at(2).integer(), -300);
}

TEST(Unpickler, ReadsNamespaceAndPath) {
  PickleWriter writer;
  writer.global("argparse", "Namespace").ops(")\x81}").mark().text("size").integer(256).text("folder");
  writer.global("pathlib", "PosixPath").mark().text("/").text("data").text("faces").ops("tRub");
  const auto bytes = writer.stop();
  const auto document = read(bytes);
  EXPECT_EQ(document.root().kind(), PickleKind::name_space);
  EXPECT_EQ(document.root().at("size").integer(), 256);
  EXPECT_EQ(document.root().at("folder").text(), "/data/faces");
}

TEST(Unpickler, LastOfEqualKeysCounts) {
  const auto bytes = PickleWriter().op('}').mark().text("a").integer(1).text("a").integer(2).op('u').stop();
  const auto document = read(bytes);
  EXPECT_EQ(document.root().at("a").integer(), 2);
  EXPECT_EQ(document.root().entries().at("a").integer(), 2);
}

TEST(Unpickler, ReadsOrderedDictOfPython2AndItsAttributes) {
  PickleWriter writer;
  writer.global("collections", "OrderedDict").op(']').op(']').mark().text("a").integer(7).ops("ea\x85R");
  writer.op('}').text("_metadata").op('}').op('s').op('b');
  const auto bytes = writer.stop();
  const auto document = read(bytes);
  EXPECT_EQ(document.root().at("a").integer(), 7);
}

TEST(Unpickler, SharedValuesAreRead) {
  // Both elements are the same list, as for tied weights.
  const auto bytes = PickleWriter().mark().ops("]q\x05").ops("h\x05").tuple().stop();
  const auto document = read(bytes);
  EXPECT_EQ(document.root().size(), 2u);
}

TEST(Unpickler, RefusesCodeByName) {
  const std::pair<const char*, const char*> names[] = {{"os", "system"},
                                                       {"posix", "system"},
                                                       {"nt", "system"},
                                                       {"builtins", "eval"},
                                                       {"__builtin__", "exec"},
                                                       {"subprocess", "Popen"},
                                                       {"builtins", "getattr"},
                                                       {"torch", "load"},
                                                       {"torch", "jit.load"},
                                                       {"runpy", "run_path"},
                                                       {"torch.storage", "_load_from_bytes"},
                                                       {"numpy", "load"},
                                                       {"collections", "deque"},
                                                       {"torch", "QInt8Storage"},
                                                       {"argparse", "ArgumentParser"}};
  for (const auto& [module, name] : names) {
    const std::string both = std::string(module) + "." + name;
    expect_pickle_refused(ErrorCode::unsupported, "asks for the Python object " + both,
                          PickleWriter().global(module, name).text("true").ops("\x85R").stop());
    expect_pickle_refused(
        ErrorCode::unsupported, "asks for the Python object " + both,
        PickleWriter(4).text(module).text(name).ops("\x93").text("true").ops("\x85R").stop());
  }
}

TEST(Unpickler, RefusedNamesCannotTalkToTheTerminal) {
  expect_pickle_refused(ErrorCode::unsupported, "o?[31ms.sys?tem",
                        PickleWriter()
                            .global("o\x1b[31ms",
                                    "sys\xff"
                                    "tem")
                            .stop());
}

TEST(Unpickler, RefusesOpcodesThatMakeObjectsInOtherWays) {
  // INST, OBJ, NEWOBJ_EX, EXT1, PERSID, BYTEARRAY8, NEXT_BUFFER, POP, DUP, and one that does not exist.
  for (const unsigned char opcode : {0x69, 0x6f, 0x92, 0x82, 0x50, 0x96, 0x97, 0x30, 0x32, 0xff}) {
    char number[8];
    std::snprintf(number, sizeof number, "0x%02x", opcode);
    expect_pickle_refused(
        ErrorCode::unsupported, std::string("the pickle opcode ") + number,
        PickleWriter().mark().text("os").op(static_cast<char>(opcode)).ops("os\nsystem\n").stop());
  }
}

TEST(Unpickler, RefusesCallsOfWhatIsNoFunction) {
  expect_pickle_refused(ErrorCode::corrupt, "calls a string",
                        PickleWriter().text("os.system").ops(")R").stop());
  expect_pickle_refused(ErrorCode::corrupt, "not to be called",
                        PickleWriter().global("torch", "FloatStorage").ops(")R").stop());
  expect_pickle_refused(ErrorCode::corrupt, "no argparse.Namespace",
                        PickleWriter().global("pathlib", "PosixPath").ops(")\x81").stop());
  expect_pickle_refused(ErrorCode::corrupt, "sets attributes of a list", PickleWriter().ops("]}b").stop());
  expect_pickle_refused(ErrorCode::corrupt, "in an unknown way",
                        PickleWriter().global("argparse", "Namespace").ops(")\x81}b}b").stop());
}

TEST(Unpickler, RefusesValuesInsideThemselves) {
  expect_pickle_refused(ErrorCode::corrupt, "contains itself",
                        PickleWriter().ops("]q").op('\0').ops("h").op('\0').ops("a").stop());
  expect_pickle_refused(ErrorCode::corrupt, "contains itself",
                        PickleWriter().ops("}q\x01").text("me").ops("h\x01s").stop());
  // A list in a tuple in that list.
  expect_pickle_refused(ErrorCode::corrupt, "contains itself",
                        PickleWriter().ops("]q\x01h\x01\x85").ops("a").stop());
  // A namespace whose own field it is.
  expect_pickle_refused(
      ErrorCode::corrupt, "contains itself",
      PickleWriter().global("argparse", "Namespace").ops(")\x81q\x01}").text("me").ops("h\x01sb").stop());
}

TEST(Unpickler, RefusesDeepNesting) {
  const int depth = 100'000;
  expect_pickle_refused(ErrorCode::corrupt, "more than 64 deep",
                        PickleWriter().ops(std::string(depth, ']') + std::string(depth - 1, 'a')).stop());
  // Nested by one-element tuples, each shared in the memo so that no single path of opcodes is deep.
  PickleWriter writer;
  writer.op(')');
  for (int i = 0; i < 70; ++i) writer.op('\x85');
  expect_pickle_refused(ErrorCode::corrupt, "more than 64 deep", writer.stop());
  // Deep below something that was visited before on a shallow path: (a, ((b,),)) with b deep.
  PickleWriter shared;
  shared.mark().op(')');
  for (int i = 0; i < 40; ++i) shared.op('\x85');
  shared.ops("q\x01").ops("h\x01");
  for (int i = 0; i < 40; ++i) shared.op('\x85');
  expect_pickle_refused(ErrorCode::corrupt, "more than 64 deep", shared.tuple().stop());
}

TEST(Unpickler, ManyReferencesToSharedListsAreCheap) {
  // 60 levels of a list with two references to the level below: 2^60 leaves for whoever copies.
  PickleWriter writer;
  writer.ops("]q").op('\0');
  for (char level = 1; level < 60; ++level) {
    const char below = static_cast<char>(level - 1);
    writer.ops("]q").op(level).ops("(h").op(below).ops("h").op(below).op('e');
  }
  // The levels lie on the stack one above the other; a list takes the last, a tuple the others.
  PickleWriter whole;
  const auto bytes = "\x80\x02(" + writer.stop().substr(2);
  std::string closed = bytes.substr(0, bytes.size() - 1) + "t.";
  const auto document = read(closed);
  EXPECT_EQ(document.root().size(), 60u);
}

TEST(Unpickler, RefusesClaimsBeyondTheBytes) {
  expect_pickle_refused(ErrorCode::corrupt, "claims 4294967295 more bytes",
                        PickleWriter().op('X').raw(std::uint32_t{0xffffffff}).ops("abc").stop());
  expect_pickle_refused(ErrorCode::corrupt, "claims 1152921504606846976 more bytes",
                        PickleWriter(4).ops("\x8d").raw(std::uint64_t{1} << 60).ops("abc").stop());
  expect_pickle_refused(ErrorCode::corrupt, "claims a frame longer",
                        PickleWriter(4).ops("\x95").raw(std::uint64_t{1} << 63).stop());
  expect_pickle_refused(ErrorCode::corrupt, "claims 255 more bytes",
                        PickleWriter().ops("\x8a\xff").ops("abc").stop());
  expect_pickle_refused(ErrorCode::corrupt, "does not end",
                        PickleWriter().ops("c" + std::string(1000, 'a')).stop());
  expect_pickle_refused(ErrorCode::corrupt, "numbers its objects",
                        PickleWriter().op('N').op('r').raw(std::uint32_t{0xffffffff}).stop());
}

TEST(Unpickler, RefusesMoreWorkThanAnyCheckpoint) {
  const auto count = static_cast<std::size_t>(Unpickler::max_steps) + 1;
  const std::string too_many = "holds more than 2000000 objects";
  expect_pickle_refused(ErrorCode::corrupt, too_many, PickleWriter().ops(std::string(count, 'N')).stop());
  expect_pickle_refused(ErrorCode::corrupt, too_many, PickleWriter().ops(std::string(count, '(')).stop());
  // Short opcodes that copy something long: a path of 4,000 characters, a list of 1,000 pairs.
  PickleWriter path;
  path.global("pathlib", "PosixPath").ops("q\x01").text(std::string(4000, 'a')).ops("\x85q\x02\x86");
  for (int i = 0; i < 1000; ++i) path.ops("h\x01h\x02R");
  expect_pickle_refused(ErrorCode::corrupt, too_many, path.stop());
  PickleWriter pairs;
  pairs.global("collections", "OrderedDict").ops("q\x01]").mark();
  for (int i = 0; i < 1000; ++i) pairs.ops("NN\x86");
  pairs.ops("e\x85q\x02\x86");
  for (int i = 0; i < 3000; ++i) pairs.ops("h\x01h\x02R");
  expect_pickle_refused(ErrorCode::corrupt, too_many, pairs.stop());
}

TEST(Unpickler, RefusesBrokenStacks) {
  const std::string writers[] = {
      "a",      // APPEND without anything
      "]a",     // APPEND to nothing
      "]N",     // two objects left
      "t",      // TUPLE without a mark
      "(",      // mark left
      "](a",    // element from below the mark
      "}(Nu",   // key without a value
      "N(NNu",  // items for None
      "Nq",     // the memo index is missing, then the end
      "h\x07",  // nothing was memoised
      "Q",      // persistent id without anything
      "NQ",     // no tuple
      ")R",     // a call of nothing
      "\x93",   // names of nothing
      "NN\x93"  // names that are no strings
  };
  for (const auto& opcodes : writers) {
    SCOPED_TRACE(opcodes);
    EXPECT_THROW(read(PickleWriter().ops(opcodes).stop()), Error);
  }
  EXPECT_THROW(read(""), Error);
  EXPECT_THROW(read("\x80"), Error);
  EXPECT_THROW(read(std::string("\x80\x01N.", 4)), Error);
  EXPECT_THROW(read("(dp0\n."), Error);
  EXPECT_THROW(read("\x80\x02N"), Error);
}

TEST(Unpickler, RefusesImpossibleTensors) {
  const auto tensor = [](std::int64_t offset, std::vector<std::int64_t> shape,
                         std::vector<std::int64_t> strides) {
    return PickleWriter().tensor("0", 4, offset, shape, strides).stop();
  };
  expect_pickle_refused(ErrorCode::corrupt, "impossible offset", tensor(-1, {1}, {1}));
  expect_pickle_refused(ErrorCode::corrupt, "impossible offset, shape", tensor(0, {1, 2}, {1}));
  expect_pickle_refused(ErrorCode::corrupt, "negative size or stride", tensor(0, {-1}, {1}));
  expect_pickle_refused(ErrorCode::corrupt, "negative size or stride", tensor(0, {1}, {-1}));
  expect_pickle_refused(ErrorCode::corrupt, "9 dimensions",
                        tensor(0, std::vector<std::int64_t>(9, 1), std::vector<std::int64_t>(9, 1)));
  expect_pickle_refused(ErrorCode::corrupt, "negative size",
                        PickleWriter().storage("FloatStorage", "0", -5, true).stop());
  expect_pickle_refused(ErrorCode::corrupt, "no element type",
                        PickleWriter()
                            .mark()
                            .text("storage")
                            .global("collections", "OrderedDict")
                            .text("0")
                            .text("cpu")
                            .integer(1)
                            .tuple()
                            .op('Q')
                            .stop());
  expect_pickle_refused(ErrorCode::corrupt, "no storage",
                        PickleWriter()
                            .mark()
                            .text("module")
                            .text("os")
                            .text("0")
                            .text("cpu")
                            .integer(1)
                            .tuple()
                            .op('Q')
                            .stop());
  expect_pickle_refused(ErrorCode::unsupported, "a view of a storage",
                        PickleWriter()
                            .mark()
                            .text("storage")
                            .global("torch", "FloatStorage")
                            .text("0")
                            .text("cpu")
                            .integer(1)
                            .ops("]tQ")
                            .stop());
  expect_pickle_refused(ErrorCode::corrupt, "without a storage",
                        PickleWriter().global("torch._utils", "_rebuild_tensor").ops("(NNNNtR").stop());
}

}  // namespace
}  // namespace reenact::training
