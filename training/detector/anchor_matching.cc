// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/detector/anchor_matching.h"

#include <algorithm>
#include <cmath>

#include "reenact/s3fd_postprocess.h"

namespace reenact::training {
namespace {

struct Candidate {
  float overlap;
  std::size_t anchor;
};

float intersection(const FaceBox& a, const FaceBox& b) {
  const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

/// Anchors that overlap the face at all by more than `least`, best first.
std::vector<Candidate> candidates_of(const FaceBox& face, std::span<const Anchor> anchors, float least) {
  std::vector<Candidate> found;
  for (std::size_t i = 0; i < anchors.size(); ++i) {
    const float overlap = intersection_over_union(anchors[i].box(), face);
    if (overlap > least) found.push_back({overlap, i});
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Candidate& a, const Candidate& b) { return a.overlap > b.overlap; });
  return found;
}

}  // namespace

std::vector<Anchor> make_anchors(std::span<const MapSize> maps) {
  std::vector<Anchor> anchors;
  for (const auto& map : maps) {
    for (int y = 0; y < map.height; ++y) {
      for (int x = 0; x < map.width; ++x) {
        const auto center = [&](int index) {
          return map.stride / 2.f + static_cast<float>(index * map.stride);
        };
        anchors.push_back({center(x), center(y), 4.f * map.stride});
      }
    }
  }
  return anchors;
}

std::array<float, 4> encode_box(const FaceBox& box, const Anchor& anchor) {
  return {((box.left + box.right) / 2 - anchor.center_x) / anchor.side / 0.1f,
          ((box.top + box.bottom) / 2 - anchor.center_y) / anchor.side / 0.1f,
          std::log(box.width() / anchor.side) / 0.2f, std::log(box.height() / anchor.side) / 0.2f};
}

AnchorTargets match_anchors(std::span<const Anchor> anchors, std::span<const FaceBox> faces,
                            std::span<const FaceBox> ignore, const MatchOptions& options) {
  constexpr std::size_t nobody = -1;
  std::vector<std::size_t> owner(anchors.size(), nobody);
  std::vector<float> owner_overlap(anchors.size(), 0);
  std::vector<std::vector<Candidate>> candidates;
  std::vector<std::size_t> matched(faces.size(), 0);

  for (std::size_t f = 0; f < faces.size(); ++f) {
    candidates.push_back(
        candidates_of(faces[f], anchors, std::min(options.overlap, options.compensation_overlap)));
    for (const auto& candidate : candidates.back()) {
      if (candidate.overlap > options.overlap && candidate.overlap > owner_overlap[candidate.anchor]) {
        owner[candidate.anchor] = f;
        owner_overlap[candidate.anchor] = candidate.overlap;
      }
    }
  }
  const auto give = [&](std::size_t anchor, std::size_t face, float overlap) {
    owner[anchor] = face;
    owner_overlap[anchor] = overlap;
  };
  for (std::size_t f = 0; f < faces.size(); ++f) {
    if (!candidates[f].empty()) give(candidates[f].front().anchor, f, 2.f);  // 2: nobody takes it away
  }
  std::size_t total = 0;
  for (const auto face : owner) {
    if (face == nobody) continue;
    ++matched[face];
    ++total;
  }
  const std::size_t wanted = faces.empty() ? 0 : (total + faces.size() / 2) / faces.size();
  for (std::size_t f = 0; f < faces.size(); ++f) {
    for (const auto& candidate : candidates[f]) {
      if (matched[f] >= wanted || candidate.overlap <= options.compensation_overlap) break;
      if (owner[candidate.anchor] != nobody) continue;
      give(candidate.anchor, f, candidate.overlap);
      ++matched[f];
    }
  }

  AnchorTargets targets;
  targets.labels.assign(anchors.size(), AnchorTargets::background);
  targets.offsets.assign(anchors.size(), {});
  for (std::size_t i = 0; i < anchors.size(); ++i) {
    if (owner[i] != nobody) {
      targets.labels[i] = AnchorTargets::face;
      targets.offsets[i] = encode_box(faces[owner[i]], anchors[i]);
      continue;
    }
    const auto box = anchors[i].box();
    for (const auto& unsure : ignore) {
      const bool covered =
          intersection(box, unsure) > options.ignore_cover * anchors[i].side * anchors[i].side;
      if (covered || intersection_over_union(box, unsure) > options.ignore_overlap)
        targets.labels[i] = AnchorTargets::ignored;
    }
  }
  return targets;
}

}  // namespace reenact::training
