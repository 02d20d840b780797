// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/generator.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cpu/kernels/instruction_set.h"
#include "cpu/single_threaded_onednn.h"
#include "cpu/worker_pool.h"
#include "reenact/identity.h"
#include "reenact/safetensors.h"

namespace reenact::cpu {
namespace {

// The epsilon of InstanceNorm2d in the released code.
constexpr double normalisation_epsilon = 1e-4;

int storage_index(Storage storage) {
  return storage == Storage::f32 ? 0 : 1;
}
int arithmetic_index(Arithmetic arithmetic) {
  return static_cast<int>(arithmetic);
}

template <typename T>
T* at(AlignedBuffer& memory, std::size_t offset) {
  return reinterpret_cast<T*>(memory.data() + offset);
}

}  // namespace

// What the threads need for a stage's convolutions, one element for each thread (slot).
struct Generator::StageWorkspaces {
  std::vector<GeneratorLayer::Workspace> layer, skip;
};

Generator::Generator(NetworkSource source, int threads)
    : network_source_(std::move(source)),
      threads_(WorkerPool::shared().reserve(threads)),
      kernels_(&elementwise_kernels(instruction_set())) {
  use(network_source_(nullptr));
}

Generator::~Generator() = default;

std::string Generator::active_engine() const {
  return engine_name(network_->arithmetic);
}

void Generator::use(std::shared_ptr<const PreparedGenerator> network) {
  if (network == network_) return;
  network_ = std::move(network);
  make_plan();
  mean_.resize(network_->coefficients);
  variance_.resize(network_->coefficients);
  identity_hidden_.resize(network_->hidden);
  picture_ = cv::Mat::zeros(network_->config.image_size, network_->config.image_size, CV_8UC4);
}

void Generator::make_plan() {
  SingleThreadedOneDnn single_threaded;
  std::size_t maps[2] = {0, 0}, middle = 0, source = 0, skip_source = 0, partials = 0, sums = 0,
              skip_sums = 0, scratch = 0;
  const std::size_t value = size_of(network_->storage);
  int map = 0, channels = 0;
  for (std::size_t i = 0; i < network_->stages.size(); ++i) {
    const PreparedGenerator::Stage& stage = network_->stages[i];
    const GeneratorLayer::Geometry& geometry = stage.layer.geometry();
    const std::size_t area = static_cast<std::size_t>(geometry.height) * geometry.width;
    const std::size_t out = area * geometry.out_channels * stage.layer.phases() * value;
    const bool last_of_block = stage.adds_block_input || stage.skip;
    if (last_of_block) {
      maps[map] = std::max(maps[map], out);
      map ^= 1;
    } else {
      middle = std::max(middle, out);
    }
    source = std::max(source, size_of(stage.layer.arithmetic()) * geometry.in_channels * geometry.width *
                                  (geometry.height + 2));
    partials = std::max(partials, sizeof(float) * 2 * stage.layer.parts() * geometry.out_channels);
    channels = std::max({channels, geometry.in_channels, geometry.out_channels});
    sums = std::max(sums, stage.layer.sums_bytes());
    scratch = std::max(scratch, stage.layer.scratch_bytes());
    if (stage.skip) {
      const GeneratorLayer::Geometry& skip = stage.skip->geometry();
      skip_source = std::max(skip_source,
                             size_of(stage.skip->arithmetic()) * skip.in_channels * skip.width * skip.height);
      skip_sums = std::max(skip_sums, stage.skip->sums_bytes());
      scratch = std::max(scratch, stage.skip->scratch_bytes());
    }
  }
  std::size_t used = 0;
  const auto place = [&used](std::size_t bytes) {
    const std::size_t offset = used;
    used += AlignedBuffer::padded(bytes);
    return offset;
  };
  plan_.maps[0] = place(maps[0]);
  plan_.maps[1] = place(maps[1]);
  plan_.middle = place(middle);
  plan_.source = place(source);
  plan_.skip_source = place(skip_source);
  plan_.partials = place(partials);
  plan_.scale = place(sizeof(float) * channels);
  plan_.shift = place(sizeof(float) * channels);
  plan_.hidden = place(sizeof(float) * network_->hidden);
  plan_.affine = place(sizeof(float) * network_->coefficients);
  plan_.end = used;
  plan_.slot_sums = 0;
  plan_.slot_skip_sums = AlignedBuffer::padded(sums);
  plan_.slot_scratch = plan_.slot_skip_sums + AlignedBuffer::padded(skip_sums);
  // One cache line between slots, so that two threads never write to the same line.
  plan_.slot_bytes = plan_.slot_scratch + AlignedBuffer::padded(scratch) + AlignedBuffer::alignment;
  memory_ = AlignedBuffer(plan_.end + plan_.slot_bytes * threads_);

  workspaces_.clear();
  for (const PreparedGenerator::Stage& stage : network_->stages) {
    StageWorkspaces& workspaces = workspaces_.emplace_back();
    for (int i = 0; i < threads_; ++i) {
      std::byte* scratch_memory = slot(i) + plan_.slot_scratch;
      workspaces.layer.push_back(stage.layer.workspace(scratch_memory));
      if (stage.skip) workspaces.skip.push_back(stage.skip->workspace(scratch_memory));
    }
  }
}

void Generator::do_set_identity(std::shared_ptr<const Identity> identity) {
  use(network_source_(identity.get()));
  kernels_->multiply_f32(network_->hidden_identity.data<float>(), identity->embedding.data(),
                         network_->hidden_bias.data(), identity_hidden_.data(), network_->hidden,
                         identity_embedding_size());
}

void Generator::project(std::span<const float> pose) {
  float* hidden = at<float>(memory_, plan_.hidden);
  float* affine = at<float>(memory_, plan_.affine);
  kernels_->multiply_f32(network_->hidden_pose.data<float>(), pose.data(), identity_hidden_.data(), hidden,
                         network_->hidden, pose_embedding_size());
  for (int i = 0; i < network_->hidden; ++i) hidden[i] = std::max(hidden[i], 0.0f);
  constexpr int rows_a_task = 256;
  const int rows = network_->coefficients, columns = network_->hidden;
  WorkerPool::shared().run((rows + rows_a_task - 1) / rows_a_task, threads_, [&](int task, int) {
    const int first = task * rows_a_task, count = std::min(rows_a_task, rows - first);
    const std::size_t weight = static_cast<std::size_t>(first) * columns;
    if (network_->storage == Storage::f32) {
      kernels_->multiply_f32(network_->affine_weights.data<float>() + weight, hidden,
                             network_->affine_bias.data() + first, affine + first, count, columns);
    } else {
      kernels_->multiply_f16(network_->affine_weights.data<Half>() + weight, hidden,
                             network_->affine_bias.data() + first, affine + first, count, columns);
    }
  });
}

std::vector<float> Generator::affine_coefficients(std::span<const float> pose) {
  check_drawable(pose);
  project(pose);
  const float* affine = at<float>(memory_, plan_.affine);
  return std::vector<float>(affine, affine + network_->coefficients);
}

cv::Mat Generator::do_generate(std::span<const float> pose, AlphaMode alpha) {
  draw(pose, nullptr, picture_.data, alpha);
  return picture_;
}

void Generator::generate_floats(std::span<const float> pose, std::span<float> out) {
  check_drawable(pose);
  draw(pose, out.data(), nullptr, AlphaMode::straight);
}

void Generator::draw(std::span<const float> pose, float* floats, std::uint8_t* bytes, AlphaMode alpha) {
  SingleThreadedOneDnn single_threaded;
  project(pose);
  const void* block_input = network_->constant.data();
  std::copy(network_->constant_mean.begin(), network_->constant_mean.end(), mean_.begin());
  std::copy(network_->constant_variance.begin(), network_->constant_variance.end(), variance_.begin());
  int map = 0;
  for (std::size_t i = 0; i < network_->stages.size(); ++i) {
    const PreparedGenerator::Stage& stage = network_->stages[i];
    const bool last_of_block = stage.adds_block_input || stage.skip;
    const bool last = i + 1 == network_->stages.size();
    set_normaliser(stage);
    if (last_of_block) {
      normalise(stage, nullptr, at<std::byte>(memory_, plan_.middle));
      std::byte* out = at<std::byte>(memory_, plan_.maps[map]);
      convolve(i, block_input, out);
      block_input = out;
      map ^= 1;
    } else {
      normalise(stage, last ? nullptr : &network_->stages[i + 1], block_input);
      if (last) {
        finish(i, floats, bytes, alpha);
      } else {
        convolve(i, nullptr, at<std::byte>(memory_, plan_.middle));
      }
    }
  }
}

void Generator::set_normaliser(const PreparedGenerator::Stage& stage) {
  const float* bias = at<float>(memory_, plan_.affine) + stage.affine.offset;
  const float* weight = bias + stage.affine.channels;
  float* scale = at<float>(memory_, plan_.scale);
  float* shift = at<float>(memory_, plan_.shift);
  for (int c = 0; c < stage.affine.channels; ++c) {
    const double factor = weight[c] / std::sqrt(variance_[c] + normalisation_epsilon);
    const double steps = stage.inverse_steps.empty() ? 1.0 : stage.inverse_steps[c];
    scale[c] = static_cast<float>(factor * steps);
    shift[c] = static_cast<float>((bias[c] - mean_[c] * factor) * steps);
  }
}

void Generator::normalise(const PreparedGenerator::Stage& stage, const PreparedGenerator::Stage* next,
                          const void* map) {
  const GeneratorLayer::Geometry& geometry = stage.layer.geometry();
  const int channels = geometry.in_channels;
  const std::size_t row_values = static_cast<std::size_t>(geometry.width) * channels;
  const std::size_t row_in = row_values * size_of(network_->storage);
  const std::size_t row_out = row_values * size_of(stage.layer.arithmetic());
  const int storage = storage_index(network_->storage),
            arithmetic = arithmetic_index(stage.layer.arithmetic());
  const auto normalise_run = kernels_->normalise[storage][arithmetic];
  const float* scale = at<float>(memory_, plan_.scale);
  const float* shift = at<float>(memory_, plan_.shift);
  const PreparedGenerator::Stage* skip_stage = next && next->skip && !reads_map(*next->skip) ? next : nullptr;
  const int rows_a_task = std::max(1, std::min(geometry.height, 65536 / static_cast<int>(row_values)));
  const int tasks = (geometry.height + rows_a_task - 1) / rows_a_task;
  WorkerPool::shared().run(tasks, threads_, [&](int task, int) {
    const int first = task * rows_a_task, rows = std::min(rows_a_task, geometry.height - first);
    const std::byte* in = static_cast<const std::byte*>(map) + first * row_in;
    std::byte* out = at<std::byte>(memory_, plan_.source) + (first + 1) * row_out;
    const int pixels = rows * geometry.width;
    normalise_run(in, out, scale, shift, pixels, channels);
    // Zero padding above and below; to the left and right the convolution pads itself.
    if (first == 0) std::memset(out - row_out, 0, row_out);
    if (first + rows == geometry.height) std::memset(out + rows * row_out, 0, row_out);
    if (!skip_stage) return;
    const Arithmetic skip_arithmetic = skip_stage->skip->arithmetic();
    std::byte* skip =
        at<std::byte>(memory_, plan_.skip_source) + first * row_values * size_of(skip_arithmetic);
    if (skip_arithmetic == Arithmetic::int8) {
      kernels_->normalise[storage][arithmetic_index(Arithmetic::int8)](
          in, skip, skip_stage->skip_inverse_steps.data(), skip_stage->skip_offset.data(), pixels, channels);
    } else {
      const auto& convert = skip_arithmetic == Arithmetic::bf16 ? kernels_->to_bfloat16 : kernels_->to_float;
      convert[storage](in, skip, static_cast<std::ptrdiff_t>(pixels) * channels);
    }
  });
  if (observer_ && network_->arithmetic == Arithmetic::f32) {
    const int pixels = geometry.height * geometry.width;
    observer_(stage.name, at<float>(memory_, plan_.source) + row_values, pixels, channels);
    if (next && next->skip) {
      const std::string block = next->name.substr(0, next->name.rfind('.'));
      observer_(block + ".skip", static_cast<const float*>(map), pixels, channels);
    }
  }
}

void Generator::convolve(std::size_t stage_index, const void* block_input, void* out) {
  const PreparedGenerator::Stage& stage = network_->stages[stage_index];
  const GeneratorLayer& layer = stage.layer;
  const GeneratorLayer::Geometry& geometry = layer.geometry();
  const std::size_t value = size_of(network_->storage);
  const int factor = geometry.upsample ? 2 : 1;
  const int out_width = geometry.width * factor, channels = geometry.out_channels,
            chunk = layer.cut().chunk_channels;
  const auto store = kernels_->store[layer.sums_are_integers()][storage_index(network_->storage)];
  StageWorkspaces& workspaces = workspaces_[stage_index];

  WorkerPool::shared().run(layer.tasks(), threads_, [&](int index, int slot_index) {
    const GeneratorLayer::Task task = layer.task(index);
    std::byte* sums = slot(slot_index) + plan_.slot_sums;
    std::byte* skip_sums = slot(slot_index) + plan_.slot_skip_sums;
    const int first_channel = task.chunk * chunk;
    layer.execute(task, workspaces.layer[slot_index], at<std::byte>(memory_, plan_.source), sums);

    StoreRun run;
    std::size_t skip_row = 0;
    if (stage.skip) {
      const GeneratorLayer& skip = *stage.skip;
      const GeneratorLayer::Geometry& small = skip.geometry();
      const GeneratorLayer::Task skip_task{task.band, 0, task.chunk, task.partial};
      const std::byte* source = reads_map(skip) ? static_cast<const std::byte*>(block_input)
                                                : at<std::byte>(memory_, plan_.skip_source);
      skip.execute(skip_task, workspaces.skip[slot_index], source, skip_sums);
      run.skip_scale = skip.scale(skip_task);
      run.bias = stage.skip_bias.data() + first_channel;
      skip_row = sizeof(float) * small.width * chunk;
    }

    float* partial =
        at<float>(memory_, plan_.partials) + static_cast<std::size_t>(task.partial) * 2 * channels;
    run.sum = partial + first_channel;
    run.sum_of_squares = partial + channels + first_channel;
    std::fill_n(run.sum, chunk, 0.0f);
    std::fill_n(run.sum_of_squares, chunk, 0.0f);
    run.scale = layer.scale(task);
    run.channels = chunk;
    run.pixels = geometry.width;
    run.out_stride = static_cast<std::ptrdiff_t>(channels) * factor;
    const int rows = layer.cut().band_rows;
    for (int i = 0; i < rows * layer.phases_a_task(); ++i) {
      const int row = i % rows, phase = task.phase + i / rows;
      const std::size_t out_row = static_cast<std::size_t>(task.band * rows + row) * factor + phase / 2;
      const std::size_t first = (out_row * out_width + phase % 2) * channels + first_channel;
      run.accumulator = sums + sizeof(float) * i * geometry.width * chunk;
      run.out = static_cast<std::byte*>(out) + first * value;
      if (stage.adds_block_input) run.residual = static_cast<const std::byte*>(block_input) + first * value;
      if (stage.skip) run.skip = skip_sums + (row / 2) * skip_row;
      store(run);
    }
  });
  reduce_statistics(layer);
}

void Generator::reduce_statistics(const GeneratorLayer& layer) {
  const int channels = layer.geometry().out_channels;
  const double count = static_cast<double>(layer.geometry().height) * layer.geometry().width * layer.phases();
  const float* partials = at<float>(memory_, plan_.partials);
  std::fill_n(mean_.begin(), channels, 0.0);
  std::fill_n(variance_.begin(), channels, 0.0);
  for (int part = 0; part < layer.parts(); ++part, partials += 2 * channels) {
    for (int c = 0; c < channels; ++c) mean_[c] += partials[c];
    for (int c = 0; c < channels; ++c) variance_[c] += partials[channels + c];
  }
  for (int c = 0; c < channels; ++c) {
    mean_[c] /= count;
    variance_[c] = std::max(variance_[c] / count - mean_[c] * mean_[c], 0.0);
  }
}

void Generator::finish(std::size_t stage_index, float* floats, std::uint8_t* bytes, AlphaMode alpha) {
  const PreparedGenerator::Stage& stage = network_->stages[stage_index];
  const GeneratorLayer& layer = stage.layer;
  const GeneratorLayer::Geometry& geometry = layer.geometry();
  const int rows = layer.cut().band_rows, pixels = rows * geometry.width;
  StageWorkspaces& workspaces = workspaces_[stage_index];
  WorkerPool::shared().run(layer.tasks(), threads_, [&](int index, int slot_index) {
    const GeneratorLayer::Task task = layer.task(index);
    std::byte* sums = slot(slot_index) + plan_.slot_sums;
    layer.execute(task, workspaces.layer[slot_index], at<std::byte>(memory_, plan_.source), sums);
    const std::size_t first = static_cast<std::size_t>(task.band) * pixels * 4;
    float* values = floats ? floats + first : reinterpret_cast<float*>(sums);
    kernels_->activate[layer.sums_are_integers()](sums, layer.scale(task), network_->out_bias.data(), values,
                                                  pixels);
    if (bytes) kernels_->to_rgba(values, bytes + first, pixels, alpha == AlphaMode::premultiplied);
  });
}

}  // namespace reenact::cpu
