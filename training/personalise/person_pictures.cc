// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/personalise/person_pictures.h"

#include <spdlog/spdlog.h>

#include <opencv2/imgproc.hpp>

#include "offline/picture_source.h"
#include "reenact/crop.h"
#include "reenact/error.h"
#include "reenact/model_file.h"

namespace reenact::training {
namespace {

/// Finds heads and their masks in one source after the other.
class HeadReader {
 public:
  HeadReader(const PersonSources& sources, int size, const EngineOptions& engine)
      : sources_(sources), size_(size), loader_crop_(sources.cropper.loader_crop) {
    // The authors crop a second time when they load a picture together with its mask.
    sources_.cropper.loader_crop = false;
    cropper_ = std::make_unique<FaceCropper>(sources_.cropper, engine);
    if (sources_.masks.empty()) segmenter_ = load_segmenter(find_model(sources_.segmenter), engine);
  }

  std::vector<HeadFrame> read(std::size_t source, std::size_t& faceless) {
    std::vector<std::int64_t> numbers;
    const auto& path = sources_.paths[source];
    const auto pictures = reader_.read(path, sources_.pictures_per_source, &numbers);
    std::vector<HeadFrame> frames;
    if (pictures.empty()) return frames;
    const auto masks = read_masks(source, pictures.size());
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      if (pictures[i].empty() || (!segmenter_ && masks[i].empty())) continue;
      cropper_->reset();  // pictures far apart in time say nothing about each other's box
      HeadFrame frame;
      frame.rgb = cropper_->crop(pictures[i], size_, 0).clone();
      if (frame.rgb.empty()) {
        ++faceless;
        continue;
      }
      frame.mask = segmenter_ ? segmenter_->segment(frame.rgb).clone() : masks[i];
      if (loader_crop_) {
        frame.rgb = recrop_as_loader(frame.rgb, size_);
        frame.mask = recrop_mask_as_loader(frame.mask, size_);
      }
      if (sources_.descriptors)
        if (const auto* found =
                sources_.descriptors->find(path.stem().string(), static_cast<std::size_t>(numbers[i])))
          frame.descriptor = *found;
      frames.push_back(std::move(frame));
    }
    return frames;
  }
  /// Throws the first error when not one source could be read.
  void require_one() const { reader_.require_one(); }

 private:
  std::vector<cv::Mat> read_masks(std::size_t source, std::size_t count) {
    std::vector<cv::Mat> masks;
    if (segmenter_) return masks;
    for (const auto& picture : spread_pictures(sources_.masks[source], sources_.pictures_per_source)) {
      auto& mask = masks.emplace_back();
      if (picture.empty()) continue;
      cv::extractChannel(picture, mask, 1);
      cv::resize(mask, mask, {size_, size_}, 0, 0, mask.rows > size_ ? cv::INTER_AREA : cv::INTER_LINEAR);
    }
    if (masks.size() != count)
      throw Error(ErrorCode::invalid, "'" + sources_.masks[source].string() + "' has " +
                                          std::to_string(masks.size()) + " masks, wanted " +
                                          std::to_string(count) + ", one for each picture of '" +
                                          sources_.paths[source].string() + "'");
    return masks;
  }

  PersonSources sources_;
  int size_;
  bool loader_crop_;
  SpreadReader reader_;
  std::unique_ptr<FaceCropper> cropper_;
  std::unique_ptr<Segmenter> segmenter_;
};

}  // namespace

PersonPictures load_person_pictures(const PersonSources& sources, int size, const EngineOptions& engine) {
  if (!sources.masks.empty() && sources.masks.size() != sources.paths.size())
    throw Error(ErrorCode::invalid, "found " + std::to_string(sources.masks.size()) +
                                        " sources of masks, wanted one for each of the " +
                                        std::to_string(sources.paths.size()) + " sources of pictures");
  if (!sources.masks.empty() && !sources.cropper.already_cropped)
    throw Error(ErrorCode::invalid, "masks belong to crops: wanted --already-cropped with --masks");
  HeadReader reader(sources, size, engine);
  PersonPictures pictures;
  for (std::size_t i = 0; i < sources.paths.size(); ++i) {
    const auto frames = reader.read(i, pictures.faceless);
    constexpr std::size_t part = 6;
    // The end, not every sixth: neighbours in a clip are so alike that they would test nothing.
    const auto kept = frames.size() - frames.size() / part;
    pictures.training.insert(pictures.training.end(), frames.begin(),
                             frames.begin() + static_cast<std::ptrdiff_t>(kept));
    pictures.held_out.insert(pictures.held_out.end(), frames.begin() + static_cast<std::ptrdiff_t>(kept),
                             frames.end());
  }
  reader.require_one();
  if (pictures.training.empty())
    throw Error(ErrorCode::invalid, "found no face in '" + sources.paths.front().string() +
                                        (sources.paths.size() > 1 ? "' and the other sources" : "'") +
                                        ", wanted at least one picture with a face");
  if (pictures.faceless > 0) spdlog::warn("no face in {} pictures, which are left out", pictures.faceless);
  return pictures;
}

}  // namespace reenact::training
