// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/engine.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "reenact/backend.h"
#include "reenact/identity.h"
#include "reenact/safetensors.h"
#include "support/environment_variable.h"
#include "support/errors.h"
#include "support/raw_safetensors.h"
#include "support/temporary_folder.h"

namespace reenact {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

constexpr char module_name[] = "libreenact-torch.so";

class EngineTest : public ::testing::Test {
 protected:
  /// A model file with a configuration and no weights; the fake module needs none.
  fs::path model(ModelKind kind, const JsonObject& config = {}) {
    const fs::path path = folder_ / (to_string(kind) + ".safetensors");
    ModelInfo info;
    info.kind = kind;
    info.config = config;
    write_safetensors(path, {}, to_metadata(info));
    return path;
  }
  static EngineOptions torch(const std::string& device = "auto", Precision precision = Precision::automatic,
                             int threads = 0) {
    return {device, precision, threads, "torch"};
  }

  test::TemporaryFolder folder_;
  test::EnvironmentVariable modules_{"REENACT_MODULE_PATH", REENACT_TEST_MODULES};
};

/// Before any other test has opened the module: once open it stays.
class TorchModule : public EngineTest {
 protected:
  void SetUp() override {
    if (fs::exists(fs::path(REENACT_TORCH_MODULE_DIR) / module_name))
      GTEST_SKIP() << "one is installed on this machine";
  }
};

TEST_F(TorchModule, IsLookedForAndMissedInOneSentence) {
  const test::EnvironmentVariable path("REENACT_MODULE_PATH", "/no/such/one:" + folder_.path().string());
  expect_error(
      [] { torch_backend(); }, ErrorCode::unsupported,
      {module_name, "'/no/such/one'", "'" + folder_.path().string() + "'", REENACT_TORCH_MODULE_DIR});
  // Every network that needs it says so, after the file was found to be right.
  expect_error([&] { load_pose_encoder(model(ModelKind::reenactor), torch()); }, ErrorCode::unsupported,
               {module_name});
}

TEST_F(TorchModule, BrokenAndForeignModulesAreNamed) {
  const test::EnvironmentVariable path("REENACT_MODULE_PATH", folder_.path().string());
  test::write_bytes(folder_ / module_name, "no module");
  expect_error([] { torch_backend(); }, ErrorCode::unsupported,
               {(folder_ / module_name).string(), "cannot open"});
  fs::copy_file(REENACT_TEST_FOREIGN_MODULE, folder_ / module_name, fs::copy_options::overwrite_existing);
  expect_error([] { torch_backend(); }, ErrorCode::unsupported,
               {(folder_ / module_name).string(), "gives no backend"});
}

TEST_F(TorchModule, OneOfAnotherVersionIsRefusedBeforeItsBackendIsTouched) {
  const test::EnvironmentVariable path("REENACT_MODULE_PATH", folder_.path().string());
  fs::copy_file(REENACT_TEST_OTHER_VERSION_MODULE, folder_ / module_name);
  expect_error([] { torch_backend(); }, ErrorCode::unsupported,
               {(folder_ / module_name).string(), "version " + std::to_string(backend_api_version + 41),
                "wanted version " + std::to_string(backend_api_version)});
}

TEST_F(EngineTest, TorchGetsTheOptionsForEveryNetwork) {
  const EngineOptions options = torch("cuda:1", Precision::fp16, 3);
  const auto check = [](const Network& object) {
    EXPECT_EQ(object.active_device(), "cuda:1");
    EXPECT_EQ(object.active_engine(), "fake fp16 3");
  };
  const fs::path reenactor = model(ModelKind::reenactor);
  check(*load_pose_encoder(reenactor, options));
  check(*load_identity_encoder(reenactor, options));
  check(*load_generator(reenactor, options));
  check(*load_detector(model(ModelKind::detector), options));
  check(*load_segmenter(model(ModelKind::segmenter), options));
}

TEST_F(EngineTest, TorchIsTakenByNameWhateverTheCpuEngineCan) {
  const EngineOptions options = torch("cpu", Precision::fp32, 2);
  EXPECT_EQ(load_generator(model(ModelKind::reenactor), options)->active_engine(), "fake fp32 2");
  EXPECT_EQ(load_detector(model(ModelKind::detector), options)->active_engine(), "fake fp32 2");
}

TEST_F(EngineTest, AutoGoesToTorchForCuda) {
  const auto generator =
      load_generator(model(ModelKind::reenactor), {"cuda", Precision::automatic, 0, "auto"});
  EXPECT_EQ(generator->active_device(), "cuda");
  EXPECT_EQ(generator->active_engine(), "fake auto 0");
}

TEST_F(EngineTest, AutoTakesTheCpuEngineWhereItCanAndElseTorch) {
  const fs::path path = model(ModelKind::segmenter);
  const ModelFile file(path, ModelKind::segmenter);
  for (const Precision precision : {Precision::fp32, Precision::fp16}) {
    const EngineOptions options{"cpu", precision, 1, "auto"};
    if (cpu_backend() && cpu_backend()->supports(NetworkKind::segmenter, file, SegmenterConfig(), options)) {
      // The file has no weights: only the cpu backend misses them.
      expect_error([&] { load_segmenter(path, options); }, ErrorCode::wrong_kind, {path.string()});
    } else {
      EXPECT_EQ(load_segmenter(path, options)->active_engine(), "fake " + to_string(precision) + " 1");
    }
  }
}

TEST_F(EngineTest, TheCpuEngineRefusesWhatItCannotRun) {
  const fs::path path = model(ModelKind::reenactor);
  expect_error(
      [&] {
        load_generator(path, {"cuda:0", Precision::fp32, 0, "cpu"});
      },
      ErrorCode::unsupported, {"generator", path.string(), "cuda:0", "fp32"});
  expect_error(
      [&] {
        load_identity_encoder(path, {"cuda", Precision::int8, 0, "cpu"});
      },
      ErrorCode::unsupported, {"identity encoder", "int8"});
}

TEST_F(EngineTest, OptionsThatMakeNoSense) {
  const fs::path path = model(ModelKind::detector);
  const auto refused = [&](const EngineOptions& options, const std::string& part) {
    expect_error([&] { load_detector(path, options); }, ErrorCode::invalid, {part});
  };
  for (const std::string device : {"", "gpu", "CPU", "cuda:", "cuda:x", "cuda:-1", "cuda:1234", "cuda:0 "}) {
    refused(torch(device), "'" + device + "', wanted auto, cpu, cuda or cuda:N");
  }
  refused(torch("cpu", Precision::fp32, -1), "-1");
  refused({"cpu", Precision::fp32, 0, "onnx"}, "'onnx', wanted auto, cpu or torch");
}

TEST_F(EngineTest, FilesOfAnotherKindAreRefusedBeforeAnyEngineSeesThem) {
  const fs::path detector = model(ModelKind::detector), reenactor = model(ModelKind::reenactor);
  expect_error([&] { load_generator(detector, torch()); }, ErrorCode::wrong_kind,
               {"a detector", "a reenactor"});
  expect_error([&] { load_pose_encoder(detector, torch()); }, ErrorCode::wrong_kind,
               {"a detector", "a reenactor"});
  expect_error([&] { load_identity_encoder(detector, torch()); }, ErrorCode::wrong_kind,
               {"a detector", "a reenactor"});
  expect_error([&] { load_detector(reenactor, torch()); }, ErrorCode::wrong_kind,
               {"a reenactor", "a detector"});
  expect_error([&] { load_segmenter(reenactor, torch()); }, ErrorCode::wrong_kind,
               {"a reenactor", "a segmenter"});
  expect_error([&] { load_segmenter(folder_ / "none", torch()); }, ErrorCode::not_found, {"none"});
}

TEST_F(EngineTest, AWrongConfigurationNamesFileAndField) {
  const fs::path path = model(ModelKind::reenactor, JsonObject(R"({"image_size": 100})"));
  expect_error([&] { load_generator(path, torch()); }, ErrorCode::wrong_kind,
               {path.string(), "image_size", "100"});
}

/// The fake backend checks nothing itself.
template <typename Use>
void expect_pictures_are_checked(Use&& use) {
  expect_error([&] { use(cv::Mat()); }, ErrorCode::invalid, {"an empty picture", "wanted 8-bit RGB"});
  expect_error([&] { use(cv::Mat(4, 4, CV_8UC4)); }, ErrorCode::invalid, {"CV_8UC4", "wanted 8-bit RGB"});
  expect_error([&] { use(cv::Mat(4, 4, CV_32FC3)); }, ErrorCode::invalid, {"CV_32FC3", "wanted 8-bit RGB"});
}

TEST_F(EngineTest, PicturesAreCheckedForEveryBackend) {
  const fs::path reenactor = model(ModelKind::reenactor);
  const auto pose_encoder = load_pose_encoder(reenactor, torch());
  std::vector<float> pose(1), short_pose;
  expect_pictures_are_checked([&](const cv::Mat& picture) { pose_encoder->encode(picture, pose); });
  const cv::Mat picture(4, 4, CV_8UC3, cv::Scalar::all(1));
  expect_error([&] { pose_encoder->encode(picture, short_pose); }, ErrorCode::invalid,
               {"room for 0", "wanted 1"});
  EXPECT_NO_THROW(pose_encoder->encode(picture, pose));

  const auto identity_encoder = load_identity_encoder(reenactor, torch());
  expect_pictures_are_checked([&](const cv::Mat& wrong) {
    const cv::Mat crops[] = {picture, wrong};
    identity_encoder->encode(crops);
  });
  expect_error([&] { identity_encoder->encode({}); }, ErrorCode::invalid,
               {"no picture", "wanted at least one"});

  const auto detector = load_detector(model(ModelKind::detector), torch());
  expect_pictures_are_checked([&](const cv::Mat& wrong) { detector->detect(wrong, 0.5f, 0.3f); });
  const auto segmenter = load_segmenter(model(ModelKind::segmenter), torch());
  expect_pictures_are_checked([&](const cv::Mat& wrong) { segmenter->segment(wrong); });
}

TEST_F(EngineTest, IdentitiesAndPosesAreCheckedForEveryBackend) {
  const auto generator = load_generator(model(ModelKind::reenactor), torch());
  const std::vector<float> pose(3, 0.5f);
  expect_error([&] { generator->generate(pose); }, ErrorCode::invalid, {"no identity"});
  expect_error([&] { generator->set_identity(nullptr); }, ErrorCode::invalid, {"null identity"});
  auto identity = std::make_shared<Identity>();
  identity->name = "Ada";
  identity->embedding.assign(4, 0.0f);
  expect_error([&] { generator->set_identity(identity); }, ErrorCode::wrong_kind, {"'Ada'", "4 values", "3"});
  expect_error([&] { generator->generate(pose); }, ErrorCode::invalid, {"no identity"});
  identity->embedding.pop_back();
  generator->set_identity(identity);
  EXPECT_NO_THROW(generator->generate(pose));
  expect_error([&] { generator->generate(std::span(pose).first(2)); }, ErrorCode::invalid, {"2 values", "3"});
  for (const float wrong :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    expect_error(
        [&] {
          generator->generate(std::vector<float>{0, 0, wrong});
        },
        ErrorCode::invalid, {"not finite"});
  }
  // A refused identity leaves the one that was there.
  EXPECT_THROW(generator->set_identity(nullptr), Error);
  EXPECT_NO_THROW(generator->generate(pose));
}

TEST(EngineNames, InWords) {
  EXPECT_EQ(to_string(Precision::automatic), "auto");
  EXPECT_EQ(to_string(Precision::fp32), "fp32");
  EXPECT_EQ(to_string(Precision::bf16), "bf16");
  EXPECT_EQ(to_string(Precision::fp16), "fp16");
  EXPECT_EQ(to_string(Precision::int8), "int8");
  EXPECT_EQ(to_string(NetworkKind::identity_encoder), "identity encoder");
}

}  // namespace
}  // namespace reenact
