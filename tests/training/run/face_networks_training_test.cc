// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>

#include "reenact/error.h"
#include "reenact/safetensors.h"
#include "support/small_face_dataset.h"
#include "torch/load_weights.h"
#include "training/landmarks/landmarks_trainer.h"
#include "training/recogniser/recogniser_trainer.h"
#include "training/run/random_state.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

/// The drawn data set with a second person to validate with.
class FaceNetworksTraining : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    spdlog::set_level(spdlog::level::err);
    at::set_num_threads(1);
    folder_ = fs::temp_directory_path() / ("reenact-face-networks-" + std::to_string(::getpid()));
    test::write_small_face_dataset(folder_ / "data");
    fs::copy(folder_ / "data" / "clips" / "c1", folder_ / "data" / "clips" / "c2");
    std::ofstream table(folder_ / "data" / "clips.tsv", std::ios::app);
    table << "c2\tp2\tval\tyes\t12\t72\t1.8\tdrawn\tCC0\tCC0\n";
  }
  static void TearDownTestSuite() { fs::remove_all(folder_); }

  static std::vector<std::string> recogniser_settings() {
    return {"data.folder=" + (folder_ / "data").string(),
            "data.stored_size=64",
            "network.width=0.0625",
            "network.image_size=32",
            "network.embedding_size=16",
            "training.batch_size=6",
            "training.precision=float32",
            "training.warm_up_steps=2",
            "training.dropout=0.1",
            "validation.frame_step=2",
            "validation.least_gap=4"};
  }
  static std::vector<std::string> landmarks_settings() {
    return {"data.folder=" + (folder_ / "data").string(),
            "data.stored_size=64",
            "network.width=0.1",
            "network.image_size=32",
            "training.batch_size=4",
            "training.precision=float32",
            "training.warm_up_steps=2"};
  }

  template <typename Trainer, typename Config>
  static nlohmann::json train(const std::string& run, const std::vector<std::string>& settings,
                              Config (*read)(const RunConfig&), std::int64_t stop_at, bool resume) {
    TrainingOptions options;
    options.overrides = settings;
    options.output = folder_ / (run + ".safetensors");
    options.run_dir = folder_ / run;
    options.seed = 7;
    options.resume = resume;
    const RunConfig file({}, settings);
    auto config = read(file);
    config.run.steps = 4;
    seed_everything(options.seed);
    Trainer trainer(config, options.seed);
    file.refuse_unknown_keys();
    RunSchedule schedule;
    schedule.steps = stop_at;
    schedule.validate_every = schedule.sheet_every = schedule.checkpoint_every = 2;
    run_training(trainer, options, file, schedule, "test");
    return nlohmann::json::parse(ModelFile(options.output).info().provenance.text());
  }
  static std::vector<float> checkpoint(const std::string& run, const std::string& step) {
    const ModelFile file(folder_ / run / "checkpoints" / ("checkpoint-00000000" + step + ".safetensors"));
    std::vector<float> all;
    for (const auto& [name, view] : file.file().tensors())
      for (const float value : view.to_floats()) all.push_back(value);
    return all;
  }
  template <typename Trainer, typename Config>
  static nlohmann::json expect_exact_resume(const std::string& name, const std::vector<std::string>& settings,
                                            Config (*read)(const RunConfig&)) {
    const auto provenance = train<Trainer>(name + "-whole", settings, read, 4, false);
    train<Trainer>(name + "-halves", settings, read, 2, false);
    train<Trainer>(name + "-halves", settings, read, 4, true);
    const auto whole = checkpoint(name + "-whole", "4");
    EXPECT_FALSE(whole.empty());
    EXPECT_EQ(whole, checkpoint(name + "-halves", "4"));
    EXPECT_NE(whole, checkpoint(name + "-whole", "2"));
    EXPECT_TRUE(fs::exists(folder_ / (name + "-whole") / "sheet.png"));
    return provenance;
  }

  static inline fs::path folder_;
};

TEST_F(FaceNetworksTraining, RecogniserResumesBitByBitAndTellsItsErrors) {
  const auto provenance =
      expect_exact_resume<RecogniserTrainer>("recogniser", recogniser_settings(), read_recogniser_config);
  // Both strangers are one clip: half of all comparisons are lost by chance.
  EXPECT_NEAR(provenance.at("metrics").at("equal_error_rate").get<double>(), 0.5, 0.3);
  EXPECT_EQ(provenance.at("data").at("people"), 3);
  const ModelFile model(folder_ / "recogniser-whole.safetensors", ModelKind::recogniser);
  IResNet network(model.info().config.get<RecogniserConfig>());
  load_weights(*network, model, "arc.");
}

TEST_F(FaceNetworksTraining, LandmarksResumeBitByBit) {
  const auto provenance =
      expect_exact_resume<LandmarksTrainer>("landmarks", landmarks_settings(), read_landmarks_config);
  // It starts at the mean face, so a few steps cannot be far off.
  EXPECT_LT(provenance.at("metrics").at("error_in_256_pixels").get<double>(), 100);
  const ModelFile model(folder_ / "landmarks-whole.safetensors", ModelKind::landmarks);
  LandmarkNetwork network(model.info().config.get<LandmarksConfig>());
  load_weights(*network, model, "lmk.");
}

TEST_F(FaceNetworksTraining, SamplesOfFacesStayNearTheTemplate) {
  HeadFrame frame;
  frame.rgb = cv::Mat(128, 128, CV_8UC3, cv::Scalar(0, 0, 0));
  frame.mask = cv::Mat(128, 128, CV_8UC1, cv::Scalar(255));
  frame.landmarks.assign(478, {0.5f, 0.5f});
  const cv::Point2f eyes[] = {{0.4f, 0.4f}, {0.6f, 0.4f}}, mouth[] = {{0.42f, 0.63f}, {0.58f, 0.63f}};
  frame.landmarks[468] = eyes[0];
  frame.landmarks[473] = eyes[1];
  frame.landmarks[61] = mouth[0];
  frame.landmarks[291] = mouth[1];
  frame.landmarks[4] = {0.5f, 0.515f};
  cv::circle(frame.rgb, {64, 66}, 4, cv::Scalar(255, 255, 255), cv::FILLED);  // the nose
  FaceSampleOptions options;
  options.variation = {0, 0, 0, 0, {0, 0, 0, 0, 0}};
  const std::vector<HeadClip> clips = {{"a", "a", {frame}}, {"b", "b", {frame, frame}}};
  const FaceSampler sampler(clips, 112, options);
  EXPECT_EQ(sampler.people(), 2);
  int of_clips = 0;
  for (int i = 0; i < 60; ++i) {
    auto random = random_of(1, 0, i);
    const auto sample = sampler.draw(random);
    of_clips += sample.person == 1;
    const auto nose = cv::moments(sample.rgb.reshape(1, 112).colRange(0, 336).rowRange(0, 112), true);
    EXPECT_NEAR(nose.m10 / nose.m00 / 3, 56, 10);
    EXPECT_NEAR(nose.m01 / nose.m00, 72, 10);
  }
  EXPECT_GT(of_clips, 15);
  EXPECT_LT(of_clips, 45);
}

TEST_F(FaceNetworksTraining, MeshesMoveWithThePicture) {
  // A white dot at every landmark: wherever the mesh says one is, the picture is white.
  HeadFrame frame;
  frame.rgb = cv::Mat(128, 128, CV_8UC3, cv::Scalar(0, 0, 0));
  frame.mask = cv::Mat(128, 128, CV_8UC1, cv::Scalar(255));
  for (int i = 0; i < 478; ++i) {
    const double angle = 2 * CV_PI * i / 478;
    frame.landmarks.emplace_back(static_cast<float>(0.5 + 0.2 * std::cos(angle)),
                                 static_cast<float>(0.5 + 0.28 * std::sin(angle)));
    cv::circle(frame.rgb, frame.landmarks.back() * 128, 3, cv::Scalar(255, 255, 255), cv::FILLED);
  }
  MeshSampleOptions options;
  options.pixelwise = 0;
  options.variation = {0, 0, 0, 0, {0, 0, 0, 0, 0}};
  const std::vector<HeadClip> clips = {{"a", "a", {frame}}};
  const MeshSampler sampler(clips, 160, options);
  for (int i = 0; i < 30; ++i) {
    auto random = random_of(2, 0, i);
    const auto sample = sampler.draw(random);
    ASSERT_EQ(sample.mesh.size(), 478u);
    for (const auto& point : sample.mesh) {
      const cv::Point at(static_cast<int>(point.x * 160), static_cast<int>(point.y * 160));
      if (!cv::Rect(1, 1, 158, 158).contains(at)) continue;
      EXPECT_GT(sample.rgb.at<cv::Vec3b>(at)[0], 100) << i;
    }
  }
}

TEST_F(FaceNetworksTraining, TellsWhatTheDataLacks) {
  const auto nowhere =
      read_recogniser_config(RunConfig({}, {"data.folder=" + (folder_ / "nowhere").string()}));
  EXPECT_THROW(RecogniserTrainer(nowhere, 0), Error);
  EXPECT_THROW(read_recogniser_config(RunConfig({}, {"network.depth=19"})), Error);
  EXPECT_THROW(read_landmarks_config(RunConfig({}, {"samples.most_framing=1.0"})), Error);
  EXPECT_THROW(FaceSampler({}, 112, {}), Error);
  EXPECT_THROW(MeshSampler({}, 112, {}), Error);
}

}  // namespace
}  // namespace reenact::training
