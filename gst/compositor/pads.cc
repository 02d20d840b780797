// SPDX-License-Identifier: LGPL-2.1-or-later
#include "compositor/element.h"

namespace reenact {

std::shared_ptr<KeyPad> key_pad_of(ReenactCompositor* self) {
  const ObjectLock lock(self);
  return self->p->key_pad;
}

GstAggregatorPad* new_background_pad(ReenactCompositor* self, GstPadTemplate* pad_template) {
  if (pad_template->direction != GST_PAD_SINK || pad_template->presence != GST_PAD_REQUEST) return nullptr;
  {
    const ObjectLock lock(self);
    if (self->p->background_pad) return nullptr;
  }
  auto* pad = static_cast<ReenactBackgroundPad*>(g_object_new(reenact_background_pad_get_type(), "name",
                                                              "background", "direction", GST_PAD_SINK,
                                                              "template", pad_template, nullptr));
  const ObjectLock lock(self);
  self->p->background_pad = pad;
  return GST_AGGREGATOR_PAD(pad);
}

GstPad* new_key_pad(ReenactCompositor* self, GstPadTemplate* pad_template) {
  const auto key = std::make_shared<KeyPad>(GST_AGGREGATOR(self), pad_template);
  {
    const ObjectLock lock(self);
    if (self->p->key_pad) return nullptr;
    self->p->key_pad = key;
  }
  gst_pad_set_active(key->pad(), TRUE);
  gst_element_add_pad(GST_ELEMENT(self), key->pad());
  gst_pad_mark_reconfigure(GST_AGGREGATOR_SRC_PAD(self));  // the fill needs no alpha of its own
  return key->pad();
}

bool release_pad_of(ReenactCompositor* self, GstPad* pad) {
  ReenactCompositor::Private& p = *self->p;
  std::shared_ptr<KeyPad> key;
  {
    const ObjectLock lock(self);
    if (GST_PAD(p.background_pad) == pad) p.background_pad = nullptr;
    if (p.key_pad && p.key_pad->pad() == pad) key = std::move(p.key_pad);
  }
  if (!key) return false;
  gst_pad_set_active(pad, FALSE);
  gst_element_remove_pad(GST_ELEMENT(self), pad);
  gst_pad_mark_reconfigure(GST_AGGREGATOR_SRC_PAD(self));
  return true;
}

}  // namespace reenact
