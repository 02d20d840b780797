// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cpu/prepared_generator.h"
#include "reenact/engine.h"
#include "reenact/identity.h"

namespace reenact::cpu {

/// The generator on oneDNN convolutions. All memory is planned when it is made: generate() allocates nothing
/// itself. The same numbers come out for any number of threads.
class Generator : public reenact::Generator {
 public:
  /// Makes ready the network of a person: the file's, or the one with the person's own weights.
  using NetworkSource = std::function<std::shared_ptr<const PreparedGenerator>(const Identity*)>;
  /// Sees what a convolution takes in, channels last: the layer's name, float values, pixels, channels. fp32
  /// only.
  using Observer = std::function<void(const std::string&, const float*, int pixels, int channels)>;

  /// `threads` as in EngineOptions.
  Generator(NetworkSource source, int threads);
  ~Generator() override;

  std::string active_device() const override { return "cpu"; }
  std::string active_engine() const override;
  int image_size() const override { return network_->config.image_size; }
  int pose_embedding_size() const override { return network_->config.pose_embedding_size; }
  int identity_embedding_size() const override { return network_->config.identity_embedding_size; }

  /// The same without conversion to bytes: `out` [size, size, 4] gets colours in (-0.25, 1.25), not
  /// multiplied by the mask, and the mask in (0, 1).
  void generate_floats(std::span<const float> pose, std::span<float> out);
  /// What the MLP makes of the current identity and a pose: [coefficients] of all AdaIN layers.
  std::vector<float> affine_coefficients(std::span<const float> pose);
  void set_observer(Observer observer) { observer_ = std::move(observer); }

  int threads() const { return threads_; }
  Arithmetic arithmetic() const { return network_->arithmetic; }

 protected:
  void do_set_identity(std::shared_ptr<const Identity> identity) override;
  cv::Mat do_generate(std::span<const float> pose, AlphaMode alpha) override;

 private:
  struct StageWorkspaces;
  // Where the pieces of the one block of memory are.
  struct Plan {
    std::size_t maps[2], middle, source, skip_source, partials, scale, shift, hidden, affine, end;
    std::size_t slot_bytes, slot_sums, slot_skip_sums, slot_scratch;
  };

  void use(std::shared_ptr<const PreparedGenerator> network);
  void make_plan();
  void project(std::span<const float> pose);
  void draw(std::span<const float> pose, float* floats, std::uint8_t* bytes, AlphaMode alpha);
  void set_normaliser(const PreparedGenerator::Stage& stage);
  void normalise(const PreparedGenerator::Stage& stage, const PreparedGenerator::Stage* next,
                 const void* map);
  void convolve(std::size_t stage_index, const void* block_input, void* out);
  void finish(std::size_t stage_index, float* floats, std::uint8_t* bytes, AlphaMode alpha);
  /// Whether a skip takes the stored map as it is.
  bool reads_map(const GeneratorLayer& skip) const {
    return skip.arithmetic() == Arithmetic::f32 && network_->storage == Storage::f32;
  }
  void reduce_statistics(const GeneratorLayer& layer);
  std::byte* slot(int index) { return memory_.data() + plan_.end + index * plan_.slot_bytes; }

  NetworkSource network_source_;
  int threads_;
  std::shared_ptr<const PreparedGenerator> network_;
  std::vector<float> identity_hidden_;  // the identity's share of the hidden layer, bias included
  const ElementwiseKernels* kernels_;
  Plan plan_{};
  AlignedBuffer memory_;
  std::vector<StageWorkspaces> workspaces_;  // [stage]
  std::vector<double> mean_, variance_;      // of the map drawn last
  cv::Mat picture_;
  Observer observer_;
};

}  // namespace reenact::cpu
