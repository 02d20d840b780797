// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <mutex>
#include <set>

namespace reenact::media {

/// Counts what a decoder swallows: decoders pass over a broken packet without a message.
///
/// A packet with a time is lost when no frame of that time comes out. Packets without are counted against frames whose
/// time belongs to no packet.
class PacketCount {
 public:
  /// Watches a decoder that has one sink and one source pad and is not running yet. The count must outlive it.
  void watch(GstElement* decoder);
  /// Packets that gave no frame; meaningful after the last one.
  std::int64_t lost() const;

 private:
  static GstPadProbeReturn packet_comes(GstPad*, GstPadProbeInfo* info, gpointer self);
  static GstPadProbeReturn frame_leaves(GstPad*, GstPadProbeInfo* info, gpointer self);

  mutable std::mutex mutex_;
  std::multiset<GstClockTime> waiting_;
  std::int64_t without_time_ = 0, frames_of_no_packet_ = 0;
};

}  // namespace reenact::media
