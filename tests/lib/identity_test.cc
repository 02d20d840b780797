// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/identity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "reenact/model_file.h"
#include "support/errors.h"
#include "support/temporary_folder.h"
#include "support/tensors.h"

namespace reenact {
namespace {

using test::expect_error;

class IdentityTest : public ::testing::Test {
 protected:
  static TensorView floats(const std::vector<float>& values, std::vector<std::int64_t> shape) {
    return {DataType::f32, std::move(shape), std::as_bytes(std::span(values))};
  }
  void write(const std::map<std::string, TensorView>& tensors, ModelKind kind = ModelKind::identity) {
    ModelInfo info;
    info.kind = kind;
    write_safetensors(path_, tensors, to_metadata(info));
  }

  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "ada.safetensors";
};

TEST_F(IdentityTest, WhatIsSavedIsLoaded) {
  Identity identity;
  identity.name = "Ada \u00c5";
  identity.embedding = {0.5f, -1.25f, 3e-9f};
  identity.neutral_pose = {1, 2};
  identity.thumbnail = cv::Mat(5, 7, CV_8UC3);
  cv::randu(identity.thumbnail, 0, 256);
  identity.consent = "blended from several people, nobody real";
  identity.licence = "CC0-1.0";
  save_identity(path_, identity, JsonObject(R"({"images":3})"));

  const std::shared_ptr<const Identity> loaded = load_identity(path_);
  EXPECT_EQ(loaded->name, identity.name);
  EXPECT_EQ(loaded->embedding, identity.embedding);
  EXPECT_EQ(loaded->neutral_pose, identity.neutral_pose);
  EXPECT_EQ(test::compare(loaded->thumbnail, identity.thumbnail).unequal, 0u);
  EXPECT_EQ(loaded->consent, identity.consent);
  EXPECT_EQ(loaded->licence, identity.licence);
  EXPECT_EQ(loaded->personal_weights, nullptr);
  EXPECT_EQ(ModelFile(path_).info().provenance.text(), R"({"images":3})");
}

TEST_F(IdentityTest, OnlyTheEmbeddingIsNeeded) {
  const std::vector<float> embedding = {1, 2, 3};
  write({{"embedding", floats(embedding, {3})}});
  const std::shared_ptr<const Identity> loaded = load_identity(path_);
  EXPECT_EQ(loaded->name, "ada");  // of the file
  EXPECT_EQ(loaded->embedding, embedding);
  EXPECT_TRUE(loaded->neutral_pose.empty());
  EXPECT_TRUE(loaded->thumbnail.empty());
}

TEST_F(IdentityTest, AThumbnailThatIsAPartOfAPicture) {
  cv::Mat picture(20, 20, CV_8UC3);
  cv::randu(picture, 0, 256);
  Identity identity;
  identity.embedding = {1};
  identity.thumbnail = picture(cv::Rect(3, 4, 5, 6));
  save_identity(path_, identity, {});
  EXPECT_EQ(test::compare(load_identity(path_)->thumbnail, identity.thumbnail).unequal, 0u);
}

TEST_F(IdentityTest, PersonalWeightsKeepTheFileOpen) {
  const std::vector<float> values = {1, 2, 3, 4};
  write({{"embedding", floats(values, {4})}, {"gen.constant", floats(values, {2, 2})}});
  const std::shared_ptr<const Identity> loaded = load_identity(path_);
  ASSERT_NE(loaded->personal_weights, nullptr);
  std::filesystem::remove(path_);
  EXPECT_EQ(loaded->personal_weights->file().at("gen.constant").to_floats(), values);
}

TEST_F(IdentityTest, WrongFiles) {
  const std::vector<float> values = {1, 2, 3, 4};
  write({{"embedding", floats(values, {4})}}, ModelKind::reenactor);
  expect_error([&] { load_identity(path_); }, ErrorCode::wrong_kind,
               {path_.string(), "a reenactor", "an identity"});
  write({});
  expect_error([&] { load_identity(path_); }, ErrorCode::wrong_kind, {path_.string(), "'embedding'"});
  write({{"embedding", floats(values, {2, 2})}});
  expect_error([&] { load_identity(path_); }, ErrorCode::wrong_kind, {"'embedding'", "one vector"});
  write({{"embedding", floats({}, {0})}});
  expect_error([&] { load_identity(path_); }, ErrorCode::wrong_kind, {"'embedding'", "one vector"});
  const std::vector<float> endless = {1, INFINITY}, nothing = {NAN};
  write({{"embedding", floats(endless, {2})}});
  expect_error([&] { load_identity(path_); }, ErrorCode::wrong_kind, {"'embedding'", "finite"});
  write({{"embedding", floats(values, {4})}, {"neutral_pose", floats(nothing, {1})}});
  expect_error([&] { load_identity(path_); }, ErrorCode::wrong_kind, {"'neutral_pose'", "finite"});
  write({{"embedding", floats(values, {4})}, {"thumbnail", floats(values, {2, 2})}});
  expect_error([&] { load_identity(path_); }, ErrorCode::wrong_kind, {"thumbnail"});
  expect_error([&] { load_identity(folder_ / "none"); }, ErrorCode::not_found, {"none"});
}

TEST_F(IdentityTest, WhatCannotBeSaved) {
  Identity identity;
  expect_error([&] { save_identity(path_, identity, {}); }, ErrorCode::invalid, {"embedding"});
  identity.embedding = {1};
  identity.thumbnail = cv::Mat(2, 2, CV_8UC1);
  expect_error([&] { save_identity(path_, identity, {}); }, ErrorCode::invalid, {"thumbnail"});
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace reenact
