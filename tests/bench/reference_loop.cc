// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/reference_loop.h"

namespace reenact::bench {
namespace {

using training::ReenactorBatch;
using training::ReenactorTrainingConfig;

DiscriminatorConfig with_labels(DiscriminatorConfig config, int label_count) {
  config.num_labels = label_count;
  return config;
}

/// torchvision's forward pass of a ResNeXt-50 or a MobileNetV2, channels outermost.
torch::Tensor encode(torch::nn::Module& encoder, const torch::Tensor& rgb) {
  const auto children = encoder.named_children();
  const auto sequence = [&](const char* name) { return children[name]->as<torch::nn::Sequential>(); };
  if (children.contains("features"))
    return sequence("classifier")->forward(sequence("features")->forward(rgb).mean({2, 3}));
  auto x = children["conv1"]->as<torch::nn::Conv2d>()->forward(rgb);
  x = torch::relu(children["bn1"]->as<torch::nn::BatchNorm2d>()->forward(x));
  x = torch::max_pool2d(x, 3, 2, 1);
  for (const char* layer : {"layer1", "layer2", "layer3", "layer4"}) x = sequence(layer)->forward(x);
  return children["fc"]->as<torch::nn::Linear>()->forward(
      torch::flatten(torch::adaptive_avg_pool2d(x, {1, 1}), 1));
}

/// The 13 rectified feature maps of a VGG whose pooling takes averages.
std::vector<torch::Tensor> features_of(VggFeatures& network, torch::Tensor x) {
  std::vector<torch::Tensor> features;
  int last = 0;
  for (const auto& child : network->children()[0]->named_children()) {
    const int place = std::stoi(child.key());
    if (place - last == 3) x = torch::avg_pool2d(x, 2);
    last = place;
    features.push_back(x = torch::relu(child.value()->as<torch::nn::Conv2d>()->forward(x)));
  }
  return features;
}

/// "caffe" means after (x + 1) / 2, as released.
torch::Tensor vgg_input(const torch::Tensor& rgb) {
  const auto mean = (torch::tensor({103.939f, 116.779f, 123.680f}) / 255).view({1, 3, 1, 1});
  return ((rgb + 1) / 2 - mean) * 255;
}

}  // namespace

ReferenceLoop::Networks::Networks(const ReenactorTrainingConfig& config) {
  pose = register_module("pose", PoseEncoderNetwork(config.networks, config.training.dropout));
  idt = register_module("idt", IdentityEncoderNetwork(config.networks));
  gen = register_module("gen", ReferenceGenerator(config.networks));
}

ReferenceLoop::ReferenceLoop(const ReenactorTrainingConfig& config, int label_count)
    : config_(config),
      networks_(std::make_shared<Networks>(config)),
      average_(std::make_shared<Networks>(config)),
      discriminator_(with_labels(config.discriminator, label_count)) {
  if (!config.loss.perceptual_networks.empty())
    perceptual_ = training::load_perceptual_networks(config.loss.perceptual_networks);
  torch::NoGradGuard no_grad;
  auto averages = average_->parameters();
  const auto weights = networks_->parameters();
  for (std::size_t i = 0; i < averages.size(); ++i) averages[i].set_requires_grad(false).copy_(weights[i]);
  average_->eval();
  using torch::optim::AdamOptions;
  const auto options = [&](double rate) {
    return AdamOptions(rate).betas({config.training.beta1, 0.999}).eps(config.training.epsilon);
  };
  auto parameters = networks_->gen->parameters();
  for (const auto& encoder : {networks_->pose->parameters(), networks_->idt->parameters()})
    parameters.insert(parameters.end(), encoder.begin(), encoder.end());
  generator_optimizer_ =
      std::make_unique<torch::optim::Adam>(parameters, options(config.training.learning_rate));
  discriminator_optimizer_ = std::make_unique<torch::optim::Adam>(
      discriminator_->parameters(), options(config.training.discriminator_learning_rate));
}

torch::Tensor ReferenceLoop::perceptual(VggFeatures& network, const torch::Tensor& fake,
                                        const torch::Tensor& real) const {
  const auto found = features_of(network, vgg_input(fake));
  std::vector<torch::Tensor> wanted;
  {
    torch::NoGradGuard no_grad;
    wanted = features_of(network, vgg_input(real));
  }
  torch::Tensor loss = torch::zeros({});
  for (std::size_t i = 0; i < found.size(); ++i) loss = loss + torch::l1_loss(found[i], wanted[i]);
  return loss;
}

void ReferenceLoop::update_average() {
  torch::NoGradGuard no_grad;
  const double keep = config_.training.weight_average;
  auto averages = average_->parameters(), buffers = average_->buffers();
  const auto weights = networks_->parameters(), sources = networks_->buffers();
  for (std::size_t i = 0; i < averages.size(); ++i)
    averages[i].copy_(keep * averages[i] + (1 - keep) * weights[i]);
  for (std::size_t i = 0; i < buffers.size(); ++i) buffers[i].copy_(sources[i]);
}

std::map<std::string, double> ReferenceLoop::step(const ReenactorBatch& batch) {
  networks_->train();
  discriminator_->train();
  // Embedder
  const auto frames = batch.identity_frames;
  const auto elementwise =
      encode(*networks_->idt, frames.flatten(0, 1)).view({frames.size(0), frames.size(1), -1});
  const auto embeds = elementwise.mean(1);
  const auto pose = encode(*networks_->pose, batch.pose_source);
  // Generator
  const auto head = networks_->gen(embeds, pose);
  // Discriminator
  const auto real = batch.target * batch.mask;
  const auto embed = discriminator_->embed(batch.labels);
  const auto fake_g = discriminator_(head.rgb, embed);
  const auto fake_d = discriminator_(head.rgb.detach(), embed.detach());
  const auto real_d = discriminator_(real, embed);
  // Criteria
  std::map<std::string, torch::Tensor> losses;
  losses["adversarial"] = config_.loss.adversarial * -fake_g.score.mean();
  auto features = torch::zeros({});
  for (std::size_t i = 0; i < fake_g.features.size(); ++i)
    features = features + torch::l1_loss(fake_g.features[i], real_d.features[i].detach());
  losses["features"] = config_.loss.feature_matching * features / static_cast<double>(fake_g.features.size());
  losses["embedding"] =
      config_.loss.embedding_match * torch::l1_loss(elementwise.select(1, 0), embed.detach());
  if (!perceptual_.vgg19.is_empty())
    losses["perceptual"] = config_.loss.perceptual * perceptual(perceptual_.vgg19, head.rgb, real);
  if (!perceptual_.vgg_face.is_empty())
    losses["face_identity"] =
        config_.loss.face_identity *
        perceptual(perceptual_.vgg_face, training::crop_to_face(head.rgb), training::crop_to_face(real));
  const auto target_mask = batch.mask.expand({-1, 3, -1, -1}).contiguous();
  losses["dice"] = config_.loss.dice * -torch::log(2 * (head.mask * target_mask).sum() /
                                                   (head.mask.pow(2).sum() + target_mask.pow(2).sum()));
  auto loss_g = torch::zeros({});
  for (const auto& [name, loss] : losses) loss_g = loss_g + loss;
  const auto loss_d = torch::relu(1 - real_d.score).mean() + torch::relu(1 + fake_d.score).mean();
  // Updates
  generator_optimizer_->zero_grad();
  loss_g.backward({}, /*retain_graph=*/true);
  generator_optimizer_->step();
  discriminator_optimizer_->zero_grad();
  loss_d.backward();
  discriminator_optimizer_->step();
  update_average();

  std::map<std::string, double> values = {{"total", loss_g.item<double>()},
                                          {"discriminator", loss_d.item<double>()}};
  for (const auto& [name, loss] : losses) values[name] = loss.item<double>();
  return values;
}

std::map<std::string, torch::Tensor> ReferenceLoop::state() const {
  std::map<std::string, torch::Tensor> tensors;
  const auto add = [&](const std::string& prefix, const torch::nn::Module& module) {
    for (const auto& item : module.named_parameters()) tensors[prefix + item.key()] = item.value();
    for (const auto& item : module.named_buffers()) tensors[prefix + item.key()] = item.value();
  };
  add("networks.", *networks_);
  add("average.", *average_);
  add("discriminator.", *discriminator_);
  return tensors;
}

}  // namespace reenact::bench
