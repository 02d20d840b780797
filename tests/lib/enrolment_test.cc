// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/enrolment.h"

#include <gtest/gtest.h>

#include <future>
#include <nlohmann/json.hpp>
#include <string>

#include "reenact/model_file.h"
#include "reenact/safetensors.h"
#include "support/environment_variable.h"
#include "support/temporary_folder.h"

namespace reenact {
namespace {

/// Enrolments with the fake module, whose identity encoder gives the number of crops and the mean of their reds.
class EnrolmentTest : public ::testing::Test {
 protected:
  EnrolmentTest() {
    ModelInfo info;
    info.kind = ModelKind::reenactor;
    write_safetensors(folder_ / "reenactor.safetensors", {}, to_metadata(info));
  }
  Enrolment::Request request(unsigned crops) const {
    Enrolment::Request request;
    request.model = folder_ / "reenactor.safetensors";
    request.options.device = "cuda";
    request.location = folder_ / "ada.safetensors";
    request.crops = crops;
    return request;
  }
  static cv::Mat crop(int level) { return cv::Mat(8, 8, CV_8UC3, cv::Scalar(level, 0, 0)); }

  test::TemporaryFolder folder_;
  test::EnvironmentVariable modules_{"REENACT_MODULE_PATH", REENACT_TEST_MODULES};
  std::promise<std::shared_ptr<const Identity>> learned_;
  std::promise<std::string> failed_;
  Enrolment enrolment_{[this](std::shared_ptr<const Identity> identity, const IdentityEncoder&,
                              const Enrolment::Request&) { learned_.set_value(std::move(identity)); },
                       [this](const std::exception& error) {
                         failed_.set_value(error.what());
                         learned_.set_exception(std::make_exception_ptr(std::runtime_error(error.what())));
                       }};
};

TEST_F(EnrolmentTest, LearnsFromAsManyCropsAsAskedForAndSavesTheIdentity) {
  enrolment_.add(crop(200));  // nobody asked yet
  Enrolment::Request asked = request(2);
  asked.learned_by = "a test";
  ASSERT_TRUE(enrolment_.begin(asked));
  EXPECT_TRUE(enrolment_.collecting());
  EXPECT_FALSE(enrolment_.begin(asked)) << "one after the other";
  enrolment_.add(crop(10));
  enrolment_.add(crop(30));
  EXPECT_FALSE(enrolment_.collecting());
  const auto identity = learned_.get_future().get();
  EXPECT_EQ(identity->name, "ada");
  EXPECT_EQ(identity->embedding, (std::vector<float>{2, 20}));
  EXPECT_EQ(load_identity(asked.location)->embedding, identity->embedding);
  EXPECT_EQ(nlohmann::json::parse(ModelFile(asked.location, ModelKind::identity).info().provenance.text())
                .at("learned_by"),
            "a test");
}

TEST_F(EnrolmentTest, LearnsFromFewerWhenNoMoreCome) {
  ASSERT_TRUE(enrolment_.begin(request(8)));
  enrolment_.add(crop(10));
  enrolment_.end_of_crops();
  EXPECT_EQ(learned_.get_future().get()->embedding, (std::vector<float>{1, 10}));
}

TEST_F(EnrolmentTest, TellsWhyItFailed) {
  Enrolment::Request asked = request(1);
  asked.model = folder_ / "absent.safetensors";
  ASSERT_TRUE(enrolment_.begin(asked));
  enrolment_.add(crop(10));
  EXPECT_NE(failed_.get_future().get().find("absent.safetensors"), std::string::npos);
}

TEST_F(EnrolmentTest, CancelForgetsWhatWasCollected) {
  EXPECT_FALSE(enrolment_.begin(request(0)));
  ASSERT_TRUE(enrolment_.begin(request(2)));
  enrolment_.add(crop(10));
  enrolment_.cancel();
  EXPECT_FALSE(enrolment_.collecting());
  ASSERT_TRUE(enrolment_.begin(request(1)));
  enrolment_.add(crop(50));
  EXPECT_EQ(learned_.get_future().get()->embedding, (std::vector<float>{1, 50}));
}

}  // namespace
}  // namespace reenact
