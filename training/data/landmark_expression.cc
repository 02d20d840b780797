// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/landmark_expression.h"

#include <spdlog/spdlog.h>

#include <string>

#include "reenact/error.h"
#include "torch/load_weights.h"
#include "training/data/head_rotation.h"
#include "training/data/pose_input.h"

namespace reenact::training {
namespace {

using torch::indexing::Slice;

constexpr std::int64_t points = 68, coordinates = 2 * points;
constexpr int nose_tip = 30, left_rim = 0, right_rim = 16;

/// Points that expressions hardly move: the jaw's upper ends, the nose and the corners of the eyes.
torch::Tensor rigid_points() {
  return torch::tensor({0, 1, 2, 3, 13, 14, 15, 16, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 39, 42, 45},
                       torch::kLong);
}

/// [N, 68, 2], float64.
torch::Tensor faces_tensor(const std::vector<LandmarkExpression::Face>& faces) {
  auto result = torch::empty({static_cast<std::int64_t>(faces.size()), points, 2}, torch::kDouble);
  auto* next = result.data_ptr<double>();
  for (const auto& face : faces)
    for (const auto& point : points_68(face)) {
      *next++ = point.x;
      *next++ = point.y;
    }
  return result;
}

torch::Tensor about_rigid_mean(const torch::Tensor& faces) {
  return faces - faces.index_select(1, rigid_points()).mean(1, true);
}

/// What multiplies the six numbers of a symmetric matrix Q [3, 3] to give a^T Q b, for each row of a and b [N, 3].
torch::Tensor symmetric_products(const torch::Tensor& a, const torch::Tensor& b) {
  const auto product = [&](int i, int k) { return a.select(1, i) * b.select(1, k); };
  return torch::stack({product(0, 0), product(0, 1) + product(1, 0), product(0, 2) + product(2, 0),
                       product(1, 1), product(1, 2) + product(2, 1), product(2, 2)},
                      1);
}

/// The matrix [3, 3] that turns affine cameras [N, 2, 3] into scaled rotations: their rows become equally long and upright.
torch::Tensor metric_upgrade(const torch::Tensor& cameras) {
  const auto across = cameras.select(1, 0), down = cameras.select(1, 1);
  const auto lengths = symmetric_products(across, across), heights = symmetric_products(down, down);
  const auto unwanted = torch::cat({lengths - heights, symmetric_products(across, down)});
  const auto mean = ((lengths + heights) / 2).mean(0);
  auto squares = unwanted.t().mm(unwanted);
  constexpr double regularization = 1e-9;
  squares += regularization * squares.trace() * torch::eye(6, torch::kDouble);
  auto q = torch::linalg_solve(squares, mean);
  q = q / mean.dot(q);
  const auto matrix = torch::stack({q[0], q[1], q[2], q[1], q[3], q[4], q[2], q[4], q[5]}).view({3, 3});
  const auto [values, vectors] = torch::linalg_eigh(matrix);
  constexpr double least = 1e-6;  // noise can make a small one negative
  return vectors * torch::maximum(values, least * values.max()).sqrt();
}

struct Rotations {
  torch::Tensor matrix;  // [N, 3, 3]
  torch::Tensor scale;   // [N]
};

/// The rotations nearest to affine cameras [N, 2, 3].
Rotations nearest_rotations(const torch::Tensor& cameras) {
  const auto [u, s, v] = torch::linalg_svd(cameras, /*full_matrices=*/false);
  const auto rows = u.matmul(v);
  const auto third = torch::cross(rows.select(1, 0), rows.select(1, 1), 1).unsqueeze(1);
  constexpr double least = 1e-9;
  return {torch::cat({rows, third}, 1), s.mean(1).clamp_min(least)};
}

torch::Tensor mirrored_depth() {
  return torch::diag(torch::tensor({1.0, 1.0, -1.0}, torch::kDouble));
}

/// Turns the head [68, 3] and its cameras [N, 2, 3] such that the average of their rotations is none.
void turn_to_average(torch::Tensor& head, torch::Tensor& cameras) {
  const auto [u, s, v] = torch::linalg_svd(nearest_rotations(cameras).matrix.mean(0));
  auto turn = u.mm(v);
  if (turn.det().item<double>() < 0) turn = u.mm(mirrored_depth()).mm(v);
  head = head.mm(turn.t());
  cameras = cameras.matmul(turn.t());
}

/// The shape of the head [68, 3] whose turned projections the faces are.
torch::Tensor head_of(const torch::Tensor& faces) {
  const auto count = faces.size(0);
  auto centered = about_rigid_mean(faces);
  auto rigid = centered.index_select(1, rigid_points());
  const auto size = rigid.square().sum(2).mean(1).sqrt().clamp_min(1e-9).view({-1, 1, 1});
  centered = centered / size;
  rigid = rigid / size;
  const auto measured = rigid.transpose(1, 2).reshape({2 * count, -1});
  const auto [values, vectors] = torch::linalg_eigh(measured.t().mm(measured));
  constexpr double least_share = 1e-5;
  const auto last = values.size(0) - 1;
  if (values[last - 2].item<double>() < least_share * values[last].item<double>()) {
    spdlog::warn("the heads do not turn, so that their depth cannot be told: they are taken for flat");
    return torch::cat({centered.mean(0), torch::zeros({points, 1}, torch::kDouble)}, 1);
  }
  const auto affine = measured.mm(vectors.index({Slice(), Slice(last - 2, torch::indexing::None)}));
  auto cameras = affine.view({count, 2, 3});
  cameras = cameras.matmul(metric_upgrade(cameras));
  // The other points by least squares, over which expressions average out.
  auto head = torch::linalg_pinv(cameras.reshape({2 * count, 3}))
                  .mm(centered.transpose(1, 2).reshape({2 * count, points}))
                  .t();
  turn_to_average(head, cameras);
  const auto depth = head.select(1, 2);
  if ((2 * depth[nose_tip] - depth[left_rim] - depth[right_rim]).item<double>() > 0) {
    // Projections fit a hollow mask as well, but the nose is in front of the ears.
    head = head.mm(mirrored_depth());
    cameras = cameras.matmul(mirrored_depth());
    turn_to_average(head, cameras);
  }
  return head;
}

struct PosedFaces {
  torch::Tensor rotation;       // [N, 3, 3]
  torch::Tensor displacements;  // [N, 136], in the head's own axes and size
};

PosedFaces posed(const torch::Tensor& faces, const torch::Tensor& head) {
  const auto rigid = rigid_points();
  const auto shape = head - head.index_select(0, rigid).mean(0, true);
  const auto centered = about_rigid_mean(faces);
  const auto cameras =
      torch::matmul(torch::linalg_pinv(shape.index_select(0, rigid)), centered.index_select(1, rigid))
          .transpose(1, 2);
  const auto rotations = nearest_rotations(cameras);
  const auto seen = rotations.matrix.narrow(1, 0, 2);  // [N, 2, 3]
  const auto rest = centered / rotations.scale.view({-1, 1, 1}) - torch::matmul(shape, seen.transpose(1, 2));
  // Back into the head's plane. Towards a profile that magnifies noise: not by more than a damped inverse does.
  constexpr double damping = 0.05;
  const auto plane = seen.narrow(2, 0, 2);
  const auto damped = torch::matmul(plane, plane.transpose(1, 2)) + damping * torch::eye(2, torch::kDouble);
  const auto back = torch::matmul(plane.transpose(1, 2), torch::linalg_inv(damped));
  return {rotations.matrix, torch::matmul(rest, back.transpose(1, 2)).flatten(1)};
}

/// Rows [N, D] less the mean of their person's; people with one row alone tell nothing of movement and are left out.
torch::Tensor movements(const torch::Tensor& rows, const std::vector<std::int64_t>& people) {
  const auto person = torch::tensor(people, torch::kLong);
  const auto count = person.max().item<std::int64_t>() + 1;
  const auto sizes = torch::bincount(person, {}, count).to(torch::kDouble);
  const auto means = torch::zeros({count, rows.size(1)}, torch::kDouble).index_add(0, person, rows) /
                     sizes.clamp_min(1).unsqueeze(1);
  const auto several = (sizes.index_select(0, person) > 1).nonzero().squeeze(1);
  if (several.numel() == 0) return rows - rows.mean(0, true);
  return (rows - means.index_select(0, person)).index_select(0, several);
}

}  // namespace

LandmarkExpression LandmarkExpression::fit(const std::vector<Face>& faces,
                                           const std::vector<std::int64_t>& people) {
  if (faces.empty() || faces.size() != people.size())
    throw Error(ErrorCode::invalid, "there are " + std::to_string(faces.size()) + " faces of " +
                                        std::to_string(people.size()) +
                                        " people, wanted one at least and the person of each");
  torch::NoGradGuard no_grad;
  LandmarkExpression result;
  const auto measured = faces_tensor(faces);
  result.head_ = head_of(measured);
  const auto rows = posed(measured, result.head_).displacements;
  result.mean_ = rows.mean(0);
  const auto moved = movements(rows, people);
  const auto [values, vectors] = torch::linalg_eigh(moved.t().mm(moved));
  result.basis_ = vectors.index({Slice(), Slice(coordinates - expression_length, torch::indexing::None)})
                      .flip(1)
                      .t()
                      .contiguous();
  result.scale_ = scale_of(result.describe(faces));
  return result;
}

LandmarkExpression::LandmarkExpression(const std::filesystem::path& path) {
  const ModelFile model(path, ModelKind::expression);
  const auto tensor = [&](const char* name, const std::vector<std::int64_t>& shape) {
    auto found = to_torch(model.file().at(name)).to(torch::kDouble);
    if (found.sizes() != torch::IntArrayRef(shape) || !torch::isfinite(found).all().item<bool>())
      throw Error(ErrorCode::wrong_kind, "'" + path.string() + "' has " + name +
                                             " of another shape or not finite, wanted what `reenact-train "
                                             "describe --fit` writes");
    return found;
  };
  head_ = tensor("head", {points, 3});
  mean_ = tensor("displacement", {coordinates});
  basis_ = tensor("basis", {expression_length, coordinates});
  const auto numbers = [&](const char* name) {
    const auto values = tensor(name, {length}).to(torch::kFloat).contiguous();
    return std::vector<float>(values.data_ptr<float>(), values.data_ptr<float>() + length);
  };
  scale_ = {numbers("mean"), numbers("deviation")};
}

void LandmarkExpression::write(const std::filesystem::path& path, ModelInfo info) const {
  info.kind = ModelKind::expression;
  info.config = JsonObject(R"({"source":"landmarks68"})");
  const auto as_float = [](const torch::Tensor& tensor) { return tensor.to(torch::kFloat).contiguous(); };
  write_model(path, info,
              {{"head", as_float(head_)},
               {"displacement", as_float(mean_)},
               {"basis", as_float(basis_)},
               {"mean", torch::tensor(scale_.mean)},
               {"deviation", torch::tensor(scale_.deviation)}});
}

std::vector<std::vector<float>> LandmarkExpression::describe(const std::vector<Face>& faces) const {
  torch::NoGradGuard no_grad;
  const auto found = posed(faces_tensor(faces), head_);
  const auto rotation = found.rotation.contiguous();
  const auto expression = (found.displacements - mean_).mm(basis_.t()).to(torch::kFloat).contiguous();
  std::vector<std::vector<float>> rows;
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    const auto quaternion = quaternion_of(cv::Matx33d(rotation[index].data_ptr<double>()));
    auto& row = rows.emplace_back(quaternion.begin(), quaternion.end());
    const auto* numbers = expression[index].data_ptr<float>();
    row.insert(row.end(), numbers, numbers + expression_length);
  }
  return rows;
}

std::vector<float> LandmarkExpression::pose(const Face& face) const {
  return scale_.normalized(describe({face}).front());
}

}  // namespace reenact::training
