// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/networks/encoders.h"

#include "reenact/error.h"
#include "torch/networks/conv_sum_encoder.h"
#include "torch/networks/fabnet.h"
#include "torch/networks/mobilenet_v2.h"
#include "torch/networks/resnext.h"
#include "torch/networks/x2face.h"

namespace reenact {
namespace {

[[noreturn]] void refuse_encoder(const char* field, const std::string& name, const char* wanted) {
  throw Error(ErrorCode::invalid, std::string(field) + " is \"" + name + "\", but must be " + wanted);
}

}  // namespace

bool is_foreign_encoder(const std::string& pose_encoder) {
  return pose_encoder == "x2face" || pose_encoder == "fabnet";
}

PoseEncoderNetworkImpl::PoseEncoderNetworkImpl(const ReenactorConfig& config, double dropout) {
  const auto& name = config.pose_encoder;
  const int outputs = config.pose_embedding_size, size = config.pose_image_size();
  const double width = config.pose_encoder_width;
  if (name == "resnext50_32x4d")
    take(std::make_shared<ResNeXt50Impl>(outputs));
  else if (name == "mobilenet_v2")
    take(std::make_shared<MobileNetV2Impl>(outputs, width, dropout));
  else if (name == "x2face")
    take(std::make_shared<X2FaceEncoderImpl>(size, outputs, width));
  else if (name == "fabnet")
    take(std::make_shared<FabNetEncoderImpl>(size, outputs, width));
  else if (name != "none")
    refuse_encoder("pose_encoder", name, "resnext50_32x4d, mobilenet_v2, x2face, fabnet or none");
}

torch::Tensor PoseEncoderNetworkImpl::forward(const torch::Tensor& rgb) {
  return children().empty() ? rgb : encode(rgb);
}

IdentityEncoderNetworkImpl::IdentityEncoderNetworkImpl(const ReenactorConfig& config) {
  const auto& name = config.identity_encoder;
  const int outputs = config.identity_embedding_size;
  const double width = config.identity_encoder_width;
  if (name == "resnext50_32x4d")
    take(std::make_shared<ResNeXt50Impl>(outputs));
  else if (name == "mobilenet_v2")
    take(std::make_shared<MobileNetV2Impl>(outputs, width));
  else if (name == "conv_sum")
    take(std::make_shared<ConvSumEncoderImpl>(config.pose_source == "stickman" ? 6 : 3, config.image_size,
                                              outputs, width, config.self_attention));
  else
    refuse_encoder("identity_encoder", name, "resnext50_32x4d, mobilenet_v2 or conv_sum");
}

torch::Tensor IdentityEncoderNetworkImpl::forward(const torch::Tensor& frames) {
  const auto batch = frames.size(0), count = frames.size(1);
  const auto flat = frames.reshape({batch * count, frames.size(2), frames.size(3), frames.size(4)});
  return encode(flat).to(torch::kFloat).view({batch, count, -1});
}

}  // namespace reenact
