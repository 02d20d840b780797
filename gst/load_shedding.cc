// SPDX-License-Identifier: LGPL-2.1-or-later
#include "load_shedding.h"

#include <algorithm>

namespace reenact {
namespace {

constexpr GstClockTime usual_duration = GST_SECOND / 25;
constexpr int span = 250;  // frames
constexpr int start_up_frames =
    25;  // may wait for each other: the first ones pay for negotiation and allocations
// Sinks take a picture that is a little late.
constexpr GstClockTime tolerated = 10 * GST_MSECOND;
// A frame that was not begun after that long was left out on its way, and nobody waits for it.
constexpr GstClockTime longest_wait = GST_SECOND / 4;

}  // namespace

GstClockTimeDiff LoadShedding::usual_lateness(GstClockTimeDiff lateness) {
  if (++frames_ > span) {
    frames_ = 0;
    least_before_ = least_now_;
    least_now_ = G_MAXINT64;
  }
  least_now_ = std::min(least_now_, lateness);
  // A source may promise less than it holds; that is no reason to leave out all of its frames.
  return std::max<GstClockTimeDiff>(0, std::min(least_now_, least_before_));
}

bool LoadShedding::too_late(GstClockTime time, GstClockTime now, GstClockTime upstream,
                            GstClockTime duration) {
  const GstClockTime frame = GST_CLOCK_TIME_IS_VALID(duration) && duration > 0 ? duration : usual_duration;
  const GstClockTimeDiff lateness = GST_CLOCK_DIFF(time + upstream, now);
  if (arrivals_ < start_up_frames) ++arrivals_;
  const bool stale = lateness - usual_lateness(lateness) > GstClockTimeDiff(2 * frame);
  // Now and then one is taken all the same: a source that has fallen behind for good is still to be seen.
  if (stale && GST_CLOCK_TIME_IS_VALID(pushed_) && now < pushed_at_ + longest_wait) return true;

  const GstClockTime begun = begun_;
  if (arrivals_ < start_up_frames) return false;
  if (!GST_CLOCK_TIME_IS_VALID(begun) || !GST_CLOCK_TIME_IS_VALID(pushed_) || now > pushed_at_ + longest_wait)
    return false;
  if (late_ && GST_CLOCK_TIME_IS_VALID(before_) && drawn_ < before_) return true;
  // One may wait for a moment, so that the generator need not wait; two are a queue.
  const bool one_waits = begun < pushed_, two_wait = GST_CLOCK_TIME_IS_VALID(before_) && begun < before_;
  return (two_wait && now > pushed_at_ + frame / 2) || (one_waits && now > pushed_at_ + frame);
}

void LoadShedding::pushed(GstClockTime time, GstClockTime now) {
  before_ = pushed_;
  pushed_ = time;
  pushed_at_ = now;
}

void LoadShedding::drawn(GstClockTime time, GstClockTime late) {
  drawn_ = time;
  late_ = late > tolerated;
}

void LoadShedding::reset() {
  late_ = false;
  drawn_ = begun_ = pushed_ = before_ = GST_CLOCK_TIME_NONE;
  frames_ = arrivals_ = 0;
  least_now_ = least_before_ = G_MAXINT64;
}

}  // namespace reenact
