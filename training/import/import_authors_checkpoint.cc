// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/error.h"
#include "torch/networks/discriminator.h"
#include "torch/networks/encoders.h"
#include "torch/networks/generator.h"
#include "training/import/byte_reader.h"
#include "training/import/import_models.h"

namespace reenact::training {
namespace {

TensorShapes discriminator_shapes(const AuthorsCheckpoint& checkpoint) {
  DiscriminatorConfig config;
  config.image_size = checkpoint.config().image_size;
  config.num_channels = checkpoint.config().num_channels;
  config.max_channels = checkpoint.config().max_channels;
  config.embedding_size = checkpoint.config().identity_embedding_size;
  config.num_blocks = checkpoint.discriminator_blocks();
  if (checkpoint.config().architecture == "fsth") config.in_channels = 6;
  auto shapes = shapes_of(*Discriminator(config), "dis.");
  if (!checkpoint.is_fine_tuned())
    std::erase_if(shapes, [](const auto& entry) { return entry.first.starts_with("dis.embed."); });
  return shapes;
}

/// A file of ours, ready to be written.
struct OutputFile {
  std::filesystem::path path;
  ImportedWeights weights;
  ModelInfo info;
  Metadata additional;
};

OutputFile reenactor_of(const AuthorsCheckpoint& checkpoint, const PickledTensors& tensors,
                        const TensorShapes& generator, const AuthorsImport& options,
                        std::vector<std::string>& report) {
  OutputFile file;
  file.path = options.reenactor;
  file.info.kind = ModelKind::reenactor;
  const auto& archive = checkpoint.archive();
  const auto& config = checkpoint.config();
  file.weights.add(archive, with_prefix(tensors, "gen."), generator, "the generator");
  file.weights.add(archive, with_prefix(tensors, "pose."), shapes_of(*PoseEncoderNetwork(config), "pose."),
                   "the pose encoder");
  const auto identity_encoder = with_prefix(tensors, "idt.");
  const auto identity_shapes = shapes_of(*IdentityEncoderNetwork(config), "idt.");
  const auto difference = first_difference(identity_encoder, identity_shapes);
  if (difference.empty())
    file.weights.add(archive, identity_encoder, identity_shapes, "the identity encoder");
  else
    report.push_back(
        "left out the identity encoder, which is no " +
        std::string(config.identity_encoder == "conv_sum" ? "embedder of FSTH" : "ResNeXt-50 32x4d") +
        " of this size: it " + difference);
  if (options.with_discriminator)
    file.weights.add(archive, checkpoint.discriminator(), discriminator_shapes(checkpoint),
                     "the discriminator");
  return file;
}

OutputFile identity_of(const AuthorsCheckpoint& checkpoint, const PickledTensors& tensors,
                       const TensorShapes& generator, const AuthorsImport& options) {
  const std::string name = options.name.empty() ? options.identity.stem().string() : options.name;
  OutputFile file;
  file.path = options.identity;
  file.info.kind = ModelKind::identity;
  file.additional = {{"name", name}, {"consent", options.consent}};
  file.weights.add(checkpoint.archive(), with_prefix(tensors, "gen."), generator, "the generator");
  const auto embedding_size = checkpoint.config().identity_embedding_size;
  if (checkpoint.config().architecture != "fsth") {
    file.weights.add(checkpoint.archive(), "embedding", checkpoint.identity_embedding(options.weights),
                     {embedding_size});
    return file;
  }
  // FSTH knows the person by AdaIN numbers, not by an embedding: of one that is 0 the layer that makes them gives its bias.
  const auto numbers = checkpoint.adain_numbers(options.weights);
  const auto& wanted = generator.at("gen.project.bias");
  if (static_cast<std::int64_t>(numbers.size()) != wanted.at(0))
    throw Error(ErrorCode::wrong_kind, quoted(options.checkpoint) + " has " + std::to_string(numbers.size()) +
                                           " AdaIN numbers, wanted " + std::to_string(wanted.at(0)));
  file.weights.add("gen.project.bias", numbers, wanted);
  file.weights.add("embedding", std::vector<float>(static_cast<std::size_t>(embedding_size)),
                   {embedding_size});
  return file;
}

}  // namespace

std::vector<std::string> import_authors_checkpoint(const AuthorsImport& options) {
  if (options.reenactor.empty() && options.identity.empty())
    throw Error(ErrorCode::invalid, "there is nothing to write, wanted --output, --identity or both");
  const AuthorsCheckpoint checkpoint(options.checkpoint);
  if (!options.identity.empty() && !checkpoint.is_fine_tuned())
    throw Error(ErrorCode::wrong_kind, quoted(options.checkpoint) +
                                           " is meta-learned and knows no single person, wanted a fine-tuned "
                                           "checkpoint for --identity");
  const auto tensors = checkpoint.tensors(options.weights);
  const auto generator = shapes_of(*make_head_generator(checkpoint.config()), "gen.");
  std::vector<std::string> report;
  std::vector<OutputFile> files;
  if (!options.reenactor.empty())
    files.push_back(reenactor_of(checkpoint, tensors, generator, options, report));
  if (!options.identity.empty()) files.push_back(identity_of(checkpoint, tensors, generator, options));
  for (auto& file : files) {
    file.info.config = to_json(checkpoint.config());
    file.info.licence = options.licence;
    file.info.provenance = checkpoint.provenance(options.weights);
    file.weights.write(file.path, file.info, file.additional);
    report.push_back("wrote " + quoted(file.path) + ": " + to_string(file.info.kind) + ", " +
                     std::to_string(file.weights.size()) + " tensors, " +
                     (options.weights == WeightsChoice::average ? "running averages" : "raw weights"));
  }
  return report;
}

}  // namespace reenact::training
