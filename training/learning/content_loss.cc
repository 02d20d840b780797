// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/learning/content_loss.h"
#include "reenact/safetensors.h"

#include "reenact/error.h"
#include "torch/load_weights.h"

namespace reenact::training {
namespace F = torch::nn::functional;
namespace {

torch::Tensor channel_values(const torch::Tensor& like, double first, double second, double third) {
  return torch::tensor({first, second, third}, like.options()).view({1, 3, 1, 1});
}

bool holds(const ModelFile& file, const std::string& network) {
  return file.file().contains(network + ".features.0.weight");
}

VggFeatures load_network(const ModelFile& file, const std::string& name, VggLayout layout) {
  VggFeatures network(layout);
  load_weights(*network, file, name + ".");
  network->eval();
  return network;
}

}  // namespace

torch::Tensor prepare_vgg_input(const torch::Tensor& rgb, VggInput input) {
  // Caffe's ImageNet means of blue, green and red.
  const auto means = channel_values(rgb, 103.939, 116.779, 123.680);
  switch (input) {
    case VggInput::as_released:
      return ((rgb + 1.0) / 2.0 - means / 255.0) * 255.0;
    case VggInput::caffe:
      return rgb.flip(1) * 255.0 - means;
    case VggInput::torchvision:
      return (rgb - channel_values(rgb, 0.485, 0.456, 0.406)) / channel_values(rgb, 0.229, 0.224, 0.225);
  }
  throw Error(ErrorCode::invalid, "unknown preparation of a VGG network's input");
}

torch::Tensor perceptual_loss(VggFeatures& network, const torch::Tensor& fake, const torch::Tensor& real,
                              VggInput input) {
  std::vector<torch::Tensor> wanted;
  {
    torch::NoGradGuard no_grad;
    wanted = network->forward(prepare_vgg_input(real, input));
  }
  const auto found = network->forward(prepare_vgg_input(fake, input));
  auto sum = torch::l1_loss(found[0], wanted[0]);
  for (std::size_t i = 1; i < found.size(); ++i) sum = sum + torch::l1_loss(found[i], wanted[i]);
  return sum;
}

torch::Tensor crop_to_face(const torch::Tensor& rgb) {
  constexpr double part = 1.0 / 1.8;  // the crop's side is 1.8 times the face box
  const auto transform = torch::tensor({{part, 0.0, 0.0}, {0.0, part, 0.0}}, rgb.options());
  const auto grid =
      F::affine_grid(transform.expand({rgb.size(0), 2, 3}), rgb.sizes().vec(), /*align_corners=*/false);
  return F::grid_sample(rgb, grid,
                        F::GridSampleFuncOptions()
                            .mode(torch::kBilinear)
                            .padding_mode(torch::kReflection)
                            .align_corners(false));
}

torch::Tensor face_identity_loss(VggFeatures& network, const torch::Tensor& fake, const torch::Tensor& real,
                                 VggInput input) {
  return perceptual_loss(network, crop_to_face(fake), crop_to_face(real.detach()), input);
}

PerceptualNetworks load_perceptual_networks(const std::filesystem::path& path) {
  const ModelFile file(path, ModelKind::perceptual);
  PerceptualNetworks networks;
  if (holds(file, "vgg19")) networks.vgg19 = load_network(file, "vgg19", VggLayout::vgg19);
  if (holds(file, "vggface")) networks.vgg_face = load_network(file, "vggface", VggLayout::vgg_face);
  if (networks.vgg19.is_empty() && networks.vgg_face.is_empty())
    throw Error(
        ErrorCode::wrong_kind,
        path.string() + ": holds neither vgg19.features.* nor vggface.features.* of a perceptual model");
  return networks;
}

}  // namespace reenact::training
