// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/recogniser/face_pairs.h"

#include "training/data/face_alignment.h"

namespace reenact::training {

ValidationFaces validation_faces(const std::vector<HeadClip>& clips, int image_size) {
  ValidationFaces all;
  for (std::size_t c = 0; c < clips.size(); ++c)
    for (std::size_t f = 0; f < clips[c].frames.size(); ++f) {
      const auto& frame = clips[c].frames[f];
      if (frame.landmarks.empty()) continue;
      all.faces.push_back(aligned_face(frame.rgb, frame.landmarks, image_size, frame.mask));
      all.origins.push_back({clips[c].person, c, f});
      all.frames.push_back(&frame);
    }
  return all;
}

VerificationFigures verify(const torch::Tensor& first, const torch::Tensor& second,
                           const std::vector<ValidationFaces::Origin>& origins, std::size_t least_gap) {
  const auto similarity = torch::matmul(first.to(torch::kFloat), second.to(torch::kFloat).t()).contiguous();
  const auto scores = similarity.accessor<float, 2>();
  std::vector<double> same, different;
  for (std::size_t i = 0; i < origins.size(); ++i)
    for (std::size_t j = 0; j < origins.size(); ++j) {
      const double score = scores[static_cast<std::int64_t>(i)][static_cast<std::int64_t>(j)];
      const auto &a = origins[i], &b = origins[j];
      const std::size_t gap = a.frame > b.frame ? a.frame - b.frame : b.frame - a.frame;
      if (a.person != b.person)
        different.push_back(score);
      else if (a.clip != b.clip || (i != j && gap >= least_gap))
        same.push_back(score);
    }
  return verification_figures(std::move(same), std::move(different));
}

}  // namespace reenact::training
