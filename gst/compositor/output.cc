// SPDX-License-Identifier: LGPL-2.1-or-later
#include "compositor/output.h"

#include <algorithm>

#include "base/glib.h"
#include "stream/face_meta.h"

namespace reenact {
namespace {

gboolean copy_independent(GstBuffer* source, GstMeta** meta, gpointer target) {
  const GstMetaInfo* info = (*meta)->info;
  if (info->api != face_meta_api_get_type() && meta_is_independent_of_picture(info) && info->transform_func) {
    GstMetaTransformCopy all{FALSE, 0, gsize(-1)};
    info->transform_func(static_cast<GstBuffer*>(target), *meta, source, _gst_meta_transform_copy, &all);
  }
  return TRUE;
}

/// Which part of the frame is the picture holds for the output as well, whose size may be another.
void copy_active_format(GstBuffer* frame, const GstVideoInfo& frame_info, GstBuffer* out,
                        const GstVideoInfo& out_info) {
  gpointer state = nullptr;
  while (GstMeta* meta = gst_buffer_iterate_meta_filtered(frame, &state, GST_VIDEO_AFD_META_API_TYPE)) {
    const auto* active = reinterpret_cast<const GstVideoAFDMeta*>(meta);
    gst_buffer_add_video_afd_meta(out, active->field, active->spec, active->afd);
  }
  state = nullptr;
  while (GstMeta* meta = gst_buffer_iterate_meta_filtered(frame, &state, GST_VIDEO_BAR_META_API_TYPE)) {
    const auto* bars = reinterpret_cast<const GstVideoBarMeta*>(meta);
    const int from =
        bars->is_letterbox ? GST_VIDEO_INFO_HEIGHT(&frame_info) : GST_VIDEO_INFO_WIDTH(&frame_info);
    const int to = bars->is_letterbox ? GST_VIDEO_INFO_HEIGHT(&out_info) : GST_VIDEO_INFO_WIDTH(&out_info);
    const auto scaled = [&](guint at) {
      return guint(gst_util_uint64_scale_int_round(at, to, std::max(1, from)));
    };
    gst_buffer_add_video_bar_meta(out, bars->field, bars->is_letterbox, scaled(bars->bar_data1),
                                  scaled(bars->bar_data2));
  }
}

struct Scaling {
  GstBuffer* target;
  GstVideoMetaTransform sizes;
};

gboolean copy_region(GstBuffer* source, GstMeta** meta, gpointer data) {
  auto& scaling = *static_cast<Scaling*>(data);
  const GstMetaInfo* info = (*meta)->info;
  if (info->api == GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE) {
    info->transform_func(scaling.target, *meta, source, gst_video_meta_transform_scale_get_quark(),
                         &scaling.sizes);
  }
  return TRUE;
}

struct PoolNeeds {
  GstCaps* caps = nullptr;
  guint size = 0, minimum = 0, maximum = 0;
  bool video_meta = false;
};

/// Whether `pool` gives such buffers; what it makes of size and number is in `needs` then.
bool configure_pool(GstBufferPool* pool, PoolNeeds& needs) {
  GstStructure* config = gst_buffer_pool_get_config(pool);
  gst_buffer_pool_config_set_params(config, needs.caps, needs.size, needs.minimum, needs.maximum);
  if (needs.video_meta) gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  if (!gst_buffer_pool_set_config(pool, config)) {
    // A pool may change what it is asked for, and wants to hear that the change is welcome.
    config = gst_buffer_pool_get_config(pool);
    if (!gst_buffer_pool_config_validate_params(config, needs.caps, needs.size, needs.minimum,
                                                needs.maximum)) {
      gst_structure_free(config);
      return false;
    }
    if (!gst_buffer_pool_set_config(pool, config)) return false;
  }
  config = gst_buffer_pool_get_config(pool);
  gst_buffer_pool_config_get_params(config, nullptr, &needs.size, &needs.minimum, &needs.maximum);
  gst_structure_free(config);
  return true;
}

}  // namespace

void copy_metas_to_output(GstBuffer* head, GstBuffer* out, const GstVideoInfo& out_info) {
  gst_buffer_foreach_meta(head, copy_independent, out);
  const FaceMeta* face = get_face_meta(head);
  if (!face) return;
  const cv::Size frame = frame_size(*face);
  if (face->frame && !frame.empty()) {
    GstVideoInfo frame_info = face->frame_info, out_size = out_info;
    Scaling scaling{out, {&frame_info, &out_size}};
    gst_buffer_foreach_meta(face->frame, copy_region, &scaling);
    copy_active_format(face->frame, face->frame_info, out, out_info);
  }
  add_region_of_interest(out, *face, cv::Rect({}, frame), GST_VIDEO_INFO_WIDTH(&out_info),
                         GST_VIDEO_INFO_HEIGHT(&out_info));
}

void copy_timecodes(GstBuffer* from, GstBuffer* to) {
  gpointer state = nullptr;
  while (GstMeta* meta = gst_buffer_iterate_meta_filtered(from, &state, GST_VIDEO_TIME_CODE_META_API_TYPE))
    gst_buffer_add_video_time_code_meta(to, &reinterpret_cast<GstVideoTimeCodeMeta*>(meta)->tc);
}

gboolean decide_video_pool(GstQuery* query) {
  GstCaps* caps = nullptr;
  GstVideoInfo info;
  gst_query_parse_allocation(query, &caps, nullptr);
  if (!caps || !gst_video_info_from_caps(&info, caps)) return FALSE;
  GstBufferPool* offered = nullptr;
  PoolNeeds needs{.caps = caps};
  const bool listed = gst_query_get_n_allocation_pools(query) > 0;
  if (listed)
    gst_query_parse_nth_allocation_pool(query, 0, &offered, &needs.size, &needs.minimum, &needs.maximum);
  needs.size = std::max(needs.size, guint(GST_VIDEO_INFO_SIZE(&info)));
  needs.video_meta = gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  Owned<GstBufferPool> pool(offered);
  if (!pool || !configure_pool(pool.get(), needs)) {
    pool.reset(gst_video_buffer_pool_new());
    if (!configure_pool(pool.get(), needs)) return FALSE;
  }
  if (listed) {
    gst_query_set_nth_allocation_pool(query, 0, pool.get(), needs.size, needs.minimum, needs.maximum);
  } else {
    gst_query_add_allocation_pool(query, pool.get(), needs.size, needs.minimum, needs.maximum);
  }
  return TRUE;
}

GstBuffer* new_video_buffer(GstAggregator* aggregator, const GstVideoInfo& info) {
  GstBuffer* buffer = nullptr;
  GstBufferPool* pool = gst_aggregator_get_buffer_pool(aggregator);
  if (pool) {
    const bool acquired = (gst_buffer_pool_is_active(pool) || gst_buffer_pool_set_active(pool, TRUE)) &&
                          gst_buffer_pool_acquire_buffer(pool, &buffer, nullptr) == GST_FLOW_OK;
    gst_object_unref(pool);
    return acquired ? buffer : nullptr;
  }
  return gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
}

}  // namespace reenact
