// SPDX-License-Identifier: LGPL-2.1-or-later
#include "training/evaluate/driven_heads.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "media/picture_file.h"
#include "reenact/error.h"
#include "reenact/model_file.h"
#include "training/data/clips_in_memory.h"

namespace reenact::training {
namespace {

constexpr int crop_side = 256;
constexpr std::size_t own_pictures = 16;
constexpr double clip_frame_rate = 12.5;  // of a data folder

/// The frame whose pose is nearest to the mean of all: a photograph that somebody would choose.
std::size_t most_typical(const std::vector<std::vector<float>>& poses) {
  std::vector<double> mean(poses.front().size());
  for (const auto& pose : poses)
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += pose[i] / static_cast<double>(poses.size());
  std::size_t nearest = 0;
  double shortest = std::numeric_limits<double>::max();
  for (std::size_t n = 0; n < poses.size(); ++n) {
    double distance = 0;
    for (std::size_t i = 0; i < mean.size(); ++i)
      distance += (poses[n][i] - mean[i]) * (poses[n][i] - mean[i]);
    if (distance < shortest) {
      shortest = distance;
      nearest = n;
    }
  }
  return nearest;
}

std::vector<HeadFrame> spread_frames(const HeadClip& clip, std::size_t wanted) {
  std::vector<HeadFrame> frames;
  for (const std::size_t i : spread_indices(clip.frames.size(), wanted)) frames.push_back(clip.frames[i]);
  return frames;
}

/// "FILE=PERSON", or "FILE" alone. A file whose own name has that sign is found as it is.
std::pair<std::string, std::string> file_and_person(const std::string& text) {
  const auto sign = text.rfind('=');
  std::error_code ignored;
  if (sign == std::string::npos || std::filesystem::exists(text, ignored)) return {text, ""};
  return {text.substr(0, sign), text.substr(sign + 1)};
}

}  // namespace

std::vector<std::size_t> spread_indices(std::size_t count, std::size_t wanted) {
  if (wanted == 0 || wanted > count) wanted = count;
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < wanted; ++i) indices.push_back((2 * i + 1) * count / (2 * wanted));
  return indices;
}

DrivenHeads::DrivenHeads(const DrivenHeadsOptions& options) : mode_(options.mode) {
  const auto model = find_model(options.model.string());
  landmark_head_ = load_landmark_head(model);
  pose_encoder_ = load_pose_encoder(model, options.engine);
  generator_ = load_generator(model, options.engine);
  read_drivers(options);
  for (const auto& text : options.identities) add_file(text, options);
  if (options.learn > 0) identity_encoder_ = load_identity_encoder(model, options.engine);
  int learned = 0;
  for (const auto& driver : drivers_)
    if (learned++ < options.learn) learn(driver);
  if (subjects_.empty())
    throw Error(ErrorCode::invalid, "no identity was given, wanted --identity FILE or --learn NUMBER");
  driving_ = drivers_.size();
  if (options.drivers > 0) driving_ = std::min(driving_, static_cast<std::size_t>(options.drivers));
}

void DrivenHeads::read_drivers(const DrivenHeadsOptions& options) {
  const ClipsInMemory data(options.data, crop_side, {"val", false, false, 1});
  for (const auto& clip : data.clips()) {
    Driver driver{clip, {}};
    for (const auto& frame : clip.frames) {
      driver.poses.emplace_back(static_cast<std::size_t>(pose_encoder_->embedding_size()));
      pose_encoder_->encode(frame.rgb, driver.poses.back());
    }
    drivers_.push_back(std::move(driver));
  }
  spdlog::info("{} clips to drive with, poses by {}", drivers_.size(), pose_encoder_->active_engine());
}

void DrivenHeads::add_file(const std::string& text, const DrivenHeadsOptions& options) {
  const auto [file, person] = file_and_person(text);
  const auto path = find_model(file);
  Subject subject{path.stem().string(), person, load_identity(path), {}, false};
  if (!person.empty()) {
    for (const auto& driver : drivers_)
      if (driver.clip.person == person)
        for (const auto& frame : spread_frames(driver.clip, own_pictures)) subject.pictures.push_back(frame);
    if (subject.pictures.empty())
      throw Error(ErrorCode::invalid, "'" + options.data.string() + "' has no clip of '" + person +
                                          "' in split val, wanted one to compare '" + path.string() +
                                          "' with");
    subject.real = true;
  } else {
    if (subject.identity->neutral_pose.size() != static_cast<std::size_t>(generator_->pose_embedding_size()))
      throw Error(ErrorCode::invalid,
                  "'" + path.string() +
                      "' has no resting pose that fits the model, wanted one to draw the identity's own "
                      "picture in, or a person of split val as FILE=PERSON");
    generator_->set_identity(subject.identity);
    HeadFrame frame;
    frame.rgb = head_of(subject.identity->neutral_pose);
    subject.pictures.push_back(frame);
  }
  subjects_.push_back(std::move(subject));
}

void DrivenHeads::learn(const Driver& driver) {
  const std::size_t chosen = most_typical(driver.poses);
  auto identity = std::make_shared<Identity>();
  identity->name = driver.clip.person;
  const cv::Mat crop = driver.clip.frames[chosen].rgb;
  identity->embedding = identity_encoder_->encode({&crop, 1});
  identity->neutral_pose = driver.poses[chosen];
  identity->thumbnail = crop;
  Subject subject{driver.clip.person + " learned", driver.clip.person, identity, {}, true};
  for (const std::size_t i : spread_indices(driver.clip.frames.size(), own_pictures))
    if (i != chosen) subject.pictures.push_back(driver.clip.frames[i]);
  if (subject.pictures.empty()) subject.pictures.push_back(driver.clip.frames[chosen]);
  subjects_.push_back(std::move(subject));
}

cv::Mat DrivenHeads::head_of(const std::vector<float>& pose) {
  return without_alpha(generator_->generate(pose, AlphaMode::premultiplied));
}

std::vector<cv::Mat> DrivenHeads::draw(const Subject& subject, const Driver& driver,
                                       const std::vector<std::size_t>& frames) {
  generator_->set_identity(subject.identity);
  PoseMapper mapper;
  mapper.set_landmark_head(landmark_head_);
  std::vector<cv::Mat> heads;
  // The mapper sees every frame, drawn or not, as it does in a stream.
  for (std::size_t i = 0; i < driver.poses.size() && heads.size() < frames.size(); ++i) {
    const Sighting sighting{static_cast<double>(i) / clip_frame_rate, 0, false};
    const auto pose = mapper.map(driver.poses[i], subject.identity->neutral_pose, mode_, 1.0, sighting);
    if (i == frames[heads.size()]) heads.push_back(head_of({pose.begin(), pose.end()}));
  }
  return heads;
}

}  // namespace reenact::training
