// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/state_tensors.h"

#include <sstream>

#include "reenact/error.h"

namespace reenact::training {

void copy_state_tensors(std::map<std::string, torch::Tensor>& target,
                        const std::map<std::string, torch::Tensor>& source, const std::string& owner) {
  torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : source)
    if (!target.count(name))
      throw Error(ErrorCode::wrong_kind, "the stored state of " + owner + " has a tensor " + name +
                                             " that this configuration does not know");
  for (const auto& [name, tensor] : target) {
    const auto found = source.find(name);
    if (found == source.end())
      throw Error(ErrorCode::wrong_kind, "the stored state of " + owner + " has no tensor " + name);
    if (found->second.sizes() != tensor.sizes()) {
      std::ostringstream sentence;
      sentence << "in the stored state of " << owner << " tensor " << name << " has shape "
               << found->second.sizes() << ", but this configuration needs " << tensor.sizes();
      throw Error(ErrorCode::wrong_kind, sentence.str());
    }
  }
  for (auto& [name, tensor] : target) tensor.copy_(source.at(name));
}

}  // namespace reenact::training
