// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/run/checkpoint.h"

#include <sstream>
#include <utility>
#include <vector>

#include "reenact/error.h"
#include "reenact/safetensors.h"
#include "torch/load_weights.h"
#include "training/run/optimizer_state.h"

namespace reenact::training {
namespace {

const std::string text_prefix = "text.";
const std::string count_prefix = "count of ";

/// The view is valid as long as `tensor`, which must be contiguous and on the CPU.
TensorView to_view(const torch::Tensor& tensor) {
  constexpr std::pair<DataType, at::ScalarType> types[] = {
      {DataType::boolean, at::kBool}, {DataType::u8, at::kByte},       {DataType::i8, at::kChar},
      {DataType::i16, at::kShort},    {DataType::i32, at::kInt},       {DataType::i64, at::kLong},
      {DataType::f16, at::kHalf},     {DataType::bf16, at::kBFloat16}, {DataType::f32, at::kFloat},
      {DataType::f64, at::kDouble}};
  for (const auto& [type, scalar] : types)
    if (scalar == tensor.scalar_type())
      return {
          type, tensor.sizes().vec(), {static_cast<const std::byte*>(tensor.data_ptr()), tensor.nbytes()}};
  throw Error(ErrorCode::unsupported, "cannot write a tensor of type " +
                                          std::string(c10::toString(tensor.scalar_type())) +
                                          ", wanted integers or floats");
}

std::string describe(const torch::Tensor& tensor) {
  std::ostringstream text;
  text << tensor.scalar_type() << " " << tensor.sizes();
  return text.str();
}

/// Parameters, then buffers, by name.
std::vector<std::pair<std::string, torch::Tensor>> tensors_of(const torch::nn::Module& module) {
  std::vector<std::pair<std::string, torch::Tensor>> all;
  for (const auto& item : module.named_parameters()) all.emplace_back(item.key(), item.value());
  for (const auto& item : module.named_buffers()) all.emplace_back(item.key(), item.value());
  return all;
}

std::vector<torch::Tensor> parameters_of(torch::optim::Optimizer& optimizer) {
  std::vector<torch::Tensor> all;
  for (auto& group : optimizer.param_groups())
    all.insert(all.end(), group.params().begin(), group.params().end());
  return all;
}

enum class OptimizerKind { adam, adamw, sgd };

OptimizerKind kind_of(torch::optim::Optimizer& optimizer) {
  if (dynamic_cast<torch::optim::Adam*>(&optimizer)) return OptimizerKind::adam;
  if (dynamic_cast<torch::optim::AdamW*>(&optimizer)) return OptimizerKind::adamw;
  if (dynamic_cast<torch::optim::SGD*>(&optimizer)) return OptimizerKind::sgd;
  throw Error(ErrorCode::unsupported,
              "cannot store this optimiser's state, wanted Adam, AdamW, SGD or one with state_tensors()");
}

template <typename State>
void put_adam_state(Checkpoint& checkpoint, const std::string& prefix, const State& state) {
  checkpoint.put(prefix + "step", torch::tensor(static_cast<std::int64_t>(state.step()), torch::kInt64));
  checkpoint.put(prefix + "exp_avg", state.exp_avg());
  checkpoint.put(prefix + "exp_avg_sq", state.exp_avg_sq());
  if (state.max_exp_avg_sq().defined()) checkpoint.put(prefix + "max_exp_avg_sq", state.max_exp_avg_sq());
}

/// The stored tensor in the memory layout of the parameter, so that the same kernels run on it as before.
torch::Tensor like_parameter(const Checkpoint& checkpoint, const std::string& name,
                             const torch::Tensor& parameter) {
  const torch::Tensor stored = checkpoint.get(name);
  if (stored.sizes() != parameter.sizes())
    throw Error(ErrorCode::wrong_kind, "'" + checkpoint.path().string() + "' holds " + name + " as " +
                                           describe(stored) + " and the optimiser wants " +
                                           describe(parameter));
  torch::NoGradGuard no_gradient;
  return torch::empty_like(parameter, parameter.options().dtype(stored.scalar_type()).requires_grad(false))
      .copy_(stored);
}

template <typename State>
std::unique_ptr<State> get_adam_state(const Checkpoint& checkpoint, const std::string& prefix,
                                      const torch::Tensor& parameter) {
  auto state = std::make_unique<State>();
  state->step(checkpoint.get(prefix + "step").item<std::int64_t>());
  state->exp_avg(like_parameter(checkpoint, prefix + "exp_avg", parameter));
  state->exp_avg_sq(like_parameter(checkpoint, prefix + "exp_avg_sq", parameter));
  if (checkpoint.contains(prefix + "max_exp_avg_sq"))
    state->max_exp_avg_sq(like_parameter(checkpoint, prefix + "max_exp_avg_sq", parameter));
  return state;
}

}  // namespace

Checkpoint Checkpoint::load(const std::filesystem::path& path) {
  const ModelFile file(path, ModelKind::checkpoint);
  Checkpoint checkpoint;
  checkpoint.path_ = path;
  checkpoint.info_ = file.info();
  for (const auto& [name, view] : file.file().tensors()) checkpoint.tensors_[name] = to_torch(view);
  for (const auto& [key, value] : file.file().metadata())
    if (key.starts_with(text_prefix)) checkpoint.texts_[key.substr(text_prefix.size())] = value;
  return checkpoint;
}

void Checkpoint::save(const std::filesystem::path& path, const ModelInfo& info) const {
  std::map<std::string, torch::Tensor> on_cpu;
  std::map<std::string, TensorView> views;
  for (const auto& [name, tensor] : tensors_) {
    const torch::Tensor& copy = on_cpu[name] = tensor.detach().cpu().contiguous();
    views[name] = to_view(copy);
  }
  ModelInfo checkpoint_info = info;
  checkpoint_info.kind = ModelKind::checkpoint;
  Metadata metadata = to_metadata(checkpoint_info);
  for (const auto& [key, value] : texts_) metadata[text_prefix + key] = value;
  write_safetensors(path, views, metadata);
}

void Checkpoint::put(const std::string& name, const torch::Tensor& tensor) {
  tensors_[name] = tensor;
}

void Checkpoint::put_text(const std::string& key, const std::string& value) {
  texts_[key] = value;
}

void Checkpoint::put_module(const std::string& prefix, const torch::nn::Module& module) {
  const auto all = tensors_of(module);
  for (const auto& [name, tensor] : all) put(prefix + "." + name, tensor);
  put_text(count_prefix + prefix, std::to_string(all.size()));
}

void Checkpoint::put_optimizer(const std::string& prefix, torch::optim::Optimizer& optimizer) {
  const OptimizerKind kind = kind_of(optimizer);
  auto& states = optimizer.state();
  using Key = typename std::decay_t<decltype(states)>::key_type;
  const auto parameters = parameters_of(optimizer);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto found = states.find(state_key<Key>(parameters[i]));
    if (found == states.end()) continue;  // no gradient has reached this parameter yet
    const std::string name = prefix + "." + std::to_string(i) + ".";
    if (kind == OptimizerKind::adam) {
      put_adam_state(*this, name, static_cast<torch::optim::AdamParamState&>(*found->second));
    } else if (kind == OptimizerKind::adamw) {
      put_adam_state(*this, name, static_cast<torch::optim::AdamWParamState&>(*found->second));
    } else {
      const auto& momentum = static_cast<torch::optim::SGDParamState&>(*found->second).momentum_buffer();
      if (momentum.defined()) put(name + "momentum_buffer", momentum);
    }
  }
  put_text(count_prefix + prefix, std::to_string(parameters.size()));
}

torch::Tensor Checkpoint::get(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end())
    throw Error(ErrorCode::wrong_kind,
                "'" + path_.string() + "' has no tensor '" + name + "', which this run needs to go on");
  return found->second;
}

std::string Checkpoint::text(const std::string& key) const {
  const auto found = texts_.find(key);
  if (found == texts_.end())
    throw Error(ErrorCode::wrong_kind,
                "'" + path_.string() + "' has no entry '" + key + "', which this run needs to go on");
  return found->second;
}

void Checkpoint::check_count(const std::string& prefix, std::size_t wanted, const char* what) const {
  const auto found = texts_.find(count_prefix + prefix);
  if (found != texts_.end() && found->second != std::to_string(wanted))
    throw Error(ErrorCode::wrong_kind, "'" + path_.string() + "' holds " + found->second + " " + what +
                                           " of " + prefix + ", the configuration of this run makes " +
                                           std::to_string(wanted));
}

void Checkpoint::get_module(const std::string& prefix, torch::nn::Module& module) const {
  const auto all = tensors_of(module);
  torch::NoGradGuard no_gradient;
  // Everything is checked before anything is changed.
  for (const auto& [name, tensor] : all) {
    const torch::Tensor stored = get(prefix + "." + name);
    if (stored.sizes() != tensor.sizes() || stored.scalar_type() != tensor.scalar_type())
      throw Error(ErrorCode::wrong_kind, "'" + path_.string() + "' holds " + prefix + "." + name + " as " +
                                             describe(stored) + " and the network wants " + describe(tensor));
  }
  check_count(prefix, all.size(), "tensors");
  for (auto& [name, tensor] : all) torch::Tensor(tensor).copy_(get(prefix + "." + name));
}

void Checkpoint::get_optimizer(const std::string& prefix, torch::optim::Optimizer& optimizer) const {
  const OptimizerKind kind = kind_of(optimizer);
  const auto parameters = parameters_of(optimizer);
  check_count(prefix, parameters.size(), "parameters");
  auto& states = optimizer.state();
  using Key = typename std::decay_t<decltype(states)>::key_type;
  std::vector<std::pair<Key, std::unique_ptr<torch::optim::OptimizerParamState>>> loaded;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const std::string name = prefix + "." + std::to_string(i) + ".";
    const Key key = state_key<Key>(parameters[i]);
    if (kind == OptimizerKind::sgd) {
      if (!contains(name + "momentum_buffer")) continue;
      auto state = std::make_unique<torch::optim::SGDParamState>();
      state->momentum_buffer(like_parameter(*this, name + "momentum_buffer", parameters[i]));
      loaded.emplace_back(key, std::move(state));
    } else if (!contains(name + "step")) {
      continue;
    } else if (kind == OptimizerKind::adam) {
      loaded.emplace_back(key, get_adam_state<torch::optim::AdamParamState>(*this, name, parameters[i]));
    } else {
      loaded.emplace_back(key, get_adam_state<torch::optim::AdamWParamState>(*this, name, parameters[i]));
    }
  }
  states.clear();
  for (auto& [key, state] : loaded) states[key] = std::move(state);
}

std::map<std::string, torch::Tensor> Checkpoint::with_prefix(const std::string& prefix) const {
  std::map<std::string, torch::Tensor> selected;
  const std::string start = prefix + ".";
  for (auto found = tensors_.lower_bound(start); found != tensors_.end() && found->first.starts_with(start);
       ++found)
    selected[found->first.substr(start.size())] = found->second;
  return selected;
}

}  // namespace reenact::training
