// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <filesystem>

#include "reenact/error.h"
#include "reenact/s3fd_postprocess.h"
#include "reenact/safetensors.h"
#include "support/small_face_dataset.h"
#include "torch/load_weights.h"
#include "torch/networks/s3fd.h"
#include "training/detector/clip_alignment.h"
#include "training/detector/detector_trainer.h"
#include "training/run/random_state.h"
#include "training/segmenter/segmenter_trainer.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

/// A small detector that finds nothing.
S3fd silent_network() {
  S3fd network(0.0625);
  torch::NoGradGuard no_grad;
  for (auto& parameter : network->parameters()) parameter.zero_();
  return network;
}

FaceSearch search_with(S3fd network) {
  return [network](const cv::Mat& rgb, float score_threshold, float iou_threshold) mutable {
    auto config = detector_preset("lite");
    config.width = 0.0625;
    return detect_faces(network, rgb, config, score_threshold, iou_threshold);
  };
}

/// A folder of its own with the drawn data set, shared by the tests of this file.
class SupervisedTraining : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    spdlog::set_level(spdlog::level::err);
    at::set_num_threads(1);
    root_ = fs::temp_directory_path() / ("reenact-supervised-" + std::to_string(::getpid()));
    test::write_small_face_dataset(root_ / "data");
  }
  static void TearDownTestSuite() { fs::remove_all(root_); }

  static std::vector<std::string> detector_settings() {
    return {"data.folder=" + (root_ / "data").string(),
            "network.width=0.0625",
            "training.batch_size=3",
            "training.picture_sizes=[96, 64]",
            "training.precision=float32",
            "data.face_free_held_out=1",
            "validation.detect_size=96",
            "training.warm_up_steps=2"};
  }
  static std::vector<std::string> segmenter_settings() {
    return {"data.folder=" + (root_ / "data").string(),
            "network.image_size=32",
            "network.base_channels=4",
            "network.levels=2",
            "training.batch_size=4",
            "training.precision=float32",
            "data.stored_size=48",
            "training.warm_up_steps=2"};
  }
  static std::vector<float> weights(const fs::path& model) {
    std::vector<float> all;
    const ModelFile file(model);
    for (const auto& [name, view] : file.file().tensors())
      for (const float value : view.to_floats()) all.push_back(value);
    return all;
  }

  template <typename Trainer, typename Config>
  static void train(const std::string& run, const std::vector<std::string>& settings,
                    Config (*read)(const RunConfig&), std::int64_t steps, std::int64_t stop_at, bool resume) {
    TrainingOptions options;
    options.overrides = settings;
    options.output = root_ / (run + ".safetensors");
    options.run_dir = root_ / run;
    options.seed = 7;
    options.resume = resume;
    const RunConfig file({}, settings);
    auto config = read(file);
    config.run.steps = steps;
    seed_everything(options.seed);
    Trainer trainer(config, options.seed);
    RunSchedule schedule;
    schedule.steps = stop_at;
    schedule.validate_every = schedule.sheet_every = schedule.checkpoint_every = 2;
    run_training(trainer, options, file, schedule, "test");
  }

  template <typename Trainer, typename Config>
  static void expect_exact_resume(const std::string& name, const std::vector<std::string>& settings,
                                  Config (*read)(const RunConfig&)) {
    train<Trainer>(name + "-whole", settings, read, 4, 4, false);
    train<Trainer>(name + "-halves", settings, read, 4, 2, false);
    train<Trainer>(name + "-halves", settings, read, 4, 4, true);
    const auto at = [&](const std::string& run) {
      return weights(root_ / run / "checkpoints" / "checkpoint-000000004.safetensors");
    };
    const auto whole = at(name + "-whole"), halves = at(name + "-halves");
    ASSERT_FALSE(whole.empty());
    EXPECT_EQ(whole, halves);
    EXPECT_NE(whole, weights(root_ / (name + "-whole") / "checkpoints" / "checkpoint-000000002.safetensors"));
    EXPECT_TRUE(fs::exists(root_ / (name + "-whole") / "sheet.png"));
    EXPECT_FALSE(fs::is_empty(root_ / (name + "-whole") / "events"));
  }

  static inline fs::path root_;
};

TEST_F(SupervisedTraining, DetectorResumesBitByBit) {
  expect_exact_resume<DetectorTrainer>("detector", detector_settings(), read_detector_config);
  const ModelFile model(root_ / "detector-whole.safetensors", ModelKind::detector);
  EXPECT_EQ(model.info().config.get<DetectorConfig>().width, 0.0625);
  EXPECT_EQ(nlohmann::json::parse(model.info().provenance.text()).at("data").at("pictures").at("drawn: CC0"),
            6);
  S3fd network(0.0625);
  load_weights(*network, model, "s3fd.");
}

TEST_F(SupervisedTraining, SegmenterResumesBitByBit) {
  expect_exact_resume<SegmenterTrainer>("segmenter", segmenter_settings(), read_segmenter_config);
  const ModelFile model(root_ / "segmenter-whole.safetensors", ModelKind::segmenter);
  const auto config = model.info().config.get<SegmenterConfig>();
  UnetSegmenter network(config);
  load_weights(*network, model, "unet.");
}

TEST_F(SupervisedTraining, DetectorStartsFromAModel) {
  auto settings = detector_settings();
  train<DetectorTrainer>("first", settings, read_detector_config, 4, 4, false);
  const auto model = root_ / "first.safetensors";
  settings.push_back("training.start_from=" + model.string());
  auto config = read_detector_config(RunConfig({}, settings));
  DetectorTrainer trainer(config, 3);
  trainer.write(root_ / "again.safetensors", ModelFile(model).info());
  EXPECT_EQ(weights(root_ / "again.safetensors"), weights(model));
  config.network.width = 0.125;
  EXPECT_THROW(DetectorTrainer(config, 3), Error);
}

TEST_F(SupervisedTraining, PrefetchingChangesNothing) {
  auto settings = detector_settings();
  settings.push_back("data.prefetch=false");
  train<DetectorTrainer>("plain", settings, read_detector_config, 4, 4, false);
  settings.back() = "data.prefetch=true";
  train<DetectorTrainer>("prefetched", settings, read_detector_config, 4, 4, false);
  EXPECT_EQ(weights(root_ / "plain" / "checkpoints" / "checkpoint-000000004.safetensors"),
            weights(root_ / "prefetched" / "checkpoints" / "checkpoint-000000004.safetensors"));
}

TEST_F(SupervisedTraining, TheDetectorLearnsTheSameOnOneCoreAndOnThree) {
  const int threads_before = cv::getNumThreads();
  for (const int threads : {1, 3}) {
    cv::setNumThreads(threads);
    train<DetectorTrainer>("cores-" + std::to_string(threads), detector_settings(), read_detector_config, 4,
                           4, false);
  }
  cv::setNumThreads(threads_before);
  EXPECT_EQ(weights(root_ / "cores-1" / "checkpoints" / "checkpoint-000000004.safetensors"),
            weights(root_ / "cores-3" / "checkpoints" / "checkpoint-000000004.safetensors"));
}

TEST_F(SupervisedTraining, ClipsAreAlignedWithTheFramesTheyWereCutFrom) {
  const auto clips = read_labelled_clips(root_ / "data", "val", 160);
  ASSERT_EQ(clips.size(), 1u);
  EXPECT_EQ(clips[0].first_frame, test::small_dataset_first_frame);
  EXPECT_EQ(clips[0].frame_step, 2);
  EXPECT_EQ(clips[0].whole.size(), clips[0].crops.size());
  EXPECT_LT(clips[0].alignment_error, 8);
  const auto& box = clips[0].crops[0].faces[0];
  EXPECT_NEAR(box.height(), 128 / 1.8, 1e-3);
  EXPECT_NEAR(box.width(), 128 / 1.8 * 0.75, 1e-3);
  EXPECT_NEAR((box.left + box.right) / 2, 64, 1e-3);
}

TEST_F(SupervisedTraining, EvaluationCountsWhatANetworkFinds) {
  DetectionSettings settings;
  settings.detect_size = 128;
  auto network = silent_network();
  const auto search = search_with(network);
  const auto silent = evaluate_detector(search, root_ / "data", 1, settings);
  EXPECT_EQ(silent.at("whole_frames").at("found"), 0);
  EXPECT_EQ(silent.at("whole_frames").at("frames"), 12);
  EXPECT_EQ(silent.at("face_free").at("pictures"), 2);  // one of val, one held out of train
  EXPECT_EQ(silent.at("face_free").at("with_false_alarm"), 0);
  EXPECT_EQ(silent.at("labelled_pictures").at("average_precision"), 0);
  ASSERT_EQ(silent.at("thresholds").size(), settings.thresholds.size());
  for (const auto& at : silent.at("thresholds")) EXPECT_EQ(at.at("turned").at("whole_frames").size(), 3u);
  // Now it says "face" in every cell of stride 16, whose anchors of 64 px are about as large as the crops'
  // faces.
  torch::NoGradGuard no_grad;
  network->named_parameters()["conv5_3_norm_mbox_conf.bias"][1] = 8;
  const auto eager = evaluate_detector(search, root_ / "data", 1, settings);
  EXPECT_EQ(eager.at("face_free").at("with_false_alarm"), 2);
  EXPECT_GT(eager.at("crops").at("surplus"), 12);
  // The higher the threshold, the less is found.
  double last = 2;
  for (const auto& at : eager.at("thresholds")) {
    EXPECT_LE(at.at("whole_frames").at("found").get<double>(), last);
    last = at.at("whole_frames").at("found").get<double>();
    EXPECT_LE(at.at("whole_frames").at("found_in_colours"), at.at("whole_frames").at("found"));
  }
  EXPECT_EQ(eager.at("thresholds").back().at("whole_frames"), eager.at("whole_frames"));
}

TEST_F(SupervisedTraining, HeldOutPicturesLeaveTheTrainingSet) {
  auto pictures = read_face_pictures(root_ / "data" / "detector", {"train", true, 384});
  const auto before = pictures.size();
  const auto held_out = take_held_out(pictures, 1);
  ASSERT_EQ(held_out.size(), 1u);
  EXPECT_TRUE(held_out[0].has_no_face());
  EXPECT_EQ(pictures.size(), before - 1);
  for (const auto& picture : pictures) EXPECT_NE(picture.id, held_out[0].id);
}

TEST_F(SupervisedTraining, MissingDataIsNamed) {
  const RunConfig file({}, {"data.folder=" + (root_ / "nowhere").string()});
  const auto config = read_detector_config(file);
  try {
    DetectorTrainer trainer(config, 0);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    EXPECT_NE(std::string(error.what()).find("boxes.jsonl"), std::string::npos);
  }
}

TEST(DetectionScore, AveragePrecisionOfPerfectAndOfDoubledDetections) {
  // Checked through pictures whose faces are anchors a silent network is made to report.
  DetectionSettings settings;
  settings.detect_size = 128;
  settings.score_threshold = 0.5f;
  auto network = silent_network();
  const auto search = search_with(network);
  torch::NoGradGuard no_grad;
  for (auto& item : network->named_parameters())
    if (item.key().find("_mbox_conf.bias") != std::string::npos) item.value()[0] = 9;
  network->named_parameters()["conv5_3_norm_mbox_conf.bias"][1] = 12;
  const cv::Mat grey(128, 128, CV_8UC3, cv::Scalar::all(100));
  const auto reported = search(grey, settings.score_threshold, settings.iou_threshold);
  ASSERT_GE(reported.size(), 4u);
  FacePicture all{"all", grey, reported, {}};
  EXPECT_DOUBLE_EQ(score_pictures(search, {&all, 1}, settings).average_precision, 1);
  FacePicture unsure{"unsure", grey, {}, reported};
  EXPECT_EQ(score_pictures(search, {&unsure, 1}, settings).false_alarms, 0);
  FacePicture none{"none", grey, {}, {}};
  EXPECT_EQ(score_pictures(search, {&none, 1}, settings).false_alarms, static_cast<int>(reported.size()));
  const FacePicture both[] = {all, none};
  const auto score = score_pictures(search, both, settings);
  EXPECT_DOUBLE_EQ(score.recall, 1);
  EXPECT_DOUBLE_EQ(score.precision, 0.5);
}

}  // namespace
}  // namespace reenact::training
