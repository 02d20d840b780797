// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/model_file.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reenact/safetensors.h"
#include "support/environment_variable.h"
#include "support/errors.h"
#include "support/raw_safetensors.h"
#include "support/temporary_folder.h"

namespace reenact {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

constexpr ModelKind kinds[] = {ModelKind::detector,  ModelKind::segmenter,  ModelKind::reenactor,
                               ModelKind::identity,  ModelKind::perceptual, ModelKind::recogniser,
                               ModelKind::landmarks, ModelKind::pose_track, ModelKind::checkpoint};

class ModelFileTest : public ::testing::Test {
 protected:
  void write(const Metadata& metadata) { write_safetensors(path_, {}, metadata); }

  test::TemporaryFolder folder_;
  fs::path path_ = folder_ / "model.safetensors";
};

TEST_F(ModelFileTest, MetadataComesBack) {
  ModelInfo info;
  info.kind = ModelKind::detector;
  info.config = JsonObject(R"({"width": 0.25})");
  info.licence = "CC-BY-4.0";
  info.provenance = JsonObject(R"({"steps": 1200, "command": "train \"x\""})");
  write(to_metadata(info));
  const ModelFile file(path_, ModelKind::detector);
  EXPECT_EQ(file.info().kind, info.kind);
  EXPECT_EQ(file.info().config, info.config);
  EXPECT_EQ(file.info().licence, info.licence);
  EXPECT_EQ(file.info().provenance, info.provenance);
  EXPECT_EQ(file.path(), path_);
  EXPECT_EQ(ModelFile(path_).info().kind, ModelKind::detector);
}

TEST(JsonObjects, AreCheckedWhenTheyAreMade) {
  EXPECT_EQ(JsonObject().text(), "{}");
  EXPECT_EQ(JsonObject(nlohmann::json()).text(), "{}") << "null";
  EXPECT_EQ(JsonObject(nlohmann::json{{"name", "\xff"}}).text(), "{\"name\":\"\uFFFD\"}");
  expect_error([] { JsonObject(nlohmann::json{1, 2}); }, ErrorCode::invalid, {"array", "object"});
  expect_error([] { JsonObject("{"); }, ErrorCode::invalid, {"not JSON"});
}

TEST_F(ModelFileTest, EveryKindOpensAsItselfAndIsRefusedAsAnotherNamingBoth) {
  for (const ModelKind kind : kinds) {
    ModelInfo info;
    info.kind = kind;
    write(to_metadata(info));
    for (const ModelKind wanted : kinds) {
      if (wanted == kind) {
        EXPECT_NO_THROW(ModelFile(path_, wanted));
      } else {
        expect_error([&] { ModelFile(path_, wanted); }, ErrorCode::wrong_kind,
                     {path_.string(), to_string(kind), to_string(wanted)});
      }
    }
  }
}

TEST_F(ModelFileTest, TheSentenceOfAWrongKind) {
  ModelInfo info;
  info.kind = ModelKind::identity;
  write(to_metadata(info));
  const auto error = test::error_of([&] { ModelFile(path_, ModelKind::detector); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->what(), "'" + path_.string() + "' is an identity, wanted a detector");
}

TEST_F(ModelFileTest, ForeignFiles) {
  write({});
  expect_error([&] { ModelFile(path_, ModelKind::reenactor); }, ErrorCode::wrong_kind,
               {"without the kind", "a reenactor"});
  write({{"format", "pt"}});
  expect_error([&] { ModelFile file(path_); }, ErrorCode::wrong_kind, {"without the kind", "a model file"});
  write({{"kind", "unicorn"}, {"format_version", "1"}});
  expect_error([&] { ModelFile(path_, ModelKind::segmenter); }, ErrorCode::wrong_kind,
               {"'unicorn'", "a segmenter"});
  test::write_bytes(path_, "This is no model.");
  expect_error([&] { ModelFile(path_, ModelKind::segmenter); }, ErrorCode::corrupt, {path_.string()});
  expect_error([&] { ModelFile(folder_ / "none", ModelKind::segmenter); }, ErrorCode::not_found, {"none"});
}

TEST_F(ModelFileTest, OtherVersions) {
  for (const std::string version : {"", "0", "2", "1.0", "01", "x"}) {
    Metadata metadata = to_metadata({});
    metadata["format_version"] = version;
    write(metadata);
    expect_error([&] { ModelFile(path_, ModelKind::reenactor); }, ErrorCode::wrong_kind,
                 {"format version '" + version + "'", "wanted version 1"});
  }
}

TEST_F(ModelFileTest, MetadataThatIsNoJsonObject) {
  for (const char* key : {"config", "provenance"}) {
    for (const std::string& value :
         {std::string("{"), std::string("[]"), std::string("7"), std::string(), std::string(100'000, '['),
          std::string("{\"a\":") + std::string(100'000, '[')}) {
      Metadata metadata = to_metadata({});
      metadata[key] = value;
      write(metadata);
      expect_error([&] { ModelFile(path_, ModelKind::reenactor); }, ErrorCode::corrupt,
                   {path_.string(), key, "JSON object"});
    }
  }
}

TEST_F(ModelFileTest, FindModelLooksInOrder) {
  const fs::path first = folder_ / "first", second = folder_ / "second";
  fs::create_directories(first);
  fs::create_directories(second / "identities");
  const test::EnvironmentVariable variable("REENACT_MODEL_PATH", first.string() + "::" + second.string());
  test::write_bytes(second / "a-model.safetensors", "2");
  test::write_bytes(second / "identities" / "ada.safetensors", "2");
  EXPECT_EQ(find_model("a-model.safetensors"), second / "a-model.safetensors");
  EXPECT_EQ(find_model("a-model"), second / "a-model.safetensors");
  EXPECT_EQ(find_model("identities/ada"), second / "identities" / "ada.safetensors");
  test::write_bytes(first / "a-model.safetensors", "1");
  EXPECT_EQ(find_model("a-model"), first / "a-model.safetensors");
  EXPECT_EQ(find_model((second / "a-model.safetensors").string()), second / "a-model.safetensors");
}

TEST_F(ModelFileTest, FindModelListsWhereItLooked) {
  const test::EnvironmentVariable variable("REENACT_MODEL_PATH", "/no/such/one:/no/such/two");
  expect_error([] { find_model("a-model-nobody-has"); }, ErrorCode::not_found,
               {"'a-model-nobody-has'", "/no/such/one/a-model-nobody-has", "/no/such/two/a-model-nobody-has",
                "gst-reenact/models"});
  expect_error([] { find_model("/no/such/absolute"); }, ErrorCode::not_found, {"'/no/such/absolute'"});
  expect_error([] { find_model(""); }, ErrorCode::not_found, {"empty"});
  expect_error([&] { find_model(folder_.path().string()); }, ErrorCode::not_found,
               {});  // a folder is no model
}

}  // namespace
}  // namespace reenact
