// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <filesystem>
#include <functional>
#include <string>

namespace reenact {

/// A dry run of a network on made-up input.
struct Rehearsal {
  std::string input;  ///< what its time depends on besides model, engine and machine, in a few words
  std::function<void()> frame;  ///< runs the network once
};

/// How a dry run is timed.
struct RehearsalOptions {
  int runs = 6;                       ///< where nothing is remembered; at least 2
  std::filesystem::path folder = {};  ///< where times are remembered; empty: $XDG_CACHE_HOME/reenact/timing
};

/// The time that `frame`, a dry run of a network on made-up input, needs: the longest but one of a few runs, after
/// one that pays for what is allocated once.
///
/// What was measured is kept in a file of the folder for the same `engine`, model file (an empty path where there is
/// none) and machine, so that a pipeline that starts again only warms up; where even that is much faster than what is
/// remembered, the machine was busy then, and all is measured anew. A folder that cannot be written to costs the runs
/// every time, and nothing else. May throw what `frame` throws.
GstClockTime rehearsed_time(const std::string& engine, const std::filesystem::path& model,
                            const std::function<void()>& frame, const RehearsalOptions& options = {});

}  // namespace reenact
