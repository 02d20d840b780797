// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>

#include "base/processing_latency.h"
#include "base/rehearsal.h"
#include "element_test.h"
#include "load_shedding.h"
#include "stream/progress_event.h"

namespace reenact {
namespace {

namespace fs = std::filesystem;

constexpr GstClockTime frame = 40 * GST_MSECOND;

TEST(Headroom, IsTwiceWhatWasMeasuredInWholeMilliseconds) {
  EXPECT_EQ(with_headroom(0), 0u);
  EXPECT_EQ(with_headroom(3 * GST_MSECOND), 6 * GST_MSECOND);
  EXPECT_EQ(with_headroom(3 * GST_MSECOND + 1), 7 * GST_MSECOND);
}

TEST(LatencyGrowthTest, StaysWhereItIsWhileThePromiseIsKept) {
  LatencyGrowth growth;
  for (int i = 0; i < 3000; ++i) EXPECT_EQ(growth.frame(-GST_MSECOND), 0u);
}

TEST(LatencyGrowthTest, ForgivesTheFirstFramesAndTwoOfThreeHundred) {
  LatencyGrowth growth;
  for (int i = 0; i < 15; ++i) EXPECT_EQ(growth.frame(50 * GST_MSECOND), 0u) << i;
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(growth.frame(i % 150 == 40 ? 50 * GST_MSECOND : -1), 0u) << i;
}

TEST(LatencyGrowthTest, ForgivesAHiccupOfTwoFrames) {
  LatencyGrowth growth;
  for (int i = 0; i < 3000; ++i) {
    const bool late = i % 600 >= 300 && i % 600 < 302;
    EXPECT_EQ(growth.frame(late ? 50 * GST_MSECOND : -1), 0u) << i;
  }
}

TEST(LatencyGrowthTest, GrowsByAMillisecondAtMostAndNotTwiceAtOnce) {
  LatencyGrowth growth;
  for (int i = 0; i < 15; ++i) growth.frame(-1);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(growth.frame(50 * GST_MSECOND), 0u);
  EXPECT_EQ(growth.frame(50 * GST_MSECOND), GST_MSECOND);
  GstClockTime grown = 0;
  for (int i = 0; i < 20; ++i) grown += growth.frame(50 * GST_MSECOND);
  EXPECT_LE(grown, GST_MSECOND);  // a machine may stop for a while between two frames, not in all of them
}

TEST(LatencyGrowthTest, GrowsByNoMoreThanTheLeastLateOfThreeFramesNeeds) {
  LatencyGrowth growth;
  for (int i = 0; i < 15; ++i) growth.frame(-1);
  for (int i = 0; i < 2; ++i) growth.frame(3000);
  EXPECT_EQ(growth.frame(2000), 2000u);
}

TEST(LatencyGrowthTest, GoesOnInStepsWithPausesUntilItIsEnough) {
  LatencyGrowth growth(4 * GST_MSECOND);
  for (int i = 0; i < 15; ++i) growth.frame(-1);
  for (int i = 0; i < 2; ++i) growth.frame(9 * GST_MSECOND);
  EXPECT_EQ(growth.frame(9 * GST_MSECOND), 4 * GST_MSECOND);
  EXPECT_EQ(growth.frame(-1), 0u);
  g_usleep(210000);
  EXPECT_EQ(growth.frame(-1, false), 0u);
  EXPECT_EQ(growth.frame(-1), 4 * GST_MSECOND);
  g_usleep(210000);
  EXPECT_EQ(growth.frame(-1), GST_MSECOND);
  g_usleep(210000);
  EXPECT_EQ(growth.frame(-1), 0u);
}

TEST(LatencyGrowthTest, GrowsByTheStepThatItWasGivenAlsoAfterAReset) {
  LatencyGrowth growth(4 * GST_MSECOND);
  growth.reset();
  for (int i = 0; i < 15; ++i) growth.frame(-1);
  for (int i = 0; i < 2; ++i) growth.frame(50 * GST_MSECOND);
  EXPECT_EQ(growth.frame(50 * GST_MSECOND), 4 * GST_MSECOND);
}

TEST(LatencyGrowthTest, WaitsUntilItMayGrow) {
  LatencyGrowth growth;
  for (int i = 0; i < 60; ++i) EXPECT_EQ(growth.frame(GST_MSECOND, false), 0u);
  EXPECT_EQ(growth.frame(GST_MSECOND, true), GST_MSECOND);
}

TEST(ProcessingLatencyTest, AddsWhatWasRehearsedToTheQuery) {
  ProcessingLatency latency;
  latency.expect_network(5 * GST_MSECOND);
  Owned<GstQuery> query(gst_query_new_latency());
  gst_query_set_latency(query.get(), TRUE, 20 * GST_MSECOND, 100 * GST_MSECOND);
  latency.add_to(query.get());
  gboolean live = FALSE;
  GstClockTime minimum = 0, maximum = 0;
  gst_query_parse_latency(query.get(), &live, &minimum, &maximum);
  EXPECT_TRUE(live);
  EXPECT_EQ(minimum, 30 * GST_MSECOND);
  EXPECT_EQ(maximum, 110 * GST_MSECOND);
  EXPECT_TRUE(latency.live());
  EXPECT_EQ(latency.upstream(), 20 * GST_MSECOND);
}

TEST(ProcessingLatencyTest, KeepsTheNetworksTimeOverAReset) {
  ProcessingLatency latency;
  latency.expect_network(5 * GST_MSECOND);
  latency.reset();
  EXPECT_EQ(latency.reported(), 10 * GST_MSECOND);
  EXPECT_FALSE(latency.live());
}

/// Pushes frames that come in time, so that the start is over.
void begin(LoadShedding& shedding, int frames = 30) {
  for (int i = 0; i < frames; ++i) {
    const GstClockTime time = GstClockTime(i) * frame;
    ASSERT_FALSE(shedding.too_late(time, time, 0, frame)) << i;
    shedding.pushed(time, time);
    shedding.begun(time);
  }
}

TEST(LoadSheddingTest, TakesFramesThatComeInTime) {
  LoadShedding shedding;
  begin(shedding, 500);
}

TEST(LoadSheddingTest, LeavesOutFramesThatComeTwoFramesLate) {
  LoadShedding shedding;
  begin(shedding);
  EXPECT_FALSE(shedding.too_late(30 * frame, 30 * frame + 79 * GST_MSECOND, 0, frame));
  EXPECT_TRUE(shedding.too_late(31 * frame, 31 * frame + 81 * GST_MSECOND, 0, frame));
  EXPECT_FALSE(shedding.too_late(32 * frame, 32 * frame + 81 * GST_MSECOND, 20 * GST_MSECOND, frame));
}

TEST(LoadSheddingTest, TakesTheFramesOfASourceThatIsAlwaysLate) {
  LoadShedding shedding;
  for (int i = 0; i < 500; ++i)
    EXPECT_FALSE(shedding.too_late(GstClockTime(i) * frame, GstClockTime(i) * frame + GST_SECOND, 0, frame))
        << i;
}

TEST(LoadSheddingTest, TakesFourFramesASecondOfWhatPiledUpOnceTheMachineStoodStill) {
  LoadShedding shedding;
  begin(shedding);
  int taken = 0;
  for (int i = 30; i < 130; ++i) {  // ten seconds late, handled within a second
    const GstClockTime time = GstClockTime(i) * frame,
                       now = 10 * GST_SECOND + 30 * frame + GstClockTime(i - 30) * 10 * GST_MSECOND;
    if (shedding.too_late(time, now, 0, frame)) continue;
    ++taken;
    shedding.pushed(time, now);
    shedding.begun(time);
  }
  EXPECT_EQ(taken, 4);
}

TEST(LoadSheddingTest, LeavesOutAFrameWhileAnotherWaitsForTheGenerator) {
  LoadShedding shedding;
  begin(shedding);
  const GstClockTime time = 30 * frame;
  shedding.pushed(time, time);
  // Within a frame it is on its way.
  EXPECT_FALSE(shedding.too_late(time + frame, time + frame, 0, frame));
  EXPECT_TRUE(shedding.too_late(time + frame, time + frame + 1, 0, frame));
  shedding.begun(time);
  EXPECT_FALSE(shedding.too_late(time + 2 * frame, time + 2 * frame, 0, frame));
}

TEST(LoadSheddingTest, WaitsForNoFrameThatWasLeftOutOnItsWay) {
  LoadShedding shedding;
  begin(shedding);
  const GstClockTime time = 30 * frame;
  shedding.pushed(time, time);
  EXPECT_FALSE(shedding.too_late(time + 10 * frame, time + 10 * frame, 0, frame));
}

TEST(LoadSheddingTest, WaitsForNoGeneratorWhereNoneSpeaks) {
  LoadShedding shedding;
  for (int i = 0; i < 100; ++i) {
    const GstClockTime time = GstClockTime(i) * frame;
    EXPECT_FALSE(shedding.too_late(time, time, 0, frame)) << i;
    shedding.pushed(time, time);
  }
}

TEST(LoadSheddingTest, LetsNoMoreThanTwoFramesBeOnTheirWayOncePicturesAreLate) {
  LoadShedding shedding;
  begin(shedding);
  // Begun by the generator, and not drawn yet.
  for (int i = 30; i < 32; ++i) {
    const GstClockTime time = GstClockTime(i) * frame;
    shedding.pushed(time, time);
    shedding.begun(time);
  }
  const GstClockTime next = 32 * frame;
  shedding.drawn(29 * frame, 5 * GST_MSECOND);  // as much as a sink forgives
  EXPECT_FALSE(shedding.too_late(next, next, 0, frame));
  shedding.drawn(29 * frame, 30 * GST_MSECOND);
  EXPECT_TRUE(shedding.too_late(next, next, 0, frame));
  shedding.drawn(30 * frame, 30 * GST_MSECOND);
  EXPECT_FALSE(shedding.too_late(next, next, 0, frame));
}

TEST(ProgressEventTest, EachIsReadForWhatItIs) {
  Owned<GstEvent> begun(new_begun_event(7)), drawn(new_drawn_event({8, 9})),
      flush(gst_event_new_flush_start());
  EXPECT_EQ(parse_begun_event(begun.get()), 7u);
  EXPECT_EQ(parse_begun_event(drawn.get()), GST_CLOCK_TIME_NONE);
  EXPECT_EQ(parse_begun_event(flush.get()), GST_CLOCK_TIME_NONE);
  const auto picture = parse_drawn_event(drawn.get());
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->running_time, 8u);
  EXPECT_EQ(picture->late, 9u);
  EXPECT_FALSE(parse_drawn_event(begun.get()));
  EXPECT_FALSE(parse_drawn_event(flush.get()));
}

class RehearsalTest : public ElementTest {
 protected:
  /// Name of an engine that no earlier run measured.
  std::string engine() const { return "rehearsal " + std::to_string(g_get_real_time()); }
  static std::set<fs::path> files() {
    std::set<fs::path> all;
    std::error_code error;
    for (const auto& entry :
         fs::directory_iterator(fs::path(g_get_user_cache_dir()) / "reenact" / "timing", error))
      all.insert(entry.path());
    return all;
  }
  const fs::path model_ = folder() / "reenactor.safetensors";
};

TEST_F(RehearsalTest, MeasuresOnceAndWarmsUpEveryTime) {
  int runs = 0;
  const auto run = [&] { ++runs, g_usleep(2000); };
  const std::string name = engine();
  const GstClockTime first = rehearsed_time(name, model_, run);
  EXPECT_GE(first, 2 * GST_MSECOND);
  EXPECT_GT(runs, 3);
  runs = 0;
  // Slower than before, however busy the machine was then.
  EXPECT_EQ(rehearsed_time(name, model_, [&] { ++runs, g_usleep(gulong(first / GST_USECOND)); }), first);
  EXPECT_EQ(runs, 1);
  rehearsed_time(name + "b", model_, run);
  EXPECT_GT(runs, 3);
}

TEST_F(RehearsalTest, MeasuresAnewWhereTheFileIsDamaged) {
  const auto before = files();
  const std::string name = engine();
  int runs = 0;
  rehearsed_time(name, model_, [&] { ++runs; });
  std::set<fs::path> added = files();
  for (const auto& file : before) added.erase(file);
  ASSERT_EQ(added.size(), 1u);
  for (const char* text : {"", "nonsense\n12\n", "nonsense"}) {
    std::ofstream(*added.begin()) << text;
    runs = 0;
    rehearsed_time(name, model_, [&] { ++runs; });
    EXPECT_GT(runs, 3) << text;
  }
}

TEST_F(RehearsalTest, CostsTheRunsEveryTimeWhereItsFolderCannotBeWritten) {
  // A file stands where the folder would have to be made; root may write into any folder.
  const fs::path file = folder() / "no-folder";
  std::ofstream(file) << "a file";
  const std::string name = engine();
  for (int start = 0; start < 2; ++start) {
    int runs = 0;
    EXPECT_GT(rehearsed_time(name, model_, [&] { ++runs; }, {.runs = 4, .folder = file / "timing"}), 0u);
    EXPECT_EQ(runs, 5) << start;
  }
  std::ifstream text(file);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(text), {}), "a file");
}

TEST_F(RehearsalTest, MeasuresAnewWhatWasMeasuredOnABusyMachine) {
  const std::string name = engine();
  const RehearsalOptions options{.runs = 3, .folder = folder() / "timing"};
  const GstClockTime busy = rehearsed_time(
      name, {}, [] { g_usleep(60000); }, options);
  EXPECT_GE(busy, 60 * GST_MSECOND);
  EXPECT_LT(rehearsed_time(
                name, {}, [] { g_usleep(1000); }, options),
            busy);
}

TEST_F(RehearsalTest, HandsOnWhatTheNetworkThrows) {
  EXPECT_THROW(rehearsed_time(engine(), model_, [] { throw std::runtime_error("no"); }), std::runtime_error);
}

class StatsTest : public ElementTest {
 protected:
  static guint64 number(GstElement* element, const char* field) {
    GstStructure* stats = nullptr;
    g_object_get(element, "stats", &stats, nullptr);
    guint64 value = 0;
    EXPECT_TRUE(gst_structure_get_uint64(stats, field, &value)) << field;
    gst_structure_free(stats);
    return value;
  }
};

TEST_F(StatsTest, CountFramesAndTellTheLatencyOfTheFirst) {
  Owned<GstElement> crop = make("reenactcrop");
  Owned<GstHarness> harness(gst_harness_new_with_element(crop.get(), "sink", "src"));
  EXPECT_GT(number(crop.get(), "latency"), 0u);
  gst_harness_set_src_caps_str(harness.get(), rgb_caps(160, 120).c_str());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(gst_harness_push(harness.get(), new_frame(scene(160, 120, cv::Rect(40, 40, 30, 36)), i)),
              GST_FLOW_OK);
    gst_buffer_unref(gst_harness_pull(harness.get()));
  }
  EXPECT_EQ(number(crop.get(), "frames-in"), 3u);
  EXPECT_EQ(number(crop.get(), "frames-drawn"), 3u);
  EXPECT_EQ(number(crop.get(), "frames-dropped"), 0u);
}

TEST_F(StatsTest, OfTheBinHoldEachChild) {
  Owned<GstElement> bin = make("reenactbin");
  GstStructure* stats = nullptr;
  g_object_get(bin.get(), "stats", &stats, nullptr);
  for (const char* field :
       {"frames-in", "frames-drawn", "frames-dropped", "latency", "crop-mean-ms", "pose-mean-ms",
        "generator-mean-ms", "compositor-mean-ms", "compositor-longest-ms"})
    EXPECT_TRUE(gst_structure_has_field(stats, field)) << field;
  gst_structure_free(stats);
}

}  // namespace
}  // namespace reenact
