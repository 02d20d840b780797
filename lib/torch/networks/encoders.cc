// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/encoders.h"

#include "reenact/error.h"

namespace reenact {

NamedEncoder::NamedEncoder(const std::string& field, const std::string& name, int outputs, double width,
                           double dropout) {
  std::shared_ptr<torch::nn::Module> network;
  if (name == "resnext50_32x4d")
    network = resnext_ = std::make_shared<ResNeXt50Impl>(outputs);
  else if (name == "mobilenet_v2")
    network = mobilenet_ = std::make_shared<MobileNetV2Impl>(outputs, width, dropout);
  else
    throw Error(ErrorCode::invalid,
                field + " is \"" + name + "\", but must be resnext50_32x4d or mobilenet_v2");
  // Its children become ours, so that no level of the choice shows in the names.
  for (auto& child : network->named_children()) register_module(child.key(), child.value());
}

torch::Tensor NamedEncoder::encode(const torch::Tensor& rgb) {
  return resnext_ ? resnext_->forward(rgb) : mobilenet_->forward(rgb);
}

}  // namespace reenact
