// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/import/state_dict.h"

#include <gtest/gtest.h>

#include "pickle_writer.h"
#include "test_file.h"

namespace reenact::training {
namespace {

using test::expect_error;
using test::LegacyFile;
using test::PickleWriter;
using test::TestFile;

/// Writes a dictionary of these tensors, each with its place in the list as its only element.
void write_tensors(PickleWriter& writer, const std::vector<std::string>& names) {
  writer.op('}').mark();
  int place = 0;
  for (const auto& name : names) writer.text(name).tensor("0", 8, place++, {1}, {1});
  writer.op('u');
}

/// A legacy file of these tensors, under these entries one within the other beside another entry each.
std::string file_with(const std::vector<std::string>& names, const std::vector<std::string>& entries = {}) {
  PickleWriter writer;
  for (const auto& entry : entries) writer.op('}').mark().text("epoch").integer(7).text(entry);
  write_tensors(writer, names);
  for (std::size_t i = 0; i < entries.size(); ++i) writer.op('u');
  LegacyFile file;
  file.object = writer.stop();
  if (!names.empty()) file.storages = {{"0", {0, 1, 2, 3, 4, 5, 6, 7}}};
  return file.bytes();
}

/// Names and the places of the tensors under them.
std::map<std::string, std::int64_t> places(const PickledTensors& tensors) {
  std::map<std::string, std::int64_t> result;
  for (const auto& [name, tensor] : tensors) result[name] = tensor.offset;
  return result;
}

using Places = std::map<std::string, std::int64_t>;

TEST(StateDict, IsFoundUnderTheEntriesInWhichItIsSaved) {
  const TestFile file("wrapped.pth");
  for (const std::vector<std::string>& entries : {std::vector<std::string>{},
                                                  {"state_dict"},
                                                  {"model"},
                                                  {"net"},
                                                  {"model_state_dict"},
                                                  {"net", "state_dict"}}) {
    file.write(file_with({"a.weight", "a.bias"}, entries));
    EXPECT_EQ(places(state_dict_of(TorchArchive(file.path()))), (Places{{"a.weight", 0}, {"a.bias", 1}}))
        << entries.size() << " deep";
  }
}

TEST(StateDict, LosesTheWrappersOfNetworks) {
  const TestFile file("prefixed.pth",
                      file_with({"module.a.weight", "_orig_mod.module.b", "module._orig_mod.c",
                                 "head._orig_mod.d", "head.module.e", "my_orig_mod.f"}));
  EXPECT_EQ(
      places(state_dict_of(TorchArchive(file.path()))),
      (Places{
          {"a.weight", 0}, {"b", 1}, {"c", 2}, {"head.d", 3}, {"head.module.e", 4}, {"my_orig_mod.f", 5}}))
      << "a child may be called module";
}

TEST(StateDict, LosesTheProfilersCounts) {
  const TestFile file("profiled.pth", file_with({"total_ops", "total_params", "a.total_ops", "a.weight",
                                                 "a.b.total_params", "a.total_ops_per_s"}));
  EXPECT_EQ(places(state_dict_of(TorchArchive(file.path()))),
            (Places{{"a.weight", 3}, {"a.total_ops_per_s", 5}}));
}

TEST(StateDict, KeepsTheNamesOfTheFile) {
  const TestFile file("prefixed.pth", file_with({"module.a.weight"}));
  EXPECT_EQ(state_dict_of(TorchArchive(file.path())).at("a.weight").name, "module.a.weight");
}

TEST(StateDict, TwoTensorsOfOneNameAreRefused) {
  const TestFile file("twice.pth", file_with({"module.a", "a"}));
  expect_error(ErrorCode::wrong_kind, "holds a and module.a, wanted one of them",
               [&] { state_dict_of(TorchArchive(file.path())); });
}

TEST(StateDict, AFileWithoutOneSaysWhatItHolds) {
  const TestFile file("optimizer.pth", file_with({}, {"optimizer"}));
  expect_error(ErrorCode::wrong_kind,
               "holds no tensors by name, wanted a state_dict; its entries: epoch, optimizer",
               [&] { state_dict_of(TorchArchive(file.path())); });
}

TEST(StateDict, ADictionaryWithAnEntryIsFoundBelowWrappers) {
  const TestFile file("checkpoint.pth", file_with({"generator"}, {"model", "state_dict"}));
  const TorchArchive archive(file.path());
  EXPECT_TRUE(dictionary_with(archive.root(), "generator").find("generator"));
  EXPECT_TRUE(dictionary_with(archive.root(), "absent").find("model"))
      << "the root, so that it is complained of";
}

TEST(MostLike, TakesTheFewestEdits) {
  const TestFile file("names.pth", file_with({"conv1.weight", "conv1.bias", "conv10.weight", "fc.weight"}));
  const auto held = state_dict_of(TorchArchive(file.path()));
  EXPECT_EQ(most_like("conv1.weights", held, {}), "conv1.weight");
  EXPECT_EQ(most_like("conv11.weight", held, {}), "conv1.weight") << "one edit, as conv10.weight; the first";
  EXPECT_EQ(most_like("conv11.weight", held, {"conv1.weight"}), "conv10.weight");
  EXPECT_EQ(most_like("s3fd.fcc.weight", held, {}), "fc.weight") << "the first part may be ours";
  EXPECT_EQ(most_like("x", held, {"conv1.weight", "conv1.bias", "conv10.weight", "fc.weight"}), "");
}

}  // namespace
}  // namespace reenact::training
