// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/pose_source.h"

#include "offline/picture_source.h"
#include "reenact/crop.h"

namespace reenact::tools {
namespace {

namespace fs = std::filesystem;

class TrackPoses : public PoseSource {
 public:
  explicit TrackPoses(const fs::path& path) : track_(load_pose_track(path)) {}
  std::optional<Frame> next() override {
    if (index_ >= track_.poses.size()) return {};
    Frame frame{track_.poses[index_], track_.timestamps[index_], {}, false, 0, {}};
    if (!track_.placements.empty()) {
      frame.placement = track_.placements[index_];
      frame.held = !frame.placement->found;
    }
    ++index_;
    return frame;
  }
  double frame_rate() const override { return track_.frame_rate(); }

 private:
  PoseTrack track_;
  std::size_t index_ = 0;
};

class PicturePoses : public PoseSource {
 public:
  PicturePoses(const fs::path& driver, PoseEncoder& encoder, FaceCropper& cropper,
               const FaceCropperOptions& options)
      : encoder_(encoder), cropper_(cropper), options_(options), source_(driver) {}

  std::optional<Frame> next() override {
    const auto picture = source_.next();
    if (!picture) return {};
    const auto face = cropper_.find(picture->rgb, static_cast<double>(picture->timestamp) / 1e9);
    cv::Mat crop;
    if (face) {
      crop = cropper_.cut(picture->rgb, face->box, encoder_.image_size());
      last_pose_.resize(static_cast<std::size_t>(encoder_.embedding_size()));
      encoder_.encode(crop, last_pose_);
      last_face_ = face->track_id;
      const auto size = picture->rgb.size();
      placement_ = {
          options_.already_cropped ? cv::Rect({}, size) : crop_window(face->box, options_.crop_scale), size};
    }
    if (placement_) placement_->found = face.has_value();
    return Frame{last_pose_, picture->timestamp, crop, !face, last_face_, placement_};
  }
  double frame_rate() const override { return source_.frame_rate(); }

 private:
  PoseEncoder& encoder_;
  FaceCropper& cropper_;
  FaceCropperOptions options_;
  PictureSource source_;
  std::vector<float> last_pose_;
  unsigned last_face_ = 0;
  std::optional<FacePlacement> placement_;
};

}  // namespace

std::unique_ptr<PoseSource> PoseSources::open(const fs::path& driver) {
  if (driver.extension() == ".safetensors") return std::make_unique<TrackPoses>(driver);
  if (!encoder_) {
    encoder_ = load_pose_encoder(model_, engine_);
    cropper_ = std::make_unique<FaceCropper>(cropper_options_, engine_);
  }
  cropper_->reset();
  return std::make_unique<PicturePoses>(driver, *encoder_, *cropper_, cropper_options_);
}

}  // namespace reenact::tools
