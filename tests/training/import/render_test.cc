// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "reenact/engine.h"
#include "reenact/identity.h"
#include "reenact/safetensors.h"
#include "support/shared_data.h"
#include "test_file.h"
#include "training/import/import_models.h"

namespace reenact::training {
namespace {

using test::TestFile;

/// The most grey levels by which a picture differs from the authors' frame, which is their `fake_rgbs` [N, 3,
/// S, S] clamped to 0..1, times 255, without the fraction.
int worst_difference(const cv::Mat& rgba, const std::vector<float>& fake_rgbs, int frame) {
  const int side = rgba.rows;
  int worst = 0;
  for (int channel = 0; channel < 3; ++channel)
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x) {
        const auto place = static_cast<std::size_t>(((frame * 3 + channel) * side + y) * side + x);
        const int wanted = static_cast<int>(255.0f * std::clamp(fake_rgbs[place], 0.0f, 1.0f));
        worst = std::max(worst, std::abs(rgba.at<cv::Vec4b>(y, x)[channel] - wanted));
      }
  return worst;
}

class ImportedPictureTest : public testing::TestWithParam<const char*> {};

TEST_P(ImportedPictureTest, IsTheAuthorsWithinOneGreyLevel) {
  REENACT_SHARED_FILE(checkpoint, "parity/authors_small_finetuned_zip.pth");
  REENACT_SHARED_FILE(expected_path, "parity/authors_small_expected.safetensors");
  const TestFile reenactor("rendered.safetensors"), person("person.safetensors");
  AuthorsImport import;
  import.checkpoint = checkpoint;
  import.reenactor = reenactor.path();
  import.identity = person.path();
  import_authors_checkpoint(import);

  EngineOptions options;
  options.device = "cpu";
  options.precision = Precision::fp32;
  options.threads = 1;
  options.backend = GetParam();
  std::unique_ptr<Generator> generator;
  try {
    generator = load_generator(reenactor.path(), options);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported) throw;
    GTEST_SKIP() << error.what();
  }
  generator->set_identity(load_identity(person.path()));
  const SafetensorsFile expected(expected_path);
  const auto& poses = expected.at("finetuned.in.pose_embedding");
  const auto pose_values = poses.to_floats();
  const auto pictures = expected.at("finetuned.ema.fake_rgbs").to_floats();
  const auto size = static_cast<std::size_t>(generator->pose_embedding_size());
  ASSERT_EQ(static_cast<std::int64_t>(size), poses.shape[1]);
  for (int frame = 0; frame < poses.shape[0]; ++frame) {
    const std::span pose(pose_values.data() + static_cast<std::size_t>(frame) * size, size);
    const auto picture = generator->generate(pose, AlphaMode::premultiplied);
    ASSERT_EQ(picture.rows, 64);
    EXPECT_LE(worst_difference(picture, pictures, frame), 1) << generator->active_engine();
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, ImportedPictureTest, testing::Values("torch", "cpu"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace reenact::training
