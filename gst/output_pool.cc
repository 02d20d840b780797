// SPDX-License-Identifier: LGPL-2.1-or-later
#include "output_pool.h"

#include <algorithm>

namespace reenact {

gboolean decide_video_pool(GstQuery* query) {
  GstCaps* caps = nullptr;
  GstVideoInfo info;
  gst_query_parse_allocation(query, &caps, nullptr);
  if (!caps || !gst_video_info_from_caps(&info, caps)) return FALSE;
  GstBufferPool* pool = nullptr;
  guint size = 0, minimum = 0, maximum = 0;
  const bool offered = gst_query_get_n_allocation_pools(query) > 0;
  if (offered) gst_query_parse_nth_allocation_pool(query, 0, &pool, &size, &minimum, &maximum);
  size = std::max(size, guint(GST_VIDEO_INFO_SIZE(&info)));
  if (!pool) pool = gst_video_buffer_pool_new();
  GstStructure* config = gst_buffer_pool_get_config(pool);
  gst_buffer_pool_config_set_params(config, caps, size, minimum, maximum);
  if (gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr)) {
    gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  }
  const gboolean configured = gst_buffer_pool_set_config(pool, config);
  if (offered) {
    gst_query_set_nth_allocation_pool(query, 0, pool, size, minimum, maximum);
  } else {
    gst_query_add_allocation_pool(query, pool, size, minimum, maximum);
  }
  gst_object_unref(pool);
  return configured;
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
