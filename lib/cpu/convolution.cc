// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/convolution.h"

#include <algorithm>
#include <string>

#include "cpu/single_threaded_onednn.h"
#include "reenact/error.h"
#include "reenact/safetensors.h"

namespace reenact::cpu {
namespace {

using DataType = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

DataType source_type(Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::bf16:
      return DataType::bf16;
    case Arithmetic::int8:
      return DataType::u8;
    case Arithmetic::f32:
      break;
  }
  return DataType::f32;
}

dnnl::memory::dims weight_dimensions(const ConvolutionShape& shape) {
  if (shape.depthwise) return {shape.out_channels, 1, 1, shape.kernel_height, shape.kernel_width};
  return {shape.out_channels, shape.in_channels, shape.kernel_height, shape.kernel_width};
}

dnnl::convolution_forward::primitive_desc describe(const ConvolutionShape& shape, Arithmetic arithmetic,
                                                   const ConvolutionEpilogue& epilogue) {
  using Descriptor = dnnl::memory::desc;
  const DataType source = source_type(arithmetic);
  const bool scaled = !epilogue.output_scales.empty();
  const DataType sums = arithmetic == Arithmetic::int8                      ? (!scaled           ? DataType::s32
                                                                               : epilogue.narrow ? DataType::u8
                                                                                                 : DataType::f32)
                        : epilogue.narrow && arithmetic == Arithmetic::bf16 ? DataType::bf16
                                                                            : DataType::f32;
  const Descriptor source_desc({1, shape.in_channels, shape.in_height, shape.in_width}, source, Tag::nhwc);
  const Descriptor weights_desc(weight_dimensions(shape),
                                arithmetic == Arithmetic::int8 ? DataType::s8 : source, Tag::any);
  const Descriptor destination_desc({1, shape.out_channels, shape.out_height(), shape.out_width()}, sums,
                                    Tag::nhwc);
  const Descriptor bias_desc =
      epilogue.bias ? Descriptor({shape.out_channels}, DataType::f32, Tag::x) : Descriptor();

  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops post_ops;
  if (epilogue.accumulate) post_ops.append_sum(1.0f);
  const dnnl::memory::dims strides = {shape.stride, shape.stride}, before = {shape.pad_top, shape.pad_left},
                           after = {shape.pad_bottom, shape.pad_right};
  constexpr auto inference = dnnl::prop_kind::forward_inference;
  constexpr auto direct = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  // oneDNN 3 adds the bias after scaling and takes the scales only when a convolution runs.
  if (scaled) throw Error(ErrorCode::unsupported, "scaled int8 convolutions want oneDNN 2");
  if (epilogue.activation == ConvolutionEpilogue::Activation::relu) {
    post_ops.append_eltwise(dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
  } else if (epilogue.activation == ConvolutionEpilogue::Activation::relu6) {
    post_ops.append_eltwise(dnnl::algorithm::eltwise_clip, 0.0f, 6.0f);
  }
  attributes.set_post_ops(post_ops);
  return dnnl::convolution_forward::primitive_desc(onednn_engine(), inference, direct, source_desc,
                                                   weights_desc, bias_desc, destination_desc, strides, before,
                                                   after, attributes);
#else
  if (scaled) attributes.set_output_scales(1 << 1, epilogue.output_scales);
  if (epilogue.activation == ConvolutionEpilogue::Activation::relu) {
    post_ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
  } else if (epilogue.activation == ConvolutionEpilogue::Activation::relu6) {
    post_ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_clip, 0.0f, 6.0f);
  }
  attributes.set_post_ops(post_ops);
  const dnnl::convolution_forward::desc desc(inference, direct, source_desc, weights_desc, bias_desc,
                                             destination_desc, strides, before, after);
  return dnnl::convolution_forward::primitive_desc(desc, attributes, onednn_engine());
#endif
}

dnnl::convolution_forward::primitive_desc describe_or_throw(const ConvolutionShape& shape,
                                                            Arithmetic arithmetic,
                                                            const ConvolutionEpilogue& epilogue) {
  // oneDNN fixes the number of threads when it plans.
  SingleThreadedOneDnn single_threaded;
  try {
    return describe(shape, arithmetic, epilogue);
  } catch (const dnnl::error& error) {
    throw Error(ErrorCode::unsupported, "oneDNN has no convolution for " + std::to_string(shape.in_channels) +
                                            " to " + std::to_string(shape.out_channels) + " channels at " +
                                            std::to_string(shape.in_width) + "x" +
                                            std::to_string(shape.in_height) + ": " + error.what());
  }
}

}  // namespace

const dnnl::engine& onednn_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

Convolution::Convolution(const ConvolutionShape& shape, Arithmetic arithmetic,
                         const ConvolutionEpilogue& epilogue)
    : shape_(shape), bias_(epilogue.bias), descriptor_(describe_or_throw(shape, arithmetic, epilogue)) {
  SingleThreadedOneDnn single_threaded;
  primitive_ = dnnl::convolution_forward(descriptor_);
}

std::size_t Convolution::source_bytes() const {
  return descriptor_.src_desc().get_size();
}
std::size_t Convolution::destination_bytes() const {
  return descriptor_.dst_desc().get_size();
}

PackedWeights Convolution::pack(const void* weights, dnnl::memory::data_type type,
                                std::span<const float> bias) const {
  SingleThreadedOneDnn single_threaded;
  const dnnl::engine& engine = onednn_engine();
  const dnnl::memory::desc plain_desc(weight_dimensions(shape_), type,
                                      shape_.depthwise ? Tag::goihw : Tag::oihw);
  dnnl::memory plain(plain_desc, engine, const_cast<void*>(weights));
  PackedWeights packed;
  packed.weights = dnnl::memory(descriptor_.weights_desc(), engine);
  dnnl::stream stream(engine);
  dnnl::reorder(plain, packed.weights).execute(stream, plain, packed.weights);
  stream.wait();
  if (bias_) {
    packed.bias = dnnl::memory(descriptor_.bias_desc(), engine);
    std::copy(bias.begin(), bias.end(), static_cast<float*>(packed.bias.get_data_handle()));
  }
  return packed;
}

PackedWeights Convolution::pack(std::span<const float> weights, std::span<const float> bias) const {
  return pack(weights.data(), DataType::f32, bias);
}

PackedWeights Convolution::pack(std::span<const std::int8_t> weights, std::span<const float> bias) const {
  return pack(weights.data(), DataType::s8, bias);
}

ConvolutionHandles Convolution::handles(void* scratch) const {
  const dnnl::engine& engine = onednn_engine();
  return {dnnl::stream(engine), dnnl::memory(descriptor_.src_desc(), engine, nullptr),
          dnnl::memory(descriptor_.dst_desc(), engine, nullptr),
          dnnl::memory(descriptor_.scratchpad_desc(), engine, scratch)};
}

void Convolution::execute(ConvolutionHandles& handles, const void* source, const PackedWeights& weights,
                          void* destination) const {
  handles.source.set_data_handle(const_cast<void*>(source));
  handles.destination.set_data_handle(destination);
  // The C function: its C++ wrapper builds a vector and a map for each call.
  dnnl_exec_arg_t arguments[5] = {{DNNL_ARG_SRC, handles.source.get()},
                                  {DNNL_ARG_WEIGHTS, weights.weights.get()},
                                  {DNNL_ARG_DST, handles.destination.get()},
                                  {DNNL_ARG_SCRATCHPAD, handles.scratch.get()},
                                  {DNNL_ARG_BIAS, nullptr}};
  int count = 4;
  if (bias_) arguments[count++].memory = weights.bias.get();
  dnnl::error::wrap_c_api(dnnl_primitive_execute(primitive_.get(), handles.stream.get(), count, arguments),
                          "a convolution failed");
}

}  // namespace reenact::cpu
