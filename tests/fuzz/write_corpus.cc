// SPDX-License-Identifier: LGPL-2.1-or-later
// Writes the corpus of the fuzz targets: write-fuzz-corpus FOLDER. Its files are kept in corpus/, so that a target can
// be run without it; run it again when a format changes.
#include <filesystem>
#include <opencv2/core.hpp>
#include <string>
#include <utility>

#include "reenact/identity.h"
#include "reenact/pose_track.h"
#include "reenact/safetensors.h"
#include "support/raw_safetensors.h"
#include "training/import/every_value.h"

namespace reenact::test {
namespace {

namespace fs = std::filesystem;

void write_safetensors_corpus(const fs::path& folder) {
  std::string header =
      R"({"__metadata__":{"kind":"reenactor","format_version":"1","config":"{\"image_size\":64}"},)"
      R"("gen.a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
      R"("gen.b":{"dtype":"I16","shape":[4],"data_offsets":[24,32]},)"
      R"("pose.c":{"dtype":"U8","shape":[1,1,7],"data_offsets":[32,39]},)"
      R"("idt.d":{"dtype":"BOOL","shape":[0],"data_offsets":[39,39]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  write_bytes(folder / "four-types", raw_safetensors(header, std::string(39, '\x7f')));
  write_bytes(folder / "scalar",
              raw_safetensors(R"({"a":{"dtype":"F16","shape":[],"data_offsets":[0,2]}})", "ab"));
  write_bytes(folder / "empty", raw_safetensors("{}", ""));
}

void write_identity_corpus(const fs::path& folder) {
  Identity identity;
  identity.name = "ada";
  identity.consent = "Drawn, nobody";
  identity.licence = "CC0-1.0";
  identity.embedding = {0.5f, -1, 2, 0};
  save_identity(folder / "plain", identity, {{"command", "test"}});
  identity.neutral_pose = {0.25f, 0, -3};
  identity.thumbnail = cv::Mat(2, 3, CV_8UC3, cv::Scalar(10, 20, 30));
  const float weights[] = {1, 2};
  save_identity(folder / "personal", identity, nlohmann::json::object(),
                {{"gen.const", {DataType::f32, {2}, std::as_bytes(std::span(weights))}}});
}

void write_pose_track_corpus(const fs::path& folder) {
  PoseTrack track;
  track.licence = "CC0-1.0";
  track.poses = {{0, 1, 2}, {3, 4, 5}};
  track.timestamps = {0, 40'000'000};
  save_pose_track(folder / "two", track);
  track.poses = {{1}};
  track.timestamps = {-5};
  save_pose_track(folder / "one", track);
}

void write_pth_corpus(const fs::path& folder) {
  write_bytes(folder / "legacy", legacy_file_of_every_value());
  write_bytes(folder / "zip", zip_file_of_every_value());
  LegacyFile wrapped;
  PickleWriter writer;
  writer.op('}').mark().text("epoch").integer(3).text("model").op('}').mark();
  writer.text("module.a.weight")
      .tensor("0", 4, 0, {2, 2}, {1, 2})
      .text("module.total_ops")
      .tensor("1", 1, 0, {}, {});
  wrapped.object = writer.ops("uu").stop();
  wrapped.storages = {{"0", {1, 2, 3, 4}}, {"1", {5}}};
  write_bytes(folder / "wrapped", wrapped.bytes());
}

void write_config_corpus(const fs::path& folder) {
  using namespace std::string_literals;
  write_bytes(
      folder / "all",
      "[run]\nsteps = 30\nvalidate_every = 0\nkeep_checkpoints = 3\n[optimizer]\nlearning_rate = 1e-4\n"
      "[data]\nfolders = [\"a\", 'b\\c']\n[loss]\nweights = [1, 0.5, 2e3]\n[networks]\nsizes = [1, 64]\n"
      "preset = \"li\\\"ve\"\n[training]\nflip = true\n");
  write_bytes(folder / "former", "[training]\nsteps = 7\n[networks]\npreset = '''two\nlines'''\n");
  write_bytes(folder / "overrides",
              "[run]\nsteps = 30\n\0run.steps=4\0networks.preset=paper\0loss.weights=[1]"s);
}

void write_pose_caps_corpus(const fs::path& folder) {
  const std::string eight_floats(32, '\0');
  write_bytes(folder / "ours",
              "other/tensors, format=(string)static, num_tensors=(int)1, types=(string)float32, "
              "dimensions=(string)8:1:1:1, framerate=(fraction)25/1\n" +
                  eight_floats);
  write_bytes(folder / "short", "other/tensors, dimensions=(string)8\n" + eight_floats);
  write_bytes(folder / "one", "other/tensors, dimensions=(string)1\n" + eight_floats.substr(0, 4));
}

void write_identity_event_corpus(const fs::path& folder) {
  using namespace std::string_literals;
  for (char held = 0; held < 4; ++held)
    write_bytes(folder / ("held-" + std::to_string(held)),
                std::string(1, held) + "\0reenact-identity, name=(string)ada;"s);
  write_bytes(folder / "text", "\0\0reenact-identity, identity=(string)ada;"s);
  write_bytes(folder / "foreign", "\1\0other-event, identity=(int)1;"s);
}

}  // namespace
}  // namespace reenact::test

int main(int argc, char** argv) {
  using namespace reenact::test;
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  const std::pair<const char*, void (*)(const std::filesystem::path&)> writers[] = {
      {"safetensors", write_safetensors_corpus},
      {"identity", write_identity_corpus},
      {"pose-track", write_pose_track_corpus},
      {"pth", write_pth_corpus},
      {"config", write_config_corpus},
      {"pose-caps", write_pose_caps_corpus},
      {"identity-event", write_identity_event_corpus}};
  for (const auto& [name, write] : writers) {
    std::filesystem::create_directories(folder / name);
    write(folder / name);
  }
  return 0;
}
