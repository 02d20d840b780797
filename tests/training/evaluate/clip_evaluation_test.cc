// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/clip_evaluation.h"

#include <gtest/gtest.h>

namespace reenact::training {
namespace {

constexpr double eyes_apart = 50;

/// A mesh of which the outer corners of the eyes, points 33 and 263, lie 50 pixels apart.
Mesh mesh_at(float x, float y) {
  Mesh mesh(264);
  for (std::size_t i = 0; i < mesh.size(); ++i) mesh[i] = {x + float(i % 7), y + float(i % 5)};
  mesh[33] = {x, y};
  mesh[263] = {x + float(eyes_apart), y};
  return mesh;
}

Mesh shifted(Mesh mesh, float x, float y) {
  for (auto& point : mesh) point += cv::Point2f(x, y);
  return mesh;
}

TEST(CompareMeshes, EqualOnesLieNowhereApart) {
  const std::vector<Mesh> meshes = {mesh_at(10, 20), mesh_at(12, 21)};
  const MeshDistance distance = compare_meshes(meshes, meshes);
  EXPECT_EQ(distance.mean, 0);
  EXPECT_EQ(distance.moved, 0);
}

TEST(CompareMeshes, AConstantOffsetIsAnErrorButNoMovement) {
  const std::vector<Mesh> meshes = {mesh_at(10, 20), mesh_at(12, 21), mesh_at(15, 25)};
  std::vector<Mesh> others;
  for (const Mesh& mesh : meshes) others.push_back(shifted(mesh, 3, 4));
  const MeshDistance distance = compare_meshes(meshes, others);
  EXPECT_NEAR(distance.mean, 5 / eyes_apart, 1e-6);
  EXPECT_NEAR(distance.moved, 0, 1e-6);
}

TEST(CompareMeshes, AShiftThatSwingsIsMovement) {
  const std::vector<Mesh> meshes = {mesh_at(10, 20), mesh_at(10, 20)};
  // Mean of (1, 0) and (5, 0) is (3, 0): each frame is 2 pixels from it.
  const MeshDistance distance = compare_meshes(meshes, {shifted(meshes[0], 1, 0), shifted(meshes[1], 5, 0)});
  EXPECT_NEAR(distance.mean, 3 / eyes_apart, 1e-6);
  EXPECT_NEAR(distance.moved, 2 / eyes_apart, 1e-6);
}

TEST(CompareMeshes, AFaceWithoutAWidthIsLeftOut) {
  Mesh flat = mesh_at(0, 0);
  flat[263] = flat[33];
  const std::vector<Mesh> meshes = {flat, mesh_at(10, 20)};
  const MeshDistance distance = compare_meshes(meshes, {shifted(flat, 9, 0), shifted(meshes[1], 9, 0)});
  EXPECT_NEAR(distance.mean, 9 / eyes_apart, 1e-6);
  EXPECT_EQ(compare_meshes({flat}, {flat}).mean, 0);
  EXPECT_EQ(compare_meshes({}, {}).mean, 0);
}

}  // namespace
}  // namespace reenact::training
