// SPDX-License-Identifier: LGPL-2.1-or-later
// Several streams draw at a time with one pool of helpers. Meant for ThreadSanitizer too: scripts/test --sanitize.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <thread>
#include <vector>

#include "cpu/generator.h"
#include "parity_model.h"
#include "reenact/backend.h"
#include "reenact/identity.h"

namespace reenact::test {
namespace {

constexpr int streams = 4, frames = 24;

/// One stream's pictures: poses and identities of its own, another identity every few frames.
std::vector<cv::Mat> draw_stream(const std::shared_ptr<const ModelFile>& model, unsigned stream) {
  const auto config = model->info().config.get<ReenactorConfig>();
  EngineOptions options;
  options.precision = Precision::fp32;
  options.threads = 0;  // as many as the pool has
  const std::unique_ptr<Generator> generator = cpu_backend()->generator(model, config, options);
  std::vector<cv::Mat> pictures;
  for (unsigned i = 0; i < frames; ++i) {
    if (i % 5 == 0) {
      auto identity = std::make_shared<Identity>();
      identity->name = "random";
      identity->embedding = random_values(config.identity_embedding_size, 1000 * stream + i);
      generator->set_identity(std::move(identity));
    }
    const std::vector<float> pose = random_values(config.pose_embedding_size, 100 * stream + i);
    pictures.push_back(generator->generate(pose, AlphaMode::straight).clone());
  }
  return pictures;
}

TEST(StressOfTheSharedPool, StreamsDrawTogetherWhatEachDrawsAlone) {
  ReenactorConfig config = small_config();
  config.num_channels = 24;
  config.max_channels = 96;
  config.image_size = 32;
  const auto model =
      write_model("shared-pool", ModelKind::reenactor, to_json(config), random_generator(config, 5));
  std::vector<std::vector<cv::Mat>> alone, together(streams);
  for (unsigned stream = 0; stream < streams; ++stream) alone.push_back(draw_stream(model, stream));
  std::vector<std::thread> threads;
  for (unsigned stream = 0; stream < streams; ++stream)
    threads.emplace_back([&, stream] { together[stream] = draw_stream(model, stream); });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t stream = 0; stream < streams; ++stream) {
    ASSERT_EQ(together[stream].size(), std::size_t(frames));
    for (std::size_t i = 0; i < frames; ++i)
      EXPECT_EQ(cv::norm(alone[stream][i], together[stream][i], cv::NORM_INF), 0)
          << "stream " << stream << ", frame " << i;
  }
  EXPECT_GT(cv::norm(alone[0][0], alone[1][0], cv::NORM_INF), 0);
}

}  // namespace
}  // namespace reenact::test
