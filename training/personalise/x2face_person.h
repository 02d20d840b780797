// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <vector>

#include "reenact/identity.h"
#include "training/data/head_clip.h"

namespace reenact::training {

/// Nothing of X2Face is tuned to a person: a person is up to so many pictures, with their background.
inline constexpr std::size_t most_x2face_sources = 8;

/// The first of the shuffled pictures (head crops of 1.8 times the face box) as X2Face sees them: RGB CV_8UC3 `size` square.
std::vector<cv::Mat> choose_x2face_sources(const std::vector<HeadFrame>& pictures, int size,
                                           std::uint64_t seed);

/// Writes an identity file with `sources` uint8 [N, size, size, 3]. Of `identity` name, consent and licence count. Throws
/// Error as save_identity() does.
void save_x2face_person(const std::filesystem::path& path, Identity identity,
                        const std::vector<cv::Mat>& sources, const nlohmann::json& provenance);
/// Throws Error: as ModelFile does, and wrong_kind for an identity without such sources of that size.
std::vector<cv::Mat> load_x2face_person(const std::filesystem::path& path, int size);

}  // namespace reenact::training
