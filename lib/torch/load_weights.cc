// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/load_weights.h"

#include <sstream>
#include <utility>

#include "reenact/error.h"
#include "reenact/safetensors.h"

namespace reenact {
namespace {

constexpr std::pair<DataType, torch::ScalarType> scalar_types[] = {
    {DataType::boolean, torch::kBool}, {DataType::u8, torch::kUInt8},      {DataType::i8, torch::kInt8},
    {DataType::i16, torch::kInt16},    {DataType::i32, torch::kInt32},     {DataType::i64, torch::kInt64},
    {DataType::f16, torch::kFloat16},  {DataType::bf16, torch::kBFloat16}, {DataType::f32, torch::kFloat32},
    {DataType::f64, torch::kFloat64}};

torch::ScalarType scalar_type(DataType type) {
  for (const auto& [in_file, in_torch] : scalar_types)
    if (in_file == type) return in_torch;
  throw Error(ErrorCode::invalid, "unknown data type");
}

DataType data_type(torch::ScalarType type) {
  for (const auto& [in_file, in_torch] : scalar_types)
    if (in_torch == type) return in_file;
  throw Error(ErrorCode::invalid,
              std::string("tensors of type ") + torch::toString(type) + " cannot be written");
}

bool is_step_counter(const std::string& name) {
  static const std::string suffix = "num_batches_tracked";
  return name.size() >= suffix.size() &&
         name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0;
}

std::string shape_text(torch::IntArrayRef shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}

void load_tensor(torch::Tensor target, const ModelFile& file, const std::string& name) {
  if (is_step_counter(name) && !file.file().contains(name)) return;
  const auto source = to_torch(file.file().at(name));
  if (source.sizes() != target.sizes())
    throw Error(ErrorCode::wrong_kind, file.path().string() + ": tensor " + name + " has shape " +
                                           shape_text(source.sizes()) + ", but this configuration needs " +
                                           shape_text(target.sizes()));
  if (source.is_floating_point() && !torch::isfinite(source).all().item<bool>())
    throw Error(ErrorCode::corrupt,
                file.path().string() + ": tensor " + name + " holds values that are not finite");
  target.copy_(source);
}

}  // namespace

torch::Tensor to_torch(const TensorView& view, bool copy) {
  auto tensor =
      torch::from_blob(const_cast<std::byte*>(view.bytes.data()), view.shape, scalar_type(view.type));
  return copy ? tensor.clone() : tensor;
}

void load_weights(torch::nn::Module& module, const ModelFile& file, const std::string& prefix) {
  torch::NoGradGuard no_grad;
  for (auto& item : module.named_parameters()) load_tensor(item.value(), file, prefix + item.key());
  for (auto& item : module.named_buffers()) load_tensor(item.value(), file, prefix + item.key());
}

std::map<std::string, torch::Tensor> weights_of(const torch::nn::Module& module, const std::string& prefix) {
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& item : module.named_parameters()) tensors[prefix + item.key()] = item.value().detach();
  for (const auto& item : module.named_buffers())
    if (item.value().is_floating_point()) tensors[prefix + item.key()] = item.value().detach();
  return tensors;
}

void write_model(const std::filesystem::path& path, const ModelInfo& info,
                 const std::map<std::string, torch::Tensor>& tensors, bool half) {
  std::map<std::string, torch::Tensor> kept;
  std::map<std::string, TensorView> views;
  for (const auto& [name, tensor] : tensors) {
    auto stored = tensor.detach().to(torch::kCPU);
    if (half && stored.scalar_type() == torch::kFloat) stored = stored.to(torch::kHalf);
    stored = stored.contiguous();
    kept[name] = stored;
    views[name] = TensorView{data_type(stored.scalar_type()),
                             stored.sizes().vec(),
                             {static_cast<const std::byte*>(stored.data_ptr()), stored.nbytes()}};
  }
  write_safetensors(path, views, to_metadata(info));
}

}  // namespace reenact
