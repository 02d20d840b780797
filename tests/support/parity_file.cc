// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/parity_file.h"

#include "torch/load_weights.h"
#include "training/import/authors_names.h"

namespace reenact::test {

torch::Tensor ParityFile::at(const std::string& name) const {
  return to_torch(file_.at(name));
}

std::map<std::string, torch::Tensor> ParityFile::with_prefix(const std::string& prefix) const {
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, view] : file_.tensors())
    if (name.compare(0, prefix.size(), prefix) == 0) tensors[name.substr(prefix.size())] = to_torch(view);
  return tensors;
}

std::map<std::string, torch::Tensor> as_our_names(const std::string& network,
                                                  const std::map<std::string, torch::Tensor>& tensors) {
  std::map<std::string, torch::Tensor> renamed;
  for (const auto& [name, tensor] : tensors) {
    const auto ours = training::name_from_authors(network + "." + name);
    if (ours)
      renamed[ours->substr(ours->find('.') + 1)] = tensor;
    else
      ADD_FAILURE() << "no name of ours for " << network << "." << name;
  }
  return renamed;
}

std::map<std::string, torch::Tensor> state_of(const torch::nn::Module& module) {
  std::map<std::string, torch::Tensor> state;
  for (const auto& item : module.named_parameters()) state[item.key()] = item.value();
  for (const auto& item : module.named_buffers()) state[item.key()] = item.value();
  return state;
}

void load_state(torch::nn::Module& module, const std::map<std::string, torch::Tensor>& state, bool partial) {
  torch::NoGradGuard no_grad;
  auto targets = state_of(module);
  for (const auto& [name, tensor] : state) {
    const auto target = targets.find(name);
    if (target == targets.end()) {
      ADD_FAILURE() << "the module has no tensor " << name;
      continue;
    }
    ASSERT_EQ(target->second.sizes(), tensor.sizes()) << name;
    target->second.copy_(tensor);
    targets.erase(target);
  }
  if (partial) return;
  for (const auto& [name, target] : targets) ADD_FAILURE() << "the file has nothing for " << name;
}

testing::AssertionResult is_close(const torch::Tensor& actual, const torch::Tensor& expected, double absolute,
                                  double relative) {
  if (!actual.defined()) return testing::AssertionFailure() << "no tensor";
  if (actual.sizes() != expected.sizes())
    return testing::AssertionFailure() << "shape " << actual.sizes() << " instead of " << expected.sizes();
  if (expected.numel() == 0) return testing::AssertionFailure() << "nothing to compare";
  const auto wanted = expected.detach().to(torch::kDouble), found = actual.detach().to(torch::kDouble);
  const double error = (found - wanted).abs().max().item<double>();
  const double bound = absolute + relative * wanted.abs().max().item<double>();
  if (error <= bound) return testing::AssertionSuccess();  // false for NaN
  return testing::AssertionFailure() << "largest difference " << error << ", allowed " << bound;
}

}  // namespace reenact::test
