// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/load_weights.h"

#include <sstream>

#include "reenact/error.h"

namespace reenact {
namespace {

torch::ScalarType scalar_type(DataType type) {
  switch (type) {
    case DataType::boolean:
      return torch::kBool;
    case DataType::u8:
      return torch::kUInt8;
    case DataType::i8:
      return torch::kInt8;
    case DataType::i16:
      return torch::kInt16;
    case DataType::i32:
      return torch::kInt32;
    case DataType::i64:
      return torch::kInt64;
    case DataType::f16:
      return torch::kFloat16;
    case DataType::bf16:
      return torch::kBFloat16;
    case DataType::f32:
      return torch::kFloat32;
    case DataType::f64:
      return torch::kFloat64;
  }
  throw Error(ErrorCode::invalid, "unknown data type");
}

DataType data_type(torch::ScalarType type) {
  for (auto candidate : {DataType::boolean, DataType::u8, DataType::i8, DataType::i16, DataType::i32,
                         DataType::i64, DataType::f16, DataType::bf16, DataType::f32, DataType::f64})
    if (scalar_type(candidate) == type) return candidate;
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
