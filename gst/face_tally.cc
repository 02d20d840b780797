// SPDX-License-Identifier: LGPL-2.1-or-later
#include "face_tally.h"

namespace reenact {
namespace {

constexpr int first_seconds = 5;
constexpr const char* wanted = "; wanted one that is upright and in view (detect-size finds smaller ones)";

}  // namespace

std::optional<std::string> FaceTally::count(bool found, double seconds) {
  if (frames_ == 0) begin_ = seconds;
  ++frames_;
  if (found) ++frames_with_face_;
  if (said_ || frames_with_face_ > 0 || seconds - begin_ < first_seconds) return std::nullopt;
  said_ = true;
  return "no face was found in the first " + std::to_string(first_seconds) + " seconds, " +
         std::to_string(frames_) + " frames" + wanted;
}

std::optional<std::string> FaceTally::at_end() {
  if (said_ || frames_ == 0 || frames_with_face_ * 10 > frames_) return std::nullopt;
  said_ = true;
  if (frames_with_face_ == 0)
    return "no face was found in any of the " + std::to_string(frames_) + " frames" + wanted;
  return "a face was found in only " + std::to_string(frames_with_face_) + " of " + std::to_string(frames_) +
         " frames" + wanted;
}

}  // namespace reenact
