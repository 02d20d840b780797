// SPDX-License-Identifier: LGPL-2.1-or-later
// Which arithmetic is taken where nobody asks for one.
#include "cpu/arithmetic_speed.h"

#include <gtest/gtest.h>

#include <array>
#include <map>

#include "cpu/kernels/instruction_set.h"

namespace reenact::test {
namespace {

using cpu::Arithmetic;

Arithmetic fastest(const std::map<Arithmetic, double>& milliseconds) {
  constexpr std::array all = {Arithmetic::int8, Arithmetic::bf16, Arithmetic::f32};
  return cpu::fastest_arithmetic(all, [&](Arithmetic arithmetic) { return milliseconds.at(arithmetic); });
}

TEST(ArithmeticSpeed, TheFastestIsTaken) {
  EXPECT_EQ(fastest({{Arithmetic::int8, 1}, {Arithmetic::bf16, 2}, {Arithmetic::f32, 3}}), Arithmetic::int8);
  EXPECT_EQ(fastest({{Arithmetic::int8, 3}, {Arithmetic::bf16, 2}, {Arithmetic::f32, 4}}), Arithmetic::bf16);
  EXPECT_EQ(fastest({{Arithmetic::int8, 3}, {Arithmetic::bf16, 9}, {Arithmetic::f32, 2}}), Arithmetic::f32);
}

TEST(ArithmeticSpeed, OfEquallyFastOnesTheFinestIsTaken) {
  EXPECT_EQ(fastest({{Arithmetic::int8, 1}, {Arithmetic::bf16, 1.04}, {Arithmetic::f32, 3}}),
            Arithmetic::bf16);
  EXPECT_EQ(fastest({{Arithmetic::int8, 1}, {Arithmetic::bf16, 1.2}, {Arithmetic::f32, 1.03}}),
            Arithmetic::f32);
  EXPECT_EQ(fastest({{Arithmetic::int8, 1}, {Arithmetic::bf16, 1.06}, {Arithmetic::f32, 1.06}}),
            Arithmetic::int8);
}

TEST(ArithmeticSpeed, IsMeasuredOnce) {
  for (Arithmetic arithmetic : {Arithmetic::int8, Arithmetic::bf16, Arithmetic::f32}) {
    if (!cpu::has_arithmetic(arithmetic)) continue;
    const double milliseconds = cpu::layer_milliseconds(arithmetic);
    EXPECT_GT(milliseconds, 0);
    EXPECT_EQ(cpu::layer_milliseconds(arithmetic), milliseconds);
    RecordProperty("milliseconds_" + std::to_string(static_cast<int>(arithmetic)),
                   std::to_string(milliseconds));
  }
}

}  // namespace
}  // namespace reenact::test
