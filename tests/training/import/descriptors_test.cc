// SPDX-License-Identifier: LGPL-2.1-or-later
// Files of numpy, written here byte by byte, to descriptors.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "support/errors.h"
#include "support/temporary_folder.h"
#include "test_file.h"
#include "training/data/descriptor_file.h"
#include "training/data/frame_descriptors.h"
#include "training/import/import_models.h"
#include "training/import/npz_archive.h"
#include "zip_writer.h"

namespace reenact::training {
namespace {

using test::TestFile;

/// A .npy member of an archive as numpy 1 and 2 write it.
test::ZipWriter::Entry array(const std::string& name, const std::string& type, const std::string& shape,
                             const std::string& elements, const std::string& fortran = "False") {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': (" + shape + "), }";
  constexpr std::size_t alignment = 64, before = 10;
  header += std::string(alignment - (before + header.size() + 1) % alignment, ' ') + "\n";
  const auto length = static_cast<std::uint16_t>(header.size());
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes.append(reinterpret_cast<const char*>(&length), 2);
  test::ZipWriter::Entry entry;
  entry.name = name + ".npy";
  entry.data = bytes + header + elements;
  return entry;
}

template <typename Number>
std::string bytes_of(const std::vector<Number>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(Number)};
}

/// Strings of eight characters each, as numpy keeps them.
test::ZipWriter::Entry names_array(const std::vector<std::u32string>& names) {
  std::string elements;
  for (auto name : names) {
    name.resize(8);
    elements.append(reinterpret_cast<const char*>(name.data()), name.size() * sizeof(char32_t));
  }
  return array("names", "<U8", std::to_string(names.size()) + ",", elements);
}

std::string archive(const std::vector<test::ZipWriter::Entry>& entries) {
  test::ZipWriter writer;
  writer.entries = entries;
  return writer.bytes();
}

TEST(ImportDescriptors, MakesQuaternionsOfRotationVectors) {
  std::vector<float> expression(2 * 29);
  for (std::size_t i = 0; i < expression.size(); ++i) expression[i] = static_cast<float>(i) / 8;
  // Turned by nothing, and by 90 degrees to the side; translations do not count.
  const std::vector<double> pose = {0, 0, 0, 5, 6, 7, 0, std::acos(-1) / 2, 0, 8, 9, 10};
  const TestFile numbers("numbers.npz", archive({names_array({U"c0/0", U"grün/12"}),
                                                 array("expression", "<f4", "2, 29", bytes_of(expression)),
                                                 array("pose", "<f8", "2, 6", bytes_of(pose))}));
  const test::TemporaryFolder folder;
  const auto report = import_descriptors(numbers.path(), folder / "d.safetensors", "none");
  EXPECT_NE(report.at(0).find("2 pictures, 33 numbers"), std::string::npos) << report[0];
  const auto file = read_descriptor_file(folder / "d.safetensors");
  const auto& first = file.vectors.at("c0/0");
  const auto& second = file.vectors.at("grün/12");
  EXPECT_EQ(std::vector<float>(first.begin(), first.begin() + 5), (std::vector<float>{1, 0, 0, 0, 0}));
  EXPECT_NEAR(second[0], std::sqrt(0.5), 1e-6);
  EXPECT_NEAR(second[2], std::sqrt(0.5), 1e-6);
  EXPECT_EQ(second[4], 29.f / 8);
  EXPECT_EQ(second[32], 57.f / 8);
  // A trainer sees mean 0 and deviation 1; numbers that do not vary become 0.
  const auto poses = load_frame_descriptors(folder / "d.safetensors", 33);
  EXPECT_NEAR(poses->find("c0", 0)->at(4), -1, 1e-5);
  EXPECT_NEAR(poses->find("grün", 12)->at(4), 1, 1e-5);
  EXPECT_EQ(poses->find("grün", 12)->at(1), 0);
  EXPECT_EQ(poses->find("c0", 1), nullptr);
}

TEST(ImportDescriptors, TakesAnyOtherNumbersAsTheyAreInEitherOrder) {
  const std::vector<float> rows = {1, 2, 3, 4, 5, 6}, columns = {1, 4, 2, 5, 3, 6};
  const test::TemporaryFolder folder;
  for (const bool fortran : {false, true}) {
    const TestFile numbers("vectors.npz",
                           archive({names_array({U"a/0", U"b/0"}),
                                    array("vectors", "<f4", "2, 3", bytes_of(fortran ? columns : rows),
                                          fortran ? "True" : "False")}));
    import_descriptors(numbers.path(), folder / "d.safetensors", "");
    const auto file = read_descriptor_file(folder / "d.safetensors");
    EXPECT_EQ(file.vectors.at("a/0"), (std::vector<float>{1, 2, 3}));
    EXPECT_EQ(file.vectors.at("b/0"), (std::vector<float>{4, 5, 6}));
    EXPECT_EQ(file.scale.mean, (std::vector<float>{2.5, 3.5, 4.5}));
  }
}

TEST(ImportDescriptors, SaysInOneSentenceWhatDoesNotFit) {
  const test::TemporaryFolder folder;
  const std::vector<float> six(6), hundred(100);
  const auto refused = [&](const std::string& bytes, ErrorCode code,
                           std::initializer_list<std::string> parts) {
    const TestFile numbers("wrong.npz", bytes);
    test::expect_error([&] { import_descriptors(numbers.path(), folder / "d.safetensors", ""); }, code,
                       parts);
  };
  const auto names = names_array({U"a/0", U"b/0"});
  const auto vectors = array("vectors", "<f4", "2, 3", bytes_of(six));
  refused("no archive at all", ErrorCode::corrupt, {"wrong.npz", ".npz"});
  refused(archive({vectors}), ErrorCode::wrong_kind, {"arrays vectors", "wanted names"});
  refused(archive({names, array("expression", "<f4", "2, 29", bytes_of(hundred))}), ErrorCode::wrong_kind,
          {"names, expression", "pose"});
  refused(archive({names, array("vectors", "<f4", "3, 2", bytes_of(six))}), ErrorCode::wrong_kind,
          {"vectors of 3x2", "2 names"});
  refused(archive({names, array("expression", "<f4", "2, 35", bytes_of(hundred)),
                   array("pose", "<f4", "2, 6", bytes_of(hundred))}),
          ErrorCode::wrong_kind, {"expression of 2x35", "2x29"});
  refused(archive({names_array({U"a/0", U"a/0"}), vectors}), ErrorCode::wrong_kind, {"a/0", "twice"});
  refused(archive({names, array("vectors", "|O", "2, 3", "pickled")}), ErrorCode::wrong_kind,
          {"|O", "float32"});
  refused(archive({names, array("vectors", "<f4", "2, 3", "short")}), ErrorCode::corrupt, {"vectors"});
  refused(archive({names, array("vectors", "<f4", "99999999999, 99999999999", "")}), ErrorCode::corrupt,
          {"too large"});
  const std::vector<float> infinite(6, std::numeric_limits<float>::infinity());
  refused(archive({names, array("vectors", "<f4", "2, 3", bytes_of(infinite))}), ErrorCode::corrupt,
          {"not finite"});
  EXPECT_FALSE(std::filesystem::exists(folder / "d.safetensors"));
}

}  // namespace
}  // namespace reenact::training
