// SPDX-License-Identifier: LGPL-2.1-or-later
// Figure 3 measured of systems whose errors are known: one that shows its driver, one that shows the person.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "media/picture_file.h"
#include "offline/contact_sheet.h"
#include "small_evaluation.h"
#include "support/errors.h"
#include "training/evaluate/figure3_evaluation.h"

namespace reenact::training {
namespace {

namespace fs = std::filesystem;

/// Counts what it is asked for; keeps a person's first picture.
class KnownSystem : public ComparedSystem {
 public:
  struct Calls {
    int learned = 0, loaded = 0, drawn = 0;
  };
  KnownSystem(bool shows_driver, Calls& calls) : shows_driver_(shows_driver), calls_(calls) {}
  void learn(const std::vector<HeadFrame>& pictures) override {
    ++calls_.learned;
    person_ = pictures.front().rgb.clone();
  }
  cv::Mat draw(const HeadFrame& driver) override {
    ++calls_.drawn;
    return shows_driver_ ? driver.rgb : person_;
  }
  std::vector<float> descriptor(const HeadFrame&) override { return {1}; }
  bool masked() const override { return false; }
  int image_size() const override { return 256; }
  cv::Rect2d shown() const override { return {0, 0, 1, 1}; }
  void save(const fs::path& identity) const override { write_png(identity, person_); }
  void load(const fs::path& identity) override {
    ++calls_.loaded;
    person_ = read_rgb(identity);
  }

 private:
  bool shows_driver_;
  Calls& calls_;
  cv::Mat person_;
};

class Figure3 : public test::SmallEvaluation {
 protected:
  Figure3()
      : people_(read_compared_people(file("data"), 0, 3, false)),
        finder_(file("landmarks.safetensors"), "", options()),
        recogniser_(file("recogniser.safetensors"), options()) {}
  static EngineOptions options() {
    EngineOptions options;
    options.device = "cpu";
    options.threads = 1;
    return options;
  }
  Figure3Point measure(bool shows_driver, const std::string& folder, bool through_video = false) {
    calls_ = {};
    LearnedHeads heads("known", shows_driver ? "driver" : "person",
                       std::make_unique<KnownSystem>(shows_driver, calls_), file(folder) + "/people");
    return measure_figure3(heads, people_, finder_, recogniser_, {through_video, file(folder) + "/cache"});
  }

  std::vector<ComparedPerson> people_;
  FacePointFinder finder_;
  FaceRecogniser recogniser_;
  KnownSystem::Calls calls_;
};

TEST_F(Figure3, PoseErrorOfTheDriverHimselfIsZero) {
  const auto point = measure(true, "shows-driver");
  EXPECT_EQ(point.pose.mean, 0);
  EXPECT_NEAR(point.pose_fitted.mean, 0, 1e-5);
  EXPECT_GT(point.identity.mean, 1e-4);
  EXPECT_EQ(point.heads, 2u * 3 + 2u * 3);
  EXPECT_EQ(point.identities.size(), 2u);
}

TEST_F(Figure3, IdentityErrorOfThePersonsOnlyPictureIsZero) {
  for (auto& person : people_) person.identity.assign(3, person.identity.front());
  const auto point = measure(false, "shows-person");
  EXPECT_NEAR(point.identity.mean, 0, 1e-5);
  EXPECT_NEAR(point.identity_dot.mean, 0, 1e-5);
}

TEST_F(Figure3, ASecondRunTakesPeopleAndFiguresFromTheFirst) {
  const auto first = measure(true, "resumed");
  EXPECT_EQ(calls_.learned, 2);
  const auto second = measure(true, "resumed");
  EXPECT_EQ(calls_.learned + calls_.loaded + calls_.drawn, 0);
  EXPECT_EQ(first.identities, second.identities);
  // Without the figures the people are still known.
  fs::remove_all(file("resumed") + "/cache");
  EXPECT_EQ(measure(true, "resumed").identities, first.identities);
  EXPECT_EQ(calls_.learned, 0);
  EXPECT_GE(calls_.loaded, 2);
}

TEST_F(Figure3, ThroughVideoEveryFrameComesBackAndHardlyChanges) {
  std::vector<cv::Mat> driver, drawn;
  for (const auto& frame : people_[0].driver) {
    driver.push_back(frame.rgb);
    drawn.push_back(cv::Mat(frame.rgb.size(), CV_8UC3, cv::Scalar(60, 120, 180)));
  }
  const auto before = driver;
  compress_as_video(driver, drawn);
  ASSERT_EQ(driver.size(), 3u);
  for (std::size_t i = 0; i < driver.size(); ++i) {
    EXPECT_LT(cv::norm(before[i], driver[i], cv::NORM_L1) / static_cast<double>(3 * driver[i].total()), 8);
    EXPECT_NEAR(drawn[i].at<cv::Vec3b>(128, 128)[2], 180, 8);
  }
  EXPECT_EQ(measure(true, "video", true).heads, 12u);
}

TEST_F(Figure3, LearnsFromTheFirstHalfOfAClipAndDrivesWithTheSecond) {
  ASSERT_EQ(people_.size(), 2u);
  EXPECT_EQ(people_[0].name, "c1");
  EXPECT_EQ(people_[0].identity.size(), 3u);
  EXPECT_EQ(people_[0].driver.size(), 3u);
  EXPECT_NE(fingerprint_of(people_[0].identity), fingerprint_of(people_[0].driver));
  EXPECT_TRUE(read_compared_people(file("data"), 0, 4, true)[0].consecutive);
}

TEST_F(Figure3, ReadsTheLayoutOfTheReleasedScripts) {
  const fs::path root = file("authors");
  for (const char* video : {"id1/a", "id1/b", "id2/c"})
    for (const char* part : {"identity", "driver"})
      for (int i = 0; i < 2; ++i) {
        const auto name = std::string(video) + "/" + part + "/" + std::to_string(i);
        for (const char* kind : {"images-cropped", "segmentation-cropped"}) {
          const auto path = root / kind / (name + ".png");
          fs::create_directories(path.parent_path());
          write_png(path, cv::Mat(64, 64, CV_8UC3, cv::Scalar::all(40 * i + 20)));
        }
      }
  const auto people = read_compared_people(root, 0, 2, false);
  ASSERT_EQ(people.size(), 3u);
  EXPECT_EQ(people[1].name, "id1/b");
  EXPECT_EQ(people[1].person, "id1");
  EXPECT_EQ(people[2].driver[1].rgb.cols, 256);
  EXPECT_EQ(people[2].driver[1].mask.type(), CV_8UC1);
  EXPECT_EQ(read_compared_people(root, 2, 1, false).size(), 2u);
  test::expect_error([&] { read_compared_people(root, 0, 3, false); }, ErrorCode::invalid,
                     {"has 0 people with 6 frames"});
  test::expect_error([&] { read_compared_people(root, 0, 2, true); }, ErrorCode::invalid,
                     {"has single frames"});
}

TEST_F(Figure3, SaysInOneSentenceWhatIsNoFolderOfPeople) {
  test::expect_error([&] { read_compared_people(file("nowhere"), 0, 3, false); }, ErrorCode::not_found,
                     {"nowhere"});
  fs::create_directories(file("empty"));
  test::expect_error([&] { read_compared_people(file("empty"), 0, 3, false); }, ErrorCode::invalid,
                     {"neither images-cropped nor clips.tsv"});
  test::expect_error([&] { read_compared_people(file("data"), 1, 3, false); }, ErrorCode::invalid,
                     {"has 1 people"});
  test::expect_error([&] { read_compared_people(file("data"), 0, 30, false); }, ErrorCode::invalid,
                     {"has 0 people with 60 frames"});
}

TEST_F(Figure3, ReadsSystemsAndRefusesWhatItDoesNotKnow) {
  const auto read = [&](const std::string& text) {
    std::ofstream(file("systems.toml")) << text;
    return read_systems(file("systems.toml"));
  };
  const auto systems = read(R"([[system]]
name = "Ours"
model = "reenactor.safetensors"
set = ["loss.dice=0"]
[[system]]
name = "Other"
model = "reenactor.safetensors"
)");
  ASSERT_EQ(systems.size(), 2u);
  EXPECT_EQ(systems[0].model, file("reenactor.safetensors"));
  EXPECT_EQ(systems[0].overrides, std::vector<std::string>{"loss.dice=0"});
  const auto refuse = [&](const std::string& text, const std::string& words) {
    test::expect_error([&] { read(text); }, ErrorCode::invalid, {"systems.toml", words});
  };
  refuse("", "has no system");
  refuse("a = [", "is no TOML at line 1");
  refuse("[[system]]\nmodel = \"x\"\n", "without name");
  refuse("[[system]]\nname = \"a\"\nmodle = \"x\"\n", "the key modle");
  refuse(
      "[[system]]\nname = \"a\"\nmodel = \"reenactor.safetensors\"\n"
      "[[system]]\nname = \"a\"\nmodel = \"reenactor.safetensors\"\n",
      "two systems called a");
  test::expect_error([&] { read_systems(file("no.toml")); }, ErrorCode::not_found, {"no.toml"});
  test::expect_error([&] { read("[[system]]\nname = \"a\"\nmodel = \"gone.safetensors\"\n"); },
                     ErrorCode::not_found, {"gone.safetensors"});
}

}  // namespace
}  // namespace reenact::training
