// SPDX-License-Identifier: LGPL-2.1-or-later
// The commands of the paper's tables and figures, on drawn faces and with small networks of random weights.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>

#include "offline/contact_sheet.h"
#include "reenact/safetensors.h"
#include "small_evaluation.h"
#include "support/run_program.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string content_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class PaperCommand : public test::SmallEvaluation {
 protected:
  static void SetUpTestSuite() {
    SmallEvaluation::SetUpTestSuite();
    write_pairs_and_stills();
  }

  /// A data folder of sixteen people with a neutral and a smiling portrait each, and a table of the same.
  static void write_pairs_and_stills() {
    const fs::path folder = file("portraits");
    fs::create_directories(folder / "stills");
    std::ofstream table(folder / "stills.tsv"), labelled(folder / "table.tsv");
    table << "id\tperson\tsource\tlicence\toriginal_name\n";
    labelled << "file\tlabel\n";
    constexpr int people = 16, points = 478;
    std::vector<float> landmarks;
    for (int i = 0; i < 2 * people; ++i) {
      const auto id = std::to_string(1000 + i);
      cv::Mat picture(64, 64, CV_8UC3, cv::Scalar(40 + 5 * i, 90, 200 - 3 * i));
      cv::circle(picture, {20 + i % 5, 24}, 4 + i % 2, cv::Scalar::all(255), cv::FILLED);
      write_png(folder / "stills" / (id + ".jpg"), picture);
      table << id << "\tlondon-" << i / 2 << "\tdrawn\tCC0\t" << i / 2 << (i % 2 ? "_08.jpg" : "_03.jpg")
            << "\n";
      labelled << "stills/" << id << ".jpg\t" << (i % 2 ? "smile" : "neutral") << "\n";
      for (int k = 0; k < points; ++k)
        landmarks.insert(landmarks.end(),
                         {20.0f + static_cast<float>(k % 20 + i % 5), 20.0f + static_cast<float>(k % 23)});
    }
    write_safetensors(
        folder / "stills" / "labels.safetensors",
        {{"landmarks", {DataType::f32, {2 * people, points, 2}, std::as_bytes(std::span(landmarks))}}}, {});
  }

  static test::ProgramResult run(const std::string& what, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"evaluate", what, "--threads", "1", "--device", "cpu"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return test::run_program(arguments);
  }
  static void expect_refused(const test::ProgramResult& result, std::initializer_list<std::string> words) {
    EXPECT_EQ(result.exit_code, 1) << result.errors;
    for (const auto& word : words) EXPECT_THAT(result.errors, HasSubstr(word));
    EXPECT_EQ(result.output, "");
  }
};

TEST_F(PaperCommand, RetrievalReportsEveryExclusionBesideThePaper) {
  const std::vector<std::string> arguments = {"--model",
                                              file("reenactor.safetensors"),
                                              file("landmarks.safetensors"),
                                              file("recogniser.safetensors"),
                                              "--landmarks",
                                              file("landmarks.safetensors"),
                                              "--data",
                                              file("portraits"),
                                              "--layout",
                                              "pairs",
                                              "--output",
                                              file("retrieval"),
                                              "--top",
                                              "1,5"};
  const auto result = run("retrieval", arguments);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto line = nlohmann::json::parse(result.output);
  EXPECT_EQ(line.at("pictures"), 32);
  EXPECT_EQ(line.at("comparable"), false);
  ASSERT_EQ(line.at("descriptors").size(), 3u);
  const auto& pose = line.at("descriptors")[0];
  EXPECT_EQ(pose.at("name"), "reenactor");
  EXPECT_NEAR(pose.at("picture").at("chance").get<double>(), 15.0 / 31, 1e-9);
  EXPECT_NEAR(pose.at("person").at("chance").get<double>(), 0.5, 1e-9);
  EXPECT_EQ(pose.at("shot").at("accuracy").size(), 2u);
  const auto report = content_of(file("retrieval") + "/report.md");
  for (const char* words : {"not comparable", "75.7", "FAb-Net", "| person |"})
    EXPECT_THAT(report, HasSubstr(words));
  // What was described is kept: the same comes out when the pictures' content cannot be read any more.
  const auto again = run("retrieval", arguments);
  EXPECT_EQ(again.output, result.output);
  EXPECT_FALSE(fs::is_empty(file("retrieval") + "/cache"));
}

TEST_F(PaperCommand, RetrievalTakesTablesAndDescriptorsOfAFile) {
  std::vector<float> vectors;
  nlohmann::json names = nlohmann::json::array();
  for (int i = 0; i < 32; ++i) {
    names.push_back("stills/" + std::to_string(1000 + i) + ".jpg");
    for (const float value : {i % 2 ? 1.f : 0.f, i % 2 ? 0.f : 1.f}) vectors.push_back(value);
  }
  ModelInfo info;
  info.kind = ModelKind::descriptors;
  auto metadata = to_metadata(info);
  metadata["names"] = names.dump();
  write_safetensors(file("labels-as.safetensors"),
                    {{"vectors", {DataType::f32, {32, 2}, std::as_bytes(std::span(vectors))}}}, metadata);
  const auto result = run("retrieval", {"--descriptors", file("labels-as.safetensors"), "--data",
                                        file("portraits") + "/table.tsv", "--layout", "table", "--output",
                                        file("table"), "--exclude", "person", "--top", "1,10"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto found = nlohmann::json::parse(result.output).at("descriptors")[0].at("person").at("accuracy");
  EXPECT_EQ(found, nlohmann::json::parse("[1.0,1.0]"));
  expect_refused(run("retrieval", {"--descriptors", file("labels-as.safetensors"), "--data",
                                   file("portraits"), "--layout", "pairs", "--output", file("table")}),
                 {"describes none of the pictures", "'1000'"});
}

TEST_F(PaperCommand, RetrievalSaysInOneSentenceWhatIsWrong) {
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--output", file("wrong")});
    return run("retrieval", more);
  };
  expect_refused(with({"--data", file("portraits"), "--layout", "pairs"}),
                 {"wanted --model or --descriptors"});
  expect_refused(with({"--data", file("data") + "/clips", "--layout", "multipie", "--model",
                       file("reenactor.safetensors")}),
                 {"has 0 pictures of layout multipie"});
  expect_refused(
      with({"--data", file("portraits"), "--layout", "circle", "--model", file("reenactor.safetensors")}),
      {"the layout is 'circle'"});
  expect_refused(
      with({"--data", file("portraits"), "--layout", "pairs", "--model", file("nobody.safetensors")}),
      {"is of kind identity", "wanted a reenactor"});
  expect_refused(with({"--data", file("portraits"), "--layout", "pairs", "--descriptors",
                       file("reenactor.safetensors")}),
                 {"reenactor", "descriptors"});
}

TEST_F(PaperCommand, KeypointsReportsWhereTheInformationLies) {
  const auto result =
      run("keypoints", {"--model", file("reenactor.safetensors"), "--data", file("portraits"), "--layout",
                        "stills", "--output", file("keypoints"), "--epochs", "5", "--hidden", "16"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto line = nlohmann::json::parse(result.output);
  // A fifth of sixteen people, two pictures of each.
  EXPECT_EQ(line.at("test_pictures"), 6);
  EXPECT_EQ(line.at("training_pictures"), 26);
  ASSERT_EQ(line.at("features").size(), 3u);
  EXPECT_EQ(line.at("features")[0].at("features"), "pose,identity");
  EXPECT_EQ(line.at("features")[0].at("parameters"), 16 * 17 + 10 * 17);
  EXPECT_EQ(line.at("features")[1].at("parameters"), 16 * 9 + 10 * 17);
  const auto report = content_of(file("keypoints") + "/report.md");
  for (const char* words : {"not comparable", "2.63", "3.44", "2.54", "mean face"})
    EXPECT_THAT(report, HasSubstr(words));
  expect_refused(run("keypoints", {"--model", file("landmarks.safetensors"), "--data", file("portraits"),
                                   "--layout", "stills", "--output", file("wrong")}),
                 {"wanted a reenactor"});
  expect_refused(run("keypoints", {"--model", file("reenactor.safetensors"), "--data", file("portraits"),
                                   "--layout", "mafl", "--output", file("wrong")}),
                 {"list_landmarks_align_celeba.txt"});
  expect_refused(run("keypoints", {"--model", file("reenactor.safetensors"), "--data", file("portraits"),
                                   "--layout", "stills", "--features", "gaze", "--output", file("wrong")}),
                 {"--features has 'gaze'"});
}

TEST_F(PaperCommand, InterpolateDrawsBothPathsOnASheet) {
  const auto picture = [](int number) {
    return file("portraits") + "/stills/" + std::to_string(number) + ".jpg";
  };
  const std::vector<std::string> arguments = {"--model",          file("reenactor.safetensors"),
                                              "--identity",       file("nobody.safetensors"),
                                              "--landmarks",      file("landmarks.safetensors"),
                                              "--recogniser",     file("recogniser.safetensors"),
                                              "--steps",          "3",
                                              "--already-cropped"};
  auto good = arguments;
  good.insert(good.end(), {picture(1000), picture(1031), "--output", file("interpolate")});
  const auto result = run("interpolate", good);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto line = nlohmann::json::parse(result.output);
  EXPECT_TRUE(line.at("paths").contains("sphere"));
  EXPECT_GE(line.at("paths").at("line").at("landmark_step").get<double>(), 0);
  EXPECT_TRUE(fs::exists(file("interpolate") + "/sheet.png"));
  EXPECT_THAT(content_of(file("interpolate") + "/report.md"), HasSubstr("not comparable"));
  auto bad = arguments;
  bad.insert(bad.end(), {file("nobody.safetensors"), picture(1031), "--output", file("wrong")});
  expect_refused(run("interpolate", bad), {"nobody.safetensors"});
}

/// What figure3 and smoothness are told: one system twice, as it is and tuned for two steps.
std::vector<std::string> comparing(const std::string& systems, const std::string& data,
                                   const std::string& output) {
  return {"--systems", systems, "--data", data, "--output", output, "--frames", "3"};
}

TEST_F(PaperCommand, Figure3PlotsEverySystemAndGoesOnWhereItWas) {
  std::ofstream(file("systems.toml")) << R"([[system]]
name = "Ours & tuned"
model = "reenactor.safetensors"
set = ["run.batch_size=2"]
)";
  auto arguments = comparing(file("systems.toml"), file("data"), file("figure3"));
  arguments.insert(arguments.end(), {"--landmarks", file("landmarks.safetensors"), "--recogniser",
                                     file("recogniser.safetensors"), "--steps", "2"});
  const auto result = run("figure3", arguments);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto line = nlohmann::json::parse(result.output);
  EXPECT_EQ(line.at("people"), 2);
  ASSERT_EQ(line.at("systems").size(), 1u);
  const auto& system = line.at("systems")[0];
  EXPECT_EQ(system.at("name"), "Ours & tuned");
  EXPECT_EQ(system.at("heads"), 12);
  EXPECT_GE(system.at("identity_error").at("high").get<double>(),
            system.at("identity_error").at("mean").get<double>());
  const auto report = content_of(file("figure3") + "/report.md");
  for (const char* words : {"not comparable", "0.30 and 0.50", "Ours & tuned", "figure3.svg"})
    EXPECT_THAT(report, HasSubstr(words));
  EXPECT_THAT(content_of(file("figure3") + "/figure3.svg"), HasSubstr("Ours &amp; tuned"));
  EXPECT_TRUE(fs::exists(file("figure3") + "/heads.png"));
  const auto people = [] {
    std::map<std::string, fs::file_time_type> times;
    for (const auto& person : fs::directory_iterator(file("figure3") + "/people"))
      times[person.path().string()] = person.last_write_time();
    return times;
  };
  const auto learned = people();
  EXPECT_EQ(learned.size(), 2u);
  EXPECT_EQ(run("figure3", arguments).output, result.output);
  EXPECT_EQ(people(), learned);

  // The same system under another name is nowhere else, person by person.
  auto again = content_of(file("systems.toml"));
  again.replace(again.find("Ours & tuned"), std::string("Ours & tuned").size(), "The same");
  std::ofstream(file("systems.toml"), std::ios::app) << again;
  const auto both = nlohmann::json::parse(run("figure3", arguments).output).at("systems");
  EXPECT_FALSE(both.at(0).contains("identity_error_more"));
  for (const char* error : {"identity_error_more", "pose_error_more"})
    for (const char* bound : {"low", "mean", "high"}) EXPECT_EQ(both.at(1).at(error).at(bound), 0) << error;
  EXPECT_THAT(content_of(file("figure3") + "/report.md"), HasSubstr("How much more than Ours & tuned"));
}

TEST_F(PaperCommand, SmoothnessTellsHowMuchEverySystemTrembles) {
  std::ofstream(file("two.toml"))
      << "[[system]]\nname = \"Ours\"\nmodel = \"reenactor.safetensors\"\n"
         "[[system]]\nname = \"Tuned\"\nmodel = \"reenactor.safetensors\"\n"
         "set = [\"tuning.generator_learning_rate=0.01\", \"run.batch_size=2\"]\n";
  auto arguments = comparing(file("two.toml"), file("data"), file("trembling"));
  arguments.insert(arguments.end(), {"--landmarks", file("seeing-landmarks.safetensors"), "--steps", "1"});
  const auto result = run("smoothness", arguments);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto line = nlohmann::json::parse(result.output);
  EXPECT_EQ(line.at("people"), 2);
  EXPECT_EQ(line.at("comparable"), false);
  ASSERT_EQ(line.at("systems").size(), 2u);
  const auto mean = [&](std::size_t system, const char* figure) {
    return line.at("systems")[system].at(figure).at("mean").get<double>();
  };
  for (const std::size_t system : {0, 1}) {
    EXPECT_GT(mean(system, "driver_tremble"), 0);
    EXPECT_GT(mean(system, "tremble_over_driver_as_himself"), 0);
    EXPECT_GT(mean(system, "tremble_over_driver_as_another"), 0);
  }
  EXPECT_EQ(mean(0, "driver_tremble"), mean(1, "driver_tremble")) << "the driver is the same for all";
  const auto report = content_of(file("trembling") + "/smoothness.md");
  for (const char* words : {"not comparable", "Ours", "Tuned", "as himself"})
    EXPECT_THAT(report, HasSubstr(words));
  EXPECT_EQ(run("smoothness", arguments).output, result.output) << "people are taken from the first run";
}

// A landmark network of random weights sees no movement at all.
TEST_F(PaperCommand, SmoothnessRefusesDriversWhoHoldStill) {
  std::ofstream(file("plain.toml")) << "[[system]]\nname = \"Ours\"\nmodel = \"reenactor.safetensors\"\n";
  auto arguments = comparing(file("plain.toml"), file("data"), file("smoothness"));
  arguments.insert(arguments.end(), {"--landmarks", file("landmarks.safetensors"), "--steps", "0"});
  expect_refused(run("smoothness", arguments), {"wanted at least one driver"});
}

TEST_F(PaperCommand, ComparisonsSayInOneSentenceWhatIsWrong) {
  std::ofstream(file("plain.toml")) << "[[system]]\nname = \"Ours\"\nmodel = \"reenactor.safetensors\"\n";
  std::ofstream(file("wrong.toml")) << "[[system]]\nname = \"Ours\"\nmodel = \"landmarks.safetensors\"\n";
  const auto with = [&](const std::string& systems, const std::string& data, std::vector<std::string> more) {
    auto arguments = comparing(file(systems), file(data), file("wrong"));
    arguments.insert(arguments.end(), {"--landmarks", file("landmarks.safetensors")});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run("smoothness", arguments);
  };
  expect_refused(with("plain.toml", "portraits", {}), {"neither images-cropped nor clips.tsv"});
  expect_refused(with("plain.toml", "data", {"--people", "1"}), {"has 1 people", "wanted two"});
  expect_refused(with("nowhere.toml", "data", {}), {"nowhere.toml"});
  expect_refused(with("wrong.toml", "data", {"--steps", "0"}), {"landmarks.safetensors"});
}

}  // namespace
}  // namespace reenact::training
