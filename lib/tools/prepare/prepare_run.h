// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tools/prepare/clip_preparer.h"
#include "tools/prepare/data_tables.h"

namespace reenact::tools {

struct PrepareOptions {
  std::vector<std::filesystem::path> sources;
  std::filesystem::path output;
  std::string prefix;  ///< of ids and people, to keep several collections apart
  Shard shard;
  int jobs = 1;                    ///< sources at a time, each in a thread of its own
  double validation_share = 0.05;  ///< of the people, chosen by their names
  bool ship = false;               ///< the media may be used for models that are given away
  std::string licence;             ///< of the media, in words
  ClipOptions clip;
};

/// What one run did.
struct PrepareSummary {
  int made = 0;     ///< clips, and sources without a picture worth keeping
  int resumed = 0;  ///< found whole from an earlier run
  int failed = 0;   ///< sources that could not be read; each is named in a warning and in the report
  bool stopped = false;
  DataTotals totals;  ///< of the whole folder
};

/// Turns clips and picture folders into a data set (docs/training.md, "Data"). What an earlier run with the
/// same settings made whole, by the hashes of its records, stays. `stopped` is asked between pictures; a run
/// that was stopped keeps what is whole. Throws Error when the output cannot be written and as ClipPreparer()
/// and list_sources() do.
PrepareSummary prepare_data(const PrepareOptions& options, const std::function<bool()>& stopped);

/// Whether a person belongs to split "val": the same answer for ever.
bool is_validation_person(const std::string& person, double share);

}  // namespace reenact::tools
