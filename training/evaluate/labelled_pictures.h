// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "training/evaluate/retrieval.h"

namespace reenact::training {

/// A picture on disk and what is known of it.
struct LabelledPicture {
  std::filesystem::path file;
  std::string name;  ///< within its data, of one picture alone
  RetrievalEntry entry;
};
struct LabelledPictures {
  std::vector<LabelledPicture> pictures;
  bool already_cropped = false;  ///< they are head crops of 1.8 times the face box
};

/// Reads a data set for retrieval:
///
/// - "multipie": Multi-PIE as distributed, `[data/]session0S/multiview/<subject>/<recording>/<camera>/*.png`. Labels are the
///   six expressions, groups the seven cameras of the paper, shots the twenty flashes of one recording;
/// - "pairs": portraits of a data folder of ours (`stills.tsv`) of people with a neutral (`NNN_03.jpg`) and a smiling
///   (`NNN_08.jpg`) picture, the Face Research Lab London set; one group, already cropped;
/// - "table": `folder` is a table of tab-separated values with the columns `file`, `label`, and where wanted `group`,
///   `person` and `shot`; files are relative to the table's folder.
///
/// In order of their names. Throws Error: not_found, unreadable, and invalid for another layout and for a folder without such
/// pictures.
LabelledPictures read_labelled_pictures(const std::filesystem::path& folder, const std::string& layout);

}  // namespace reenact::training
