// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <torch/torch.h>
#include <nlohmann/json.hpp>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "offline/command_line_options.h"
#include "offline/contact_sheet.h"
#include "offline/stop_signal.h"
#include "reenact/engine.h"
#include "reenact/error.h"
#include "reenact/identity.h"
#include "reenact/quantise.h"
#include "reenact/safetensors.h"
#include "torch/device.h"
#include "torch/load_weights.h"
#include "training/commands.h"
#include "training/learning/precision.h"
#include "training/personalise/personaliser.h"
#include "training/personalise/pose_finder.h"
#include "training/personalise/preset_files.h"
#include "training/personalise/x2face_person.h"
#include "training/run/event_writer.h"
#include "training/run/progress.h"
#include "training/run/training_options.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  TrainingOptions training;  // its output is the identity file; a run of minutes is not resumed
  PersonSources sources;
  std::vector<fs::path> test;
  std::string model, perceptual, poses, discriminator, landmarks, expression;
  fs::path descriptors;
  fs::path model_output;
  std::string identity_model, identity_embedding, name, consent, licence;
};

void choose_embedding(PersonaliseConfig& config, const std::string& how) {
  config.tuning.train_identity_embedding = how == "train";
  if (how != "refined")
    config.run.embedding_steps = 0;
  else if (config.run.embedding_steps == 0)
    config.run.embedding_steps = default_embedding_steps;
}

/// `live` is tuned while somebody waits; the others as the released code computes.
torch::ScalarType default_precision(const std::string& preset, const TrainingOptions& training) {
  return preset == "live" ? native_precision(device_from(training.device)) : torch::kFloat;
}

/// Where detector and segmenter run: with the networks that are tuned.
EngineOptions engine_of(const TrainingOptions& training) {
  EngineOptions engine;
  engine.device = training.device;
  engine.threads = training.threads;
  return engine;
}

/// Tunes a reenactor to one person and writes the identity file.
class PersonaliseRun {
 public:
  explicit PersonaliseRun(const Arguments& arguments)
      : arguments_(arguments),
        file_(arguments.training.config, arguments.training.overrides),
        model_(std::make_shared<const ModelFile>(find_model(arguments.model), ModelKind::reenactor)),
        networks_(model_->info().config.get<ReenactorConfig>()),
        config_(read_personalise_config(file_, networks_.preset,
                                        default_precision(networks_.preset, arguments.training))) {
    file_.refuse_unknown_keys();
    if (!arguments_.identity_embedding.empty()) choose_embedding(config_, arguments_.identity_embedding);
    config_ = fitting(config_, *model_);
    if (arguments_.training.steps) config_.run.steps = *arguments_.training.steps;
  }

  void run() {
    const auto device = device_from(arguments_.training.device);
    PerceptualNetworks perceptual;
    if (!arguments_.perceptual.empty())
      perceptual = load_perceptual_networks(find_model(arguments_.perceptual));
    torch::Tensor poses;
    if (config_.tuning.loss.motion > 0) poses = poses_of_others(*model_, networks_, arguments_.poses);

    const auto engine = engine_of(arguments_.training);
    if (!arguments_.descriptors.empty())
      arguments_.sources.descriptors =
          load_frame_descriptors(arguments_.descriptors, networks_.pose_embedding_size);
    auto pictures = load_person_pictures(arguments_.sources,
                                         std::max(networks_.image_size, networks_.pose_image_size()), engine);
    // Facial points and descriptors, of models that are driven by them.
    PoseFinder finder(networks_, arguments_.landmarks, arguments_.expression, device);
    for (auto* frames : {&pictures.training, &pictures.held_out}) finder.complete(*frames);
    training_pictures_ = pictures.training.size();
    held_out_pictures_ = pictures.held_out.size();
    if (config_.run.steps == 0)
      config_.run.steps = iterations_for(training_pictures_ + held_out_pictures_, networks_.preset);

    const auto identity_model =
        arguments_.identity_model.empty()
            ? model_
            : std::make_shared<const ModelFile>(find_model(arguments_.identity_model), ModelKind::reenactor);
    const auto discriminator = config_.tuning.loss.adversarial > 0 || !arguments_.discriminator.empty()
                                   ? file_with_discriminator(model_, networks_, arguments_.discriminator)
                                   : model_;
    Personaliser person({model_, identity_model, discriminator}, config_, std::move(pictures), perceptual,
                        poses, device, arguments_.training.seed);
    announce(person, perceptual, poses, device);
    const auto unseen = load_test_pictures(engine, finder);
    if (!unseen.empty()) test_before_ = person.test(unseen);
    tune(person);
    if (!unseen.empty()) test_after_ = person.test(unseen);
    test_pictures_ = unseen.size();
    if (test_pictures_ > 0) fmt::print("{}\n", test_figures().dump());
    write(person);
  }

 private:
  std::vector<HeadFrame> load_test_pictures(const EngineOptions& engine, PoseFinder& finder) const {
    std::vector<HeadFrame> frames;
    if (arguments_.test.empty()) return frames;
    auto sources = arguments_.sources;
    sources.paths = arguments_.test;
    sources.masks.clear();
    auto pictures =
        load_person_pictures(sources, std::max(networks_.image_size, networks_.pose_image_size()), engine);
    frames = std::move(pictures.training);
    frames.insert(frames.end(), pictures.held_out.begin(), pictures.held_out.end());
    finder.complete(frames);
    return frames;
  }

  nlohmann::json test_figures() const {
    return {{"pictures", test_pictures_},
            {"psnr", {{"before", test_before_.psnr}, {"after", test_after_.psnr}}},
            {"ssim", {{"before", test_before_.ssim}, {"after", test_after_.ssim}}}};
  }

  void announce(const Personaliser& person, const PerceptualNetworks& perceptual, const torch::Tensor& poses,
                const torch::Device& device) const {
    std::string losses;
    const auto add = [&](bool used, const char* name) {
      if (used) losses += (losses.empty() ? "" : ", ") + std::string(name);
    };
    const auto& tuning = config_.tuning;
    add(!perceptual.vgg19.is_empty(), "VGG-19");
    add(!perceptual.vgg_face.is_empty(), "VGGFace");
    add(tuning.loss.l1 > 0, "multi-scale L1");
    add(tuning.loss.gradient > 0, "image gradients");
    add(tuning.loss.dice > 0, "dice");
    add(person.has_discriminator(), "adversarial and feature matching");
    add(poses.defined(), "motion of other people");
    if (perceptual.vgg19.is_empty() && perceptual.vgg_face.is_empty() && tuning.loss.l1 == 0)
      spdlog::warn(
          "no --perceptual networks and loss.l1 is 0: the pictures' content is compared by the discriminator "
          "alone");
    spdlog::info("{} pictures, {} held out; {} iterations of {} on {}; losses: {}; identity embedding {}",
                 training_pictures_, held_out_pictures_, config_.run.steps, person.batch_size(), device.str(),
                 losses,
                 tuning.train_identity_embedding ? "trained"
                                                 : (config_.run.embedding_steps > 0 ? "refined" : "fixed"));
    if (networks_.preset == "paper" && tuning.pose_encoder_in_training_mode &&
        arguments_.model_output.empty())
      spdlog::warn(
          "the pose encoder's batch statistics follow the person, as in the released code; only "
          "--model-output "
          "keeps them (or set tuning.pose_encoder_in_training_mode=false)");
  }

  /// Less is better: the error relative to the beginning, plus what got lost of the motion.
  double score(const PersonMetrics& metrics) const {
    return metrics.error / before_.error + config_.run.motion_share * metrics.motion_lost;
  }

  // A loop of its own, not run_training(): it is over in a minute and has no checkpoints to resume from, keeps
  // its best iteration in memory, begins with a validation that all others are measured against, and stops for
  // good at a signal, writing what it has.
  void tune(Personaliser& person) {
    const auto start = std::chrono::steady_clock::now();
    StopSignal stop;
    std::optional<EventWriter> events;
    if (!arguments_.training.run_dir.empty()) events.emplace(arguments_.training.run_dir / "events");
    Progress progress(config_.run.steps, 0, stdout);
    before_ = best_ = person.validate();
    person.remember();
    draw(person, "before", events, 0);

    for (std::int64_t i = 0; i < config_.run.embedding_steps && !stop.requested(); ++i)
      person.refine_embedding();
    if (config_.run.embedding_steps > 0) {
      validate(person, 0, events);
      draw(person, "embedding refined", events, 0);
    }
    const auto columns = std::max<std::int64_t>(1, config_.run.steps / 5);
    std::int64_t step = 0;
    while (step < config_.run.steps && !stop.requested()) {
      const auto result = person.step();
      ++step;
      progress.update(step, person.batch_size(), result.losses);
      if (events)
        for (const auto& [name, value] : result.losses) events->scalar("loss/" + name, step, value);
      if (step % columns == 0) draw(person, "iteration " + std::to_string(step), events, step);
      if (step % config_.run.validate_every == 0 || step == config_.run.steps || stop.requested())
        validate(person, step, events);
    }
    iterations_done_ = step;
    if (config_.run.keep_best)
      person.restore();
    else
      best_step_ = step;
    seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    spdlog::info(
        "{} iterations in {:.0f} s; best at {}: error on {} {:.4f} -> {:.4f}, PSNR {:.1f} -> "
        "{:.1f} dB, motion lost {:.1f} %",
        step, seconds_, best_step_,
        held_out_pictures_ > 0 ? "held-out pictures" : "the pictures and their mirror images", before_.error,
        best_.error, before_.psnr, best_.psnr, 100 * best_.motion_lost);
  }

  void validate(Personaliser& person, std::int64_t step, std::optional<EventWriter>& events) {
    const auto metrics = person.validate();
    spdlog::debug("iteration {}: error {:.4f}, PSNR {:.2f} dB, motion lost {:.2f} %", step, metrics.error,
                  metrics.psnr, 100 * metrics.motion_lost);
    if (events) {
      events->scalar("held_out/error", step, metrics.error);
      events->scalar("held_out/psnr", step, metrics.psnr);
      events->scalar("held_out/motion_lost", step, metrics.motion_lost);
    }
    if (config_.run.keep_best && score(metrics) >= score(best_)) return;
    best_ = metrics;
    best_step_ = step;
    if (config_.run.keep_best) person.remember();
  }

  void draw(Personaliser& person, const std::string& title, std::optional<EventWriter>& events,
            std::int64_t step) {
    if (!events) return;
    person.draw_column(title);
    write_png(arguments_.training.run_dir / "progress.png", person.sheet());
    events->image("progress", step, person.sheet());
    events->flush();
  }

  nlohmann::json provenance() const {
    nlohmann::json made = {{"command", "reenact-train personalise"},
                           {"model", model_->path().filename().string()},
                           {"configuration", file_.to_toml()},
                           {"pictures", training_pictures_},
                           {"held_out", held_out_pictures_},
                           {"iterations", iterations_done_},
                           {"best_iteration", best_step_},
                           {"seconds", seconds_},
                           {"error", {{"before", before_.error}, {"after", best_.error}}},
                           {"psnr", {{"before", before_.psnr}, {"after", best_.psnr}}},
                           {"motion_lost", best_.motion_lost}};
    if (test_pictures_ > 0) made["test"] = test_figures();
    return made;
  }

  /// Adds the ranges that int8 on CPUs wants, from the person's own pictures.
  void calibrate(Personaliser& person) {
    // Other encoders, and poses that are none of pictures, are LibTorch's.
    if (!can_calibrate_generator(*model_) || networks_.pose_encoder != "mobilenet_v2") return;
    constexpr std::size_t most = 32;
    EngineOptions engine;
    engine.device = "cpu";
    engine.threads = arguments_.training.threads;
    const auto encoder = load_pose_encoder(model_->path(), engine);
    const auto& frames = person.frames();
    std::vector<std::vector<float>> poses;
    for (std::size_t i = 0; i < std::min(most, frames.size()); ++i) {
      poses.emplace_back(static_cast<std::size_t>(encoder->embedding_size()));
      encoder->encode(frames[i * frames.size() / std::min(most, frames.size())].rgb, poses.back());
    }
    const auto personal = std::make_shared<const ModelFile>(arguments_.training.output, ModelKind::identity);
    const std::vector<std::vector<float>> embeddings = {person.embedding()};
    const auto calibration =
        calibrate_generator(model_, personal, embeddings, poses, arguments_.training.threads);
    write_ranges(arguments_.training.output, *personal, calibration);
    if (calibration.pictures > 0) {
      spdlog::info("int8 against fp32 on {} pictures: PSNR {:.1f} dB, worst {:.1f} dB", calibration.pictures,
                   calibration.psnr, calibration.worst_psnr);
    }
  }

  void write(Personaliser& person) {
    Identity identity;
    identity.name = arguments_.name.empty() ? arguments_.training.output.stem().string() : arguments_.name;
    identity.consent = arguments_.consent;
    identity.licence = arguments_.licence;
    identity.embedding = person.embedding();
    std::size_t picture = 0;
    identity.neutral_pose = person.neutral_pose(picture);
    identity.thumbnail = person.frames()[picture].rgb;

    const auto weights = person.generator_weights();
    std::map<std::string, torch::Tensor> stored;  // half the size; engines convert back
    std::map<std::string, TensorView> views;
    for (const auto& [name, tensor] : weights) {
      stored[name] = tensor.to(torch::kCPU, torch::kHalf).contiguous();
      views[name] = {DataType::f16,
                     stored[name].sizes().vec(),
                     {static_cast<const std::byte*>(stored[name].data_ptr()), stored[name].nbytes()}};
    }
    if (!arguments_.training.output.parent_path().empty())
      fs::create_directories(arguments_.training.output.parent_path());
    save_identity(arguments_.training.output, identity, provenance(), views);
    spdlog::info("wrote {}", arguments_.training.output.string());
    calibrate(person);
    if (arguments_.model_output.empty()) return;
    auto tensors = person.encoder_weights();
    tensors.insert(weights.begin(), weights.end());
    ModelInfo info = model_->info();
    info.provenance = provenance();
    write_model(arguments_.model_output, info, tensors);
    spdlog::info("wrote {}", arguments_.model_output.string());
  }

  Arguments arguments_;
  RunConfig file_;
  std::shared_ptr<const ModelFile> model_;
  ReenactorConfig networks_;
  PersonaliseConfig config_;
  std::size_t training_pictures_ = 0, held_out_pictures_ = 0, test_pictures_ = 0;
  PersonTest test_before_, test_after_;
  PersonMetrics before_, best_;
  std::int64_t best_step_ = 0, iterations_done_ = 0;
  double seconds_ = 0;
};

/// X2Face keeps pictures of a person and tunes nothing.
void keep_pictures(const Arguments& arguments, const ModelFile& model) {
  const auto config = model.info().config.get<WarperConfig>();
  const auto pictures =
      load_person_pictures(arguments.sources, config.image_size, engine_of(arguments.training));
  const auto sources = choose_x2face_sources(pictures.training, config.image_size, arguments.training.seed);
  Identity identity;
  identity.name = arguments.name.empty() ? arguments.training.output.stem().string() : arguments.name;
  identity.consent = arguments.consent;
  identity.licence = arguments.licence;
  if (!arguments.training.output.parent_path().empty())
    fs::create_directories(arguments.training.output.parent_path());
  save_x2face_person(arguments.training.output, identity, sources,
                     {{"command", "reenact-train personalise"},
                      {"model", model.path().filename().string()},
                      {"pictures", sources.size()}});
  spdlog::info("wrote {} with {} pictures", arguments.training.output.string(), sources.size());
}

}  // namespace

CLI::App* add_personalise_command(CLI::App& parent) {
  auto* command = parent.add_subcommand(
      "personalise", "Tune a reenactor to one person from an image, a folder of images or a clip");
  auto a = std::make_shared<Arguments>();
  command->add_option("sources", a->sources.paths, "Images, folders of images or clips of the person")
      ->option_text("PATH...")
      ->required();
  command->add_option("--model", a->model, "Reenactor to start from")->option_text("FILE")->required();
  command->add_option("--output", a->training.output, "Identity file to write")
      ->option_text("FILE")
      ->required();
  command
      ->add_option("--model-output", a->model_output,
                   "Also write the whole tuned reenactor, with the pose encoder's batch statistics")
      ->option_text("FILE");
  command
      ->add_option("--run-dir", a->training.run_dir,
                   "Folder for progress.png and TensorBoard events; none without it")
      ->option_text("DIR");
  command
      ->add_option("--iterations,--steps", a->training.steps,
                   "Weight updates; default by the number of pictures, 125 for one to 230 for 30 "
                   "and more, 60 to 100 for live")
      ->check(CLI::PositiveNumber);
  command
      ->add_option(
          "--identity-embedding", a->identity_embedding,
          "train (the released code), fixed (the paper) or refined (before all else, then fixed); default "
          "by the configuration")
      ->check(CLI::IsMember({"train", "fixed", "refined"}));
  command
      ->add_option(
          "--identity-model", a->identity_model,
          "Reenactor whose identity encoder makes the embedding, where it is not --model: the authors "
          "use the running average here, and tune the raw weights")
      ->option_text("FILE");
  command
      ->add_option("--perceptual", a->perceptual, "Perceptual model (VGG-19, VGGFace) for the content losses")
      ->option_text("FILE");
  command
      ->add_option(
          "--discriminator", a->discriminator,
          "Discriminator, or a checkpoint or reenactor with one, that is tuned along; without it, that of --model "
          "or discriminator-PRESET where models are installed, if there is one")
      ->option_text("FILE");
  command
      ->add_option(
          "--poses", a->poses,
          "Pose track of other people whose motion the head must go on to follow; without it poses-PRESET "
          "beside --model or where models are installed, if there is one")
      ->option_text("FILE");
  command
      ->add_option("--landmarks", a->landmarks,
                   "Network that finds facial points, for models that are driven by them")
      ->option_text("FILE");
  command
      ->add_option("--expression", a->expression,
                   "What makes descriptors of facial points, for models that are driven by descriptors")
      ->option_text("FILE");
  command
      ->add_option("--descriptors", a->descriptors,
                   "Descriptors of the pictures, named <source without ending>/<number from 0>, for the same")
      ->option_text("FILE");
  command
      ->add_option("--masks", a->sources.masks,
                   "With --already-cropped: masks of the person, one source for each source of pictures")
      ->option_text("PATH...");
  command->add_option("--segmenter", a->sources.segmenter, "Segmenter model that finds the person on a crop")
      ->option_text("FILE")
      ->capture_default_str();
  command
      ->add_option("--pictures-per-source", a->sources.pictures_per_source,
                   "Pictures taken from a clip or folder, spread evenly")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      ->add_option(
          "--test", a->test,
          "Other pictures or clips of the person; prints PSNR and SSIM of heads driven by them, before "
          "and after, as a line of JSON")
      ->option_text("PATH...");
  command->add_option("--name", a->name, "Name of the person; default: the output's file name");
  command->add_option("--consent", a->consent, "Who agreed to what, stored in the identity file");
  command->add_option("--licence,--license", a->licence, "Licence of the identity file");
  add_common_training_options(*command, a->training);
  add_cropper_options(*command, a->sources.cropper);
  command->callback([a] {
    apply_training_options(a->training);
    const ModelFile model(find_model(a->model));
    if (model.info().kind == ModelKind::warper)
      keep_pictures(*a, model);
    else
      PersonaliseRun(*a).run();
  });
  return command;
}

}  // namespace reenact::training
