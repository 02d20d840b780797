// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/data/clips_in_memory.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <fstream>
#include <opencv2/core/utility.hpp>

#include "support/small_face_dataset.h"
#include "support/temporary_folder.h"

namespace reenact::training {
namespace {

TEST(ClipsInMemory, HasTheTablesOrderWhateverTheNumberOfThreads) {
  spdlog::set_level(spdlog::level::err);  // one clip is bad on purpose
  test::TemporaryFolder folder;
  test::write_small_face_dataset(folder.path());
  {
    std::ofstream table(folder / "clips.tsv", std::ios::app);
    for (const char* id : {"c2", "bad", "c3", "c4"})
      table << id << "\tp0\ttrain\tyes\t12\t72\t1.8\tdrawn\tCC0\tCC0\n";
  }
  const std::filesystem::path clips = folder / "clips";
  for (const char* id : {"c2", "c3", "c4"})
    std::filesystem::copy(clips / "c0", clips / id, std::filesystem::copy_options::recursive);
  std::filesystem::create_directory(clips / "bad");

  HeadClipReader reader(folder.path(), 32, {});
  const int threads_before = cv::getNumThreads();
  for (const int threads : {1, 2, 4}) {
    cv::setNumThreads(threads);
    ClipsInMemory dataset(folder.path(), 32, {});
    EXPECT_EQ(dataset.unreadable(), 1);
    std::vector<std::string> ids;
    for (const auto& entry : dataset.entries()) ids.push_back(entry.id);
    EXPECT_EQ(ids, (std::vector<std::string>{"c0", "c2", "c3", "c4", "still-0000", "still-0001"})) << threads;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto clip = dataset.clip(i), alone = reader.read(dataset.entries()[i]);
      EXPECT_EQ(clip->id, ids[i]);
      EXPECT_EQ(dataset.entries()[i].still, ids[i].starts_with("still-"));
      ASSERT_EQ(clip->frames.size(), alone->frames.size());
      for (std::size_t k = 0; k < clip->frames.size(); ++k)
        EXPECT_EQ(cv::norm(clip->frames[k].rgb, alone->frames[k].rgb, cv::NORM_INF), 0);
    }
  }
  cv::setNumThreads(threads_before);
}

}  // namespace
}  // namespace reenact::training
