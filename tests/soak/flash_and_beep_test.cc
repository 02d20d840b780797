// SPDX-License-Identifier: LGPL-2.1-or-later
// Sound against picture at the sinks of live pipelines: flashes go through the chain, beeps beside it. The networks are
// those of the element tests and take a known time. `measure-live` measures the same with real networks, for as long as
// wanted.
#include <algorithm>
#include <cstdlib>

#include "gst/element_test.h"
#include "live_stream.h"

namespace reenact {
namespace {

using soak::LiveOptions;
using soak::LiveReport;
using soak::LiveStream;

struct LiveChain {
  const char* name;
  const char* description;
  int frames_per_second;
};

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::nth_element(values.begin(), values.begin() + std::ptrdiff_t(values.size() / 2), values.end());
  return values[values.size() / 2];
}

constexpr const char* whole_bin =
    "reenactbin name=r device=cuda background=driver identity-file=red.safetensors";
constexpr const char* single_elements =
    "reenactcrop device=cuda ! reenactpose device=cuda ! reenactidentity device=cuda "
    "identity-file=red.safetensors ! reenactgenerator device=cuda ! reenactcompositor background=driver";

class FlashAndBeepTest : public ElementTest, public ::testing::WithParamInterface<LiveChain> {
 public:
  static void SetUpTestSuite() {
    ElementTest::SetUpTestSuite();
    ::setenv("REENACT_FAKE_MILLISECONDS", "10", 1);
  }
  static void TearDownTestSuite() {
    ::unsetenv("REENACT_FAKE_MILLISECONDS");
    ElementTest::TearDownTestSuite();
  }

 protected:
  static LiveReport measure(const std::string& chain, int frames_per_second) {
    LiveOptions options;
    options.frames_per_second = frames_per_second;
    options.width = 320;
    options.height = 240;
    options.chain = chain;
    options.flash_every = GST_SECOND / 5;
    LiveStream stream(options);
    stream.start();
    stream.run(2.5);
    return stream.stop();
  }
  /// The flashes' usual distance from their beeps, without the first ones, which wait for what is allocated once.
  static double usual_offset(const LiveReport& report) {
    const std::size_t start = std::min<std::size_t>(3, report.offsets.size());
    return median({report.offsets.begin() + std::ptrdiff_t(start), report.offsets.end()});
  }
};

TEST_P(FlashAndBeepTest, AreSeenAndHeardTogether) {
  // Another program may take the machine for a while, three times in a row hardly; a latency that is not told is
  // missing every time.
  LiveReport report;
  for (int attempt = 0; attempt < 3; ++attempt) {
    report = measure(GetParam().description, GetParam().frames_per_second);
    ASSERT_EQ(report.error, "");
    if (report.flashes >= 6 && std::abs(usual_offset(report)) <= 10) break;
  }
  EXPECT_GE(report.flashes, 6) << to_text(report);
  EXPECT_LE(std::abs(usual_offset(report)), 10) << to_text(report);
  // Three networks of ten milliseconds each, at the very least.
  EXPECT_GE(report.first_latency, 30) << to_text(report);
}

INSTANTIATE_TEST_SUITE_P(Chains, FlashAndBeepTest,
                         ::testing::Values(LiveChain{"Bin", whole_bin, 25}, LiveChain{"Bin", whole_bin, 30},
                                           LiveChain{"Elements", single_elements, 25},
                                           LiveChain{"Elements", single_elements, 30}),
                         [](const auto& info) {
                           return std::string(info.param.name) + "At" +
                                  std::to_string(info.param.frames_per_second);
                         });

TEST_F(FlashAndBeepTest, ALatencyThatNobodyReportsIsSeen) {
  const LiveReport report =
      measure("identity sleep-time=30000 ! queue ! identity sleep-time=30000 ! videoconvert", 25);
  ASSERT_EQ(report.error, "");
  // The pictures are too late for their beeps, if they are not left out for it.
  EXPECT_TRUE(report.flashes < 6 || usual_offset(report) > 10) << to_text(report);
}

}  // namespace
}  // namespace reenact
