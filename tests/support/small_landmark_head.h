// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <initializer_list>
#include <vector>

#include "reenact/landmark_head.h"

namespace reenact::test {

/// A landmark head for embeddings of eight numbers, each of which does one thing to a face of 0.4 x 0.5 of the picture seen
/// from the front, with lids 0.02 apart, lips that touch, brows 0.05 above the lids and a mouth 0.14 wide:
///
/// | number | moves by 0.01 for each unit                         |
/// |--------|------------------------------------------------------|
/// | 0, 1   | the lower lids of the left eye, of the right         |
/// | 2      | the lower lip                                        |
/// | 3      | the nose's tip to the right                          |
/// | 4      | the nose's tip down                                  |
/// | 5      | the right eye's outer corner down, the left's up     |
/// | 6, 7   | points that nothing is measured by: the person       |
struct SmallLandmarkHead {
  static constexpr int size = 8;
  std::vector<float> weight = std::vector<float>(2 * LandmarkHead::point_count * size, 0.f);
  std::vector<float> bias = std::vector<float>(2 * LandmarkHead::point_count, 0.5f);

  SmallLandmarkHead() {
    place({10}, 0.5f, 0.25f);
    place({152}, 0.5f, 0.75f);
    place({1}, 0.5f, 0.5f);
    place({234}, 0.3f, 0.5f);
    place({454}, 0.7f, 0.5f);
    place({33}, 0.35f, 0.4f);
    place({263}, 0.65f, 0.4f);
    place({159, 158, 386, 385}, 0.5f, 0.39f);
    place({145, 153, 374, 380}, 0.5f, 0.41f);
    place({13, 82, 312, 14, 87, 317}, 0.5f, 0.65f);
    place({105, 334}, 0.5f, 0.34f);
    place({61}, 0.43f, 0.65f);
    place({291}, 0.57f, 0.65f);
    move({145, 153}, 0, 0, 1);
    move({374, 380}, 1, 0, 1);
    move({14, 87, 317}, 2, 0, 1);
    move({1}, 3, 1, 0);
    move({1}, 4, 0, 1);
    move({263}, 5, 0, 1);
    move({33}, 5, 0, -1);
    move({2, 3, 4}, 6, 1, 0);
    move({5, 6, 7}, 7, 0, 1);
  }

  LandmarkHead head() const { return {weight, bias}; }

 private:
  void place(std::initializer_list<int> points, float x, float y) {
    for (const int point : points) {
      bias[2 * point] = x;
      bias[2 * point + 1] = y;
    }
  }
  /// The head divides embeddings by ten.
  void move(std::initializer_list<int> points, int number, float x, float y) {
    for (const int point : points) {
      weight[2 * point * size + number] = 0.1f * x;
      weight[(2 * point + 1) * size + number] = 0.1f * y;
    }
  }
};

}  // namespace reenact::test
