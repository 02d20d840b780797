// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

// Nothing here may call a function that other translation units share, or the linker could keep the wrong copy.
namespace reenact::cpu {
namespace {

// Calls function.operator()<wanted>(first), 1 <= wanted <= tiles.
template <int tiles, typename Function>
[[gnu::always_inline]] inline void call_with(int wanted, int first, Function&& function) {
  if (wanted == tiles) {
    function.template operator()<tiles>(first);
  } else if constexpr (tiles > 1) {
    call_with<tiles - 1>(wanted, first, function);
  }
}

// Calls function.operator()<tiles>(first) for groups of about the same size, `most` tiles at most, that make up `count`
// tiles.
template <int most, typename Function>
[[gnu::always_inline]] inline void for_tile_groups(int count, Function&& function) {
  const int groups = (count + most - 1) / most;
  for (int group = 0, first = 0; group < groups; ++group) {
    const int tiles = count / groups + (group < count % groups ? 1 : 0);
    call_with<most>(tiles, first, function);
    first += tiles;
  }
}

}  // namespace
}  // namespace reenact::cpu
