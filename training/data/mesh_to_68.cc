// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/mesh_to_68.h"

#include <array>
#include <string>

#include "reenact/error.h"

namespace reenact::training {
namespace {

struct MeshPoints {
  int first, second;
  constexpr MeshPoints(int only) : first(only), second(only) {}
  constexpr MeshPoints(int first, int second) : first(first), second(second) {}
};

constexpr std::array<MeshPoints, 68> mesh_points_of_68 = {{
    127,        234,        93,  {132, 58}, {58, 172}, 136, 150, 176, 152, 400, 379, 365,
    {397, 288}, 361,        323, 454,       356,                            // jaw
    70,         63,         105, 66,        107,                            // brow on the left of the picture
    336,        296,        334, 293,       300,                            // brow on the right
    {168, 6},   {197, 195}, 5,   4,         75,        97,  2,   326, 305,  // nose
    33,         160,        158, 133,       153,       144, 362, 385, 387, 263, 373, 380,  // eyes
    61,         39,         37,  0,         267,       269, 291, 321, 314, 17,  84,  91,   // outer lips
    78,         82,         13,  312,       308,       317, 14,  87                        // inner lips
}};

}  // namespace

std::vector<cv::Point2f> mesh_to_68(const std::vector<cv::Point2f>& mesh) {
  constexpr std::size_t mesh_points = 478;
  if (mesh.size() != mesh_points)
    throw Error(ErrorCode::invalid, "a face mesh has " + std::to_string(mesh.size()) + " points, wanted " +
                                        std::to_string(mesh_points) + " to take 68 of");
  std::vector<cv::Point2f> points;
  for (const auto& from : mesh_points_of_68)
    points.push_back(
        (mesh[static_cast<std::size_t>(from.first)] + mesh[static_cast<std::size_t>(from.second)]) * 0.5f);
  return points;
}

const std::vector<int>& mirrored_order_of_68() {
  static const std::vector<int> order = {16, 15, 14, 13, 12, 11, 10, 9,  8,  7,  6,  5,  4,  3,  2,  1,  0,
                                         26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 27, 28, 29, 30, 35, 34, 33,
                                         32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, 54, 53, 52,
                                         51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65};
  return order;
}

}  // namespace reenact::training
