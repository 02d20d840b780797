// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

#include "pickle_writer.h"
#include "zip_writer.h"

namespace reenact::test {

/// One of everything that the reader knows.
inline std::string every_value(bool legacy) {
  PickleWriter writer;
  writer.op('}').mark();
  writer.text("a").tensor("0", 6, 0, {2, 3}, {3, 1}, legacy).op('q').op('\x01');
  writer.text("b").tensor("1", 4, 1, {3}, {1}, legacy).text("shared").ops("h\x01");
  writer.text("args").global("argparse", "Namespace").ops(")\x81}").mark().text("size").integer(256);
  writer.text("rate").real(5e-4).text("flag").op('\x88').text("path").global("pathlib", "PosixPath");
  writer.mark().text("/").text("data").ops("tRub");
  writer.text("list")
      .op(']')
      .mark()
      .integer(1)
      .integer(std::int64_t{1} << 40)
      .ops("NeU\x02")
      .ops("hi\x89")
      .op('u');
  return writer.stop();
}

inline std::string legacy_file_of_every_value() {
  LegacyFile file;
  file.object = every_value(true);
  file.storages = {{"0", {0, 1, 2, 3, 4, 5}}, {"1", {6, 7, 8, 9}}};
  return file.bytes();
}

inline std::string zip_file_of_every_value() {
  ZipWriter zip;
  zip.entries = {{"m/data.pkl", every_value(false)},
                 {"m/byteorder", "little"},
                 {"m/data/0", std::string(24, 'a')},
                 {"m/data/1", std::string(16, 'b')},
                 {"m/version", "3\n"}};
  return zip.bytes();
}

}  // namespace reenact::test
