// SPDX-License-Identifier: LGPL-2.1-or-later
#include "head_frames.h"

namespace reenact {
namespace {

/// How downstream's pool takes a configuration.
enum class Takes {
  as_wanted,
  padded,     ///< makes its buffers larger, says so once and takes that
  other_caps  ///< changes the caps, so that nobody can use it
};

constexpr guint padding = 64;

struct PickyPool {
  GstBufferPool parent;
  Takes takes;
};
struct PickyPoolClass {
  GstBufferPoolClass parent_class;
};
G_DEFINE_TYPE(PickyPool, picky_pool, GST_TYPE_BUFFER_POOL)

gboolean set_config(GstBufferPool* pool, GstStructure* config) {
  const Takes takes = reinterpret_cast<PickyPool*>(pool)->takes;
  GstCaps* caps = nullptr;
  guint size = 0, minimum = 0, maximum = 0;
  gst_buffer_pool_config_get_params(config, &caps, &size, &minimum, &maximum);
  GstVideoInfo info;
  gst_video_info_from_caps(&info, caps);
  bool changed = false;
  if (takes == Takes::padded && size < GST_VIDEO_INFO_SIZE(&info) + padding) {
    gst_buffer_pool_config_set_params(config, caps, guint(GST_VIDEO_INFO_SIZE(&info)) + padding, minimum,
                                      maximum);
    changed = true;
  } else if (takes == Takes::other_caps) {
    const Owned<GstCaps> other(gst_caps_new_simple("video/x-raw", "width", G_TYPE_INT, 7, nullptr));
    gst_buffer_pool_config_set_params(config, other.get(), size, minimum, maximum);
    changed = true;
  }
  return GST_BUFFER_POOL_CLASS(picky_pool_parent_class)->set_config(pool, config) && !changed;
}

void picky_pool_class_init(PickyPoolClass* klass) {
  GST_BUFFER_POOL_CLASS(klass)->set_config = set_config;
}
void picky_pool_init(PickyPool*) {}

class OutputPoolTest : public HeadFramesTest {
 protected:
  /// A picture of a compositor to whom such a pool is offered; null where the two do not agree.
  Owned<GstBuffer> picture(Takes takes) {
    pool_.reset(static_cast<GstBufferPool*>(g_object_new(picky_pool_get_type(), nullptr)));
    gst_object_ref_sink(pool_.get());
    reinterpret_cast<PickyPool*>(pool_.get())->takes = takes;
    start("background=color", "video/x-raw, format=(string)RGB");
    gst_pad_add_probe(fill_->sinkpad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, offer, pool_.get(), nullptr);
    if (gst_harness_push(fill_.get(), head(0, soft_head({10, 200, 30}))) != GST_FLOW_OK) return {};
    return Owned<GstBuffer>(gst_harness_pull(fill_.get()));
  }

  static GstPadProbeReturn offer(GstPad*, GstPadProbeInfo* info, gpointer pool) {
    GstQuery* query = GST_PAD_PROBE_INFO_QUERY(info);
    if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION) return GST_PAD_PROBE_OK;
    if (gst_query_get_n_allocation_pools(query) == 0)
      gst_query_add_allocation_pool(query, GST_BUFFER_POOL(pool), 0, 2, 0);
    return GST_PAD_PROBE_HANDLED;
  }

  static constexpr gsize picture_size = gsize(width) * height * 3;
  Owned<GstBufferPool> pool_;
};

TEST_F(OutputPoolTest, TakesAPoolAsItIs) {
  const auto out = picture(Takes::as_wanted);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->pool, pool_.get());
}

TEST_F(OutputPoolTest, TakesAPoolThatMakesItsBuffersLarger) {
  const auto out = picture(Takes::padded);
  ASSERT_TRUE(out) << error_text();
  EXPECT_EQ(out->pool, pool_.get());
  EXPECT_EQ(gst_buffer_get_size(out.get()), picture_size + padding);
}

TEST_F(OutputPoolTest, MakesItsOwnInPlaceOfAPoolForOtherCaps) {
  const auto out = picture(Takes::other_caps);
  ASSERT_TRUE(out) << error_text();
  EXPECT_TRUE(out->pool);
  EXPECT_NE(out->pool, pool_.get());
  EXPECT_EQ(gst_buffer_get_size(out.get()), picture_size);
}

}  // namespace
}  // namespace reenact
